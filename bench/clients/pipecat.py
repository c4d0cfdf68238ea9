"""Pipecat's services, of any version, each in the smallest pipeline that works, without a transport."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import Any, ClassVar

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

from bench.clients.interface import Heard, ReportedError, Settings, Take

# The debug log is off, as in production.
logger.remove()
logger.add(sys.stderr, level="ERROR")
_EVENTS = ("on_connected", "on_disconnected", "on_connection_error")
_PARAMS = PipelineParams(audio_in_sample_rate=16000, audio_out_sample_rate=24000)
_START_SECS = 15.0
_SETTLE_SECS = 0.3
_LAST_WORDS_SECS = 2.0


class PipecatError(ReportedError):
    """The text of an ErrorFrame."""


class _Task:
    """A text that is spoken, or a call that reads results."""

    def __init__(self, take: Take | None = None, heard: Heard | None = None) -> None:
        self.take = take
        self.heard = heard
        self.started = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self, error: Exception | None = None) -> None:
        if self.over.done():
            return
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)


class _Sink(FrameProcessor):
    """The end of a pipeline. It acts for the transport: without it a service speaks its first text only."""

    def __init__(self) -> None:
        super().__init__()
        self.current: _Task | None = None
        self.interrupted: deque[_Task] = deque()
        """Texts whose InterruptionFrame is on its way through the pipeline."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        task = self.current
        if isinstance(frame, TTSAudioRawFrame):
            waiting = task.take(frame.audio) if task and task.take else None
            if waiting is not None:
                await waiting
        elif isinstance(frame, TranscriptionFrame | InterimTranscriptionFrame):
            if task and task.heard:
                task.heard(frame.text, isinstance(frame, TranscriptionFrame), frame)
        elif isinstance(frame, TTSStartedFrame):
            if task:
                task.started = True
            await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        elif isinstance(frame, TTSStoppedFrame):
            if task and task.started:
                task.end()
            await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        elif isinstance(frame, InterruptionFrame) and self.interrupted:
            self.interrupted.popleft().end()
        await self.push_frame(frame, direction)


class RunningPipeline:
    """A pipeline of one service that runs.

    Args:
        service: The service.
        observers: Keep the observers that a worker brings by default.
    """

    def __init__(self, service: FrameProcessor, *, observers: bool = False) -> None:
        self.events: list[str] = []
        self.sink = _Sink()
        self._worker = PipelineWorker(
            Pipeline([service, self.sink]),
            params=_PARAMS,
            enable_rtvi=observers,
            enable_turn_tracking=observers,
            idle_timeout_secs=None,
        )
        self._runner = WorkerRunner(handle_sigint=False)
        self._running: asyncio.Task[None] | None = None
        for name in _EVENTS:
            service.add_event_handler(name, self._recorder(name))
        self._worker.add_event_handler("on_pipeline_error", self._fail)

    def _recorder(self, name: str) -> Any:
        async def record(_service: Any, *details: Any) -> None:
            self.events.append(" ".join([name, *map(str, details)]))

        return record

    async def _fail(self, _worker: Any, frame: ErrorFrame) -> None:
        self.events.append(f"ErrorFrame {frame.error}")
        if self.sink.current:
            self.sink.current.end(PipecatError(frame.error))

    async def start(self) -> None:
        """Run the pipeline until `close`."""
        started = asyncio.Event()

        async def note(*_: Any) -> None:
            started.set()

        self._worker.add_event_handler("on_pipeline_started", note)
        await self._runner.add_workers(self._worker)
        self._running = asyncio.create_task(self._runner.run())
        async with asyncio.timeout(_START_SECS):
            await started.wait()

    async def queue(self, frame: Frame) -> None:
        """Send a frame into the pipeline."""
        await self._worker.queue_frame(frame)

    async def close(self) -> None:
        """Cancel the pipeline."""
        await self._runner.cancel()
        if self._running:
            await self._running


class PipecatVoice:
    """Speaks by TTSSpeakFrame, each text whole."""

    def __init__(self, running: RunningPipeline) -> None:
        self.events = running.events
        self._running = running

    async def connect(self) -> None:
        """The service connected when its pipeline started."""

    async def say(self, text: str, take: Take, *, more: bool = False) -> None:  # noqa: ARG002 - the interface
        task = self._running.sink.current = _Task(take=take)
        await self._running.queue(TTSSpeakFrame(text))
        await task.over

    async def interrupt(self) -> None:
        if self._running.sink.current:
            self._running.sink.interrupted.append(self._running.sink.current)
        await self._running.queue(InterruptionFrame())

    async def update(self, settings: Settings) -> None:
        await self._running.queue(TTSUpdateSettingsFrame(delta=SmallestTTSService.Settings(**settings)))

    async def close(self) -> None:
        await self._running.close()


class PipecatEar:
    """Hears by InputAudioRawFrame; its final comes when the user is said to have stopped."""

    def __init__(self, running: RunningPipeline) -> None:
        self.events = running.events
        self._running = running
        self._has_unfinished = False

    async def read(self, heard: Heard) -> None:
        task = self._running.sink.current = _Task(heard=heard)
        await task.over

    def details(self, result: Any) -> dict[str, Any]:
        return {"wire": result.result}

    async def push(self, pcm: bytes) -> None:
        self._has_unfinished = True
        await self._running.queue(InputAudioRawFrame(audio=pcm, sample_rate=16000, num_channels=1))

    async def finalize(self) -> None:
        self._has_unfinished = False
        await asyncio.sleep(_SETTLE_SECS)  # audio and VAD frames use different queues
        await self._running.queue(VADUserStoppedSpeakingFrame())

    async def update(self, settings: Settings) -> None:
        await self._running.queue(STTUpdateSettingsFrame(delta=SmallestSTTService.Settings(**settings)))

    async def end(self) -> None:
        if self._has_unfinished:
            await self.finalize()
        await asyncio.sleep(_LAST_WORDS_SECS)  # the service does not say which words are the last
        if self._running.sink.current:
            self._running.sink.current.end()

    async def close(self) -> None:
        await self._running.close()


class Client:
    """Both services.

    Args:
        observers: Keep the observers that a pipeline brings by default.
    """

    tts: ClassVar[Settings] = {"model": "lightning_v3.1", "voice": "sophia"}
    stt: ClassVar[Settings] = {}
    voice_setting = "voice"
    words_setting = ""

    def __init__(self, *, observers: bool = False) -> None:
        self._observers = observers

    async def voice(self, url: str, key: str, settings: Settings, **_options: Any) -> PipecatVoice:
        chosen = SmallestTTSService.Settings(**settings)
        tts = SmallestTTSService(api_key=key, base_url=url, settings=chosen)
        return PipecatVoice(await self._run(tts))

    async def ear(self, url: str, key: str, settings: Settings, **_options: Any) -> PipecatEar:
        chosen = SmallestSTTService.Settings(**settings)
        stt = SmallestSTTService(api_key=key, base_url=url, settings=chosen)
        return PipecatEar(await self._run(stt))

    async def _run(self, service: FrameProcessor) -> RunningPipeline:
        running = RunningPipeline(service, observers=self._observers)
        await running.start()
        return running
