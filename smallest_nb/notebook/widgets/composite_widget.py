"""One model for a widget of several parts: the player, the settings and the takes of a tuner are drawn by one page.

A part is a widget of its own class that was made `within` the composite's channel: it has traits and messages, but no
model in the page. Its synced traits are traits of the composite under a name with a dot, `player.status`, both ways;
its messages carry its name. The page draws the same component for a part and for a widget of its own (js/src/part.ts).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import sys
import weakref
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import ipywidgets
import traitlets

from smallest_nb.client import background_loop
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.notebook.comm.channel import Channel
from smallest_nb.notebook.widgets import lifetime
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.mime_bundle import without_html
from smallest_nb.notebook.widgets.static_html import StaticHtml

__all__ = ["CompositeWidget"]

_LEFT_SECS = 5.0
_OWN_TRAITS = frozenset(ipywidgets.DOMWidget.class_trait_names(sync=True))
"""Of every model; a part has none of these for itself."""


class CompositeWidget(SpeechWidget):
    """A widget of several parts; readable in a saved notebook, and closed when neither cell nor page has it.

    A subclass makes the channel with `_begin`, its parts within it, and then calls this constructor. Its own
    constructor ends with `_open`, which makes the model in the page: what it sets until then is in the first state.

    Args:
        parts: The parts by name.
        draw: Returns the HTML that a saved notebook shows.

    Attributes:
        parts: As given.
    """

    _collected = False
    _complete = False

    def __init__(self, parts: Mapping[str, SpeechWidget], draw: Callable[[], str], **kwargs: Any) -> None:
        self._process = os.getpid()
        self.saved_html = StaticHtml(draw)
        self.parts = dict(parts)
        shared = {f"{name}.{trait}": (part, trait) for name, part in parts.items() for trait in _shared(part)}
        self.add_traits(**{name: traitlets.Any().tag(sync=True) for name in shared})
        values = {name: getattr(part, trait) for name, (part, trait) in shared.items()}
        super().__init__(within=None, **values, **kwargs)
        for name, part in parts.items():
            _bind(self, name, part)
        self.on_left(lifetime.weakly(self._page_left))

    def _begin(self) -> Channel:
        """Make the channel, before the parts that share it."""
        self.module_name = getattr(getattr(type(self), "_esm", None), "name", "")
        self._snb_channel = super()._make_channel()
        return self._snb_channel

    def _make_channel(self) -> Channel:
        return self._snb_channel

    def open(self) -> None:
        """Make the model in the page, once the widget is complete."""
        if self._complete:
            super().open()

    def _open(self) -> None:
        """Make the model in the page where the host has not, as marimo does; the last line of a constructor."""
        self._complete = True
        self.open()
        lifetime.hold_weakly(self)
        if _in_marimo():
            self._end_with_the_cell()

    @property
    def is_seen(self) -> bool:
        """Whether a page shows it."""
        return self.shown

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

    def static_html(self) -> str:
        """Return what a saved notebook shows."""
        return self.saved_html.draw()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        beside = self.saved_html.show()
        lifetime.keep_shown(self)
        bundle = super()._repr_mimebundle_(**kwargs)
        return without_html(bundle) if beside else bundle

    if hasattr(ipywidgets.Widget, "_ipython_display_"):  # ipywidgets 7

        def _ipython_display_(self, **kwargs: Any) -> None:
            self.saved_html.show()
            lifetime.keep_shown(self)
            super()._ipython_display_(**kwargs)

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
        """Close the widget; what was made before a fork is the other process's, and stays open there."""
        if getattr(self, "_process", None) not in (None, os.getpid()):
            return
        if hasattr(self, "parts"):
            self.saved_html.close()
            for part in self.parts.values():
                part.close()
            self.layout.close()
        super().close()


def _shared(part: SpeechWidget) -> list[str]:
    return [name for name in part.keys if not name.startswith("_") and name not in _OWN_TRAITS]


def _bind(whole: CompositeWidget, name: str, part: SpeechWidget) -> None:
    """Keep a part's traits and the composite's the same."""
    prefix = f"{name}."

    def to_page(change: Any) -> None:
        whole.set_trait(prefix + change["name"], change["new"])

    def to_part(change: Any) -> None:
        trait = change["name"].removeprefix(prefix)
        try:
            part.set_trait(trait, change["new"])
        except Exception:
            whole.set_trait(change["name"], getattr(part, trait))  # the page shows what holds
            raise

    part.snb_root = weakref.ref(whole)
    shared = _shared(part)
    part.observe(to_page, names=shared)
    whole.observe(to_part, names=[prefix + trait for trait in shared])


def _in_marimo() -> bool:
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())
