"""The simulator as a hand-written `websockets` client meets it, and what its voices sound like."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import numpy as np
import pytest
from simulated import pitch, pitches
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

HEADERS = {"Authorization": "Bearer sk_test"}
LIVE = "/waves/v1/tts/live"
V2 = "/waves/v1/lightning-v2/get_speech/stream"
TEXT = "The weather will be cold and cloudy this morning."


def opened(simulator, path=LIVE, headers=HEADERS):
    return connect(simulator.base_url + path, additional_headers=headers, compression=None, proxy=None)


async def speak(simulator, path=LIVE, **fields):
    """Say something and return (frames, samples)."""
    request = {"text": TEXT, "voice_id": "sophia", "sample_rate": 16000, "complete_backoff_ms": 0, **fields}
    async with opened(simulator, path) as ws:
        await ws.send(json.dumps(request))
        frames = []
        async for message in ws:
            frames.append(json.loads(message))
            if frames[-1]["status"] != "chunk" and frames[-1]["status"] != "word_timestamp":
                break
    pcm = b"".join(base64.b64decode(f["data"]["audio"]) for f in frames if f["status"] == "chunk")
    return frames, np.frombuffer(pcm, "<i2").astype(float)


def spread(samples: np.ndarray) -> float:
    return float(np.subtract(*np.percentile(pitches(samples), [85, 15])))


async def test_frames_are_those_of_the_protocol(simulator):
    frames, samples = await speak(simulator, request_id="mine", session_id="ours")
    kinds = [f["status"] for f in frames]
    assert kinds[-1] == "complete"
    assert set(kinds[:-1]) == {"chunk"}
    assert {(f["external_request_id"], f["external_session_id"]) for f in frames} == {("mine", "ours")}
    assert len({f["request_id"] for f in frames}) == 1
    assert frames[0]["session_id"].startswith("ws_")
    sizes = [len(base64.b64decode(f["data"]["audio"])) for f in frames[:-1]]
    assert any(n % 2 for n in sizes), "odd chunks occur in the service and must occur here"
    assert 2 < len(samples) / 16000 < 4


async def test_chunks_leave_as_they_are_made(fresh_simulator):
    await speak(fresh_simulator)  # the engine is loaded now
    async with opened(fresh_simulator) as ws:
        started = time.monotonic()
        await ws.send(json.dumps({"text": TEXT * 60, "voice_id": "sophia", "sample_rate": 44100}))
        await ws.recv()
        first = time.monotonic() - started
        total = 0
        async for message in ws:
            total += len(message)
            if total > 10_000_000:
                break
        whole = time.monotonic() - started
    assert first < whole / 5


@pytest.mark.parametrize("speed", [0.5, 2.0])
async def test_speed_changes_the_length(simulator, speed):
    _, normal = await speak(simulator)
    _, changed = await speak(simulator, speed=speed)
    assert len(normal) / len(changed) == pytest.approx(speed, rel=0.2)


async def test_voices_differ_and_have_the_right_pitch(simulator):
    voices = {v: await speak(simulator, voice_id=v) for v in ("sophia", "hannah", "magnus", "robert")}
    heights = {v: pitch(samples) for v, (_, samples) in voices.items()}
    assert min(heights["sophia"], heights["hannah"]) > 1.2 * max(heights["magnus"], heights["robert"])


async def test_the_three_settings_of_v2_change_the_sound(simulator):
    async def v2(**fields):
        return (await speak(simulator, V2, voice_id="emily", **fields))[1]

    lively, flat = await v2(consistency=0.0), await v2(consistency=1.0)
    assert spread(lively) > 1.5 * spread(flat)
    own, more = await v2(similarity=0.0), await v2(similarity=1.0)
    assert pitch(more) > 1.08 * pitch(own)
    soft, strong = await v2(enhancement=0), await v2(enhancement=2)
    assert np.sqrt(np.mean(strong**2)) > 1.3 * np.sqrt(np.mean(soft**2))
    assert np.abs(strong).max() < 32767
    ignored = (await speak(simulator, enhancement=2))[1]
    assert np.sqrt(np.mean(ignored**2)) == pytest.approx(np.sqrt(np.mean((await speak(simulator))[1] ** 2)), rel=0.03)


async def test_every_documented_language_speaks(simulator):
    texts = {"hi": "नमस्ते दुनिया", "ta": "வணக்கம் உலகம்", "ru": "Привет, мир", "ar": "مرحبا بالعالم", "he": "שלום עולם"}
    lengths = {}
    for code in "ar bn de en es fr gu he hi it kn mr nl pl ru ta".split():
        frames, samples = await speak(simulator, language=code, text=texts.get(code, "Radio, taxi, hotel, opera"))
        assert frames[-1]["status"] == "complete", (code, frames[-1])
        lengths[code] = len(samples) / 16000
    assert min(lengths.values()) > 0.4, lengths
    _, german = await speak(simulator, language="de", text="Wir gehen heute ins Kino")
    _, english = await speak(simulator, language="en", text="Wir gehen heute ins Kino")
    assert abs(len(german) - len(english)) > 400 or np.abs(german[:16000] - english[:16000]).max() > 5000


async def test_word_times_only_when_asked_and_only_for_the_six(simulator):
    frames, samples = await speak(simulator, voice_id="liam", word_timestamps=True, text="It costs $5.50 today.")
    words = [f["data"] for f in frames if f["status"] == "word_timestamp"]
    assert [w["word"] for w in words] == ["It", "costs", "$5.50", "today."]
    assert [w["id"] for w in words] == [0, 1, 2, 3]
    assert words[-1]["end"] <= len(samples) / 16000 + 0.01
    for fields in ({"voice_id": "sophia", "word_timestamps": True}, {"voice_id": "liam"}):
        frames, _ = await speak(simulator, **fields)
        assert not [f for f in frames if f["status"] == "word_timestamp"]


async def test_complete_waits_and_is_shared(simulator):
    async with opened(simulator) as ws:
        started = time.monotonic()
        for text in ("One.", "Two."):
            await ws.send(json.dumps({"text": text, "voice_id": "sophia", "complete_backoff_ms": 400}))
        frames = []
        while not frames or frames[-1]["status"] != "complete":
            frames.append(json.loads(await ws.recv()))
        assert time.monotonic() - started > 0.4
        assert len({f["request_id"] for f in frames if f["status"] == "chunk"}) == 2
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ws.recv(), 0.6)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ("not json", "JSON"),
        ('{"text": "x"}', "voice_id"),
        ('{"text": "x", "voice_id": "sophia", "speed": 9}', "speed=9"),
        ('{"text": "x", "voice_id": "sophia", "sample_rate": 1}', "sample_rate"),
        ('{"text": "x", "voice_id": "sophia", "language": "tlh"}', "not supported"),
    ],
)
async def test_bad_requests_get_an_error_frame_and_the_socket_stays_open(simulator, frame, message):
    async with opened(simulator) as ws:
        await ws.send(frame)
        answer = json.loads(await ws.recv())
        assert answer["status"] == "error"
        assert message in json.dumps(answer)
        await ws.send(json.dumps({"text": "x", "voice_id": "sophia"}))
        assert json.loads(await ws.recv())["status"] == "chunk"


@pytest.mark.parametrize(
    ("path", "headers", "status", "message"),
    [
        (LIVE, {}, 401, "No tokens provided"),
        (LIVE, {"Authorization": "Bearer nonsense"}, 401, "unauthorized"),
        ("/waves/v1/nothing", HEADERS, 404, "nothing"),
        ("/waves/v1/stt/live?model=pulse-pro&language=en", HEADERS, 400, "pulse-pro"),
        ("/waves/v1/stt/live?language=en", HEADERS, 400, "model"),
        ("/waves/v1/stt/live?model=pulse&encoding=mp3", HEADERS, 400, "encoding"),
        ("/waves/v1/stt/live?model=pulse&eou_timeout_ms=0", HEADERS, 400, "eou_timeout_ms"),
    ],
)
async def test_refused_handshakes(simulator, path, headers, status, message):
    with pytest.raises(InvalidStatus) as caught:
        await opened(simulator, path, headers)
    assert caught.value.response.status_code == status
    assert message in caught.value.response.body.decode()


async def test_the_key_may_come_as_a_token(simulator):
    async with opened(simulator, LIVE + "?token=sk_x", {}) as ws:
        await ws.send(json.dumps({"text": "Hi.", "voice_id": "sophia"}))
        assert json.loads(await ws.recv())["status"] == "chunk"


async def test_an_idle_socket_gets_an_error_and_is_closed(simulator):
    async with opened(simulator, LIVE + "?timeout=1") as ws:
        answer = json.loads(await asyncio.wait_for(ws.recv(), 3))
        assert answer == {**answer, "status": "error"}
        assert "1 seconds of inactivity" in answer["message"]
        with pytest.raises(Exception, match="1000"):
            await ws.recv()


async def test_a_blank_text_is_a_keepalive(simulator):
    async with opened(simulator) as ws:
        await ws.send(json.dumps({"text": " ", "voice_id": "sophia"}))
        assert json.loads(await ws.recv())["status"] == "complete"
