"""The ways to a microphone and the chosen one: this page, a tab of its own, the kernel's computer, a file.

A notebook host may forbid its outputs the microphone. The page says so, offers what is left with one press each, and
remembers (in the browser) what was chosen.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any

from smallest_nb.client.cleanup import start_task
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets.clip_source import ClipSource
from smallest_nb.notebook.widgets.kernel_capture import why_no_capture
from smallest_nb.notebook.widgets.kernel_source import KernelSource
from smallest_nb.notebook.widgets.microphone_source import MicrophoneSource
from smallest_nb.notebook.widgets.page_source import PageSource
from smallest_nb.notebook.widgets.recording_controller import RecordingController
from smallest_nb.notebook.widgets.tab_source import TabSource

__all__ = ["MicrophoneSources"]

_log = logging.getLogger(__name__)
_FILE = "file"
_FAR = ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "JUPYTERHUB_API_URL", "BINDER_SERVICE_HOST")
"""Set where the kernel runs on another computer than the browser, whose localhost it is not."""
_LAST_WORDS_SECS = 5.0
"""A page that is asked to stop has handed over its last words by then, or never will."""


class MicrophoneSources:
    """Knows the ways to a microphone, and switches from one to the other. On the background loop.

    Args:
        channel: The microphone's.
        controller: Says what records.
        page: The pages of the notebook.
        tab: A tab of its own.
        kernel: The kernel's computer.
        clip: Plays the microphone's part; switching the source does not end it.
        show: Called with what the page draws.

    Attributes:
        sources: The ways that a recording can take, by name: "page", "tab" and "kernel".
        active: The name of the chosen one.
    """

    def __init__(
        self,
        channel: PartChannel,
        controller: RecordingController,
        *,
        page: PageSource,
        tab: TabSource,
        kernel: KernelSource,
        clip: ClipSource,
        show: Callable[[dict[str, Any]], None],
    ) -> None:
        self.sources: dict[str, MicrophoneSource] = {"page": page, "tab": tab, "kernel": kernel}
        self.active = "page"
        self._channel = channel
        self._controller = controller
        self._page, self._tab, self._clip = page, tab, clip
        self._draw = show
        self._drawn: dict[str, Any] = {"sources": [], "url": "", "connected": False, "recording": False}
        self._chosen_by: tuple[str, str | None] | None = None
        """The page that chose the source, and the owner of the microphone at that moment."""
        self._limit: asyncio.TimerHandle | None = None
        self._searched = False
        self._on_file: list[Callable[[], None]] = []
        controller.on_state(self._state_changed)

    def on_file(self, handler: Callable[[], None]) -> None:
        """Call `handler()` when a person wants a file in place of the microphone."""
        self._on_file.append(handler)

    def search(self) -> None:
        """Find out, once, which ways there are, and show them."""
        if not self._searched:
            self._searched = True
            start_task(self._search())

    async def _search(self) -> None:
        found = ["page"]
        if not any(os.environ.get(name) for name in _FAR):
            found.append("tab")
        if await asyncio.to_thread(why_no_capture) is None:
            found.append("kernel")
        if self._on_file:
            found.append(_FILE)
        self.show(sources=found)

    def choose(self, name: str, page: str | None = None) -> None:
        """Take another way.

        Args:
            name: One of `sources`, or "file". A recording that runs ends, with its last words; a clip goes on.
            page: The page that chose it; the microphone is its own afterwards.
        """
        if name != _FILE and name not in self.sources:
            _log.warning("the page chose a microphone source that does not exist: %r", name)
            return
        if name == self.active and (name != "tab" or self._drawn["connected"]):
            return
        self._chosen_by = (page, self._channel.owner) if page else None
        records = self._controller.state != "idle" and not self._clip.busy
        if records:
            self._end()
        if name == _FILE:
            for handler in self._on_file:
                handler()
        else:
            self.active = name
            self.show(recording=name != "page" and self._controller.state != "idle")
        if name == "tab":
            self._tab.open()
        if not records or self._controller.state == "idle":
            self._switch()

    def start(self) -> None:
        """Record by the chosen way."""
        self.sources[self.active].start()

    def stop(self) -> None:
        """End what records, or is about to; from any thread."""
        self._clip.stop()
        for name in ("kernel", "page"):  # a tab is a page
            self.sources[name].stop()

    def show(self, **changes: Any) -> None:
        """Show the ways, and how the chosen one is doing, in the page."""
        self._drawn |= changes
        self._draw({**self._drawn, "active": self.active})

    def close(self) -> None:
        """Give back what is open."""
        self.sources["kernel"].stop()
        self._tab.close()

    def _state_changed(self, state: str) -> None:
        """Have the notebook's button say Stop while something elsewhere records."""
        if self.active != "page":
            self.show(recording=state != "idle")
        if state == "idle":
            self._switch()

    def _end(self) -> None:
        """End what records: the kernel's device at once, a page when it has handed over what it has."""
        self.stop()
        if self._controller.state != "idle" and self._limit is None:
            self._limit = asyncio.get_running_loop().call_later(_LAST_WORDS_SECS, self._page.end)

    def _switch(self) -> None:
        """Nothing records by the former way any more: its tab can go, and the page that chose owns the new one."""
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        chosen_by, former = self._chosen_by or (None, None)
        self._chosen_by = None
        if chosen_by in self._channel.pages and self._channel.owner in (None, former):  # no other was pressed meanwhile
            self._channel.claim(str(chosen_by))
        if self.active != "tab":
            self._tab.close()
