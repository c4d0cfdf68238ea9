"""Numbers that are none, halves of characters and control characters: refused in words, replaced, or left out."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from urllib.parse import quote

import pytest
from simulated import LIVE, call, hear, opened, said, speak, stt_path
from websockets.exceptions import InvalidStatus

from smallest_nb import ConfigError, SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.api.segment_parser import parse_segment
from smallest_nb.api.stt_wire import parse_stt_frame, stt_url
from smallest_nb.api.tts_wire import parse_tts_frame, tts_request
from smallest_nb.common.child_environment import child_environment
from smallest_nb.common.text import parse_json, speakable_text, whole_characters
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour, parse_faults
from smallest_nb.simulator.speech.speech_synthesizer import SpeechSynthesizer
from smallest_nb.simulator.workers.worker import Worker
from tests.support.services import tts

NUMBERS = ["pace", "idle_secs", "first_audio_secs", "drop_after_secs", "truncate_after", "retry_after", "drip"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["nan", "-1", "-0.5", "inf", "-inf", "1e300", "9" * 5000])
async def test_K11_faults_that_are_no_amounts_are_refused(signals, name, value):
    with pytest.raises(ConfigError, match=name):
        parse_faults([f"{name}={value}"])
    with pytest.raises(InvalidStatus) as caught:
        await opened(signals, f"{LIVE}?fault={name}={value}")
    assert caught.value.response.status_code == 400
    assert name in json.loads(caught.value.response.body)["message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("pace", float("nan")), ("concurrency", 1.5), ("concurrency", True), ("drip", 0), ("idle_secs", "soon"),
     ("reject", 418), ("latency", "none such"), ("idle_secs", None)],
)  # fmt: skip
def test_K11_switches_of_a_running_simulator_are_checked_too(name, value):
    behaviour = Behaviour()
    with pytest.raises(ConfigError):
        setattr(behaviour, name, value)
    assert behaviour == Behaviour()
    with pytest.raises(ConfigError):
        Behaviour(**{name: value})


@pytest.mark.parametrize(
    "digits", ["²", "٣", "\uff19", "9" * 5000, "1" + "0" * 20, "0", "-5", "1.5", "", "1_0", " 7", "x"]
)
async def test_K11_odd_timeouts_are_refused_before_the_upgrade(signals, digits):
    with pytest.raises(InvalidStatus) as caught:
        await opened(signals, f"{LIVE}?timeout={quote(digits)}")
    assert caught.value.response.status_code == 400
    assert "timeout must be a whole number" in json.loads(caught.value.response.body)["message"]


@pytest.mark.parametrize("name", ["sample_rate", "eou_timeout_ms", "endpointing_timeout", "max_words"])
@pytest.mark.parametrize("digits", ["²", "٣", "9" * 5000])
async def test_K11_odd_digits_in_other_parameters(signals, name, digits):
    with pytest.raises(InvalidStatus) as caught:
        await opened(signals, f"{stt_path()}&{name}={quote(digits)}")
    assert caught.value.response.status_code == 400
    answered = await call(signals, "POST", f"/waves/v1/stt/?model=pulse&{name}={quote(digits)}", b"x")
    assert (answered.status, name in answered.json["message"]) == (400, True)


@pytest.mark.parametrize("engine", ["signal", "speech"])
async def test_K11_halves_of_characters_are_replaced(tmp_path, engine):
    with Simulator(behaviour=Behaviour(engine=engine), record=tmp_path) as running:
        frames, pcm = await speak(running, "hello \ud800 world \udfff", voice_id="\ud83d", request_id="a")
        assert frames[-1]["status"] == "complete"
        assert len(pcm) > 16000
        if engine == "signal":
            assert said(await hear(running, pcm)) == "Hello \ufffd world \ufffd."
        body = {"text": "one \ud800", "voice_id": "sophia", "sample_rate": 16000}
        assert (await call(running, "POST", "/waves/v1/tts", body)).status == 200
        entry = {"items": [{"word": "\ud800", "pronunciation": "\ud800"}]}
        assert (await call(running, "POST", "/waves/v1/pronunciation-dicts", entry)).json["items"][0][
            "word"
        ] == "\ufffd"
    assert all(p.read_text(encoding="utf-8") for p in tmp_path.glob("*.jsonl"))


async def test_K11_bytes_outside_ascii_in_paths_and_headers(signals, caplog):
    """As a browser or a careless program sends them: not escaped."""
    for line in (f"GET {LIVE} HTTP/1.1", f"GET {LIVE}?fault=é HTTP/1.1", f"GET {stt_path()}&keywords=é HTTP/1.1"):
        reader, writer = await asyncio.open_connection("127.0.0.1", signals.port)
        head = (
            f"{line}\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: Bearer sk_é\r\n"
        )
        head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        writer.write(head.encode())
        answered = await asyncio.wait_for(reader.readline(), 10)
        assert int(answered.split()[1]) == (400 if "é" in line else 101), answered
        writer.transport.abort()
    for record in caplog.records:
        record.getMessage().encode()


def test_K11_a_request_holds_whole_characters():
    settings = SmallestTTSSettings.complete(voice="\ud800", extra={"note": ["\udc00"]})
    request = tts_request(settings, "a\ud83d\ude00b\ud800", sample_rate=24000)
    assert (request["text"], request["voice_id"], request["note"]) == ("a\U0001f600b\ufffd", "\ufffd", ["\ufffd"])
    json.dumps(request, ensure_ascii=False).encode()
    url = stt_url("ws://x", SmallestSTTSettings.complete(keywords={"a\ud800": 2.0}), sample_rate=16000)
    assert "a%EF%BF%BD%3A2" in url


def test_K11_an_answer_holds_whole_characters():
    frame = parse_stt_frame('{"type":"transcription","transcript":"a \\ud800","is_final":true}')
    assert frame.segment.text == "a \ufffd"
    assert parse_tts_frame('{"status":"error","message":"\\udfff"}').info.message == "\ufffd"
    assert parse_segment(parse_json('{"transcript":"x\\ud83d\\ude00"}')).text == "x\U0001f600"


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        ("plain", "plain"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ({"\ud800": ("\ud800", 1, None)}, {"\ufffd": ["\ufffd", 1, None]}),
    ],
)
def test_whole_characters(value, whole):
    assert whole_characters(value) == whole


@pytest.mark.parametrize(
    "between", ["\x00", "\x01", "\x07", "\x08", "\x1b[31m\x1b", "\x7f", "\x80", "\x9f", "\x00\x00\x00"]
)
async def test_T9_control_characters_are_left_out_and_the_rest_is_spoken(signals, between):
    text = f"alpha bravo{between} charlie delta"
    left = "".join(c for c in between if c.isprintable())
    _, pcm = await speak(signals, text)
    assert said(await hear(signals, pcm)) == f"Alpha bravo{left} charlie delta."


async def test_T9_all_of_it_is_really_spoken(simulator):
    _, plain = await speak(simulator, "one two three four")
    _, odd = await speak(simulator, "one two\x00 three\x1f four")
    assert plain == odd
    speech = SpeechSynthesizer()
    try:
        assert await speech.phonemes("two\x00three") == await speech.phonemes("twothree")
    finally:
        await speech.close()


async def test_T9_rest_contexts_dictionaries_and_the_client(signals):
    body = {"text": "one\x00 two", "voice_id": "sophia", "sample_rate": 16000}
    sound = (await call(signals, "POST", "/waves/v1/tts", body)).body
    assert sound == (await call(signals, "POST", "/waves/v1/tts", {**body, "text": "one two"})).body
    kept = {"items": [{"word": "one", "pronunciation": "br\x00avo"}]}
    name = (await call(signals, "POST", "/waves/v1/pronunciation-dicts", kept)).json["id"]
    _, pcm = await speak(signals, "one", pronunciation_dicts=[name])
    assert said(await hear(signals, pcm)) == "Bravo."
    async with tts(signals.base_url, sample_rate=16000) as service:
        clip = await service.synthesize("Nothing is\x00 lost.")
    assert said(await hear(signals, clip.pcm)) == "Nothing is lost."
    assert tts_request(SmallestTTSSettings.complete(), "a\x00b\x9f\tc\n", sample_rate=8000)["text"] == "ab\tc\n"


async def test_T9_a_text_of_nothing_else_is_blank(signals):
    frames, pcm = await speak(signals, "\x00\x01")
    assert (frames[-1]["status"], pcm) == ("complete", b"")
    answered = await call(signals, "POST", "/waves/v1/tts", {"text": "\x00", "voice_id": "sophia"})
    assert answered.status == 400


def test_speakable_text_keeps_what_scripts_need():
    text = "क्‍ष Łódź\u200d👩\u200d👧 «x»\t\u3000\r\n"
    assert speakable_text(text) == text


def environment_of(pid: int) -> bytes | None:
    path = Path(f"/proc/{pid}/environ")
    return path.read_bytes() if path.exists() else None


async def test_K11_engine_workers_do_not_see_the_key(monkeypatch):
    monkeypatch.setenv("SMALLEST_API_KEY", "sk_canary_of_workers")
    monkeypatch.setenv("SMALLEST_SIMULATOR_KEY", "sk_other_canary")
    monkeypatch.setenv("MY_HEADERS", '{"Authorization": "Bearer sk_canary_of_workers"}')
    monkeypatch.setenv("HARMLESS", "stays")
    kept = child_environment()
    assert ("HARMLESS" in kept, "PATH" in kept) == (True, "PATH" in os.environ)
    assert "canary" not in str(kept)
    transcriber = ("transcriber_worker.py", "moonshine", "")
    for script, *arguments in (("synthesizer_worker.py",), ("pocketsphinx_worker.py",), transcriber):
        worker = await Worker.start(script, *arguments)
        try:
            seen = environment_of(worker.pid)
            assert seen is None or (b"HARMLESS" in seen and b"canary" not in seen)
        finally:
            await worker.stop()
