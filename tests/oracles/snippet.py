"""Runs a snippet as a reader would, in the library's own environment: makes its service, speaks a text with it.

`python -m tests.oracles.snippet pipecat|pipecat_update|livekit TEXT OUT.pcm URL < snippet`
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any


async def _pipecat(code: str, kind: str, url: str) -> Any:
    from pipecat.services.smallest.tts import SmallestTTSService

    from bench.clients.pipecat import PipecatVoice, RunningPipeline

    made: dict[str, Any] = {}
    exec(code, made)
    bot = SmallestTTSService(api_key=os.environ["SMALLEST_API_KEY"], base_url=url)
    running = RunningPipeline(made["tts"] if kind == "pipecat" else bot)
    await running.start()
    if kind == "pipecat_update":
        await running.queue(made["frame"])
    return PipecatVoice(running)


async def _livekit(code: str) -> Any:
    from livekit.agents.utils import http_context

    from bench.clients.livekit import LiveKitVoice

    made: dict[str, Any] = {}
    exec(code, made)
    return LiveKitVoice(made["tts"], http_context.http_session())


async def _speak(kind: str, text: str, url: str) -> bytes:
    code, pcm = sys.stdin.read(), bytearray()
    if kind == "livekit":
        from livekit.agents.utils import http_context

        async with http_context.open():
            voice = await _livekit(code)
            await voice.say(text, pcm.extend, more=False)
    else:
        voice = await _pipecat(code, kind, url)
        await voice.say(text, pcm.extend, more=False)
        await voice.close()
    return bytes(pcm)


if __name__ == "__main__":
    kind, text, out, url = sys.argv[1:]
    Path(out).write_bytes(asyncio.run(asyncio.wait_for(_speak(kind, text, url), 60)))
