"""What waits while the connection is lost and what cannot: recordings, microphones, control frames, a quiet session."""

from __future__ import annotations

import asyncio
import contextlib
import json
from time import monotonic

import numpy as np
import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

import smallest_nb as snb
from smallest_nb.client.audio_clock import PushTimes
from smallest_nb.client.send_queue import SendQueue
from tests.support.services import KEY, stt

RATE = 16000
PIECE = 3200
SECOND = 2 * RATE


def numbered(seconds: int) -> bytes:
    """Second k (from 1) holds the number k."""
    return np.repeat(np.arange(1, seconds + 1), RATE).astype("<i2").tobytes()


class Away:
    """A server that loses its first connection and leaves later handshakes unanswered until `back` is set.

    Args:
        lose_after: Bytes read from the first connection before it is lost.
        slow: Seconds for each piece of it.
        last: Further fields of the last final.
    """

    def __init__(self, lose_after: int, *, slow: float = 0.0, **last):
        self.sockets = []
        self.back = asyncio.Event()
        self._lose_after = lose_after
        self._slow = slow
        self._last = last

    async def _handshake(self, _connection, _request):
        if self.sockets:
            await self.back.wait()

    async def _hear(self, ws):
        heard = bytearray()
        self.sockets.append(heard)
        with contextlib.suppress(ConnectionClosed):
            async for message in ws:
                if isinstance(message, bytes):
                    heard += message
                    if len(self.sockets) > 1:
                        continue
                    await asyncio.sleep(self._slow)
                    if len(heard) >= self._lose_after:
                        ws.transport.abort()
                        return
                elif "close" in message:
                    final = {"type": "transcription", "transcript": "x", "is_final": True, "is_last": True}
                    await ws.send(json.dumps(final | self._last))

    @contextlib.asynccontextmanager
    async def running(self):
        async with serve(
            self._hear, "127.0.0.1", 0, process_request=self._handshake, compression=None, close_timeout=0.2
        ) as server:
            yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            self.back.set()


async def until(true, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


async def push(service, pcm):
    """As a program does that reads a file: as fast as it is allowed to."""
    for at in range(0, len(pcm), PIECE):
        await service.send(pcm[at : at + PIECE])
        await asyncio.sleep(0)


async def speak(service, pcm):
    """As a microphone does; returns the longest that one piece had to wait."""
    waited = 0.0
    for at in range(0, len(pcm), PIECE):
        began = monotonic()
        await service.send(pcm[at : at + PIECE])
        waited = max(waited, monotonic() - began)
        await asyncio.sleep(0.1)
    return waited


async def test_a_file_that_is_transcribed_is_whole_after_one_loss():
    """Minutes of it lie in the buffers of the network when the connection goes."""
    server = Away(10 * SECOND, slow=0.002)
    server.back.set()
    async with server.running() as url:
        clip = snb.Clip(numbered(300), RATE)
        await asyncio.to_thread(snb.transcribe, clip, api_key=KEY, base_url=url)
    assert len(server.sockets) == 2
    assert bytes(server.sockets[1]) == clip.pcm


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_recording_waits_for_a_connection_that_comes_back(at_once):
    """The program that pushes it need not say that it is a recording."""
    server = Away(SECOND)
    errors = []
    async with server.running() as url:
        service = stt(url, buffer_secs=3.0, resend_secs=400.0)
        service.event_handler("on_connection_error")(lambda _s, message: errors.append(message))
        await service.connect()
        pcm = numbered(400)
        pushing = asyncio.ensure_future(service.send(pcm) if at_once else push(service, pcm))
        await until(lambda: not service.connected)
        await asyncio.sleep(0.5)
        assert not pushing.done()
        server.back.set()
        await asyncio.wait_for(pushing, 10)
        await service.close()
    assert bytes(server.sockets[1]) == pcm
    assert (service.dropped_seconds, len(errors)) == (0, 1)


@pytest.mark.parametrize("end", ["close", "cancel", "too long"])
async def test_a_recording_that_waits_can_be_ended(end):
    server = Away(SECOND)
    async with server.running() as url:
        service = stt(url, buffer_secs=1.0, open_timeout=0.2 if end == "too long" else 10.0, close_timeout=1.0)
        await service.connect()
        pushing = asyncio.ensure_future(service.send(numbered(400)))
        await until(lambda: not service.connected)
        await asyncio.sleep(0.1)
        assert not pushing.done()
        began = monotonic()
        if end == "cancel":
            pushing.cancel()
        elif end == "close":  # which itself goes on looking for the last words
            closing = asyncio.ensure_future(service.close())
        with pytest.raises(asyncio.CancelledError if end == "cancel" else snb.ConnectionLost):
            await asyncio.wait_for(pushing, 25)
        assert monotonic() - began < (20.0 if end == "too long" else 4.0)
        if end == "close":
            await closing
        with pytest.raises(snb.ConnectionLost, match="last words") if end == "cancel" else contextlib.nullcontext():
            await service.close()


async def test_a_microphone_does_not_wait_and_what_it_loses_is_counted_and_reported():
    server = Away(PIECE, words=[{"word": "x", "start": 0.0, "end": 0.1}])
    errors = []
    async with server.running() as url:
        service = stt(url, buffer_secs=0.5)
        service.event_handler("on_connection_error")(lambda _s, message: errors.append(message))
        await service.connect()
        await service.send(numbered(1)[:PIECE])
        await until(lambda: not service.connected)
        waited = await speak(service, bytes(20 * PIECE))
        server.back.set()
        await service.close()
    assert waited < 0.1
    # 0.5 s that were never sent are kept, and beside them as much as was sent and not transcribed: 0.1 s
    assert service.dropped_seconds == pytest.approx(1.5)
    assert len(server.sockets[1]) == 6 * PIECE
    assert errors[1:] == ["0.10 s of audio dropped: the connection is away, and 0.5 s are kept"] * 15
    assert service.transcript.segments[-1].start == pytest.approx(1.5)


@pytest.mark.parametrize("how", ["finalize", "close"])
async def test_asking_for_a_final_costs_no_audio(how):
    """What is sent again does not have to fit into the room for what was never sent."""
    server = Away(SECOND)
    async with server.running() as url:
        service = stt(url, buffer_secs=1.0)
        await service.connect()
        pushing = asyncio.ensure_future(service.send(numbered(400)))
        await until(lambda: not service.connected)
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)
        dropped = service.dropped_seconds  # the network's buffers are larger than ours
        closing = asyncio.ensure_future(getattr(service, how)())
        await asyncio.sleep(0.05)
        server.back.set()
        await closing
        await service.close()
    assert service.dropped_seconds == dropped
    assert len(server.sockets[1]) / SECOND == pytest.approx(2.0, abs=0.11)


