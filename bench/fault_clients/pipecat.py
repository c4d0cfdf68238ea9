"""Pipecat's services, each in the smallest pipeline that works; an ErrorFrame counts as told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.smallest.stt import SmallestSTTService
from pipecat.services.smallest.tts import SmallestTTSService
from pipecat.workers.runner import WorkerRunner

from bench.faults.drive import run

_KEY = "sk_fault"
_PARAMS = PipelineParams(audio_in_sample_rate=16000, audio_out_sample_rate=24000)
_START_SECS = 15.0
_LAST_WORDS_SECS = 1.0


class PipecatError(Exception):
    """What an ErrorFrame said."""


class Ends(FrameProcessor):
    """Stands at an end of the pipeline: gathers what comes and plays the transport."""

    def __init__(self, events: asyncio.Queue[Any]) -> None:
        super().__init__()
        self._events = events

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self._events.put_nowait(frame.audio)
        elif isinstance(frame, TranscriptionFrame | InterimTranscriptionFrame):
            self._events.put_nowait((frame.text, isinstance(frame, TranscriptionFrame)))
        elif isinstance(frame, ErrorFrame):
            self._events.put_nowait(PipecatError(frame.error))
        elif isinstance(frame, TTSStartedFrame):
            await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        elif isinstance(frame, TTSStoppedFrame):
            self._events.put_nowait(None)
            await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        await self.push_frame(frame, direction)


class Running:
    """A pipeline of one service that runs."""

    def __init__(self, service: FrameProcessor) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        pipeline = Pipeline([Ends(self.events), service, Ends(self.events)])
        self._worker = PipelineWorker(
            pipeline, params=_PARAMS, enable_rtvi=False, enable_turn_tracking=False, idle_timeout_secs=None
        )
        self._runner = WorkerRunner(handle_sigint=False)
        self._running: asyncio.Task[None] | None = None

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

    async def close(self) -> None:
        await self._runner.cancel()
        if self._running:
            await self._running


class PipecatMouth:
    def __init__(self, running: Running) -> None:
        self._running = running

    async def say(self, text: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        await self._running.queue(TTSSpeakFrame(text))
        while (event := await self._running.events.get()) is not None:
            if isinstance(event, PipecatError):
                raise event
            await take(event)

    async def close(self) -> None:
        await self._running.close()


class PipecatEar:
    def __init__(self, running: Running) -> None:
        self._running = running

    async def results(self) -> AsyncIterator[tuple[str, bool]]:
        while (event := await self._running.events.get()) is not None:
            if isinstance(event, PipecatError):
                raise event
            yield event

    async def push(self, pcm: bytes) -> None:
        await self._running.queue(InputAudioRawFrame(audio=pcm, sample_rate=16000, num_channels=1))

    async def finalize(self) -> None:
        await self._running.queue(VADUserStoppedSpeakingFrame())

    async def end(self) -> None:
        await self.finalize()
        await asyncio.sleep(_LAST_WORDS_SECS)  # it knows no last word
        self._running.events.put_nowait(None)

    async def close(self) -> None:
        await self._running.close()


class Pipecat:
    async def mouth(self, url: str, options: dict[str, Any]) -> PipecatMouth:  # noqa: ARG002 - ours only
        settings = SmallestTTSService.Settings(model="lightning_v3.1", voice="sophia")
        running = Running(SmallestTTSService(api_key=_KEY, base_url=url, settings=settings))
        await running.start()
        return PipecatMouth(running)

    async def ear(self, url: str, options: dict[str, Any]) -> PipecatEar:  # noqa: ARG002 - ours only
        running = Running(SmallestSTTService(api_key=_KEY, base_url=url))
        await running.start()
        return PipecatEar(running)


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    run(Pipecat)
