"""Cancelled at every point where they can be, the services leave no task, no socket and no lock behind."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed

import smallest_nb as snb
from tests.support.services import chunk, complete, scripted, stt, tts

SPEECH = b"\x01\x00" * 2400
TEXT = "The first sentence is not long. The second sentence follows the first."


class CancelAt:
    """Runs a coroutine and cancels it when it waits for the n-th time; says whether it ever got there."""

    def __init__(self, coroutine, n):
        self.inner = coroutine.__await__()
        self.left = n
        self.done = False

    def __await__(self):
        send, value = self.inner.send, None
        while True:
            try:
                waited = send(value)
            except StopIteration as stop:
                return stop.value
            if self.left == 0:
                self.done = True
                asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
            self.left -= 1
            try:
                send, value = self.inner.send, (yield waited)
            except BaseException as error:
                send, value = self.inner.throw, error


class Server:
    """Speaks and transcribes at once; counts the sockets that are open."""

    def __init__(self):
        self.open = 0

    async def __call__(self, ws):
        self.open += 1
        try:
            with contextlib.suppress(ConnectionClosed):
                await self._serve(ws)
        finally:
            self.open -= 1

    async def _serve(self, ws):
        async for message in ws:
            if isinstance(message, bytes):
                await ws.send(json.dumps({"transcript": "so", "is_final": False}))
                continue
            frame = json.loads(message)
            if "type" in frame:
                last = frame["type"] == "close_stream"
                await ws.send(json.dumps({"transcript": "so", "is_final": True, "is_last": last}))
                if last:
                    return
            elif frame.get("text", "").strip():
                ids = {"external_request_id": frame["request_id"]}
                await ws.send(chunk(SPEECH, **ids))
                await ws.send(complete(**ids))


async def speak(url):
    async with tts(url) as service:
        await service.synthesize(TEXT)
        await service.update_settings(snb.SmallestTTSSettings(model="lightning-v3.1-pro", voice="meher"))
        events = service.run_tts(TEXT)
        await anext(events)
        await service.interrupt()
        await service.synthesize(iter(TEXT.split(" ")))
        await events.aclose()


async def listen(url):
    async with stt(url, vad=snb.VADParams()) as service:
        results = service.segments()
        await service.send(bytes(6400))
        await service.finalize()
        await anext(results)
        await service.update_settings(snb.SmallestSTTSettings(diarize=True))
        await service.send(bytes(6400))


async def settled(before, server):
    """Wait until what is going away is gone; tasks that are still there then are leaks."""
    for _ in range(200):
        left = asyncio.all_tasks() - before
        ours = {t for t in left if "websockets/asyncio/server" not in str(t.get_coro().cr_code)}
        if not ours and not server.open:
            return set()
        await asyncio.sleep(0.01)
    return ours


@pytest.mark.parametrize("session", [speak, listen])
async def test_a_session_cancelled_anywhere_leaves_nothing_behind(session):
    server = Server()
    async with scripted(server) as url:
        n = 0
        while True:
            before = asyncio.all_tasks()
            run = CancelAt(session(url), n)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait_for(asyncio.ensure_future(_run(run)), 10)
            assert await settled(before, server) == set(), f"after being cancelled at its wait number {n}"
            assert server.open == 0, f"after being cancelled at its wait number {n}"
            if not run.done:
                break
            n += 1
    assert n >= 5


async def _run(run):
    return await run


@pytest.mark.parametrize("n", range(8))
async def test_after_a_cancelled_utterance_the_service_speaks_on(n):
    server = Server()
    async with scripted(server) as url, tts(url) as service:
        run = CancelAt(service.synthesize(TEXT), n)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.ensure_future(_run(run))
        clip = await asyncio.wait_for(service.synthesize(TEXT), 5)
        assert clip.pcm == SPEECH * 2
