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

_ACK_EVERY = 5
_MISSING_SECS = 60.0
"""How long a missing chunk is waited for that the page still has and sends again; a busy kernel holds some up longer
than others."""
_MAX_EARLY = 64
"""More than a page has in flight."""


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
        self._missing: asyncio.TimerHandle | None = None
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
            self._stop_waiting()
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
        """Take chunks in order, each once; those before `oldest` do not come: they were for another page's recording.

        Messages of a page may be handled on two threads (`notebook/comm/message_route.py`), and a later one first.
        """
        number = message["n"]
        if message["page"] != self._channel.owner or len(data) % BYTES_PER_SAMPLE:
            return  # from another page, or cut
        if message["oldest"] > self._next:
            self._skip_before(message["oldest"])
        if number < self._next:  # sent twice by a host, or again because our answer was lost
            if number % _ACK_EVERY == 0 or number == self._next - 1:
                self._acknowledge(message["page"], self._next - 1)
            return
        self._early[number] = (message, data)
        self._take_ready()
        if len(self._early) > _MAX_EARLY:
            self._skip_missing()

    def _take_ready(self) -> None:
        while (one := self._early.pop(self._next, None)) is not None:
            self._next += 1
            self._take(*one)
        if not self._early:
            self._stop_waiting()
        elif self._missing is None:
            self._missing = asyncio.get_running_loop().call_later(_MISSING_SECS, self._skip_missing)

    def _stop_waiting(self) -> None:
        if self._missing is not None:
            self._missing.cancel()
            self._missing = None

    def _skip_before(self, oldest: int) -> None:
        """Go on without what does not come any more."""
        for number in sorted(number for number in self._early if number < oldest):
            self._take(*self._early.pop(number), jumped=True)
        self._next = oldest
        self._stop_waiting()
        self._take_ready()

    def _skip_missing(self) -> None:
        """Go on without what is missing: the recording is over, or the host has lost it for good."""
        if self._early:
            self._skip_before(max(self._early) + 1)

    def _take(self, message: MicChunk, data: bytes, *, jumped: bool = False) -> None:
        self._watch()
        number = message["n"]
        if message["t"] is not None:
            self.latency_ms.append(monotonic() * 1000 - message["t"])
        self.on_pcm(data)
        if number % _ACK_EVERY == 0 or jumped or message["last"]:
            self._acknowledge(message["page"], number)

    def _acknowledge(self, page: str, number: int) -> None:
        self._channel.post({"type": "mic-ack", "n": number}, to=page)
