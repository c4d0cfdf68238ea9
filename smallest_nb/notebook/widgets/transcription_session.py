"""From a microphone's chunks to segments: one recording after the other, on one timeline."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from numbers import Real
from time import monotonic
from typing import TypeGuard

from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.client.cleanup import start_task
from smallest_nb.client.stt import SMALLEST_TTFS_P99, SmallestSTTService
from smallest_nb.client.tts_events import RetryWait
from smallest_nb.errors import ConfigError, FrontEndError, SmallestError
from smallest_nb.notebook.widgets.connection_status import ConnectionStatus
from smallest_nb.notebook.widgets.microphone import Microphone
from smallest_nb.notebook.widgets.task_log import log_failure
from smallest_nb.results.metrics import MetricsLog, STTMetrics
from smallest_nb.results.transcript import Segment

__all__ = ["LAST_WORDS_SECS", "TranscriptionSession"]

_log = logging.getLogger(__name__)
_QUEUE_CHUNKS = 2000
_FIGURES = 100
LAST_WORDS_SECS = 20.0
_DONE_SECS = 2 * LAST_WORDS_SECS + 5
_START_SECS = 60.0
"""A person may have to answer the browser's question first."""
_STOP_SECS = 60.0
"""A page hands over all its chunks first, and the kernel may have been busy."""
_INSTEAD = "Press the button, and read live.transcript in a later cell, or use live.on_final(handler)."


