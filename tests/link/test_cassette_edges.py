"""What goes wrong around a cassette: odd texts, cut files, a block that ends early, a service that tells the key."""

from __future__ import annotations

import asyncio
import json
import time
import traceback

import pytest

import smallest_nb as snb
from smallest_nb.client import rest
from smallest_nb.testing.cassette import load
from smallest_nb.testing.cassette.scrub import hide_text
from smallest_nb.testing.cassette.store import sound_path
from tests.support.services import KEY, chunk, scripted, tts


@pytest.fixture
def service(simulator):
    return {"api_key": KEY, "base_url": simulator.base_url}


@pytest.mark.parametrize("text", ["Hello\u2028Ada.", "Hello\x85Ada.", "Hello\rAda.", "Hello \U0001f600."])
def test_any_text_is_read_again(service, tmp_path, text):
    with snb.record(tmp_path / "u.cassette"):
        clip = snb.speak(text, **service)
    with snb.replay(tmp_path / "u.cassette", speed="instant"):
        assert snb.speak(text) == clip


def answered(reply, ask, path, **options):
    """Record what a server's one answer brings; return the file's text and the error as a traceback shows it."""
    trace = []

    async def go():
        async with scripted(reply) as url:
            with snb.record(path, **options):
                try:
                    await asyncio.to_thread(ask, url)
                except snb.SmallestError as error:
                    trace.extend(traceback.format_exception(error))

    asyncio.run(go())
    return path.read_text(), "".join(trace)


def speak(text):
    return lambda url: snb.speak(text, api_key=KEY, base_url=url)


def test_half_a_surrogate_pair_from_the_service_is_kept(tmp_path):
    async def reply(ws):
        await ws.recv()
        await ws.send('{"status": "error", "message": "half an emoji: \\ud83d"}')

    text, _ = answered(reply, speak("Hello."), tmp_path / "s.cassette")
    assert "half an emoji: \\ud83d" in text
    assert load(tmp_path / "s.cassette").sessions[0].events[1].frame["message"].endswith("\ud83d")


@pytest.mark.parametrize("way", ["close", "frame"])
def test_a_key_that_the_service_tells_gets_nowhere(tmp_path, way, caplog):
    async def reply(ws):
        await ws.recv()
        if way == "frame":
            await ws.send(json.dumps({"status": "error", "message": f"invalid key {KEY}"}))
        else:
            await ws.close(4401, f"invalid key {KEY}")

    caplog.set_level("DEBUG")
    text, trace = answered(reply, speak("Hello."), tmp_path / "k.cassette")
    assert "invalid key ***" in text
    assert "invalid key ***" in trace
    logged = [r.getMessage() for r in caplog.records if r.name.startswith("smallest_nb")]
    assert any("invalid key ***" in line for line in logged)
    assert KEY not in text + trace + "".join(logged)


def test_a_scrubbed_error_tells_what_is_wrong_and_not_what_was_said(tmp_path):
    async def reply(ws):
        asked = json.loads(await ws.recv())
        await ws.send(json.dumps({"status": "error", "message": f"Text was blocked: {asked['text']}"}))

    text, _ = answered(reply, speak("My PIN is 4711, says Zoe."), tmp_path / "e.cassette", scrub="text")
    assert "4711" not in text
    assert "Zoe" not in text
    assert "Text was blocked: Xx XXX xx 0000, xxxx Xxx." in text


def test_marks_of_letters_are_hidden_too():
    assert hide_text("नमस्ते 2 ½") == "xxxxxx 0 0"


def test_each_cassette_answers_for_the_voices(service, tmp_path):
    path = tmp_path / "v.cassette"
    runtime_voices = asyncio.run(rest.list_voices(**service))
    for _ in range(2):  # what is known already is asked and recorded all the same
        with snb.record(path) as tape:
            assert asyncio.run(rest.list_voices(**service)) == runtime_voices
        assert len(tape.cassette.sessions) == 1
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1]["answer"]["voices"] = lines[1]["answer"]["voices"][:1]
    one = tmp_path / "one.cassette"
    one.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with snb.replay(one, speed="instant"):
        assert len(snb.list_voices()) == 1
    with snb.record(tmp_path / "none.cassette"):
        snb.speak("Hello.", **service)
    with snb.replay(tmp_path / "none.cassette", speed="instant"), pytest.raises(snb.CassetteError, match="get_voices"):
        snb.list_voices()


