"""Outages, turns, latencies and repetitions: every byte and every word accounted for."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from websockets.asyncio.server import serve

import smallest_nb as snb
from smallest_nb.audio.turn_detector import TurnDetector
from smallest_nb.client.audio_clock import PushTimes
from tests.support.services import scripted, stt, tts

RATE = 16000


def final(text, **more) -> str:
    return json.dumps({"type": "transcription", "transcript": text, "is_final": True, "is_last": False, **more})


def words(*spoken, at=0.0) -> dict:
    return {"words": [{"word": w, "start": at + i / 10, "end": at + i / 10 + 0.1} for i, w in enumerate(spoken)]}


@pytest.fixture(scope="module")
async def spoken(simulator):
    settings = snb.SmallestTTSSettings(voice="magnus")
    async with tts(simulator, sample_rate=RATE, settings=settings) as service:
        return (await service.synthesize("The weather will be cold and cloudy this morning.")).padded(0.5, 1.0)


class Recorder:
    """A server without a transcript: answers close_stream and finalize with an empty final, keeps what it gets."""

    def __init__(self):
        self.texts = []
        self.audio = bytearray()

    async def __call__(self, ws):
        async for message in ws:
            if isinstance(message, bytes):
                self.audio += message
                continue
            self.texts.append(message)
            last = "close_stream" in message
            await ws.send(json.dumps({"transcript": "", "is_final": True, "is_last": last}))
            if last:
                return


async def test_our_own_voice_activity_finalizes_once_per_turn(spoken):
    server = Recorder()
    marks = []
    async with scripted(server) as url, stt(url, vad=snb.VADParams(stop_secs=0.4)) as service:
        for name in ("on_speech_started", "on_speech_ended"):
            service.event_handler(name)(lambda _s, at, name=name: marks.append((name, at)))
        for _ in range(2):
            for at in range(0, len(spoken.pcm), 640):
                await service.send(spoken.pcm[at : at + 640])
        await service.close()
    assert [json.loads(t)["type"] for t in server.texts] == ["finalize", "finalize", "close_stream"]
    assert [name for name, _ in marks] == ["on_speech_started", "on_speech_ended"] * 2
    assert marks[0][1] == pytest.approx(0.5, abs=0.25)
    assert marks[1][1] == pytest.approx(spoken.duration - 1.0, abs=0.35)
    assert marks[2][1] == pytest.approx(0.5 + spoken.duration, abs=0.25)
    assert bytes(server.audio) == spoken.pcm * 2


@pytest.mark.parametrize("rate", [8000, 48000])
def test_turns_are_found_at_any_rate_and_not_in_quiet_speech(spoken, rate):
    clip = spoken.resample(rate)
    assert [t.speaking for t in TurnDetector(rate, snb.VADParams(stop_secs=0.4)).push(clip.pcm)] == [True, False]
    quiet = (clip.samples / 2000).astype(np.int16).tobytes()
    assert TurnDetector(rate, snb.VADParams()).push(quiet) == []


def test_thresholds_out_of_range_are_refused():
    with pytest.raises(snb.ConfigError, match="confidence=1.5"):
        snb.VADParams(confidence=1.5)
    with pytest.raises(snb.ConfigError, match="stop_secs=-1"):
        snb.VADParams(stop_secs=-1)


async def test_the_services_own_voice_activity_arrives_as_events():
    async def handler(ws):
        await ws.recv()
        await ws.send(json.dumps({"type": "speech_started", "timestamp": 0.5}))
        await ws.send(json.dumps({"type": "speech_ended", "timestamp": 1.25}))
        await ws.wait_closed()

    marks = []
    async with scripted(handler) as url:
        service = stt(url, settings=snb.SmallestSTTSettings(vad_events=True), close_timeout=0.1)
        service.event_handler("on_speech_started")(lambda _s, at: marks.append(at))
        service.event_handler("on_speech_ended")(lambda _s, at: marks.append(at))
        await service.connect()
        await service.send(bytes(3200))
        while len(marks) < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(snb.ConnectionLost, match="last words"):
            await service.close()
    assert marks == [0.5, 1.25]


async def test_an_outage_of_seconds_loses_nothing():
    """The server is gone, its port refuses, then it is back: what was pushed meanwhile arrives, once and in order."""
    received = bytearray()

    async def handler(ws):
        async for message in ws:
            if isinstance(message, bytes):
                received.extend(message)
                if len(received) == 3200:
                    await ws.send(final("one", **words("one")))
            elif "close_stream" in message:
                await ws.send(json.dumps({"transcript": "", "is_final": True, "is_last": True}))
                return

    server = await serve(handler, "127.0.0.1", 0)
    port = next(iter(server.sockets)).getsockname()[1]
    errors = []
    service = stt(f"ws://127.0.0.1:{port}", max_retries=1)
    service.event_handler("on_connection_error")(lambda _s, message: errors.append(message))
    await service.connect()
    pieces = [bytes([n, 0]) * 1600 for n in range(40)]
    await service.send(pieces[0])
    while not service.transcript.segments:
        await asyncio.sleep(0.01)
    server.close()
    await server.wait_closed()
    for piece in pieces[1:]:
        await service.send(piece)
        await asyncio.sleep(0.05)
    server = await serve(handler, "127.0.0.1", port)
    await service.close()
    server.close()
    assert bytes(received) == b"".join(pieces)
    assert service.dropped_seconds == 0
    assert len(errors) == 1


async def test_an_outage_that_does_not_end_is_an_error_after_the_time_that_audio_is_kept():
    async def handler(ws):
        await ws.recv()
        await ws.send(final("one"))
        server.close()

    async with serve(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        service = stt(url, buffer_secs=1.0)
        await service.connect()
        with pytest.raises(snb.ConnectionLost, match="refused"):
            while True:
                await service.send(bytes(3200))
                await asyncio.sleep(0.1)
        await service.close()


async def test_a_change_of_settings_opens_the_new_socket_before_it_leaves_the_old_one():
    order = []

    async def handler(ws):
        number = len([o for o in order if o.startswith("open")]) + 1
        order.append(f"open {number}")
        async for message in ws:
            if isinstance(message, str):
                order.append(f"{json.loads(message)['type']} {number}")
                await asyncio.sleep(0.2)
                await ws.send(json.dumps({"transcript": "x", "is_final": True, "is_last": "close" in message}))
        order.append(f"closed {number}")

    async with scripted(handler) as url, stt(url) as service:
        await service.send(bytes(3200))
        await service.update_settings(snb.SmallestSTTSettings(diarize=True))
        await service.send(bytes(3200))
        await service.close()
    assert order.index("open 2") < order.index("closed 1")
    assert order[:3] in (["open 1", "open 2", "finalize 1"], ["open 1", "finalize 1", "open 2"])


async def test_finals_that_come_twice_or_late_count_once():
    last = asyncio.Event()

    async def handler(ws):
        await ws.recv()
        first = final("one two", **words("one", "two"))
        for frame in (first, first, json.dumps({"transcript": "thr", "is_final": False}),
                      final("three", **words("three", at=0.3)), first, final("four"), final("four")):  # fmt: skip
            await ws.send(frame)
        last.set()
        async for message in ws:
            if isinstance(message, str):
                await ws.send(final("", is_last=True))

    async with scripted(handler) as url:
        service = stt(url)
        await service.connect()
        await service.send(bytes(32000))
        while not last.is_set():
            await asyncio.sleep(0.01)
        await service.close()
    assert service.transcript.text == "one two three four"


async def test_words_heard_on_two_sockets_are_written_once():
    sockets = []

    async def handler(ws):
        sockets.append(ws)
        await ws.recv()
        if len(sockets) == 1:
            await ws.send(final("the cat sat down"))
            await asyncio.sleep(0.1)
            ws.transport.abort()
            return
        await ws.send(json.dumps({"transcript": "down on", "is_final": False}))
        await ws.send(final("Down on the mat."))
        async for message in ws:
            if isinstance(message, str):
                await ws.send(final("", is_last=True))

    heard = []
    async with scripted(handler) as url:
        service = stt(url)
        results = service.segments()
        await service.connect()
        await service.send(bytes(64000))
        while len(service.transcript) < 2:
            await asyncio.sleep(0.01)
        await service.close()
        heard = [s.text async for s in results]
    assert service.transcript.text == "the cat sat down on the mat."
    assert heard[1] == "on"


async def test_latency_is_counted_from_the_end_of_speech():
    async def handler(ws):
        got = 0
        async for message in ws:
            got += len(message)
            if got == 32000:
                await asyncio.sleep(0.3)
                await ws.send(final("one", **words("one", at=0.4)))
            if isinstance(message, str):
                await ws.send(final("", is_last=True))
                return

    async with scripted(handler) as url, stt(url) as service:
        for _ in range(10):
            await service.send(bytes(3200))
            await asyncio.sleep(0.1)
        await service.close()
    (measured,) = service.metrics
    assert (measured.end, measured.characters) == (0.5, 3)
    # The end of speech was pushed 0.5 s before the last piece, and the final came 0.3 s after that.
    assert measured.time_to_final_s == pytest.approx(0.8, abs=0.15)
    assert service.metrics.summary()["p50"] == measured.time_to_final_s
    assert service.metrics.summary()["ttfs_p99_latency"] == 1.59
    assert list(service.metrics.to_dataframe().columns)[0] == "characters"


def test_when_a_moment_was_pushed():
    pushes = PushTimes()
    assert pushes.when(0.0) is None
    pushes.pushed(0.1, 10.0)
    pushes.pushed(0.1, 20.0)
    assert (pushes.when(0.05), pushes.when(0.15)) == (10.0, 20.0)
    assert pushes.when(0.3) is None


def test_redactions_name_what_was_hidden_and_where():
    segment = snb.Segment("Call [FIRSTNAME_1] at [phonenumber_2] now.")
    assert segment.redactions == (snb.Redaction("FIRSTNAME", 1, 5, 18), snb.Redaction("PHONENUMBER", 2, 22, 37))
    assert [segment.text[r.start : r.end] for r in segment.redactions] == ["[FIRSTNAME_1]", "[phonenumber_2]"]


async def test_a_whole_recording_pushed_at_once_keeps_its_last_words():
    """The answers take longer than `close_timeout` in all; while results come, the last ones are waited for."""
    said = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

    async def slow(ws):
        async for message in ws:
            if isinstance(message, str) and json.loads(message)["type"] == "close_stream":
                for number, word in enumerate(said):
                    await asyncio.sleep(0.3)
                    await ws.send(final(word, **words(word, at=float(number))))
                await ws.send(final("", is_last=True))

    async with scripted(slow) as url, stt(url, close_timeout=2.0) as service:
        await service.send(bytes(2 * RATE * 12))
    assert service.transcript.text.split() == said


async def test_after_a_change_of_settings_nothing_of_the_old_socket_counts():
    """It is the reader of the old socket that makes the change, so it is not cancelled by it."""
    old = []

    async def handler(ws):
        old.append(ws)
        async for message in ws:
            if isinstance(message, bytes):
                continue
            await ws.send(final("one", is_last="close" in message))
            if ws is old[0]:
                await asyncio.sleep(0.3)
                await ws.send(final("two"))
                await ws.send(json.dumps({"type": "error", "message": "session ended", "error": "bye"}))

    async with scripted(handler) as url, stt(url) as service:
        await service.send(bytes(32000))
        await service.update_settings(snb.SmallestSTTSettings(language="hi"))
        await asyncio.sleep(0.6)
        await service.send(bytes(3200))
        await service.close()
    assert service.transcript.text == "one one"
    assert service.settings.language == "hi"
