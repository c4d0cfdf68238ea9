"""Voices and recordings over HTTP, against the simulator and a real HTTP server."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.api.voices import voices_of
from smallest_nb.client import rest
from tests.support.services import KEY, tts

ANSWER = {
    "status": "success",
    "transcription": "Hello there. Good morning.",
    "words": [
        {"word": "Hello", "start": 0.1, "end": 0.3, "speaker": "speaker_0", "confidence": 0.9},
        {"word": "there.", "start": 0.3, "end": 0.6, "speaker": "speaker_0"},
        {"word": "Good", "start": 1.0, "end": 1.2, "speaker": "speaker_1"},
        {"word": "morning.", "start": 1.2, "end": 1.6, "speaker": "speaker_1"},
    ],
    "utterances": [
        {"text": "Hello there.", "start": 0.1, "end": 0.6, "speaker": "speaker_0"},
        {"text": "Good morning.", "start": 1.0, "end": 1.6, "speaker": "speaker_1"},
    ],
}


@pytest.fixture
def http():
    """A server whose answer is set by the test; it keeps what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            server.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            status, headers, body = server.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    server.url = f"ws://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def voices(server, **kwargs):
    return rest.list_voices(api_key=KEY, base_url=server if isinstance(server, str) else server.url, **kwargs)


async def test_voices_of_the_simulator(simulator):
    live = await voices(simulator.base_url, model="lightning_v3.1_pro")
    assert {v.id for v in live} == {v.id for v in voices_of("lightning-v3.1-pro")}
    meher = next(v for v in live if v.id == "meher")
    assert (meher.gender, meher.languages, meher.accent) == ("female", ("en", "hi"), "Indian")


async def test_a_list_is_kept_and_asked_again_on_demand(http):
    row = {"voiceId": "new", "displayName": "New", "tags": {"language": ["english", "klingon"], "gender": "male"}}
    http.answer = (200, {}, {"voices": [row, {"displayName": "without id"}]})
    assert await voices(http) == (snb.Voice("new", "lightning-v3.1", "male", "", ("en", "klingon")),)
    await voices(http)
    assert len(http.asked) == 1
    await voices(http, refresh=True)
    assert len(http.asked) == 2
    command, path, headers, _ = http.asked[0]
    assert (command, path) == ("GET", "/waves/v1/lightning-v3.1/get_voices")
    assert headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "answer",
    [
        (503, {}, {"message": "down"}),
        (200, {}, b"<html>"),
        (200, {}, {"other": 1}),
        (302, {"Location": "http://127.0.0.1:9/steal"}, b""),
    ],
)
async def test_without_a_live_list_the_model_cards_answer(http, caplog, answer):
    http.answer = answer
    assert await voices(http) == voices_of("lightning-v3.1")
    assert "model cards" in caplog.text
    assert KEY not in caplog.text
    assert len(http.asked) == 1


async def test_no_one_there_is_the_same_and_a_refused_key_is_reported(http):
    assert await voices("ws://127.0.0.1:9") == voices_of("lightning-v3.1")
    http.answer = (401, {}, {"error": f"unauthorized {KEY}"})
    with pytest.raises(snb.AuthError, match="unauthorized") as caught:
        await voices(http)
    assert KEY not in str(caught.value)
    with pytest.raises(snb.ConfigError, match="not the name of a TTS model"):
        await voices(http, model="no such model!")


