"""The misbehaving server's text to speech: each fragment or request is answered with its own run of audio."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from time import monotonic
from typing import Any

from bench.continuations import text_to_speak
from bench.faults.sound import sound
from bench.faults.wire import Wire


class Speaking:
    """One TTS connection.

    Args:
        wire: The connection.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._plan = wire.state.plan
        self._contexts: dict[str, str] = {}
        self._waiting: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._chunks = 0
        self._requests = 0

    async def run(self) -> None:
        """Serve until the connection ends."""
        speaker = asyncio.create_task(self._speak_all())
        reader = asyncio.create_task(self._read())
        try:
            done, _ = await asyncio.wait({speaker, reader}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (speaker, reader):
                task.cancel()
            await asyncio.gather(speaker, reader, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            self._take(json.loads(await self._wire.receive()))

    def _take(self, request: dict[str, Any]) -> None:
        if text := text_to_speak(request, self._contexts):
            self._release(text, request)

    def _release(self, text: str, request: dict[str, Any]) -> None:
        self._wire.record.used = True
        self._waiting.put_nowait((text, request))

    async def _speak_all(self) -> None:
        while True:
            await self._speak(*await self._waiting.get())
            self._requests += 1

    async def _speak(self, text: str, request: dict[str, Any]) -> None:
        wire = self._wire
        ids = {"session_id": "ws_fault", "request_id": f"task_{uuid.uuid4().hex}"}
        if self._plan.echo and "request_id" in request:
            ids["external_request_id"] = request["request_id"]
        ledger = wire.state.ledger
        sent: list[tuple[float, int]] = []
        ledger.requests.append({"text": text, "sent": sent})
        if await wire.at("request", self._requests, ids) == "no_audio":
            ledger.is_over = True
        else:
            pcm = sound(text)
            for at in range(0, len(pcm), self._plan.piece):
                done = await wire.at("audio", self._chunks, ids)
                piece = pcm[at : at + self._plan.piece]
                self._chunks += 1
                if done != "swallow":
                    audio = {"audio": base64.b64encode(piece).decode()}
                    await wire.send(json.dumps({"status": "chunk", "data": audio, "new": {"a": [1]}, **ids}))
                if not wire.mute and not ledger.is_over:
                    sent.append((monotonic(), at + len(piece)))
                await asyncio.sleep(self._plan.gap_s)
        await wire.at("unfinished", self._chunks, ids)
        await wire.send(json.dumps({"status": "complete", **ids}))
        wire.old_ids = ids
        await wire.at("complete", self._chunks, ids)
