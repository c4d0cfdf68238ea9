"""Whether something is being recorded, and by which source: the one place that knows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from smallest_nb.audio.clip import BYTES_PER_SAMPLE
from smallest_nb.notebook.comm.messages import RecordingState
from smallest_nb.notebook.widgets.microphone_source import MicrophoneSource, SourceReport

__all__ = ["RecordingController"]

_log = logging.getLogger(__name__)


class RecordingController:
    """Follows the sources of one microphone. Runs on the background loop; reading its attributes is safe anywhere.

    Attributes:
        state: "idle", "starting", "recording", "paused" or "stopping".
        source: The source that records, or None.
        report: The latest report of the source that counts.
        problem: Why a source gave no sound the last time, or None.
        received: Samples received of the current recording.
    """

    def __init__(self) -> None:
        self.state: RecordingState = "idle"
        self.source: MicrophoneSource | None = None
        self.report = SourceReport("idle")
        self.problem: str | None = None
        self.received = 0
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._open = False
        self._on_pcm: list[Callable[[bytes], None]] = []
        self._on_state: list[Callable[[RecordingState], None]] = []
        self._on_recording: list[Callable[[bool], None]] = []

    def follow(self, source: MicrophoneSource) -> None:
        """Take sound and reports of a source."""
        source.on_pcm = partial(self._take, source)
        source.on_state = partial(self._enter, source)

    def on_pcm(self, handler: Callable[[bytes], None]) -> None:
        """Call `handler(pcm16)` with each chunk, in order."""
        self._on_pcm.append(handler)

    def on_state(self, handler: Callable[[RecordingState], None]) -> None:
        """Call `handler(state)` when the state changes."""
        self._on_state.append(handler)

    def on_recording(self, handler: Callable[[bool], None]) -> None:
        """Call `handler(True)` when a recording begins and `handler(False)` when it is over; a pause is neither."""
        self._on_recording.append(handler)

    def notify(self) -> None:
        """Wake those whose condition holds now; called after each report.

        Conditions are looked at here, and not when the waiting task runs next, so that a state which lasts for no time
        at all, such as the recording of an empty clip, is seen too.
        """
        for condition, future in list(self._waiting):
            if not future.done() and condition():
                future.set_result(None)

    async def wait_for(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until a condition holds, for some seconds at most; return whether it did."""
        if condition():
            return True
        entry = condition, asyncio.get_running_loop().create_future()
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(seconds) as limit:
                await entry[1]
        except TimeoutError:
            if not limit.expired():
                raise
            return False
        finally:
            self._waiting.remove(entry)
        return True

    def _take(self, source: MicrophoneSource, pcm: bytes) -> None:
        # A chunk may come before the report that its recording began: kernels with subshells deliver on two threads.
        if self.source in (None, source):
            self.received += len(pcm) // BYTES_PER_SAMPLE
            self._call(self._on_pcm, pcm)

    def _enter(self, source: MicrophoneSource, report: SourceReport) -> None:
        former = self.source
        if former not in (None, source):
            if report.state == "idle":
                return  # what another source has to say about itself changes nothing here
            former.stop()  # the newer press counts
        was, self.state = self.state, report.state
        self.source = None if report.state == "idle" else source
        self.report, self.problem = report, report.problem
        # A page that was given up in a pause and goes on later has no open recording: another one begins.
        begins = report.state == "recording" and not (was == "paused" and self._open)
        if report.state == "starting" or (begins and was != "starting"):
            self.received = 0
        if self._open and (begins or report.state in ("idle", "starting")) and was != report.state:
            self._set_open(False)  # a page that was reloaded never said that it stopped
        if was != report.state:
            self._call(self._on_state, report.state)
        if begins and not self._open and self.state == "recording":  # a handler may have ended it again
            self._set_open(True)
        self.notify()

    def _set_open(self, on: bool) -> None:
        self._open = on
        self._call(self._on_recording, on)

    @staticmethod
    def _call(handlers: list[Callable[[Any], None]], value: object) -> None:
        for handler in list(handlers):
            try:
                handler(value)
            except Exception:
                _log.exception("a microphone handler failed")
