"""Pipecat's services, each in the smallest pipeline that works, without its optional observers and its debug log."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    InterruptionFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSUpdateSettingsFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.smallest.stt import SmallestSTTService
from pipecat.services.smallest.tts import SmallestTTSService
from pipecat.workers.runner import WorkerRunner

from bench.clients.harness import run

_KEY = "sk_bench"
_PARAMS = PipelineParams(audio_in_sample_rate=16000, audio_out_sample_rate=24000)
_START_SECS = 10.0


class Sink(FrameProcessor):
    """The end of a pipeline; plays the transport, without which only the first text would be spoken."""

    def __init__(self, take: Callable[[bytes], None] | None = None, heard: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self.take = take
        self.heard = heard
        self.silent = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame) and self.take:
            self.take(frame.audio)
        elif isinstance(frame, TranscriptionFrame | InterimTranscriptionFrame) and self.heard:
            self.heard(frame.text)
        elif isinstance(frame, TTSStartedFrame):
            await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        elif isinstance(frame, TTSStoppedFrame):
            self.silent.set()
            await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        await self.push_frame(frame, direction)


class Running:
    """A pipeline of one service that runs."""

    def __init__(self, service: FrameProcessor, sink: Sink, *, observers: bool) -> None:
        self.sink = sink
        self._worker = PipelineWorker(
            Pipeline([service, sink]),
            params=_PARAMS,
            enable_rtvi=observers,
            enable_turn_tracking=observers,
            idle_timeout_secs=None,
        )
        self._runner = WorkerRunner(handle_sigint=False)
        self._started = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        @self._worker.event_handler("on_pipeline_started")
        async def started(*_: Any) -> None:
            self._started.set()

        await self._runner.add_workers(self._worker)
        self._running = asyncio.create_task(self._runner.run())
        async with asyncio.timeout(_START_SECS):
            await self._started.wait()

    async def queue(self, frame: Frame) -> None:
        await self._worker.queue_frame(frame)

    async def close(self) -> None:
        await self._runner.cancel()
        if self._running:
            await self._running


class PipecatVoice:
    def __init__(self, running: Running) -> None:
        self._running = running

    async def say(self, text: str, take: Callable[[bytes], None]) -> None:
        sink = self._running.sink
        silent = sink.silent = asyncio.Event()
        sink.take = take
        await self._running.queue(TTSSpeakFrame(text))
        await silent.wait()

    async def interrupt(self) -> None:
        self._running.sink.silent.set()
        await self._running.queue(InterruptionFrame())

    async def set_voice(self, voice: str) -> None:
        await self._running.queue(TTSUpdateSettingsFrame(delta=SmallestTTSService.Settings(voice=voice)))

    async def close(self) -> None:
        await self._running.close()


class PipecatEar:
    def __init__(self, running: Running) -> None:
        self._running = running

    async def push(self, pcm: bytes) -> None:
        await self._running.queue(InputAudioRawFrame(audio=pcm, sample_rate=16000, num_channels=1))

    async def close(self) -> None:
        await self._running.close()


class Pipecat:
    def __init__(self, *, observers: bool = False) -> None:
        self._observers = observers

    async def voice(self, url: str, voice: str) -> PipecatVoice:
        settings = SmallestTTSService.Settings(model="lightning_v3.1", voice=voice)
        tts = SmallestTTSService(api_key=_KEY, base_url=url, settings=settings)
        running = Running(tts, Sink(), observers=self._observers)
        await running.start()
        return PipecatVoice(running)

    async def ear(self, url: str, heard: Callable[[str], None]) -> PipecatEar:
        stt = SmallestSTTService(api_key=_KEY, base_url=url)
        running = Running(stt, Sink(heard=heard), observers=self._observers)
        await running.start()
        return PipecatEar(running)


def quiet() -> None:
    """Leave out the debug log, which nobody has on in production."""
    logger.remove()
    logger.add(sys.stderr, level="ERROR")


if __name__ == "__main__":
    quiet()
    run(Pipecat)