def test_a_request_that_was_given_up_is_left_out(service, tmp_path, caplog):
    clip = snb.speak("The train leaves at seven.", voice="magnus", sample_rate=16000, **service)

    async def impatient():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rest.transcribe_recording(clip, **service), 0.01)
        return await rest.transcribe_recording(clip, **service)

    with snb.record(tmp_path / "y.cassette"):
        heard = asyncio.run(impatient())
    assert "session 1 (POST /waves/v1/stt/) had no answer and is left out" in caplog.text
    with snb.replay(tmp_path / "y.cassette", speed="instant"):
        assert snb.transcribe_recording(clip).text == heard.text


def test_what_was_under_way_at_the_end_is_reported_and_not_waited_for(tmp_path, caplog):
    path = tmp_path / "z.cassette"

    async def half_an_answer(ws):
        await ws.recv()
        await ws.send(chunk(bytes(4800)))
        await ws.wait_closed()

    async def go():
        async with scripted(half_an_answer) as url:
            service = tts(url)
            with snb.record(path) as tape:
                speaking = asyncio.create_task(service.synthesize("Hello."))
                while not any(s.down for s in tape.cassette.sessions):
                    await asyncio.sleep(0.01)
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            await service.close()

    asyncio.run(go())
    assert "session 1 (socket /waves/v1/tts/live) was still under way" in caplog.text
    began = time.monotonic()
    with (
        snb.replay(path, speed="instant"),
        pytest.raises(snb.CassetteError, match="was under way when the recording ended"),
    ):
        snb.speak("Hello.")
    assert time.monotonic() - began < 10


def test_a_file_that_was_cut_is_refused(service, tmp_path):
    path = tmp_path / "g.cassette"
    with snb.record(path):
        snb.speak("Hello Ada.", **service)
        snb.speak("And another one.", speed=1.2, **service)
    lines = path.read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.cassette"
    sound_path(cut).write_bytes(sound_path(path).read_bytes())
    for count in range(1, len(lines)):
        cut.write_bytes(b"".join(lines[:count]))
        with pytest.raises(snb.CassetteError, match="was cut"):
            load(cut)
    cut.write_bytes(b"".join(lines))
    assert load(cut).sessions
    for broken in (b'{"cassette": 1}\n' + b"[" * 100_000, lines[0] + b'{"session": Infinity, "socket": "/"}\n'):
        cut.write_bytes(broken)
        with pytest.raises(snb.CassetteError, match="line 2 is broken"):
            load(cut)


def test_a_place_that_cannot_be_written_is_reported_before_anything_is_spent(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "x.cassette", tmp_path):
        with pytest.raises(snb.CassetteError, match="cannot be written"), snb.record(path):
            pytest.fail("the block was entered")
    for limit in ("5", -5, True):
        with pytest.raises(snb.ConfigError, match="max_mb="):
            snb.record(tmp_path / "x.cassette", max_mb=limit)


def test_a_scrub_function_that_fails_loses_nothing_and_writes_nothing(service, tmp_path):
    tape = snb.record(tmp_path / "f.cassette", scrub=lambda text: text / 2)
    with pytest.raises(snb.CassetteError, match="TypeError"), tape:
        snb.speak("Hello.", **service)
    assert tape.cassette.sessions
    assert not (tmp_path / "f.cassette").exists()


def test_fields_that_are_called_like_secrets_are_hidden_and_still_found(service, tmp_path):
    path = tmp_path / "q.cassette"
    clip = snb.speak("The train leaves at seven.", sample_rate=16000, **service)

    def job(**to):
        snb.transcribe(clip, extra={"webhook_token": "tok_abc_canary"}, **to)
        return snb.speak("Hi.", extra={"api_token": "tok_abc_canary"}, **to)

    with snb.record(path):
        said = job(**service)
    assert "canary" not in path.read_text()
    with snb.replay(path, speed="instant"):
        assert job() == said
