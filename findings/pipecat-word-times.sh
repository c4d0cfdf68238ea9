#!/usr/bin/env bash
# pipecat-ai 1.14.0, SmallestTTSService: in an answer of several sentences, the word times run ahead of the audio by the
# silence at the end of each sentence: the clock of the next sentence starts at the last word's end, not at the audio's.
# Observed 2026-11-29: sentences of 2.0 s whose last word ends at 0.65 s: first words at 0, 0.65 and 1.3 s instead of 0,
# 2, 4.
# Unexpected because the service receives every sample and knows the length of each sentence; captions and interruptions
# ("what was heard") are early by the sum of all previous pauses.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'pipecat-ai[smallest]==1.14.0' 'websockets==17.4'
"$work/venv/bin/python" -W ignore - <<'PY'
import asyncio
import base64
import json

import websockets
from loguru import logger

logger.remove()
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.smallest.tts import SmallestTTSService
from pipecat.workers.runner import WorkerRunner

TENTH = base64.b64encode(bytes(4800)).decode()  # 100 ms of silence at 24 kHz


async def service(socket):
    """Answer each sentence with 2.0 s of sound and its words at 0.1, 0.3 and 0.5 s, as the wire protocol has them."""
    requests = 0
    async for message in socket:
        text = json.loads(message)["text"].split()
        if not text:
            await socket.send(json.dumps({"status": "complete", "request_id": f"r{requests}"}))
            continue
        requests += 1
        head = {"request_id": f"r{requests}"}
        for tenth in range(20):
            await socket.send(json.dumps(head | {"status": "chunk", "data": {"audio": TENTH}}))
            if tenth < len(text):
                times = {"word": text[tenth], "start": 0.1 + 0.2 * tenth, "end": 0.25 + 0.2 * tenth}
                await socket.send(json.dumps(head | {"status": "word_timestamp", "data": times}))


class Sink(FrameProcessor):
    """Notes the times of words, and plays the transport's part."""

    def __init__(self):
        super().__init__()
        self.words, self.stopped = [], asyncio.Event()

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSTextFrame):
            self.words.append((frame.text, frame.pts / 1e9))
        elif isinstance(frame, TTSStartedFrame):
            await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
        elif isinstance(frame, TTSStoppedFrame):
            self.stopped.set()
            await self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM)
        await self.push_frame(frame, direction)


async def main():
    async with websockets.serve(service, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        sink = Sink()
        tts = SmallestTTSService(api_key="none", base_url=f"ws://127.0.0.1:{port}")
        worker = PipelineWorker(
            Pipeline([tts, sink]),
            params=PipelineParams(audio_out_sample_rate=24000),
            idle_timeout_secs=None,
            enable_rtvi=False,
            enable_turn_tracking=False,
        )
        runner, started = WorkerRunner(handle_sigint=False), asyncio.Event()

        @worker.event_handler("on_pipeline_started")
        async def _(*_):
            started.set()

        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run())
        await asyncio.wait_for(started.wait(), 60)
        sentences = ("One two three. ", "Four five six. ", "Seven eight nine.")
        for frame in (LLMFullResponseStartFrame(), *map(LLMTextFrame, sentences), LLMFullResponseEndFrame()):
            await worker.queue_frame(frame)
        await asyncio.wait_for(sink.stopped.wait(), 60)
        await runner.cancel()
        await running
    first = sink.words[0][1]
    times = {word: round(time - first, 2) for word, time in sink.words}
    print("seconds after the first word:", times)
    assert abs(times["Four"] - 0.65) < 0.02 and abs(times["Seven"] - 1.3) < 0.02, "changed: words follow the sound"


asyncio.run(main())
PY