class TranscriptionSession:
    """Transcribes what a microphone records. Runs on the background loop.

    Args:
        microphone: What is transcribed; its status and error lines say how it goes.
        make_service: Returns a service with the settings of the moment.
        on_pcm: Called with each chunk of PCM16 that is sent, in order.
        on_segment: Called with each result, its times on the timeline of all recordings.
        on_live: Called with True when a recording begins and with False when its last final is there.
        connection: Says what the connection does.

    Attributes:
        service: The one that listens, or None between recordings.
        offset: Seconds heard before the recording that runs.
        failure: What the last recording ended with, or None.
        metrics: Of the latest 1000 segments, whichever recording they come from.
        to_final: Seconds from the end of speech to its final, of the latest segments that were spoken in real time.
    """

    def __init__(
        self,
        microphone: Microphone,
        make_service: Callable[[], SmallestSTTService],
        *,
        on_pcm: Callable[[bytes], None],
        on_segment: Callable[[Segment], None],
        on_live: Callable[[bool], None],
        connection: ConnectionStatus,
    ) -> None:
        self._microphone = microphone
        self._make_service = make_service
        self._on_pcm = on_pcm
        self._on_segment = on_segment
        self._on_live = on_live
        self._connection = connection
        self._connecting: asyncio.Task[None] | None = None
        self._is_hurried = False
        self.to_final: deque[float] = deque(maxlen=_FIGURES)
        self._audio: asyncio.Queue[bytes | None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._finals = 0
        self._heard_at = 0.0
        self.service: SmallestSTTService | None = None
        self.offset = 0.0
        self.failure: Exception | None = None
        self.metrics: MetricsLog[STTMetrics] = MetricsLog(SMALLEST_TTFS_P99)
        microphone.controller.on_recording(self._recording)
        microphone.on_state(self._state_changed)

    @property
    def running(self) -> bool:
        """Whether a recording runs or its last words are awaited."""
        return self._task is not None and not self._task.done()

    def write(self, pcm: bytes) -> None:
        """Add a chunk; it is dropped while nothing is recorded."""
        audio = self._audio
        if audio is None:
            return
        if audio.full():  # the connection has been away for minutes: the oldest goes, and the widget says so
            audio.get_nowait()
            self._microphone.error = "The connection is too slow: the oldest sound was dropped."
        audio.put_nowait(pcm)

    async def end(self) -> None:
        """Wait for the last words."""
        if self._task is not None:
            async with asyncio.timeout(_DONE_SECS):
                await asyncio.wait([self._task])

    def cancel(self) -> None:
        """Cancel what runs."""
        if self._task is not None:
            self._task.cancel()

    @property
    def connecting(self) -> bool:
        """Whether a first connection is being made."""
        under_way = self._connecting is not None and not self._connecting.done()
        return under_way and not (self.service is not None and self.service.connected)

    def give_up(self) -> None:
        """Stop trying to connect; the sound of the recording is kept, without its text."""
        if self._connecting is not None:
            self._connecting.cancel()

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

    async def check_page(self) -> None:
        """Refuse to wait for a page of which nothing would come meanwhile.

        Raises:
            FrontEndError: This kernel receives messages from pages only between cells.
        """
        await self._microphone.check_page(_INSTEAD)

    async def check_progress(self) -> None:
        """Raise if nothing can come any more; a clip goes on in any case, and so do the last words.

        Raises:
            FrontEndError: This kernel receives messages from pages only between cells.
        """
        microphone = self._microphone
        if not microphone.feeding and (microphone.state != "idle" or not self.running):
            await self.check_page()

    async def feed(self, clip: Clip, pace: float) -> None:
        """Let a clip play the microphone's part until its last final.

        Raises:
            SmallestError: What went wrong.
        """
        self.failure = None
        self._is_hurried = pace > 1
        playing = asyncio.wrap_future(self._microphone.feed(clip, pace=pace))
        try:
            await asyncio.wait([playing])  # ends early if the session fails
        except asyncio.CancelledError:
            self._microphone.stop()
            raise
        if not playing.cancelled():
            playing.result()  # refused if a recording was quicker
        await self._finish()

    async def record(self, until: str | float, *, source: Clip | None, quiet: float, timeout: float) -> None:
        """Record as `LiveTranscriber.record` says."""
        if until not in ("silence", "stop") and not (_is_real(until) and 0 < until < timeout):
            raise ConfigError(
                f"until={until!r} cannot be used; expected 'silence', 'stop', or seconds below timeout={timeout:g}."
            )
        if not (_is_real(quiet) and quiet >= 0):
            raise ConfigError(f"quiet={quiet!r} cannot be used; expected seconds from 0.")
        self._check_free()
        if source is None and not await self._microphone.can_start():
            raise FrontEndError("No page shows this widget: display it first, and record in a later cell.")
        controller = self._microphone.controller
        controller.problem = None
        begun = asyncio.ensure_future(
            controller.wait_for(
                lambda: controller.state in ("recording", "paused") or bool(controller.problem), _START_SECS
            )
        )
        try:
            await asyncio.sleep(0)  # `begun` looks at each report from now on
            self._begin(source)  # before the part that stops: what a refused call finds belongs to another caller
            await self._follow_recording(begun, until, quiet, timeout)
        finally:
            begun.cancel()
        if not await controller.wait_for(lambda: controller.state == "idle", _STOP_SECS):
            raise TimeoutError(f"The microphone did not stop within {_STOP_SECS:g} s.")
        await self._finish()

    def _check_free(self) -> None:
        if self._microphone.busy:
            state = self._microphone.state
            raise ConfigError(f"The microphone {'plays a clip' if state == 'idle' else 'is ' + state}; stop it first.")

    def _begin(self, source: Clip | None) -> None:
        self._check_free()
        if source is not None:
            self._microphone.feed(source)
        else:
            self._microphone.start()
        self.failure = None

    async def _follow_recording(
        self, begun: asyncio.Future[bool], until: str | float, quiet: float, timeout: float
    ) -> None:
        """Wait until it has begun and is over, and stop it in any case."""
        try:
            async with asyncio.timeout(timeout):
                if not await begun:
                    raise FrontEndError("The browser did not open the microphone: is a question of its own waiting?")
                problem = self._microphone.controller.problem
                if problem:
                    raise FrontEndError(problem)
                if until == "silence":
                    await self._wait_for_silence(quiet)
                else:
                    await self._wait_for_end(None if until == "stop" else float(until))
        finally:
            self._microphone.stop()

    async def _wait_for_end(self, seconds: float | None) -> None:
        await self._microphone.controller.wait_for(self._has_ended, seconds)

    def _has_ended(self) -> bool:
        return self._microphone.state not in ("recording", "paused") or self.failure is not None

    async def _wait_for_silence(self, quiet: float) -> None:
        """Wait until something was said and no result has come for so many seconds, or the recording has ended."""
        controller, before = self._microphone.controller, self._finals
        await controller.wait_for(lambda: self._has_ended() or self._finals > before)
        while not self._has_ended() and (left := self._heard_at + quiet - monotonic()) > 0:
            await controller.wait_for(self._has_ended, left)

    async def _finish(self) -> None:
        await self.end()
        if self.failure is not None:
            raise self.failure

    def _state_changed(self, state: str) -> None:
        if state == "paused":
            start_task(self.finalize()).add_done_callback(log_failure(_log, "asking for a final failed"))

    def _recording(self, on: bool) -> None:
        if not on:
            self._end_audio()
            return
        self.failure = None
        self._is_hurried = self._is_hurried and self._microphone.feeding
        self._audio = asyncio.Queue(_QUEUE_CHUNKS)
        self._task = start_task(self._follow(self._task, self._audio))

    def _end_audio(self) -> None:
        audio, self._audio = self._audio, None
        if audio is not None:
            if audio.full():
                audio.get_nowait()
            audio.put_nowait(None)
            if self.connecting:
                microphone = self._microphone
                microphone.status = ""
                self._connection.stopped(microphone.received / microphone.sample_rate)

    async def _follow(self, former: asyncio.Task[None] | None, audio: asyncio.Queue[bytes | None]) -> None:
        """Sound waits in its queue until the recording before has all its words."""
        if former is not None:
            await asyncio.wait([former])
        await self._transcribe(audio)

    async def _transcribe(self, audio: asyncio.Queue[bytes | None]) -> None:
        """One recording, from first chunk to last final."""
        microphone = self._microphone
        microphone.error = ""
        microphone.status = "" if self._audio is not audio else "You can speak already: the sound is kept."
        self._connection.connecting()
        self._on_live(True)
        heard = 0
        service: SmallestSTTService | None = None
        reader: asyncio.Task[None] | None = None
        try:
            service = self.service = self._make()
            reader = start_task(self._read(service, service.segments(), self.offset))
            if await self._connect(service):
                while (pcm := await audio.get()) is not None:
                    heard += len(pcm) // 2
                    self._on_pcm(pcm)
                    await service.send(pcm)
                microphone.status = "Waiting for the last words…"
                await service.close()
                await reader
                microphone.status = ""
            else:
                microphone.error = "Not transcribed: there was no connection yet. The sound is kept."
                microphone.status = ""
                microphone.stop()
        except Exception as error:
            self.failure = error
            microphone.error = str(error) or type(error).__name__
            microphone.status = ""
            microphone.stop()
            microphone.controller.notify()
            _log.info("transcribing failed: %s", error)
        finally:
            if reader is not None:
                reader.cancel()
            if service is not None:
                await service.close()
            self.service = None
            while not audio.empty():  # what could not be transcribed can still be heard and saved
                if (pcm := audio.get_nowait()) is not None:
                    heard += len(pcm) // 2
                    self._on_pcm(pcm)
            self.offset += heard / microphone.sample_rate
            self._on_live(False)
            self._connection.ended()

    async def _connect(self, service: SmallestSTTService) -> bool:
        """Open the connection; return whether it was made, and not given up."""
        connecting = self._connecting = start_task(service.connect())
        try:
            await asyncio.wait([connecting])
        except asyncio.CancelledError:
            connecting.cancel()
            raise
        if connecting.cancelled():
            return False
        connecting.result()
        return True

    def _make(self) -> SmallestSTTService:
        service = self._make_service()

        @service.event_handler("on_connected")
        def connected(_service: SmallestSTTService) -> None:
            self._microphone.error = ""
            again = f" Connected again {_times(service.reconnects)}." if service.reconnects else ""
            if self._audio is not None:  # else it was stopped meanwhile
                self._microphone.status = f"Listening.{again}"
            self._connection.connected()

        @service.event_handler("on_retry")
        def waits(_service: SmallestSTTService, wait: RetryWait) -> None:
            self._connection.retrying(wait)
            if self._audio is None and self.connecting:
                self._connection.stopped(self._microphone.received / self._microphone.sample_rate)

        @service.event_handler("on_connection_error")
        def trouble(_service: SmallestSTTService, message: str) -> None:
            self._microphone.error = message
            dropped = f" {service.dropped_seconds:.1f} s of sound were lost." if service.dropped_seconds else ""
            self._microphone.status = f"The connection was lost; the sound is kept.{dropped}"

        return service

    async def _read(self, service: SmallestSTTService, segments: AsyncIterator[Segment], offset: float) -> None:
        last: STTMetrics | None = None
        async for segment in segments:
            if segment.is_final:
                for row in reversed(_since(service.metrics, last)):
                    self.metrics.append(row)
                    if row.time_to_final_s is not None and not self._is_hurried:
                        self.to_final.append(row.time_to_final_s)
                    last = row
            self._heard_at = monotonic()
            self._finals += segment.is_final
            self._on_segment(segment.shifted(offset))
            if segment.is_final and service.connected:
                self._connection.connected()
            self._microphone.controller.notify()


def _is_real(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _since(rows: MetricsLog[STTMetrics], last: STTMetrics | None) -> list[STTMetrics]:
    """Return what came after a row, the newest first."""
    fresh = []
    for row in reversed(rows):
        if row is last:
            break
        fresh.append(row)
    return fresh
