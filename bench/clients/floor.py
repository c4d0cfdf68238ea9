"""The floor: what no client of this protocol in plain Python can go below. websockets, json, base64, nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any, ClassVar
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect

from bench.clients.interface import Heard, Settings, Take


async def _connect(url: str, key: str) -> ClientConnection:
    return await connect(url, compression=None, proxy=None, additional_headers={"Authorization": f"Bearer {key}"})


class FloorVoice:
    """One socket; an interruption closes it and the next text opens another."""

    def __init__(self, url: str, key: str, settings: Settings) -> None:
        self.events: list[str] = []
        self._ws: ClientConnection | None = None
        self._address = url, key
        self._settings = settings

    async def connect(self) -> None:
        self._ws = self._ws or await _connect(*self._address)

    async def say(self, text: str, take: Take, *, more: bool = False) -> None:  # noqa: ARG002 - the interface
        ws = self._ws = self._ws or await _connect(*self._address)
        await ws.send(json.dumps({"text": text, **self._settings}))
        async for frame in ws:
            message = json.loads(frame)
            if message["status"] == "complete":
                return
            waiting = take(base64.b64decode(message["data"]["audio"]))
            if waiting is not None:
                await waiting

    async def interrupt(self) -> None:
        await self.close()

    async def update(self, settings: Settings) -> None:
        self._settings = self._settings | settings

    async def close(self) -> None:
        ws, self._ws = self._ws, None
        if ws is not None:
            await ws.close()


class FloorEar:
    """One socket."""

    def __init__(self, ws: ClientConnection) -> None:
        self.events: list[str] = []
        self._ws = ws

    async def read(self, heard: Heard) -> None:
        async for frame in self._ws:
            message = json.loads(frame)
            heard(message["transcript"], message["is_final"], message)

    def details(self, result: dict[str, Any]) -> dict[str, Any]:
        return {"wire": result}

    async def push(self, pcm: bytes) -> None:
        await self._ws.send(pcm)

    async def finalize(self) -> None:
        await self._ws.send('{"type": "finalize"}')

    async def update(self, settings: Settings) -> None:
        raise NotImplementedError("the floor has no settings that change")

    async def end(self) -> None:
        await self._ws.send('{"type": "close_stream"}')

    async def close(self) -> None:
        await self._ws.close()


class Client:
    """The bare library."""

    tts: ClassVar[Settings] = {"model": "lightning_v3.1", "voice_id": "sophia", "language": "en", "sample_rate": 24000}
    stt: ClassVar[Settings] = {"model": "pulse", "language": "en", "encoding": "linear16", "sample_rate": 16000}
    voice_setting = "voice_id"
    words_setting = "word_timestamps"

    async def voice(self, url: str, key: str, settings: Settings, **_options: Any) -> FloorVoice:
        return FloorVoice(f"{url}/waves/v1/tts/live", key, settings)

    async def ear(self, url: str, key: str, settings: Settings, **_options: Any) -> FloorEar:
        return FloorEar(await _connect(f"{url}/waves/v1/stt/live?{urlencode(settings)}", key))
