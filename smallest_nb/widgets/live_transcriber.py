"""The LiveTranscriber: press the microphone, speak, read; the transcript is data."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import ipywidgets
import traitlets

from smallest_nb import runtime
from smallest_nb.audio import Clip
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.link import target as targets
from smallest_nb.services.stt import SmallestSTTService
from smallest_nb.settings import SmallestSTTSettings
from smallest_nb.transcript import Segment, Transcript
from smallest_nb.widgets._settings_trait import SettingsTrait
from smallest_nb.widgets.controls import close_all
from smallest_nb.widgets.latency import SegmentLatency
from smallest_nb.widgets.microphone import Microphone
from smallest_nb.widgets.settings_panel import SettingsPanel
from smallest_nb.widgets.transcript_view import TranscriptView

__all__ = ["LiveTranscriber"]

_log = logging.getLogger(__name__)
_QUEUE_CHUNKS = 2000
_LAST_WORDS_SECS = 20.0
_DONE_SECS = 2 * _LAST_WORDS_SECS + 5


class LiveTranscriber(ipywidgets.VBox):
    """Transcribes the microphone, or a clip that plays its part.

    Args:
        settings: A delta over the documented defaults.
        sample_rate: Hz sent to the service.
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives, else the simulator.
        base_url: `wss://api.smallest.ai` unless told otherwise.
        changes: Single settings, such as `word_timestamps=True`.

    Attributes:
        settings: The complete settings, bound to the controls both ways; a change while recording reconnects.
        transcript: The :class:`~smallest_nb.transcript.Transcript` so far.
    """

    settings = SettingsTrait(SmallestSTTSettings)

    def __init__(
        self,
        *,
        settings: SmallestSTTSettings | None = None,
        sample_rate: int = 16000,
        api_key: str | None = None,
        base_url: str | None = None,
        **changes: Any,
    ) -> None:
        self._service: SmallestSTTService | None = None
        self._audio: asyncio.Queue[bytes | None] | None = None
        self._session: asyncio.Task[None] | None = None
        self._offset = 0.0
        self._failure: Exception | None = None
        self.latencies: deque[SegmentLatency] = deque(maxlen=1000)
        self._finals: list[Callable[[Segment], None]] = []
        self._interims: list[Callable[[Segment], None]] = []
        snapshot, _ = SmallestSTTSettings.complete().merged(settings or SmallestSTTSettings())
        snapshot, _ = snapshot.merged(SmallestSTTSettings(**changes))
        self._target = targets.resolve(api_key, base_url)
        self._sample_rate = sample_rate
        self.microphone = Microphone(sample_rate=sample_rate, label="Transcribe")
        if self._target.simulated:
            self.microphone.notice = self._target.label + " The simulator hears English only."
        self.view = TranscriptView()
        self.panel = SettingsPanel(snapshot)
        self._finalize = ipywidgets.Button(
            description="Finalize", tooltip="Ask for the final text of what was said so far"
        )
        self._clear = ipywidgets.Button(description="Clear", tooltip="Forget the transcript")
        more = ipywidgets.Accordion([self.panel], selected_index=None)
        more.set_title(0, "Settings")
        super().__init__(
            [self.microphone, self.view, ipywidgets.HBox([self._finalize, self._clear]), more],
            settings=snapshot, layout=ipywidgets.Layout(width="100%", max_width="860px"),
        )  # fmt: skip
        traitlets.link((self, "settings"), (self.panel, "settings"))
        self.observe(lambda c: runtime.submit(self._update(c["new"])), names="settings")
        self._finalize.on_click(lambda _b: self.finalize())
        self._clear.on_click(lambda _b: self.clear())
        self.microphone.on_state(self._state)
        self.microphone.on_audio(self._hear)

    @property
    def transcript(self) -> Transcript:
        """The transcript so far."""
        return self.view.transcript

    def feed(self, clip: Clip, *, pace: float = 1.0, timeout: float | None = None) -> Transcript:
        """Let a clip play the microphone's part and wait for the last final.

        Args:
            clip: What is heard.
            pace: Multiple of real time.
            timeout: Seconds; None for the clip's length and a margin.

        Returns:
            The transcript.

        Raises:
            SmallestError: What went wrong; the widget shows it too.
        """
        limit = timeout if timeout is not None else clip.duration / pace + 30
        runtime.call(self._feed(clip, pace), limit)
        return self.transcript

    async def feed_async(self, clip: Clip, *, pace: float = 1.0) -> Transcript:
        """Await :meth:`feed`, in a cell or anywhere else."""
        await runtime.wait(runtime.submit(self._feed(clip, pace)))
        return self.transcript

    def finalize(self) -> None:
        """Ask for the final text of what was said so far."""
        runtime.submit(self._ask_final())

    def clear(self) -> None:
        """Forget the transcript; between recordings the clock starts again at zero."""
        self.view.clear()
        if self._service is None:
            self._offset = 0.0
            self.microphone.status = ""

    def on_final(self, handler: Callable[[Segment], None]) -> None:
        """Call `handler(segment)` on the background loop with each final segment."""
        self._finals.append(handler)

    def on_interim(self, handler: Callable[[Segment], None]) -> None:
        """Call `handler(segment)` on the background loop with each interim result."""
        self._interims.append(handler)

    def close(self) -> None:
        """Stop, close the connection and the widgets."""
        if not hasattr(self, "view"):  # refused by its own constructor; ipywidgets closes it all the same
            return
        self.microphone.stop()
        with contextlib.suppress(TimeoutError, SmallestError, RuntimeError):
            runtime.call(self._end(), 10)
        if self._session is not None:
            runtime.post(self._session.cancel)
        for child in self.children:
            close_all(child)
        self.layout.close()
        super().close()

    async def _feed(self, clip: Clip, pace: float) -> None:
        self._failure = None
        feeding = asyncio.wrap_future(self.microphone.feed(clip, pace=pace))
        try:
            await asyncio.wait([feeding])  # ends early where the session fails
        except asyncio.CancelledError:
            self.microphone.stop()
            raise
        await self._end()
        if self._failure is not None:
            raise self._failure

    async def _end(self) -> None:
        if self._session is not None:
            async with asyncio.timeout(_DONE_SECS):
                await asyncio.wait([self._session])

    def _state(self, state: str) -> None:
        """Follow the microphone. On the background loop."""
        if state == "recording":
            self._end_audio()  # a page that was reloaded never said that it stopped
            self._failure = None
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
        """One recording after the other, on one timeline; sound waits in its queue meanwhile."""
        if former is not None:
            await asyncio.wait([former])
        await self._transcribe(audio)

    def _hear(self, pcm: bytes) -> None:
        audio = self._audio
        if audio is None:
            return
        if audio.full():  # the connection has been away for minutes: the oldest goes, and the widget says so
            audio.get_nowait()
            self.microphone.error = "The connection is too slow: the oldest sound was dropped."
        audio.put_nowait(pcm)

    async def _transcribe(self, audio: asyncio.Queue[bytes | None]) -> None:
        """One recording, from first chunk to last final."""
        self.microphone.error = ""
        self.microphone.status = "Connecting…"
        self.view.live = True
        heard = 0
        service: SmallestSTTService | None = None
        reader: asyncio.Task[None] | None = None
        try:
            service = self._service = self._make()
            reader = asyncio.ensure_future(self._read(service.segments(), self._offset))
            await service.connect()
            while (pcm := await audio.get()) is not None:
                heard += len(pcm) // 2
                await service.send(pcm)
            self.microphone.status = "Waiting for the last words…"
            await service.close()
            await reader
            self.microphone.status = self._count()
        except Exception as error:
            self._failure = error
            self.microphone.error = str(error) or type(error).__name__
            self.microphone.status = ""
            self.microphone.stop()
            _log.info("transcribing failed: %s", error)
        finally:
            if reader is not None:
                reader.cancel()
            if service is not None:
                await service.close()
            self._service = None
            self._offset += heard / self._sample_rate
            self.view.live = False

    def _count(self) -> str:
        segments, words = len(self.transcript), len(self.transcript.text.split())
        return f"{segments} segment{'' if segments == 1 else 's'}, {words} word{'' if words == 1 else 's'}."

    def _make(self) -> SmallestSTTService:
        service = SmallestSTTService(
            target=self._target, sample_rate=self._sample_rate, settings=self.settings, close_timeout=_LAST_WORDS_SECS
        )

        @service.event_handler("on_connected")
        def connected(_service: SmallestSTTService) -> None:
            self.microphone.error = ""
            self.microphone.status = "Listening."

        @service.event_handler("on_connection_error")
        def trouble(_service: SmallestSTTService, message: str) -> None:
            self.microphone.error = message
            dropped = f" {service.dropped_seconds:.1f} s of sound were lost." if service.dropped_seconds else ""
            self.microphone.status = f"The connection is away; the sound is kept.{dropped}"

        return service

    async def _read(self, segments: AsyncIterator[Segment], offset: float) -> None:
        async for segment in segments:
            moved = segment.shifted(offset)
            self.view.apply(moved)
            if moved.is_final and moved.text:
                self.latencies.append(self._latency())
            handlers = self._finals if moved.is_final else self._interims
            for handler in handlers if moved.text else ():
                try:
                    handler(moved)
                except Exception:
                    _log.exception("a transcript handler failed")

    def _latency(self) -> SegmentLatency:
        told = self._service.metrics[-1].time_to_final_s if self._service and self._service.metrics else None
        channel = self.view._channel  # noqa: SLF001 - our own part
        page = channel.pages.get(channel.owner or "")
        return SegmentLatency(
            capture_to_kernel=self.microphone.latency_ms[-1] if self.microphone.latency_ms else None,
            kernel_to_final=None if told is None else told * 1000,
            kernel_to_page=None if page is None or page.trip_ms is None else page.trip_ms / 2,
        )

    async def _update(self, settings: SmallestSTTSettings) -> None:
        if self._service is not None:
            try:
                await self._service.update_settings(settings)
            except SmallestError as error:
                self.microphone.error = str(error)

    async def _ask_final(self) -> None:
        try:
            if self._service is None:
                raise ConfigError("Nothing is being recorded: press the microphone first.")
            await self._service.finalize()
        except SmallestError as error:
            self.microphone.error = str(error)

    def __repr__(self) -> str:
        return f"LiveTranscriber({self.transcript!r})"
