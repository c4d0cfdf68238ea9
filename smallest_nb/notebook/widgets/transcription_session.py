"""Recognition: from a microphone's chunks to segments, one recording after the other, on one timeline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.client.stt import SMALLEST_TTFS_P99, SmallestSTTService
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.notebook.widgets.microphone import Microphone
from smallest_nb.results.metrics import MetricsLog, STTMetrics
from smallest_nb.results.transcript import Segment

__all__ = ["LAST_WORDS_SECS", "Recognition"]

_log = logging.getLogger(__name__)
_QUEUE_CHUNKS = 2000
LAST_WORDS_SECS = 20.0
_DONE_SECS = 2 * LAST_WORDS_SECS + 5


class Recognition:
    """Follows a microphone. Runs on the background loop.

    Args:
        microphone: What is heard; its status and error lines tell how it goes.
        make: Returns a service with the settings of the moment.
        heard: Called with each chunk of PCM16 that is sent, in order.
        said: Called with each result, its times on the timeline of all recordings, and with its service's metrics.
        live: Called with True when a recording begins and with False when its last final is there.

    Attributes:
        service: The one that listens, or None between recordings.
        offset: Seconds heard before the recording that runs.
        failure: What the last recording ended with, or None.
        metrics: Of the latest 1000 segments, whichever recording they come from.
    """

    def __init__(
        self,
        microphone: Microphone,
        make: Callable[[], SmallestSTTService],
        *,
        heard: Callable[[bytes], None],
        said: Callable[[Segment], None],
        live: Callable[[bool], None],
    ) -> None:
        self._microphone = microphone
        self._make_service = make
        self._heard = heard
        self._said = said
        self._live = live
        self._audio: asyncio.Queue[bytes | None] | None = None
        self._session: asyncio.Task[None] | None = None
        self._former = "idle"
        self.service: SmallestSTTService | None = None
        self.offset = 0.0
        self.failure: Exception | None = None
        self.metrics: MetricsLog[STTMetrics] = MetricsLog(SMALLEST_TTFS_P99)
        microphone.on_state(self._state)

    @property
    def running(self) -> bool:
        """Whether a recording runs or its last words are awaited."""
        return self._session is not None and not self._session.done()

    def hear(self, pcm: bytes) -> None:
        """Take a chunk."""
        audio = self._audio
        if audio is None:
            return
        if audio.full():  # the connection has been away for minutes: the oldest goes, and the widget says so
            audio.get_nowait()
            self._microphone.error = "The connection is too slow: the oldest sound was dropped."
        audio.put_nowait(pcm)

    async def end(self) -> None:
        """Wait for the last words."""
        if self._session is not None:
            async with asyncio.timeout(_DONE_SECS):
                await asyncio.wait([self._session])

    def cancel(self) -> None:
        """Give up what runs."""
        if self._session is not None:
            self._session.cancel()

    async def update(self, settings: SmallestSTTSettings) -> None:
        """Let the recording that runs go on with other settings."""
        if self.service is not None:
            try:
                await self.service.update_settings(settings)
            except SmallestError as error:
                self._microphone.error = str(error)

    async def finalize(self) -> None:
        """Ask for the final text of what was said so far."""
        try:
            if self.service is None:
                raise ConfigError("Nothing is being recorded: press the microphone first.")
            await self.service.finalize()
        except SmallestError as error:
            self._microphone.error = str(error)

    def _state(self, state: str) -> None:
        former, self._former = self._former, state
        if state == "paused":
            asyncio.ensure_future(self.finalize()).add_done_callback(_told)
        elif state == "recording" and former != "paused":
            self._end_audio()  # a page that was reloaded never said that it stopped
            self.failure = None
            self._audio = asyncio.Queue(_QUEUE_CHUNKS)
            self._session = asyncio.ensure_future(self._follow(self._session, self._audio))
        elif state == "idle":
            self._end_audio()

    def _end_audio(self) -> None:
        audio, self._audio = self._audio, None
        if audio is not None:
            if audio.full():
                audio.get_nowait()
            audio.put_nowait(None)

    async def _follow(self, former: asyncio.Task[None] | None, audio: asyncio.Queue[bytes | None]) -> None:
        """Sound waits in its queue until the recording before has all its words."""
        if former is not None:
            await asyncio.wait([former])
        await self._transcribe(audio)

    async def _transcribe(self, audio: asyncio.Queue[bytes | None]) -> None:
        """One recording, from first chunk to last final."""
        microphone = self._microphone
        microphone.error = ""
        microphone.status = "Connecting…"
        self._live(True)
        heard = 0
        service: SmallestSTTService | None = None
        reader: asyncio.Task[None] | None = None
        try:
            service = self.service = self._make()
            reader = asyncio.ensure_future(self._read(service, service.segments(), self.offset))
            await service.connect()
            while (pcm := await audio.get()) is not None:
                heard += len(pcm) // 2
                self._heard(pcm)
                await service.send(pcm)
            microphone.status = "Waiting for the last words…"
            await service.close()
            await reader
            microphone.status = ""
        except Exception as error:
            self.failure = error
            microphone.error = str(error) or type(error).__name__
            microphone.status = ""
            microphone.stop()
            _log.info("transcribing failed: %s", error)
        finally:
            if reader is not None:
                reader.cancel()
            if service is not None:
                await service.close()
            self.service = None
            self.offset += heard / microphone.sample_rate
            self._live(False)

    def _make(self) -> SmallestSTTService:
        service = self._make_service()

        @service.event_handler("on_connected")
        def connected(_service: SmallestSTTService) -> None:
            self._microphone.error = ""
            again = f" Reconnects: {service.reconnects}." if service.reconnects else ""
            self._microphone.status = f"Listening.{again}"

        @service.event_handler("on_connection_error")
        def trouble(_service: SmallestSTTService, message: str) -> None:
            self._microphone.error = message
            dropped = f" {service.dropped_seconds:.1f} s of sound were lost." if service.dropped_seconds else ""
            self._microphone.status = f"The connection is away; the sound is kept.{dropped}"

        return service

    async def _read(self, service: SmallestSTTService, segments: AsyncIterator[Segment], offset: float) -> None:
        last: STTMetrics | None = None
        async for segment in segments:
            if segment.is_final:
                for row in reversed(_since(service.metrics, last)):
                    self.metrics.append(row)
                    last = row
            self._said(segment.shifted(offset))


def _since(rows: MetricsLog[STTMetrics], last: STTMetrics | None) -> list[STTMetrics]:
    """Return what came after a row, the newest first."""
    fresh = []
    for row in reversed(rows):
        if row is last:
            break
        fresh.append(row)
    return fresh


def _told(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("asking for a final failed", exc_info=error)
