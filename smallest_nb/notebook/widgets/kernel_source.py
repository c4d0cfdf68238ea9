"""The microphone of the computer that the kernel runs on, as a source."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from smallest_nb.client import background_loop
from smallest_nb.client.cleanup import start_task
from smallest_nb.notebook.widgets.kernel_capture import KernelCapture
from smallest_nb.notebook.widgets.microphone_source import SourceReport

__all__ = ["KernelSource"]

_log = logging.getLogger(__name__)
_MAX_WAITING = 400
"""Chunks of the device that may wait, half a minute; then the newest are lost, and counted."""


class KernelSource:
    """Opens the device for each recording and closes it after that.

    Args:
        sample_rate: Returns Hz of what comes out.
        chunk_ms: Returns the length of a chunk.
        paused: Says whether nothing is let in for now.
    """

    on_pcm: Callable[[bytes], None]
    on_state: Callable[[SourceReport], None]

    def __init__(
        self, *, sample_rate: Callable[[], int], chunk_ms: Callable[[], int], paused: Callable[[], bool]
    ) -> None:
        self._sample_rate = sample_rate
        self._chunk_ms = chunk_ms
        self._paused = paused
        self._capture: KernelCapture | None = None
        self._attempt = 0
        """Counted at each start and end, so that a device which was opened too late is closed again."""
        self._on = False
        self._waiting = 0

    def start(self) -> None:
        """Open the device, in a thread of its own: that may take a while."""
        self._attempt += 1
        self._on = True
        self.on_state(SourceReport("starting", by_kernel=True))
        start_task(self._record(self._attempt))

    def stop(self) -> None:
        """Close the device; one that is being opened is closed as soon as it is there."""
        if background_loop.on_loop_thread():
            self._end()
        else:
            background_loop.post_if_running(self._end)

    def _end(self, problem: str | None = None) -> None:
        if not self._on:
            return
        self._attempt += 1
        self._on = False
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.close()
        self.on_state(SourceReport("idle", problem, dropped=capture.lost if capture is not None else 0, by_kernel=True))

    async def _record(self, attempt: int) -> None:
        try:
            capture = await asyncio.to_thread(
                KernelCapture,
                self._sample_rate(),
                self._chunk_ms(),
                partial(self._hand_over, attempt),
                lambda: background_loop.post(self._gone, attempt),
            )
        except Exception as error:  # PortAudio's own errors too: a recording must not stay at "starting"
            if attempt == self._attempt:
                self._end(str(error) or type(error).__name__)
            _log.warning("%s", error)
            return
        if attempt != self._attempt:  # stopped meanwhile, and perhaps started again
            capture.close()
            return
        self._capture = capture
        self.on_state(SourceReport("recording", device_rate=capture.device_rate))

    def _gone(self, attempt: int) -> None:
        """The device has ended, by itself or because it was closed here."""
        if attempt == self._attempt:
            self._end()

    def _hand_over(self, attempt: int, pcm: bytes) -> bool:
        """Pass a chunk to the background loop, unless that is too far behind. On PortAudio's thread."""
        room = self._waiting < _MAX_WAITING
        if room:
            self._waiting += 1
            background_loop.post(self._take, attempt, pcm)
        return room

    def _take(self, attempt: int, pcm: bytes) -> None:
        self._waiting -= 1
        if attempt == self._attempt and self._capture is not None and not self._paused():
            self.on_pcm(pcm)
