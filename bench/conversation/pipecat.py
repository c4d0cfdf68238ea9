"""A Pipecat pipeline: VADProcessor, SmallestSTTService, a function, SmallestTTSService, a transport, the context.

The function answers a final transcript as soon as it comes, and broadcasts the interruption as soon as Silero hears a
person: there is nothing between that could wait. The transport is Pipecat's own output, whose chunks of 40 ms are taken
in real time; the context is written by its assistant aggregator.
"""

from __future__ import annotations

import asyncio
import sys
import wave
from time import monotonic
from typing import Any

from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    StartFrame,
    TranscriptionFrame,
    TTSStartedFrame,
    VADUserStartedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.smallest.stt import SmallestSTTService
from pipecat.services.smallest.tts import SmallestTTSService
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

from bench.conversation.script import answer_to

logger.remove()
logger.add(sys.stderr, level="ERROR")
_CHUNK_SECS = 0.02
_LAST_ANSWER_SECS = 6.0
_START_SECS = 20.0


class Answering(FrameProcessor):
    """The function."""

    def __init__(self, context: LLMContext) -> None:
        super().__init__()
        self._context = context
        self.texts: list[str] = []
        self.may_sound = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStartedSpeakingFrame):
            await self.broadcast_interruption()
        elif isinstance(frame, TranscriptionFrame) and frame.text.strip():
            self._context.add_message({"role": "user", "content": frame.text})
            text = answer_to(frame.text)
            self.texts.append(text)
            await self.push_frame(LLMFullResponseStartFrame())
            await self.push_frame(LLMTextFrame(text))
            await self.push_frame(LLMFullResponseEndFrame())
            return
        await self.push_frame(frame, direction)


class Loudspeaker(BaseOutputTransport):
    """Takes sound as fast as it sounds, and notes when."""

    def __init__(self) -> None:
        super().__init__(TransportParams(audio_out_enabled=True))
        self.chunks: list[tuple[int, float, float]] = []
        self.answer = -1
        self._free_at = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, TTSStartedFrame):
            self.answer += 1
        await super().process_frame(frame, direction)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        seconds = len(frame.audio) / 2 / frame.sample_rate
        at = max(self._free_at, monotonic())
        self._free_at = at + seconds
        self.chunks.append((self.answer, at, seconds))
        await asyncio.sleep(self._free_at - monotonic())
        return True


def _parts(chunks: list[tuple[int, float, float]], began: float) -> list[list[float]]:
    """Return the stretches without a gap."""
    parts: list[list[float]] = []
    for answer, at, seconds in chunks:
        if parts and parts[-1][0] == answer and at - began - parts[-1][2] < 0.01:
            parts[-1][2] = at - began + seconds
        else:
            parts.append([answer, at - began, at - began + seconds])
    return parts


async def converse(url: str, key: str, wav: str, stop_secs: float) -> dict[str, Any]:
    """Hold the conversation."""
    with wave.open(wav, "rb") as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    context = LLMContext()
    pair = LLMContextAggregatorPair(context)
    function, loudspeaker = Answering(context), Loudspeaker()
    settings = SmallestTTSService.Settings(model="lightning_v3.1", voice="avery")
    worker = PipelineWorker(
        Pipeline([
            VADProcessor(vad_analyzer=SileroVADAnalyzer(params=VADParams(stop_secs=stop_secs))),
            SmallestSTTService(api_key=key, base_url=url),
            function,
            SmallestTTSService(api_key=key, base_url=url, settings=settings),
            loudspeaker,
            pair.assistant(),
        ]),
        params=PipelineParams(audio_in_sample_rate=rate, audio_out_sample_rate=24000),
        enable_rtvi=False,
        enable_turn_tracking=False,
        idle_timeout_secs=None,
    )  # fmt: skip
    runner, started = WorkerRunner(handle_sigint=False), asyncio.Event()

    async def note(*_: Any) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", note)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(_START_SECS):
            await started.wait()
        await asyncio.sleep(0.5)
        size = round(_CHUNK_SECS * rate) * 2
        began = monotonic()
        pieces = [pcm[at : at + size] for at in range(0, len(pcm), size)]
        pieces += [bytes(size)] * round(_LAST_ANSWER_SECS / _CHUNK_SECS)
        for number, piece in enumerate(pieces, 1):
            await asyncio.sleep(began + number * _CHUNK_SECS - monotonic())
            await worker.queue_frame(InputAudioRawFrame(audio=piece, sample_rate=rate, num_channels=1))
        history = [{"role": m["role"], "content": m["content"]} for m in context.get_messages()]
    finally:
        await runner.cancel()
        await running
    return {
        "parts": _parts(loudspeaker.chunks, began),
        "texts": function.texts,
        "history": history,
        "wasted_characters": 0,
        "spoken_characters": sum(map(len, function.texts)),
        "errors": [],
    }
