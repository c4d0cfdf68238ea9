"""Servers that misbehave, and services that point at a given server."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager

from websockets.asyncio.server import serve

import smallest_nb as snb

KEY = "sk_test_canary_7f3a"


def tts(simulator, **kwargs) -> snb.SmallestTTSService:
    url = simulator if isinstance(simulator, str) else simulator.base_url
    return snb.SmallestTTSService(api_key=KEY, base_url=url, **kwargs)


def stt(simulator, *, close_timeout: float = 30.0, **kwargs) -> snb.SmallestSTTService:
    """Make a service that waits long for the last words: on a busy machine the simulator takes its time to hear."""
    url = simulator if isinstance(simulator, str) else simulator.base_url
    return snb.SmallestSTTService(api_key=KEY, base_url=url, close_timeout=close_timeout, **kwargs)


@asynccontextmanager
async def scripted(handler):
    """A real WebSocket server that runs `handler(ws)` for each connection; gives its URL."""
    async with serve(handler, "127.0.0.1", 0, compression=None, close_timeout=0.2) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


@asynccontextmanager
async def silent_tcp():
    """A server that accepts and never says a word."""
    held = []
    server = await asyncio.start_server(lambda r, w: held.append((r, w)), "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for _, writer in held:
            writer.close()
        server.close()


def chunk(pcm: bytes, **ids) -> str:
    return json.dumps({"status": "chunk", "data": {"audio": base64.b64encode(pcm).decode()}, **ids})


def complete(**ids) -> str:
    return json.dumps({"status": "complete", **ids})
