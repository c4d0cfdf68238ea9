"""A box of widgets that stays readable in a saved notebook, and is closed when neither cell nor page has it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import ipywidgets

from smallest_nb.client import background_loop
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.notebook.widgets import lifetime, trait_resend
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.composite import Composite
from smallest_nb.notebook.widgets.static_html import StaticHtml
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["StaticHtmlBox"]

_LEFT_SECS = 5.0


class StaticHtmlBox(Unpicklable, ipywidgets.VBox):
    """A box of widgets with static HTML beside it; both of ipywidgets' ways of being displayed put it out."""

    _collected = False

    def __init__(self, children: Any, draw: Callable[[], str], **kwargs: Any) -> None:
        self._process = os.getpid()
        self.saved_html = StaticHtml(draw)
        self._composite: Composite | None = None
        super().__init__(children, **kwargs)
        self.add_class("snb-composite")
        _follow(self)
        lifetime.hold_weakly(self)
        for child in self.children:
            if isinstance(child, SpeechWidget):
                child.on_left(lifetime.weakly(self._page_left))

    @property
    def is_seen(self) -> bool:
        """Whether a page shows it."""
        return any(isinstance(child, SpeechWidget) and child.shown for child in self.children)

    def on_hidden(self) -> None:
        """Give back what only a person who sees it needs."""

    def _page_left(self) -> None:
        """Look a moment later: a page that is loaded again says `bye` first."""
        asyncio.get_running_loop().call_later(_LEFT_SECS, lifetime.weakly(self._look_whether_seen))

    def _look_whether_seen(self) -> None:
        if not self.is_seen:
            self.on_hidden()
        lifetime.release_if_hidden(self)

    def __del__(self, _is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not _is_finalizing():  # then nothing may be imported, sent or started any more, and everything ends anyway
            self._collected = True
            super().__del__()

    def _check_process(self) -> None:
        """Refuse what would use the sockets and the background loop of another process.

        Raises:
            ConfigError: It was made before a fork.
        """
        if self._process != os.getpid():
            raise ConfigError(f"This {type(self).__name__} was made in another process; make a new one here.")

    def _end(self, ending: Coroutine[Any, Any, Any], seconds: float) -> None:
        """Wait for the end of a session, but not where that holds others up: on the loop, and in the garbage collector.

        The collector runs in any thread and at any place, also where that thread holds what the loop is waiting for.
        """
        if self._collected:
            background_loop.submit_if_running(ending)
            return
        with contextlib.suppress(TimeoutError, SmallestError, concurrent.futures.CancelledError):
            background_loop.call_if_running(ending, seconds)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self.saved_html.show()
        lifetime.keep_shown(self)
        return super()._repr_mimebundle_(**kwargs)

    if hasattr(ipywidgets.Widget, "_ipython_display_"):  # ipywidgets 7

        def _ipython_display_(self, **kwargs: Any) -> None:
            self.saved_html.show()
            lifetime.keep_shown(self)
            super()._ipython_display_(**kwargs)

    def _display_(self) -> Any:
        """Show it in marimo, which asks for this and knows anywidgets only."""
        if self._composite is None:
            self._composite = Composite(self)
            self._end_with_the_cell()
        return self._composite

    def _end_with_the_cell(self) -> None:
        """Close with the comm, which marimo closes when the cell is run again or deleted, without a message."""
        comm = self.comm
        shut = comm.close

        def close_all(*args: Any, **kwargs: Any) -> None:
            comm.close = shut
            shut(*args, **kwargs)
            self.close()

        comm.close = close_all

    def close(self) -> None:
        """Close the box; what was made before a fork is the other process's, and stays open there."""
        if getattr(self, "_process", None) not in (None, os.getpid()):
            return
        if hasattr(self, "saved_html"):
            self.saved_html.close()
            if self._composite is not None:
                self._composite.close()
        super().close()


def _follow(box: Any) -> None:
    """Hosts lose what a thread changes, of ipywidgets' own widgets too."""
    for child in box.children:
        trait_resend.follow(child)
        if hasattr(child, "children"):
            _follow(child)
