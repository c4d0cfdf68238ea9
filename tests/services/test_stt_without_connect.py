"""Audio that is pushed without `connect` opens the connection, and its failure is raised by `send`."""

from __future__ import annotations

import asyncio
import json

import pytest

import smallest_nb as snb
from tests.support.services import scripted, stt

BLOCK = bytes(640)


async def test_audio_pushed_first_opens_the_connection():
    received = []

    async def service(ws):
        async for frame in ws:
            received.append(frame)
            if isinstance(frame, str) and json.loads(frame)["type"] == "close_stream":
                final = {"type": "transcription", "transcript": "hello", "is_final": True, "is_last": True}
                await ws.send(json.dumps(final))

    async with scripted(service) as url:
        transcription = stt(url)
        for _ in range(10):
            await transcription.send(BLOCK)
        await transcription.close()
    assert b"".join(frame for frame in received if isinstance(frame, bytes)) == 10 * BLOCK
    assert transcription.transcript.text == "hello"


@pytest.mark.parametrize("connect_first", [False, True])
async def test_a_connection_that_cannot_be_made_is_raised_by_send(connect_first):
    transcription = stt("ws://127.0.0.1:9", max_retries=0)
    if connect_first:
        with pytest.raises(snb.ConnectionLost):
            await transcription.connect()
    with pytest.raises(snb.ConnectionLost, match="refused"):
        async with asyncio.timeout(10):
            while True:
                await transcription.send(BLOCK)
                await asyncio.sleep(0)
    await transcription.close()
