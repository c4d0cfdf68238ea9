"""Nothing waits longer than it says: peers that read nothing, tasks that do not end, answers that trickle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import textwrap
from time import monotonic

import pytest

import smallest_nb as snb
from smallest_nb.client import connection as connection_module
from smallest_nb.client.connect import open_websocket
from smallest_nb.client.network import NETWORK, NetworkTransport
from smallest_nb.client.target import Target
from smallest_nb.common.secret import Secret
from tests.support.raw_server import reads_nothing
from tests.support.services import KEY, chunk, complete, scripted, silent_tcp, stt, tts

SECOND = 2 * 16000
GENEROUS_SECS = 12.0
"""Far below the minutes that these took, far above what they take: a limit of 2.5 s and a slow machine."""


@contextlib.asynccontextmanager
async def ends_within(seconds=GENEROUS_SECS):
    """Fail, rather than hang, if the body is not over in time."""
    async with asyncio.timeout(seconds):
        yield


@pytest.fixture
def short_sends(monkeypatch):
    monkeypatch.setattr(connection_module, "_SEND_SECS", 0.3)


@pytest.fixture
def opened(monkeypatch):
    """The sockets that services have opened, in order."""
    sockets, open_one = [], connection_module.open_websocket

    async def open_and_note(*args, **options):
        sockets.append(await open_one(*args, **options))
        return sockets[-1]

    monkeypatch.setattr(connection_module, "open_websocket", open_and_note)
    return sockets


@contextlib.asynccontextmanager
async def speaks_and_stops_reading():
    """A server that answers the first request of its first connection and reads nothing afterwards; gives its URL."""
    connections, over = [], asyncio.Event()

    async def handler(ws):
        connections.append(ws)
        if len(connections) == 1:
            ids = {"external_request_id": json.loads(await ws.recv())["request_id"]}
            await ws.send(chunk(bytes(480), **ids))
            await ws.send(complete(**ids))
            await (await ws.ping())
        ws.transport.pause_reading()
        await over.wait()

    async with scripted(handler) as url:
        try:
            yield url
        finally:
            over.set()
            for ws in connections:
                ws.transport.abort()


async def fill(ws) -> None:
    """Send until the peer's and our own buffers are full."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while True:
                await asyncio.wait_for(ws.send(bytes(2**20)), 0.3)


async def test_X5_a_socket_closes_behind_a_full_buffer():
    async with reads_nothing() as (url, _):
        ws = await open_websocket(url, Target(url, Secret(KEY)))
        await fill(ws)
        assert ws.buffered > 0
        async with ends_within():
            await ws.close()


async def test_X5_closing_that_is_cancelled_leaves_no_socket():
    async with reads_nothing() as (url, _):
        ws = await open_websocket(url, Target(url, Secret(KEY)))
        await fill(ws)
        closing = asyncio.create_task(ws.close())
        await asyncio.sleep(0)
        closing.cancel()
        async with ends_within():
            await asyncio.gather(closing, return_exceptions=True)
            await ws.wait_closed()


async def test_X5_send_and_close_end():
    tasks = asyncio.all_tasks()
    async with reads_nothing() as (url, _):
        service = stt(url, close_timeout=0.2, max_retries=0)
        await service.connect()
        sending = asyncio.ensure_future(service.send(bytes(300 * SECOND)))
        await asyncio.sleep(0.3)
        async with ends_within():
            await service.close()
            with pytest.raises(snb.ConnectionLost):
                await sending
        assert not {t for t in asyncio.all_tasks() - tasks if "accept" not in repr(t)}


async def test_X5_a_session_whose_peer_takes_nothing_ends_with_the_reason(short_sends):
    """... and not only once somebody closes it: each socket is given up, and there are `max_retries` of them."""
    async with reads_nothing() as (url, held):
        service = stt(url, max_retries=1, close_timeout=0.2)
        await service.connect()
        async with ends_within(20):
            with pytest.raises(snb.ConnectionLost, match="took no data"):
                await service.send(bytes(3000 * SECOND))
            await service.close()
    assert len(held) == 2


@pytest.mark.parametrize("encoding", ["mulaw", "opus"])
async def test_X5_a_frame_larger_than_every_buffer_is_bounded_too(encoding):
    async with reads_nothing() as (url, _):
        service = stt(url, encoding=encoding, close_timeout=0.2, max_retries=0)
        await service.connect()
        sending = asyncio.ensure_future(service.send(bytes(16 * 2**20)))
        await asyncio.sleep(0.3)
        async with ends_within():
            await service.close()
            await asyncio.gather(sending, return_exceptions=True)


async def test_X5_transcribe_ends_with_an_error():
    async with reads_nothing() as (url, _):
        clip = snb.Clip(bytes(300 * SECOND), 16000)
        async with ends_within(30):
            with pytest.raises((snb.SmallestError, TimeoutError)):
                await asyncio.to_thread(snb.transcribe, clip, api_key=KEY, base_url=url, timeout=2.0)


