"""The floor: what no client of this protocol in plain Python can go below. websockets, json, base64, nothing else."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect

from bench.clients.harness import run

_HEADERS = {"Authorization": "Bearer sk_bench"}


async def _connect(url: str) -> ClientConnection:
    return await connect(url, compression=None, proxy=None, additional_headers=_HEADERS)


class FloorVoice:
    """One socket; an interruption closes it and the next text opens another."""

    def __init__(self, ws: ClientConnection, url: str, voice: str) -> None:
        self._ws: ClientConnection | None = ws
        self._url = url
        self._voice = voice

    async def say(self, text: str, take: Callable[[bytes], None]) -> None:
        ws = self._ws = self._ws or await _connect(self._url)
        request = {
            "text": text,
            "voice_id": self._voice,
            "model": "lightning_v3.1",
            "language": "en",
            "sample_rate": 24000,
        }
        await ws.send(json.dumps(request))
        async for frame in ws:
            message = json.loads(frame)
            if message["status"] == "complete":
                return
            take(base64.b64decode(message["data"]["audio"]))

    async def interrupt(self) -> None:
        await self.close()

    async def set_voice(self, voice: str) -> None:
        self._voice = voice

    async def close(self) -> None:
        ws, self._ws = self._ws, None
        if ws is not None:
            await ws.close()


class FloorEar:
    """One socket and a task that reads it."""

    def __init__(self, ws: ClientConnection, heard: Callable[[str], None]) -> None:
        self._ws = ws
        self._reader = asyncio.create_task(self._read(heard))

    async def _read(self, heard: Callable[[str], None]) -> None:
        async for frame in self._ws:
            heard(json.loads(frame)["transcript"])

    async def push(self, pcm: bytes) -> None:
        await self._ws.send(pcm)

    async def close(self) -> None:
        await self._ws.send('{"type": "close_stream"}')
        await self._reader


class Floor:
    async def voice(self, url: str, voice: str) -> FloorVoice:
        url += "/waves/v1/tts/live"
        return FloorVoice(await _connect(url), url, voice)

    async def ear(self, url: str, heard: Callable[[str], None]) -> FloorEar:
        query = "model=pulse&language=en&encoding=linear16&sample_rate=16000"
        return FloorEar(await _connect(f"{url}/waves/v1/stt/live?{query}"), heard)


if __name__ == "__main__":
    run(Floor)
