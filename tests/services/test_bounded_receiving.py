"""What is received is bounded by what was asked: audio by the text, text by the audio, log lines by time."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed

import smallest_nb as snb
from tests.support.services import chunk, complete, scripted, stt, tts

BLOCK = bytes(2**20)
"""22 s at 24 kHz."""


def final(text, **more) -> str:
    return json.dumps({"type": "transcription", "transcript": text, "is_final": True, "is_last": False, **more})


class Flood:
    """Answers the first frame with others without end; counts the bytes that the peer took."""

    def __init__(self, frame):
        self.sent = 0
        self.ended = asyncio.Event()
        self._frame = frame

    async def __call__(self, ws):
        try:
            request = await ws.recv()
            frame = self._frame(request)
            while True:
                await ws.send(frame)
                self.sent += len(frame)
        except ConnectionClosed:
            self.ended.set()


def request_id(request) -> dict:
    return {"external_request_id": json.loads(request)["request_id"]}


@pytest.mark.parametrize("echo", [True, False])
async def test_K7_audio_without_end_is_ended_at_what_the_text_can_last(echo):
    flood = Flood(lambda request: chunk(BLOCK, **(request_id(request) if echo else {})))
    async with scripted(flood) as url, tts(url, spare_socket=False) as service:
        received = 0
        with pytest.raises(snb.ProtocolError, match="5[0-9]|6[0-9]|7[0-9] s of audio.*11 characters.*at most 52 s"):
            async for event in service.run_tts("Hello world"):
                received += len(event.pcm)
        assert received <= 3 * len(BLOCK)
        async with asyncio.timeout(20):
            await flood.ended.wait()


async def test_K7_the_service_goes_on_after_a_flood():
    connections = []

    async def handler(ws):
        connections.append(ws)
        with contextlib.suppress(ConnectionClosed):
            while True:
                ids = request_id(await ws.recv())
                for _ in range(10 if len(connections) == 1 else 1):
                    await ws.send(chunk(BLOCK, **ids))
                await ws.send(complete(**ids))

    async with scripted(handler) as url, tts(url, spare_socket=False) as service:
        with pytest.raises(snb.ProtocolError):
            await service.synthesize("Hello world")
        assert len((await service.synthesize("Hello world")).pcm) == len(BLOCK)


@pytest.mark.parametrize(
    ("text", "speed", "blocks"),
    [
        ("Hello world", None, 2),
        ("Hello world", 0.5, 3),
        ("A whole sentence, as slow as can be. " * 4, None, 3),
    ],
)
async def test_K7_slow_speech_is_not_taken_for_a_flood(text, speed, blocks):
    async def handler(ws):
        with contextlib.suppress(ConnectionClosed):
            while True:
                ids = request_id(await ws.recv())
                for _ in range(blocks):
                    await ws.send(chunk(BLOCK, **ids))
                    blocks_sent.append(1)
                await ws.send(complete(**ids))

    blocks_sent = []
    settings = snb.SmallestTTSSettings(**({"speed": speed} if speed else {}))
    async with scripted(handler) as url, tts(url, spare_socket=False, settings=settings) as service:
        clip = await service.synthesize(text)
    assert len(clip.pcm) == len(blocks_sent) * len(BLOCK)


async def test_K7_words_without_end():
    def word(request) -> str:
        data = {"id": 0, "word": "a", "start": 0.0, "end": 0.1}
        return json.dumps({"status": "word_timestamp", "data": data, **request_id(request)})

    async with scripted(Flood(word)) as url, tts(url, spare_socket=False) as service:
        with pytest.raises(snb.ProtocolError, match="12 word times for 11 characters"):
            await service.synthesize("Hello world")


@pytest.mark.parametrize(
    "frame",
    [
        final("word " * 100),
        final(""),
        final("x" * 200_000),
        json.dumps({"type": "transcription", "transcript": "x" * 200_000, "is_final": False}),
        final("a", words=[{"word": "a", "start": 0, "end": 0.1}] * 50),
    ],
    ids=["finals", "empty finals", "a long final", "a long interim", "words"],
)
async def test_K7_text_without_end_ends_the_session_and_what_was_said_is_kept(frame):
    async with scripted(Flood(lambda _: frame)) as url:
        service = stt(url, close_timeout=0.2)
        results = service.segments()
        await service.connect()
        await service.send(bytes(3200))
        with pytest.raises(snb.ProtocolError, match="characters of text for 0.1 s of audio; at most 20,010"):
            async with asyncio.timeout(30):
                async for segment in results:
                    assert len(segment.words) <= len(segment.text)
        assert len(service.transcript.text) < 25_000
        with pytest.raises(snb.ProtocolError):
            await service.send(bytes(3200))
        await service.close()


@pytest.mark.parametrize("encoding", ["linear16", "mulaw", "opus"])
async def test_K7_as_much_text_as_anybody_speaks_is_taken(encoding):
    """Ten minutes of it, in finals of ten words, after as much sound."""
    bytes_per_second = {"linear16": 32000, "mulaw": 16000, "opus": 750}[encoding]

    async def handler(ws):
        heard = 0
        while heard < 600 * bytes_per_second:
            heard += len(await ws.recv())
        for number in range(100):
            await ws.send(final(f"{number} " + "abcdefgh " * 60))  # 540 characters, more than are spoken in 6 s
        async for message in ws:
            if isinstance(message, str):
                await ws.send(final("", is_last=True))
                return

    async with scripted(handler) as url:
        service = stt(url, encoding=encoding, close_timeout=20.0, resend_secs=4000.0, buffer_secs=4000.0)
        await service.connect()
        for _ in range(60):
            await service.send(bytes(10 * bytes_per_second))
        await service.close()
    assert len(service.transcript.text) > 50_000


async def test_K7_unknown_frames_without_end_cost_two_log_lines(caplog):
    async def handler(ws):
        for number in range(5000):
            await ws.send(json.dumps({"type": f"mood {number}", "status": f"mood {number}"}))
        async for _ in ws:
            await ws.send(final("", is_last=True))

    for make in (stt, tts):
        caplog.clear()
        async with scripted(handler) as url:
            service = make(url)
            await service.connect()
            count = "bad_frames" if make is stt else "stray_frames"
            async with asyncio.timeout(30):
                while getattr(service, count) < 5000:
                    await asyncio.sleep(0.01)
            await service.close()
        lines = [r.getMessage() for r in caplog.records if r.name.startswith("smallest_nb.client")]
        assert len(lines) == 2
        assert "mood 0" in lines[0]
        assert "ignored 4999 further frames" in lines[1]


def test_K7_a_placeholder_of_5000_digits_is_text():
    text = f"Call [PHONENUMBER_{'9' * 5000}] or [FIRSTNAME_1]."
    segment = snb.Segment(text)
    assert [r.kind for r in segment.redactions] == ["FIRSTNAME"]
    transcript = snb.Transcript([segment])
    assert "9" * 100 in transcript._repr_html_()
    assert "[PHONENUMBER_999" in repr(segment)
