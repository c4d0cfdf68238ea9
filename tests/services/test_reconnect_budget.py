"""Services whose server accepts, answers a little and fails, again and again; and frames whose handling raises."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed

import smallest_nb as snb
from smallest_nb.api import stt_wire
from tests.support.services import chunk, complete, scripted, stt, tts

PIECE = bytes(3200)
THREE_SENTENCES = (
    "The quick amber fox jumps over seven hedges. They expected winter rain before late November. "
    "Please bring two warm coats and thick gloves."
)


def final(text, **more) -> str:
    return json.dumps({"type": "transcription", "transcript": text, "is_final": True, "is_last": False, **more})


def words(end: float) -> list:
    return [{"word": "one", "start": max(0.0, end - 0.1), "end": end}]


def word(**ids) -> str:
    return json.dumps({"status": "word_timestamp", "data": {"word": "a", "start": 0, "end": 0.1}, **ids})


class Flaky:
    """Answers the first sound or request of each connection, then closes it.

    Args:
        answers: Returns the frames for a connection, by its number from 0.
    """

    def __init__(self, answers):
        self.connections = 0
        self._answers = answers

    async def __call__(self, ws):
        number = self.connections
        self.connections += 1
        with contextlib.suppress(ConnectionClosed):
            request = await ws.recv()
            for frame in self._answers(number, request):
                await ws.send(frame)
            await ws.close(1011, "as planned")


async def push_until_it_fails(service):
    async with asyncio.timeout(60):
        while True:
            await service.send(PIECE)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "answers",
    [
        lambda _n, _r: [final("one")],
        lambda _n, _r: [final("one", words=words(0.0))],
        lambda n, _r: [final("one", words=words(0.0 if n else 0.1))],
        lambda _n, _r: [final("one", words=words(1e5))],
        lambda _n, _r: [final("one"), final("one"), '{"type": "mood"}'],
        lambda _n, _r: [json.dumps({"type": "transcription", "transcript": "one", "is_final": False})],
        lambda _n, _r: [json.dumps({"type": "speech_started", "timestamp": 0.1})],
        lambda _n, _r: [],
    ],
    ids=["untimed", "nothing new", "less", "times of nothing sent", "several", "interim", "mark", "nothing"],
)
async def test_X2_transcription_without_progress_ends_with_an_error(answers):
    server = Flaky(answers)
    errors = []
    async with scripted(server) as url:
        service = stt(url, max_retries=2)
        service.event_handler("on_connection_error")(lambda _s, message: errors.append(message))
        await service.connect()
        results = service.segments()
        with pytest.raises(snb.ConnectionLost, match="attempts in a row brought nothing new.*Check the network"):
            await push_until_it_fails(service)
        with pytest.raises(snb.ConnectionLost, match="brought nothing new"):
            async for _ in results:
                pass
        await service.close()
    assert 3 <= server.connections <= 4, "the first final of the first socket may be progress, none after it is"
    assert len([e for e in errors if "dropped" not in e]) == server.connections + 1


async def test_X2_a_mark_counts_once_over_all_sockets():
    """Each of three sockets transcribes 0.1 s more, all others nothing: those three cost nothing of the budget."""
    server = Flaky(lambda n, _r: [final(f"word {n}", words=words(0.1))] if n < 3 else [])
    async with scripted(server) as url:
        service = stt(url, max_retries=1)
        await service.connect()
        with pytest.raises(snb.ConnectionLost):
            await push_until_it_fails(service)
        await service.close()
    assert service.transcript.text == "word 0 word 1 word 2"
    assert server.connections == 3 + 1


@pytest.mark.parametrize(
    ("answers", "received", "connections"),
    [
        (lambda ids: [chunk(bytes(4800), **ids)], 4800, 3),
        # A socket that was open before and is closed with nothing on it may just have been idle for too long.
        (lambda ids: [], 0, 4),
        (lambda ids: [word(**ids)], 0, 3),
        (lambda ids: ['{"status": "mood"}', chunk(bytes(480), **ids)], 480, 3),
    ],
    ids=["a chunk", "nothing", "a word", "an odd frame"],
)
async def test_X2_speech_without_progress_ends_with_an_error(answers, received, connections):
    server = Flaky(lambda _n, request: answers({"external_request_id": json.loads(request)["request_id"]}))
    async with scripted(server) as url, tts(url, max_retries=2, spare_socket=False) as service:
        with pytest.raises(snb.IncompleteError, match="attempts in a row brought nothing new") as caught:
            await service.synthesize("A sentence. And another one.")
        assert len(caught.value.clip.pcm) == received
    assert server.connections == connections


async def test_X2_speech_that_progresses_sentence_by_sentence_is_whole():
    def answers(_number, request):
        ids = {"external_request_id": json.loads(request)["request_id"]}
        return [chunk(bytes(4800), **ids), complete(**ids)]

    server = Flaky(answers)
    async with scripted(server) as url, tts(url, max_retries=1, spare_socket=False) as service:
        clip = await service.synthesize(THREE_SENTENCES)
    assert len(clip.pcm) == 3 * 4800
    assert server.connections == 3


async def test_X2_a_new_utterance_has_a_budget_of_its_own():
    fails = True

    def answers(_number, request):
        ids = {"external_request_id": json.loads(request)["request_id"]}
        return [] if fails else [chunk(bytes(4800), **ids), complete(**ids)]

    server = Flaky(answers)
    async with scripted(server) as url, tts(url, max_retries=1, spare_socket=False) as service:
        with pytest.raises(snb.IncompleteError):
            await service.synthesize("Hello.")
        fails = False
        assert len((await service.synthesize("Hello.")).pcm) == 4800


@pytest.mark.parametrize("raised", [KeyError("x"), TypeError("y"), RecursionError(), AssertionError("z")])
async def test_X2_an_exception_in_a_frames_handler_costs_that_frame_only(raised, monkeypatch, caplog):
    parse = stt_wire.parse_stt_frame

    def broken(data, timeline):
        if "poison" in data:
            raise raised
        return parse(data, timeline)

    monkeypatch.setattr(stt_wire, "parse_stt_frame", broken)
    connections = []

    async def handler(ws):
        connections.append(ws)
        await ws.recv()
        await ws.send(final("before", words=[{"word": "before", "start": 0.0, "end": 0.05}]))
        for _ in range(1000):
            await ws.send('"poison"')
        await ws.send(final("after", words=[{"word": "after", "start": 0.05, "end": 0.1}]))
        async for message in ws:
            if isinstance(message, str):
                await ws.send(final("", is_last=True))

    async with scripted(handler) as url:
        service = stt(url)
        await service.connect()
        await service.send(PIECE)
        while len(service.transcript) < 2:
            await asyncio.sleep(0.01)
        await service.close()
    assert service.transcript.text == "before after"
    assert (service.bad_frames, len(connections)) == (1000, 1)
    lines = [r.getMessage() for r in caplog.records if r.name == "smallest_nb.client.stt"]
    assert len(lines) == 2, "the first at once, the others as a number"
    assert "999 further frames" in lines[1]


async def test_X2_an_exception_in_a_speech_frames_handler_costs_that_frame_only(monkeypatch, caplog):
    from smallest_nb.client import tts as module

    parse = module.wire.parse_tts_frame

    def broken(data):
        if "poison" in data:
            raise ValueError("poison")
        return parse(data)

    monkeypatch.setattr(module.wire, "parse_tts_frame", broken)

    async def handler(ws):
        ids = {"external_request_id": json.loads(await ws.recv())["request_id"]}
        await ws.send(chunk(bytes(480), **ids))
        for _ in range(100):
            await ws.send('"poison"')
        await ws.send(chunk(bytes(480), **ids))
        await ws.send(complete(**ids))
        await ws.wait_closed()

    async with scripted(handler) as url, tts(url) as service:
        assert len((await service.synthesize("Hello.")).pcm) == 960
        assert service.stray_frames == 100
    assert len([r for r in caplog.records if r.name == "smallest_nb.client.tts"]) == 2