async def test_a_recording_becomes_a_transcript(http, tmp_path):
    http.answer = (200, {}, ANSWER)
    clip = snb.Clip(bytes(3200), 16000)
    path = clip.to_wav(tmp_path / "call.wav")
    settings = snb.SmallestSTTSettings(word_timestamps=True, diarize=True, extra={"gender_detection": True})
    for audio in (clip, path, str(path), path.read_bytes()):
        heard = await rest.transcribe_recording(audio, api_key=KEY, base_url=http.url, settings=settings)
        assert heard.text == "Hello there. Good morning."
        assert [(s.start, s.end, s.speaker, len(s.words)) for s in heard] == [(0.1, 0.6, 0, 2), (1.0, 1.6, 1, 2)]
    assert len({body for *_, body in http.asked}) == 1
    command, target, headers, _ = http.asked[0]
    query = {k: v[0] for k, v in parse_qs(urlsplit(target).query).items()}
    assert command == "POST"
    assert urlsplit(target).path == "/waves/v1/stt/"
    assert headers["Content-Type"] == "application/octet-stream"
    assert query == {"model": "pulse", "language": "en", "word_timestamps": "true", "diarize": "true",
                     "redact_pii": "false", "redact_pci": "false", "gender_detection": "true"}  # fmt: skip