def test_control_frames_drop_nothing_and_what_returned_has_room_of_its_own():
    queue = SendQueue(4)
    assert queue.put(b"cdef") == 0
    queue.put_front(["finalize", b"ab"])
    assert (queue.put("finalize"), queue.has_room(1)) == (0, False)
    assert queue.put(b"gh") == 2
    assert [queue.get() for _ in range(len(queue.items))] == ["finalize", b"cdef", "finalize", b"gh"]
    assert (queue.has_room(4), queue.has_room(5)) == (True, False)


async def test_a_connection_lost_during_a_long_silence_is_retried_as_long_as_any_other():
    async def never_answers(ws):
        async for _ in ws:
            pass

    server = await serve(never_answers, "127.0.0.1", 0)
    port = next(iter(server.sockets)).getsockname()[1]
    service = stt(f"ws://127.0.0.1:{port}", buffer_secs=1.5, close_timeout=0.1)
    await service.connect()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(2.0)
    speaking = asyncio.ensure_future(speak(service, bytes(SECOND)))
    await asyncio.sleep(0.4)
    assert not speaking.done(), "after one attempt the session is over"
    async with serve(never_answers, "127.0.0.1", port):
        await speaking
        await until(lambda: service.connected)
        with pytest.raises(snb.ConnectionLost, match="last words"):
            await service.close()
    assert (service.reconnects, service.dropped_seconds) == (1, 0)


def test_a_recording_is_distinguished_from_a_microphone_by_its_pace():
    now = 100.0
    live, recording = PushTimes(), PushTimes()
    for _ in range(100):
        live.pushed(0.1, now)
        recording.pushed(0.1, now)
        now += 0.1
        recording.waited(0.09)
    assert live.ahead(now) == pytest.approx(0.0)
    assert recording.ahead(now) == pytest.approx(9.0)
    now += 20
    live.pushed(20.0, now)  # the program was busy, and what its microphone heard meanwhile comes at once
    assert live.ahead(now) == pytest.approx(0.0)
    now += 3600
    live.pushed(70.0, now)
    assert live.ahead(now) == pytest.approx(40.0)
