"""The StaticFace: what a saved notebook shows of a widget where no kernel runs."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import logging
import os
import sys
import uuid
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import ipywidgets

from smallest_nb.client import background_loop
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.notebook.widgets import lifetime, trait_resend
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.composite import Composite
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["Faced", "StaticFace"]

_log = logging.getLogger(__name__)
_SETTLE_SECS = 0.5
_LEFT_SECS = 5.0
_MOST_CHARACTERS = 100_000


class StaticFace:
    """An output beside a widget's own, kept up to date, so that the notebook is saved with what the widget last showed.

    Our style sheets hide it (`.snb-face` in `base.css`): where a widget lives they are loaded, and where none does
    (GitHub, nbviewer, an exported page, a notebook that was opened again) they are not, and it is all there is to see.
    A widget's own output cannot be renewed so: the page would draw the widget again.

    Args:
        draw: Returns HTML. Called on the background loop, and by `show`.
    """

    def __init__(self, draw: Callable[[], str]) -> None:
        self._draw = draw
        self._id = f"snb-{uuid.uuid4().hex}"
        self._context: contextvars.Context | None = None
        self._due: asyncio.TimerHandle | None = None
        self._stale = False
        self._kept = ""

    def show(self) -> None:
        """Put it out with the cell that runs now; nothing happens outside of a Jupyter kernel."""
        from IPython import get_ipython  # noqa: PLC0415 - as is all of Jupyter, only where it is used

        shell = get_ipython()
        if getattr(shell, "kernel", None) is None:
            return
        if self._context is None:
            _renew_after_cells(shell, weakref.ref(self))
        # ipykernel 7.0 can publish from a thread only inside the context of a cell.
        self._context = contextvars.copy_context()
        self._kept = self._publish(update=False)

    def refresh(self) -> None:
        """Renew it soon; many changes in a row make one."""
        if self._context is not None:
            self._stale = True
            background_loop.post(self._schedule)

    def close(self) -> None:
        """Renew it no more."""
        self._context = None

    def _schedule(self) -> None:
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_SETTLE_SECS, self._renew)

    def _renew(self) -> None:
        self._due = None
        if self._context is not None:
            self._context.copy().run(self._renew_now)

    def _renew_now(self) -> None:
        if self._context is None or not self._stale:
            return
        self._stale = False
        try:
            self._publish(update=True)
        except Exception:
            _log.exception("the static face could not be renewed")

    def _renew_in_cell(self) -> None:
        """Renew it with the cell that just ended, unless that is what an earlier cell has kept already."""
        self._stale = False
        try:
            self._kept = self._publish(update=True, unless=self._kept)
        except Exception:
            _log.exception("the static face could not be renewed")

    def _publish(self, *, update: bool, unless: str | None = None) -> str:
        from IPython.display import publish_display_data  # noqa: PLC0415

        drawn = self._draw()
        if drawn == unless:
            return drawn
        whole = drawn
        if len(drawn) > _MOST_CHARACTERS:
            drawn = f"<p>More than {_MOST_CHARACTERS // 1000} kB: it is not kept in the notebook.</p>"
        publish_display_data(
            {"text/html": f'<div class="snb-face">{drawn}</div>', "text/plain": ""},
            transient={"display_id": self._id},
            update=update,
        )
        return whole


def _renew_after_cells(shell: Any, face: weakref.ref[StaticFace]) -> None:
    """Renew a face with the cell that changed it, or the next: who runs notebooks listens to the running cell only."""

    def after(_result: Any) -> None:
        alive = face()
        if alive is None or alive._context is None:  # noqa: SLF001 - the same file
            shell.events.unregister("post_run_cell", after)
        else:
            alive._renew_in_cell()  # noqa: SLF001

    shell.events.register("post_run_cell", after)


class Faced(Unpicklable, ipywidgets.VBox):
    """A box of widgets with a static face; both of ipywidgets' ways of being displayed put it out."""

    _collected = False

    def __init__(self, children: Any, draw: Callable[[], str], **kwargs: Any) -> None:
        self._process = os.getpid()
        self.face = StaticFace(draw)
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

    def rest(self) -> None:
        """Give up what only a person who sees it needs."""

    def _page_left(self) -> None:
        """Look a moment later: a page that is loaded again says goodbye first."""
        asyncio.get_running_loop().call_later(_LEFT_SECS, lifetime.weakly(self._look_whether_seen))

    def _look_whether_seen(self) -> None:
        if not self.is_seen:
            self.rest()
        lifetime.leave(self)

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
        self.face.show()
        lifetime.keep_shown(self)
        return super()._repr_mimebundle_(**kwargs)

    if hasattr(ipywidgets.Widget, "_ipython_display_"):  # ipywidgets 7

        def _ipython_display_(self, **kwargs: Any) -> None:
            self.face.show()
            lifetime.keep_shown(self)
            super()._ipython_display_(**kwargs)

    def _display_(self) -> Any:
        """Show it in marimo, which asks for this and knows anywidgets only."""
        if self._composite is None:
            self._composite = Composite(self)
            self._end_with_the_cell()
        return self._composite

    def _end_with_the_cell(self) -> None:
        """Close with the comm, which marimo closes when the cell is run again or deleted; it tells nobody."""
        comm = self.comm
        shut = comm.close

        def closed(*args: Any, **kwargs: Any) -> None:
            comm.close = shut
            shut(*args, **kwargs)
            self.close()

        comm.close = closed

    def close(self) -> None:
        """Close the box; what was made before a fork is the other process's, and stays open there."""
        if getattr(self, "_process", None) not in (None, os.getpid()):
            return
        if hasattr(self, "face"):
            self.face.close()
            if self._composite is not None:
                self._composite.close()
        super().close()


def _follow(box: Any) -> None:
    """Hosts lose what a thread changes, of ipywidgets' own widgets too."""
    for child in box.children:
        trait_resend.follow(child)
        if hasattr(child, "children"):
            _follow(child)