async def test_A4_a_recording_may_be_whatever_transcribe_takes(http, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("SMALLEST_API_KEY", KEY)
    monkeypatch.setenv("SMALLEST_BASE_URL", http.url)
    http.answer = (200, {}, ANSWER)
    clip = snb.Clip.from_array(np.sin(np.arange(1600) / 9) / 2, 16000)
    data = clip.wav_bytes()
    clip.to_wav("~/call.wav")
    stereo = np.stack([clip.samples, clip.samples[::-1]], axis=1)
    for audio in (bytearray(data), memoryview(data), io.BytesIO(data), "~/call.wav", tmp_path / "call.wav"):
        assert await asyncio.to_thread(snb.transcribe_recording, audio)
    for audio in (clip.samples, clip.samples / 32768, memoryview(clip.samples), np.stack([clip.samples] * 2)):
        assert await asyncio.to_thread(snb.transcribe_recording, audio, sample_rate=16000)
    assert await asyncio.to_thread(snb.transcribe_recording, stereo, sample_rate=16000, channel=0)
    assert {body for *_, body in http.asked} == {data}
    for audio, found in (
        (clip.samples, "does not say its rate"),
        ("https://example.com/call.wav", "URLs are not fetched"),
        (None, "A NoneType cannot be read as sound"),
        ([0.5], "A list cannot be read as sound"),
    ):
        with pytest.raises(snb.ConfigError, match=found):
            await asyncio.to_thread(snb.transcribe_recording, audio)
    with pytest.raises(snb.ConfigError, match="channel=1 is not there"):
        await asyncio.to_thread(snb.transcribe_recording, data, channel=1)


async def test_a_recording_without_times_is_one_segment_and_errors_have_the_services_words(http):
    ask = {"api_key": KEY, "base_url": http.url}
    http.answer = (200, {}, {"status": "success", "transcription": "Hello.", "words": [], "utterances": []})
    (only,) = await rest.transcribe_recording(b"RIFF", **ask)
    assert (only.text, only.start) == ("Hello.", None)
    http.answer = (400, {}, {"status": "error", "message": "No audio", "errors": "x"})
    with pytest.raises(snb.ServiceError, match="No audio"):
        await rest.transcribe_recording(b"RIFF", **ask)
    http.answer = (429, {"Retry-After": "7"}, {"error": "slow down"})
    with pytest.raises(snb.RateLimitError, match="Try again in 7 s"):
        await rest.transcribe_recording(b"RIFF", **ask)
    http.answer = (200, {}, {"status": "processing"})
    with pytest.raises(snb.ProtocolError, match="no transcript"):
        await rest.transcribe_recording(b"RIFF", **ask)
    with pytest.raises(snb.ConfigError, match="missing.wav cannot be read"):
        await rest.transcribe_recording("missing.wav", **ask)


async def test_the_simulator_transcribes_recordings(simulator):
    async with tts(simulator, sample_rate=16000, settings=snb.SmallestTTSSettings(voice="magnus")) as service:
        clip = await service.synthesize("The weather will be cold and cloudy this morning.")
    settings = snb.SmallestSTTSettings(word_timestamps=True)
    heard = await rest.transcribe_recording(
        clip.padded(0.5, 0.5), api_key=KEY, base_url=simulator.base_url, settings=settings
    )
    assert "cold and cloudy" in heard.text
    assert 0.4 < next(iter(heard)).start < 0.7


async def test_blocking_forms(http, monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", KEY)
    monkeypatch.setenv("SMALLEST_BASE_URL", http.url)
    http.answer = (200, {}, ANSWER)
    assert len(await asyncio.to_thread(snb.transcribe_recording, b"RIFF", diarize=True)) == 2
    http.answer = (200, {}, {"voices": []})
    assert await asyncio.to_thread(snb.list_voices) == ()


@pytest.mark.parametrize("model", ["pulse-pro", "Pulse_Pro", snb.SmallestSTTModel.PULSE_PRO])
async def test_L2_a_recording_is_transcribed_by_the_model_for_recordings(http, model):
    http.answer = (200, {}, {
        "status": "success", "transcription": "Hello there.", "language": "en", "totalBytes": 4, "request_id": "r",
        "words": [{"word": "Hello", "start": 0.1, "end": 0.4}, {"word": "there.", "start": 0.4, "end": 0.6}],
        "metadata": {"duration": 1.0, "processing_time_ms": 30, "rtfx": 33.0, "num_chunks": 1},
    })  # fmt: skip
    ask = {"api_key": KEY, "base_url": http.url}
    settings = snb.SmallestSTTSettings(model=model, word_timestamps=True, language="multi_EU")
    (only,) = await rest.transcribe_recording(b"RIFF", settings=settings, **ask)
    assert (only.text, len(only.words)) == ("Hello there.", 2)
    query = {k: v[0] for k, v in parse_qs(urlsplit(http.asked[0][1]).query).items()}
    assert (query["model"], query["language"]) == ("pulse-pro", "multi-eu")
    assert "diarize" not in query, "it knows no speakers"
    with pytest.warns(UserWarning, match="diarize will not be sent: pulse-pro ignores it"):
        await rest.transcribe_recording(b"RIFF", settings=snb.SmallestSTTSettings(model=model, diarize=True), **ask)


async def test_L2_a_model_of_tomorrow_is_sent_with_a_warning(http):
    http.answer = (200, {}, {"status": "success", "transcription": "Hello."})
    with pytest.warns(UserWarning, match="'pulse-9' is not known"):
        await rest.transcribe_recording(
            b"RIFF", api_key=KEY, base_url=http.url, settings=snb.SmallestSTTSettings(model="pulse-9")
        )
    assert "model=pulse-9" in http.asked[0][1]


def test_L2_the_simulator_takes_it_too(simulator, monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", KEY)
    monkeypatch.setenv("SMALLEST_BASE_URL", simulator.base_url)
    clip = snb.speak("Hello there, my good friend.")
    assert snb.transcribe_recording(clip, model="pulse-pro").text


@pytest.mark.parametrize("model", ["pulse-pro", "PULSE_PRO"])
async def test_L2_live_transcription_says_which_call_takes_it(model):
    settings = snb.SmallestSTTSettings(model=model)
    with pytest.raises(snb.ConfigError, match=r"use transcribe_recording\(..., model='pulse-pro'\)"):
        snb.SmallestSTTService(api_key=KEY, settings=settings)
    with pytest.raises(snb.ConfigError, match="Live transcription needs pulse"):
        snb.transcribe(snb.Clip(bytes(320), 16000), api_key=KEY, model=model)
    service = snb.SmallestSTTService(api_key=KEY)
    with pytest.raises(snb.ConfigError, match="whole recordings only"):
        await service.update_settings(settings)
    assert service.settings.model == "pulse"
    await service.close()


def test_L2_the_widget_refuses_it_before_it_is_shown():
    with pytest.raises(snb.ConfigError, match="whole recordings only"):
        snb.LiveTranscriber(api_key=KEY, model="pulse-pro")
