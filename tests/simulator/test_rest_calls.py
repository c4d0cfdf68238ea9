"""The REST calls, by the standard library's client and by raw bytes."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import wave

import jiwer
import numpy as np
import pytest
from simulated import call, samples

from smallest_nb.api.catalog import TTS_MODELS
from smallest_nb.api.voices import VOICES, voices_of
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour

TEXT = "The weather will be cold and cloudy this morning."
ASK = {"text": TEXT, "voice_id": "magnus", "sample_rate": 16000}


@pytest.mark.parametrize("path", ["/waves/v1/tts", "/waves/v1/lightning-v3.1/get_speech"])
async def test_one_shot_speech(simulator, path):
    asked = {**ASK, "session_id": "mine", "request_id": "r.1"}
    answer = await call(simulator, "POST", path, asked)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "audio/wav")
    assert answer.headers["X-External-Session-Id"] == "mine"
    assert answer.headers["X-External-Request-Id"] == "r.1"
    assert answer.headers["X-Request-Id"]
    assert 1.5 < len(answer.body) / 32000 < 5
    assert np.abs(samples(answer.body)).max() > 2000


async def test_output_formats(signals):
    soundfile = pytest.importorskip("soundfile")
    pcm = (await call(signals, "POST", "/waves/v1/tts", ASK)).body
    wav = (await call(signals, "POST", "/waves/v1/tts", {**ASK, "output_format": "wav"})).body
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getnchannels()) == (16000, 1)
        assert file.readframes(10**7) == pcm
    mp3 = (await call(signals, "POST", "/waves/v1/tts", {**ASK, "output_format": "mp3"})).body
    sound, rate = soundfile.read(io.BytesIO(mp3))
    assert rate == 16000
    assert len(sound) == pytest.approx(len(pcm) / 2, abs=4000)
    for name, subtype in (("ulaw", "ULAW"), ("alaw", "ALAW")):
        data = (await call(signals, "POST", "/waves/v1/tts", {**ASK, "output_format": name})).body
        sound, _ = soundfile.read(io.BytesIO(data), format="RAW", subtype=subtype, samplerate=16000, channels=1)
        assert np.abs(sound - samples(pcm) / 32768).max() < 0.02
    refused = await call(signals, "POST", "/waves/v1/tts", {**ASK, "output_format": "mulaw"})
    assert (refused.status, refused.json["error"][0]["code"]) == (400, "invalid_enum_value")


@pytest.mark.parametrize("path", ["/waves/v1/tts/live", "/waves/v1/lightning-v3.1/stream"])
async def test_server_sent_events(signals, path):
    whole = (await call(signals, "POST", "/waves/v1/tts", ASK)).body
    answer = await call(signals, "POST", path, ASK)
    assert answer.headers["Content-Type"] == "text/event-stream"
    events = [e.split("\n") for e in answer.body.decode().strip().split("\n\n")]
    assert {e[0] for e in events} == {"event: audio"}
    data = [json.loads(e[1].removeprefix("data: ")) for e in events]
    assert data[-1] == {"status": "200", "done": True}
    assert all((d["done"], d["status"]) == (False, "206") for d in data[:-1])
    pieces = [base64.b64decode(d["audio"]) for d in data[:-1]]
    assert max(map(len, pieces)) == 960
    assert b"".join(pieces) == whole


@pytest.mark.parametrize(
    ("change", "status", "code", "path"),
    [
        ({"text": None}, 400, "invalid_type", ["text"]),
        ({"text": " "}, 400, "too_small", ["text"]),
        ({"voice_id": "no_such_voice"}, 400, "custom", ["voice_id"]),
        ({"sample_rate": 48000}, 400, "invalid_enum_value", ["sample_rate"]),
        ({"speed": 9}, 400, "out_of_range", ["speed"]),
        ({"language": "tlh"}, 400, "invalid_enum_value", ["language"]),
    ],
)
async def test_bad_requests(signals, change, status, code, path):
    answer = await call(signals, "POST", "/waves/v1/tts", ASK | change)
    fault = answer.json["error"][0]
    assert (answer.status, fault["code"], fault["path"]) == (status, code, path)


async def test_recordings(simulator):
    wav = (await call(simulator, "POST", "/waves/v1/tts", {**ASK, "output_format": "wav"})).body
    for path in ("/waves/v1/stt/?model=pulse&language=en", "/waves/v1/pulse/get_text?language=en"):
        answer = (await call(simulator, "POST", path, wav)).json
        assert answer["status"] == "success"
        assert jiwer.wer(TEXT.lower(), answer["transcription"].lower()) < 0.35
        assert (answer["words"], answer["utterances"]) == ([], [])
        assert answer["metadata"]["fileSize"] == len(wav)
        assert answer["metadata"]["duration"] == pytest.approx(len(wav) / 32000, abs=0.1)
    timed = (await call(simulator, "POST", "/waves/v1/stt/?model=pulse&language=en&word_timestamps=true&diarize=true",
                        wav)).json  # fmt: skip
    assert {w["speaker"] for w in timed["words"]} == {"speaker_0"}
    assert "speaker_confidence" not in timed["words"][0]
    assert timed["utterances"][0]["text"] == timed["transcription"]
    pro = (await call(simulator, "POST", "/waves/v1/stt/?model=pulse-pro&language=en&word_timestamps=true", wav)).json
    assert {"request_id", "totalBytes", "language", "metadata"} <= set(pro)
    assert {"processing_time_ms", "rtfx", "num_chunks", "duration"} == set(pro["metadata"])


async def test_recordings_in_other_formats(signals):
    soundfile = pytest.importorskip("soundfile")
    text = "hello brave new world"
    pcm = (await call(signals, "POST", "/waves/v1/tts", {**ASK, "text": text})).body
    for kind, subtype in (("FLAC", None), ("OGG", "OPUS"), ("MP3", None), ("WAV", "FLOAT")):
        out = io.BytesIO()
        soundfile.write(out, samples(pcm) / 32768, 16000, format=kind, subtype=subtype)
        answer = await call(signals, "POST", "/waves/v1/stt/?model=pulse&language=en", out.getvalue())
        assert answer.json["transcription"] == "Hello brave new world.", kind
    raw = await call(signals, "POST", "/waves/v1/stt/?model=pulse&language=en&sample_rate=16000", pcm)
    assert raw.json["transcription"] == "Hello brave new world."


async def test_S5_and_S16_recordings_are_read_as_read_sound_reads_them(signals):
    soundfile = pytest.importorskip("soundfile")
    pcm = (await call(signals, "POST", "/waves/v1/tts", {**ASK, "text": "good morning"})).body
    one = io.BytesIO()
    soundfile.write(one, samples(pcm), 16000, format="FLAC")
    inverse = io.BytesIO()
    soundfile.write(inverse, np.stack([samples(pcm), -samples(pcm)], axis=1), 16000, format="WAV")
    for body, heard in ((one.getvalue() * 2, "good morning good morning"), (inverse.getvalue(), "good morning")):
        answer = await call(signals, "POST", "/waves/v1/pulse/get_text?language=en", body)
        text = answer.json["transcription"].lower().replace(".", "").replace(",", "")
        assert text == heard


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/waves/v1/stt/?model=pulse&language=en", b"", 400, "no audio"),
        ("/waves/v1/stt/?model=pulse&language=en", {"url": "https://x/y.wav"}, 400, "fetches no URL"),
        ("/waves/v1/stt/?model=pulse&language=en", b"RIFF1234WAVEjunk", 400, "before any samples"),
        ("/waves/v1/stt/?language=en", b"1234", 400, "model"),
        ("/waves/v1/stt/?model=pulse&language=zh", b"1234", 400, "LANGUAGE_NOT_ENABLED_IN_REGION"),
    ],
)
async def test_bad_recordings(signals, path, body, status, message):
    answer = await call(signals, "POST", path, body)
    assert answer.status == status
    assert message in answer.body.decode()


async def test_voices(simulator):
    for model in ("lightning-v3.1", "lightning-v3.1-pro"):
        listed = (await call(simulator, "GET", f"/waves/v1/{model}/get_voices")).json["voices"]
        assert [v["voiceId"] for v in listed] == [v.id for v in voices_of(model)]
    assert len((await call(simulator, "GET", "/waves/v1/voice/get-all-models")).json["voices"]) == len(VOICES)
    assert (await call(simulator, "GET", "/waves/v1/health", headers={})).status == 200


async def test_dictionaries_come_and_go(signals):
    path = "/waves/v1/pronunciation-dicts"
    items = [{"word": "API", "pronunciation": "ay-pee-eye"}]
    made = await call(signals, "POST", path, {"items": items})
    assert set(made.json) == {"id", "items", "createdAt"}
    name = made.json["id"]
    assert made.json in (await call(signals, "GET", path)).json
    changed = [{"word": "SQL", "pronunciation": "sequel"}]
    assert (await call(signals, "PUT", path, {"id": name, "items": changed})).json["items"] == changed
    other = {"Authorization": "Bearer sk_other"}
    assert (await call(signals, "GET", path, headers=other)).json == []
    assert (await call(signals, "DELETE", path, {"id": name}, headers=other)).status == 404
    assert (await call(signals, "DELETE", path, {"id": name})).json == {"id": name, "deleted": True}
    assert (await call(signals, "DELETE", path, {"id": name})).status == 404
    wrong = await call(signals, "POST", path, {"items": [{"word": "API"}]})
    assert (wrong.status, wrong.json["error"]) == (400, "Invalid request body")
    assert wrong.json["details"][0]["path"] == ["items", 0, "pronunciation"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/waves/v1/tts", {}, 401),
        ("POST", "/waves/v1/tts", {"Authorization": "Bearer nonsense"}, 401),
        ("POST", "/waves/v1/tts?token=sk_x", {}, 400),
        ("GET", "/waves/v1/nothing", {"Authorization": "Bearer sk_x"}, 404),
        ("GET", "/waves/v1/tts", {"Authorization": "Bearer sk_x"}, 405),
        ("GET", "/waves/v1/stt/live", {"Authorization": "Bearer sk_x"}, 426),
        ("PATCH", "/waves/v1/pronunciation-dicts", {"Authorization": "Bearer sk_x"}, 405),
    ],
)
async def test_who_may_ask_what(signals, method, path, headers, status):
    assert (await call(signals, method, path, headers=headers)).status == status


async def test_a_body_too_large_is_413(signals):
    assert (await call(signals, "POST", "/waves/v1/tts", b"x" * (2**20 + 1))).status == 413


async def test_connections_are_kept_and_100_continue_is_sent(signals):
    reader, writer = await asyncio.open_connection("127.0.0.1", signals.port)
    head = "GET /waves/v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(3):
        writer.write(head.encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert json.loads(await reader.readexactly(16)) == {"status": "ok"}
    body = json.dumps(ASK).encode()
    asked = f"POST /waves/v1/tts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_x\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{asked}Expect: 100-continue\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
    writer.write(body)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize("model", TTS_MODELS)
async def test_the_models_of_the_catalog_have_their_paths(signals, model):
    assert (await call(signals, "POST", f"/waves/v1/{model}/get_speech", ASK)).status == 200


@pytest.mark.parametrize("asked", [{}, {"model": "lightning_v3.1"}, {"model": "Lightning-V3.1"}])
@pytest.mark.parametrize("path", ["/waves/v1/tts", "/waves/v1/tts/live"])
async def test_UX6_a_withdrawn_model_is_gone_from_the_shared_addresses(path, asked):
    with Simulator(behaviour=Behaviour(engine="signal", retired=frozenset({"LIGHTNING_V3.1"}))) as running:
        answer = await call(running, "POST", path, ASK | asked)
        assert (answer.status, answer.json["error_code"]) == (410, "MODEL_DEPRECATED")
        assert answer.json["recommended_endpoint"] == "/waves/v1/tts/live"
        other = await call(running, "POST", path, ASK | {"model": "lightning_v3.1_pro"})
        assert other.status == 200
        assert (await call(running, "GET", "/waves/v1/lightning-v3.1/get_voices")).status == 410