async def test_X5_speech_ends_at_its_limit_and_every_end_of_a_service_is_bounded(opened):
    async with reads_nothing() as (url, _):
        service = tts(url, audio_timeout=0.3, max_retries=0)
        async with ends_within():
            with pytest.raises(snb.IncompleteError, match="nothing for 0.3 s"):
                await service.synthesize("Hello there.")
            await service.connect()
            await fill(opened[-1])
            await service.suspend()
            await service.connect()
            await fill(opened[-1])
            await service.close()


async def test_X5_an_interruption_does_not_wait_for_a_peer_that_reads_nothing(opened):
    """... which has answered all that it was sent, so that only its continuation is left to be cancelled."""
    never = asyncio.Event()

    async def writer():
        yield "This is said at once. "
        await never.wait()

    async with speaks_and_stops_reading() as url:
        service = tts(url, spare_socket=False)
        events = service.run_tts(writer())
        await anext(events)
        await asyncio.sleep(0.1)
        await fill(opened[0])
        began = monotonic()
        async with ends_within():
            await service.interrupt()
        assert monotonic() - began < 8.0, "it did not wait for a timeout"
        async with ends_within():
            assert await anext(events, None) is None
            await service.close()


async def test_X5_a_spare_socket_closes_behind_a_peer_that_reads_nothing(opened):
    async with speaks_and_stops_reading() as url:
        service = tts(url)
        events = service.run_tts("One sentence.")
        await anext(events)
        async with ends_within():
            while len(opened) < 2:
                await asyncio.sleep(0.01)
        await fill(opened[1])
        async with ends_within():
            await service.close()


async def test_X5_a_handler_that_does_not_end_does_not_hold_up_close(caplog):
    async with reads_nothing() as (url, _):
        service = tts(url)
        release = asyncio.Event()

        @service.event_handler("on_connected")
        async def stubborn(_service):
            while not release.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await release.wait()

        await service.connect()
        await asyncio.sleep(0)
        async with ends_within():
            await service.close()
        release.set()
    assert "1 handlers did not end" in caplog.text


async def test_X5_waiting_for_the_next_attempt_ends_with_close():
    async with silent_tcp() as url:
        service = tts(url, open_timeout=0.1, max_retries=50)
        connecting = asyncio.ensure_future(service.connect())
        await asyncio.sleep(1.5)
        async with ends_within():
            await service.close()
            with pytest.raises(snb.ConnectionLost, match="closed"):
                await connecting


async def test_X5_a_callers_iterator_that_does_not_end_does_not_hold_up_the_speech():
    release = asyncio.Event()

    async def stubborn():
        yield "The first words of a sentence"
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    async with reads_nothing() as (url, _):
        service = tts(url)
        await service.connect()
        taking = asyncio.ensure_future(service.synthesize(stubborn()))
        await asyncio.sleep(0.2)
        async with ends_within():
            await service.close()
            await asyncio.gather(taking, return_exceptions=True)
    release.set()
    await asyncio.sleep(0)


TRICKLE = """
import os, socket, threading, time
import smallest_nb as snb
server = socket.create_server(("127.0.0.1", 0))
def serve():
    while True:
        link, _ = server.accept()
        link.sendall({head!r})
        while True:
            time.sleep(0.05)
            try: link.sendall(b"x")
            except OSError: break
threading.Thread(target=serve, daemon=True).start()
os.environ["SMALLEST_API_KEY"] = "sk_x"
os.environ["SMALLEST_BASE_URL"] = f"ws://127.0.0.1:{{server.getsockname()[1]}}"
try:
    snb.transcribe_recording(b"RIFF", timeout=0.5)
except snb.ConnectionLost as error:
    print("ended:", error)
"""


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-"])
def test_X5_an_answer_that_trickles_is_given_up_and_the_script_ends(head):
    code = textwrap.dedent(TRICKLE.format(head=head))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ended:" in done.stdout


async def test_X9_a_frozen_peer_is_given_up_after_ping_pong_and_closing_time():
    """A twentieth of the real times, whose sum is what the transport's documentation promises."""
    times = NETWORK.ping_secs, NETWORK.pong_secs, NETWORK.close_secs
    assert sum(times) == 20.0
    pings, pongs, closing = (seconds / 20 for seconds in times)
    quick = NetworkTransport(ping_secs=pings, pong_secs=pongs, close_secs=closing)
    lost = asyncio.Event()
    async with reads_nothing() as (url, _):
        service = tts(url, transport=quick)
        service.event_handler("on_disconnected")(lambda _s: lost.set())
        await service.connect()
        began = monotonic()
        async with ends_within():
            await lost.wait()
        assert monotonic() - began >= 0.95, "not after ping and pong alone, which are 0.9 s"
        await service.close()
