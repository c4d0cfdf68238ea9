"""The LiveTranscriber: press the microphone, speak, read; the transcript is data."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
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
from smallest_nb.widgets.microphone import Microphone
from smallest_nb.widgets.settings_panel import SettingsPanel
from smallest_nb.widgets.transcript_view import TranscriptView

__all__ = ["LiveTranscriber"]

_log = logging.getLogger(__name__)
_QUEUE_CHUNKS = 2000
_DONE_SECS = 15.0


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
        self._failure: SmallestError | None = None
        self._finals: list[Callable[[Segment], None]] = []
        self._interims: list[Callable[[Segment], None]] = []
        snapshot, _ = SmallestSTTSettings.complete().merged(settings or SmallestSTTSettings())
        snapshot, _ = snapshot.merged(SmallestSTTSettings(**changes))
        self._target = targets.resolve(api_key, base_url)
        self._make = lambda: SmallestSTTService(
            api_key=self._target.key,
            base_url=self._target.base_url,
            sample_rate=sample_rate,
            settings=self.settings,
        )
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
        """Forget the transcript."""
        self.view.clear()

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
        self.microphone.close()
        self.view.close()
        super().close()

    async def _feed(self, clip: Clip, pace: float) -> None:
        self._failure = None
        await asyncio.wrap_future(self.microphone.feed(clip, pace=pace))
        await self._end()
        if self._failure is not None:
            raise self._failure

    async def _end(self) -> None:
        if self._session is not None:
            async with asyncio.timeout(_DONE_SECS):
                await asyncio.shield(self._session)

    def _state(self, state: str) -> None:
        """Follow the microphone. On the background loop."""
        if state == "recording":
            self._failure = None
            self._audio = asyncio.Queue(_QUEUE_CHUNKS)
            self._session = asyncio.ensure_future(self._transcribe(self._audio))
        elif state == "idle" and self._audio is not None:
            audio, self._audio = self._audio, None
            if audio.full():
                audio.get_nowait()
            audio.put_nowait(None)

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
        service = self._service = self._make()
        reader: asyncio.Task[None] | None = None
        try:
            await service.connect()
            self.microphone.status = "Listening."
            reader = asyncio.ensure_future(self._read(service, self._offset))
            while (pcm := await audio.get()) is not None:
                heard += len(pcm) // 2
                await service.send(pcm)
            self.microphone.status = "Waiting for the last words…"
            await service.close()
            await reader
            self.microphone.status = f"{len(self.transcript)} segments, {len(self.transcript.text.split())} words."
        except SmallestError as error:
            self._failure = error
            self.microphone.error = str(error)
            self.microphone.status = ""
            self.microphone.stop()
            _log.info("transcribing failed: %s", error)
        finally:
            if reader is not None:
                reader.cancel()
            await service.close()
            self._service = None
            self._offset += heard / service.sample_rate
            self.view.live = False

    async def _read(self, service: SmallestSTTService, offset: float) -> None:
        async for segment in service.segments():
            moved = segment.shifted(offset)
            self.view.apply(moved)
            handlers = self._finals if moved.is_final else self._interims
            for handler in handlers if moved.text else ():
                try:
                    handler(moved)
                except Exception:
                    _log.exception("a transcript handler failed")

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
