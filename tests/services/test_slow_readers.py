"""Callers who take what was received later than the service sends it."""

from __future__ import annotations

import asyncio
import json

import pytest

import smallest_nb as snb
from smallest_nb.client import tts_session
from smallest_nb.client.network import NetworkTransport
from smallest_nb.errors import SmallestError
from tests.support.services import chunk, complete, scripted, tts

PIECE = bytes(range(240)) * 20
PIECES = 300


QUICK_PINGS = NetworkTransport(ping_secs=0.1, pong_secs=0.1)


async def test_a_reader_who_pauses_keeps_a_service_in_good_health(monkeypatch):
    monkeypatch.setattr(tts_session, "BUFFER_BYTES", 4 * len(PIECE))
    asked = []

    async def service(ws):
        async for message in ws:
            frame = json.loads(message)
            if frame.get("text", "").strip():
                asked.append(frame["text"])
                for _ in range(PIECES):
                    await ws.send(chunk(PIECE, request_id="r"))
                await ws.send(complete(request_id="r"))

    pcm = bytearray()
    async with scripted(service) as url, tts(url, max_retries=0, transport=QUICK_PINGS) as voice:
        async for event in voice.run_tts("One long sentence."):
            if not pcm:
                await asyncio.sleep(1.5)  # many pings, whose answers wait behind frames that are not read
            pcm += event.pcm if isinstance(event, snb.AudioChunk) else b""
    assert asked == ["One long sentence."]
    assert pcm == PIECE * PIECES


async def test_a_service_that_froze_is_given_up_all_the_same():
    frozen = asyncio.Event()

    async def service(ws):
        async for message in ws:
            if json.loads(message).get("text", "").strip():
                await ws.send(chunk(PIECE, request_id="r"))
                ws.transport.pause_reading()  # no ping is seen, none is answered
                await frozen.wait()

    async with scripted(service) as url, tts(url, max_retries=0, transport=QUICK_PINGS) as voice:
        with pytest.raises(SmallestError, match="lost|broke off|closed"):
            async with asyncio.timeout(60):
                await voice.synthesize("One long sentence.")
        frozen.set()
