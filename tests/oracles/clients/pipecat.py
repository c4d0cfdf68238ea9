"""Pipecat's services, of any version, each in the smallest pipeline that works without a transport."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSUpdateSettingsFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.smallest.stt import SmallestSTTService
from pipecat.services.smallest.tts import SmallestTTSService
from pipecat.workers.runner import WorkerRunner

from clients.harness import Changes, Take, run

_EVENTS = ("on_connected", "on_disconnected", "on_connection_error")
_START_SECS = 15.0
_SETTLE_SECS = 0.3
_LAST_WORDS_SECS = 2.0


class Ends(FrameProcessor):
    """Stands at an end of the pipeline: gathers the frames of some kinds and plays the transport."""

    def __init__(self, frames: asyncio.Queue[Frame], kinds: type[Frame]) -> None:
        super().__init__()
        self._frames = frames
        self._kinds = kinds

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, self._kinds):
            self._frames.put_nowait(frame)
        # Without them the service holds back everything after its first text.
        if isinstance(frame, TTSStartedFrame):
            await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        elif isinstance(frame, TTSStoppedFrame):
            await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        await self.push_frame(frame, direction)


class Running:
    """A service in a pipeline that runs."""

    def __init__(self, service: Any) -> None:
        self.told: list[str] = []
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()
        for name in _EVENTS:
            service.add_event_handler(name, self._teller(name))
        self._worker = PipelineWorker(
            # Errors go up, all else goes down.
            Pipeline([Ends(self.frames, ErrorFrame), service, Ends(self.frames, Frame)]),
            params=PipelineParams(audio_in_sample_rate=16000, audio_out_sample_rate=24000),
            enable_rtvi=False,
            enable_turn_tracking=False,
            idle_timeout_secs=None,
        )
        self._runner = WorkerRunner(handle_sigint=False)
        self._running: asyncio.Task[None] | None = None

    def _teller(self, name: str) -> Any:
        async def tell(_service: Any, *why: Any) -> None:
            self.told.append(" ".join([name, *map(str, why)]))

        return tell

    async def start(self) -> None:
        started = asyncio.Event()

        @self._worker.event_handler("on_pipeline_started")
        async def note(*_: Any) -> None:
            started.set()

        await self._runner.add_workers(self._worker)
        self._running = asyncio.create_task(self._runner.run())
        async with asyncio.timeout(_START_SECS):
            await started.wait()

    async def queue(self, frame: Frame) -> None:
        await self._worker.queue_frame(frame)

    def forget_errors(self) -> None:
        """Put aside what was reported before now; sound that waits is kept, it is the next text's to explain."""
        for _ in range(self.frames.qsize()):
            frame = self.frames.get_nowait()
            if isinstance(frame, ErrorFrame):
                self.told.append(f"ErrorFrame {frame.error}")
            else:
                self.frames.put_nowait(frame)

    async def next(self) -> Frame:
        """Return the next frame of interest; an ErrorFrame is the service's failure.

        Raises:
            RuntimeError: The service reported an error.
        """
        frame = await self.frames.get()
        if isinstance(frame, ErrorFrame):
            self.told.append(f"ErrorFrame {frame.error}")
            raise RuntimeError(frame.error)
        return frame

    async def close(self) -> None:
        await self._runner.cancel()
        if self._running:
            await self._running


class PipecatMouth:
    """Speaks by TTSSpeakFrame, each text whole; is interrupted by InterruptionFrame."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self.told = running.told

    async def say(self, text: str, take: Take, *, more: bool) -> None:
        self._running.forget_errors()
        await self._running.queue(TTSSpeakFrame(text))
        started = False
        while True:
            frame = await self._running.next()
            started = started or isinstance(frame, TTSStartedFrame)
            if isinstance(frame, TTSAudioRawFrame):
                take(frame.audio)
            elif isinstance(frame, InterruptionFrame) or (started and isinstance(frame, TTSStoppedFrame)):
                return

    async def interrupt(self) -> None:
        await self._running.queue(InterruptionFrame())

    async def update(self, changes: Changes) -> None:
        await self._running.queue(TTSUpdateSettingsFrame(delta=SmallestTTSService.Settings(**changes)))

    async def close(self) -> None:
        await self._running.close()


class PipecatEar:
    """Hears by InputAudioRawFrame, finalizes when told that the user stopped."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self.told = running.told
        self.results: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            with contextlib.suppress(RuntimeError):
                frame = await self._running.next()
                if isinstance(frame, TranscriptionFrame | InterimTranscriptionFrame):
                    final = isinstance(frame, TranscriptionFrame)
                    self.results.append({"text": frame.text, "final": final, "wire": frame.result})

    async def push(self, pcm: bytes) -> None:
        await self._running.queue(InputAudioRawFrame(audio=pcm, sample_rate=16000, num_channels=1))

    async def finalize(self) -> None:
        await asyncio.sleep(_SETTLE_SECS)  # audio and VAD frames go by different queues
        await self._running.queue(VADUserStoppedSpeakingFrame())

    async def update(self, changes: Changes) -> None:
        await self._running.queue(STTUpdateSettingsFrame(delta=SmallestSTTService.Settings(**changes)))

    async def end(self) -> None:
        await asyncio.sleep(_LAST_WORDS_SECS)  # it knows no last word

    async def close(self) -> None:
        self._reading.cancel()
        await self._running.close()


class Pipecat:
    """Both services, at a server of one's own by `base_url`."""

    async def mouth(self, url: str, key: str, settings: Changes) -> PipecatMouth:
        running = Running(
            SmallestTTSService(api_key=key, base_url=url, settings=SmallestTTSService.Settings(**settings))
        )
        await running.start()
        return PipecatMouth(running)

    async def ear(self, url: str, key: str, settings: Changes) -> PipecatEar:
        running = Running(
            SmallestSTTService(api_key=key, base_url=url, settings=SmallestSTTService.Settings(**settings))
        )
        await running.start()
        return PipecatEar(running)


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    run(Pipecat)
