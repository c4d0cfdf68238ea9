"""The microphone of a page of the notebook; a tab of its own is one more page."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import cast, get_args

from smallest_nb.audio.clip import BYTES_PER_SAMPLE
from smallest_nb.client import background_loop
from smallest_nb.notebook.comm.messages import MicChunk, MicState, RecordingState
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets.microphone_source import SourceReport

__all__ = ["SILENT_PAGE_SECS", "PageSource"]

_log = logging.getLogger(__name__)

SILENT_PAGE_SECS = 120.0
"""A recording without a chunk for so long is over; a busy kernel is no reason, since it hears the chunks first."""

_START_SECS = 5.0
"""A page that comes later does not begin to record by itself."""

_LATE_SECS = 0.3
"""A chunk that another overtook comes within milliseconds; one that the page dropped never does."""
_MAX_EARLY = 16


class PageSource:
    """Records what the page that owns the microphone sends.

    Args:
        channel: The microphone's; only its owner is listened to, since two pages may record at once for a moment.

    Attributes:
        latency_ms: Of the latest 1000 chunks, from capturing the last sample to having it here.
    """

    on_pcm: Callable[[bytes], None]
    on_state: Callable[[SourceReport], None]

    def __init__(self, channel: PartChannel) -> None:
        self.latency_ms: deque[float] = deque(maxlen=1000)
        self._channel = channel
        self._page: str | None = None
        """The page that records, from its first report to its last."""
        self._next = 0
        self._early: dict[int, tuple[MicChunk, bytes]] = {}
        self._late: asyncio.TimerHandle | None = None
        self._silent: asyncio.TimerHandle | None = None
        self._paused = False
        channel.on(MicState, lambda m, _b: background_loop.post(self._state, m))
        channel.on(MicChunk, lambda m, b: background_loop.post(self._chunk, m, b))
        channel.on_owner(lambda: background_loop.post(self._owner_changed))

    def start(self) -> None:
        """Ask the page that was used last to record; from any thread. The browser may ask the person first."""
        self._channel.command({"type": "mic-start"}, keep_secs=_START_SECS)

    def stop(self) -> None:
        """Ask the pages to stop; from any thread. The one that records sends its last words first."""
        self._channel.forget_commands("mic-start")
        self._channel.post({"type": "mic-stop"})
        background_loop.post_if_running(self._stop_asked)

    def end(self) -> None:
        """End the recording without the page, which is gone, silent, or does not own the microphone any more."""
        if self._page is not None:
            self._skip_missing()
            self._page = None
            self._watch()
            self.on_state(SourceReport("idle", by_kernel=True))

    def _state(self, message: MicState) -> None:
        state = cast("RecordingState", message["state"])
        if message["page"] != self._channel.owner or state not in get_args(RecordingState):
            return  # another page; the one that was pressed counts
        if state == "starting" or (state == "recording" and self._page != message["page"]):
            self._next = 0
            self._early.clear()
            self.latency_ms.clear()
        if state == "idle":
            self._skip_missing()
        self._page = None if state == "idle" else message["page"]
        self._paused = state == "paused"
        self._watch()
        self.on_state(SourceReport(state, message["error"], message["rate"], message["dropped"], message["granted"]))

    def _owner_changed(self) -> None:
        """End a recording whose page does not own the microphone any more: its messages are ignored from now on."""
        if self._page != self._channel.owner:
            self.end()

    def _stop_asked(self) -> None:
        """Wait for the page as for a silent one, if it was paused: it may have died without `bye` meanwhile."""
        if self._paused:
            self._paused = False
            self._watch()

    def _give_up(self) -> None:
        """End the recording on both sides: a page that only slept would go on and send sound that is dropped."""
        self.stop()
        self.end()

    def _watch(self) -> None:
        """End a recording whose page is gone without a word (a crash, a closed laptop)."""
        if self._silent is not None:
            self._silent.cancel()
            self._silent = None
        if self._page is not None and not self._paused:
            self._silent = asyncio.get_running_loop().call_later(SILENT_PAGE_SECS, self._give_up)

    def _chunk(self, message: MicChunk, data: bytes) -> None:
        number = message["n"]
        if number < self._next or message["page"] != self._channel.owner or len(data) % BYTES_PER_SAMPLE:
            return  # sent twice by a host, from another page, or cut
        self._early[number] = (message, data)  # a kernel with subshells hears from the page on two threads
        while (one := self._early.pop(self._next, None)) is not None:
            self._next += 1
            self._take(*one)
        if len(self._early) > _MAX_EARLY:
            self._skip_missing()
        elif self._early and self._late is None:
            self._late = asyncio.get_running_loop().call_later(_LATE_SECS, self._skip_missing)

    def _skip_missing(self) -> None:
        """Go on without what is missing: the page had to drop it."""
        if self._late is not None:
            self._late.cancel()
            self._late = None
        for number in sorted(self._early):
            self._next = number + 1
            self._take(*self._early.pop(number), jumped=True)

    def _take(self, message: MicChunk, data: bytes, *, jumped: bool = False) -> None:
        self._watch()
        number = message["n"]
        if message["t"] is not None:
            self.latency_ms.append(monotonic() * 1000 - message["t"])
        self.on_pcm(data)
        if number % 5 == 0 or jumped or message["last"]:
            self._channel.post({"type": "mic-ack", "n": number}, to=message["page"])
