"""Hostile and faulty clients: the simulator keeps running, stays small and serves the others."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import resource
from pathlib import Path

import pytest
from simulated import CLOSE, FINALIZE, LIVE, hear, opened, said, speak, stt_path
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer sk_x\r\n\r\n"
)


async def alive(simulator) -> bool:
    frames, pcm = await speak(simulator, "still here", voice_id="sophia")
    return frames[-1]["status"] == "complete" and said(await hear(simulator, pcm)) == "Still here."


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def raw(simulator, path, frame: Frame) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a frame that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(HANDSHAKE.format(path=path).encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame.serialize(mask=True))
    return reader, writer


@pytest.mark.parametrize("path", [LIVE, stt_path()])
async def test_a_frame_too_large_is_1009(signals, path):
    reader, writer = await raw(signals, path, Frame(Opcode.BINARY, bytes(5 * 2**20)))
    answer = await asyncio.wait_for(reader.read(4), 5)
    assert answer[2:] == (1009).to_bytes(2, "big")
    writer.transport.abort()
    assert await alive(signals)


@pytest.mark.parametrize("path", [LIVE, stt_path()])
async def test_text_that_is_no_utf8_is_1007(signals, path):
    reader, writer = await raw(signals, path, Frame(Opcode.TEXT, b'{"text": "\xff\xfe"}'))
    answer = await asyncio.wait_for(reader.read(4), 5)
    assert answer[2:] == (1007).to_bytes(2, "big")
    writer.transport.abort()
    assert await alive(signals)


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /waves/v1/tts/live HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        b"POST /waves/v1/tts HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"POST /waves/v1/tts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc",
        b"POST /waves/v1/tts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"POST /waves/v1/tts HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}",
        b"GET /waves/v1/health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /waves/v1/h\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000,
        b"POST /waves/v1/tts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_x\r\nContent-Length: 3\r\n\r\n[[[",
    ],
)
async def test_junk_is_answered_or_dropped(signals, junk):
    reader, writer = await asyncio.open_connection("127.0.0.1", signals.port)
    writer.write(junk)
    with contextlib.suppress(ConnectionError):
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 12)
        assert not answer or answer.startswith((b"HTTP/1.0 4", b"HTTP/1.1 4")), answer[:80]
    writer.close()
    assert await alive(signals)


@pytest.mark.parametrize(
    "frame",
    ["[" * 100_000, '{"text":' * 5000, "null", '{"text": 5, "voice_id": []}', '{"context_id": {}}', "",
     '{"text": "x", "voice_id": "y", "speed": NaN}', '{"text": "x", "voice_id": "y", "sample_rate": [1]}',
     '{"text": "x", "voice_id": "y", "language": {}}', '{"text": "x", "voice_id": "y", "complete_backoff_ms": 1e999}',
     '{"text": "x", "voice_id": "y", "max_buffer_flush_ms": "soon", "continue": true}',
     '{"text": "x", "voice_id": "y", "model": ["a"]}', '{"text": "x", "voice_id": "y", "output_format": {}}'],
)  # fmt: skip
async def test_odd_requests_get_an_error_and_the_socket_stays_open(signals, frame):
    async with opened(signals) as ws:
        await ws.send(frame)
        assert json.loads(await ws.recv())["status"] == "error"
        await ws.send(json.dumps({"text": "x", "voice_id": "y"}))
        assert json.loads(await ws.recv())["status"] == "chunk"


@pytest.mark.parametrize("frame", ["[" * 100_000, "null", '{"type": []}', "", '{"type":"nothing"}'])
async def test_odd_control_frames_too(signals, frame):
    async with opened(signals, stt_path()) as ws:
        await ws.send(frame)
        assert json.loads(await ws.recv())["type"] == "error"
        await ws.send(CLOSE)
        assert json.loads(await ws.recv())["is_last"]


async def test_a_flood_of_requests_is_refused_and_the_rest_is_served(fresh_signals):
    fresh_signals.behaviour.pace = 50.0
    request = json.dumps({"text": "one two three", "voice_id": "x", "sample_rate": 8000, "complete_backoff_ms": 0})
    refused, chunks = 0, 0
    async with opened(fresh_signals) as ws:
        for _ in range(200):
            await ws.send(request)
        while True:
            frame = json.loads(await asyncio.wait_for(ws.recv(), 10))
            refused += frame["status"] == "error"
            chunks += frame["status"] == "chunk"
            if frame["status"] == "complete":
                break
    assert 0 < refused < 200
    assert chunks
    assert await alive(fresh_signals)


async def test_a_flood_of_sound_and_of_control_frames(signals):
    _, pcm = await speak(signals, "at the end")
    async with opened(signals, stt_path()) as ws:
        got = []

        async def read():
            with contextlib.suppress(ConnectionClosed):
                async for message in ws:
                    got.append(json.loads(message))

        reader = asyncio.create_task(read())
        for _ in range(200):
            await ws.send(bytes(32000))
        for _ in range(3000):
            await ws.send(FINALIZE)
        await ws.send(pcm)
        await ws.send(CLOSE)
        await asyncio.wait_for(reader, 60)
    assert len([g for g in got if g.get("from_finalize")]) == 3000
    assert got[-1]["transcript"] == "At the end."


async def test_a_client_that_does_not_read_costs_little_and_delays_no_other(signals):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = " ".join(["slow"] * 4000)
    sockets = []
    for _ in range(5):
        request = json.dumps({"text": text, "voice_id": "x", "sample_rate": 44100}).encode()
        _, writer = await raw(signals, LIVE, Frame(Opcode.TEXT, request))
        writer.transport.pause_reading()
        sockets.append(writer)
    await asyncio.sleep(1.0)
    assert await alive(signals)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000, f"{grown} kB for five clients, whose sound would be 500 MB"
    for writer in sockets:
        writer.transport.abort()


async def test_a_thousand_connections_come_and_go(fresh_signals):
    signals = fresh_signals
    assert await alive(signals)
    await asyncio.sleep(0.2)
    before = descriptors()
    for number in range(1000):
        _, writer = await asyncio.open_connection("127.0.0.1", signals.port)
        if number % 4 == 1:
            writer.write(b"GET /waves/v1/tt")
        elif number % 4 == 2:
            writer.write(HANDSHAKE.format(path=LIVE if number % 8 == 2 else stt_path()).encode())
        elif number % 4 == 3:
            writer.write(b"POST /waves/v1/tts HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{")
        if number % 2:
            await asyncio.sleep(0)
        writer.transport.abort()
    assert await alive(signals)
    for _ in range(50):
        gc.collect()
        if descriptors() <= before + 3:
            break
        await asyncio.sleep(0.1)
    assert descriptors() <= before + 3
    assert signals.open_sessions == 0
    signals.behaviour.concurrency = signals.behaviour.stt_sessions = 1
    account = {"Authorization": "Bearer sk_x"}  # the one of the thousand: it has all of its sockets again
    async with contextlib.AsyncExitStack() as held:
        for _ in range(5):
            await held.enter_async_context(opened(signals, headers=account))
    assert (await hear(signals, b"", headers=account))[-1]["is_last"]


async def test_pings_whose_answers_are_not_read_are_read_no_more(signals):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, writer = await raw(signals, LIVE, Frame(Opcode.PING, b"x"))
    writer.transport.pause_reading()
    ping = Frame(Opcode.PING, b"p" * 125).serialize(mask=True) * 500
    with contextlib.suppress(ConnectionError, TimeoutError):
        for _ in range(400):
            writer.write(ping)
            await asyncio.wait_for(writer.drain(), 2)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 10_000, f"{grown} kB for 25 MB of answers"
    writer.transport.abort()
    assert await alive(signals)


async def test_the_same_sound_is_heard_the_same_each_time(simulator):
    _, pcm = await speak(simulator, "He opened the door and turned on the light.", voice_id="liam")
    quiet = bytes(12800)
    heard = [said(await hear(simulator, quiet + pcm + quiet)) for _ in range(4)]
    assert len(set(heard)) == 1, heard


async def test_a_flood_of_sound_delays_no_other_session(simulator):
    """Another session is answered many times before the flood has been heard."""
    _, pcm = await speak(simulator, "The weather will be cold and cloudy this morning.")
    async with opened(simulator, stt_path()) as flood, opened(simulator, stt_path()) as other:
        for _ in range(20):
            await flood.send(pcm[:32000])
        await flood.send(CLOSE)
        last = asyncio.create_task(_last_frame(flood))
        for _ in range(20):
            await other.send('{"type":"keepalive"}')
            await other.recv()
        assert not last.done(), "the answers came only when the flood had been recognised"
        assert await last


async def _last_frame(ws) -> bool:
    async for message in ws:
        if json.loads(message).get("is_last"):
            return True
    return False
