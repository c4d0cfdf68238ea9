"""The file: readable, diffable, without keys; scrubbed as asked; refused by line where it is broken."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smallest_nb as snb
from smallest_nb.testing.cassette import load, sound
from smallest_nb.testing.cassette.diff import difference
from smallest_nb.testing.cassette.frames import Event, Kind, Session, pack_frame, unpack_frame
from smallest_nb.testing.cassette.scrub import hide_text
from smallest_nb.testing.cassette.store import Cassette, save, sound_path
from tests.support.services import KEY, scripted, tts

SECRET_TEXT = "Call Ada on 555 1234."


@pytest.fixture(scope="module")
def tapes(simulator, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tapes")
    service = {"api_key": KEY, "base_url": simulator.base_url}

    def make(name, text=SECRET_TEXT, *, heard=True, **options):
        with snb.record(folder / name, **options):
            clip = snb.speak(text, **service)
            if heard:  # a recogniser is not as sure each time
                snb.transcribe(clip, word_timestamps=True, keywords={"Ada": 5.0}, **service)
        return folder / name

    return make


@pytest.fixture(scope="module")
def plain(tapes):
    return tapes("plain.cassette")


def run(*arguments):
    command = [sys.executable, "-m", "smallest_nb.cli", "cassette", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_key_is_nowhere(plain):
    assert KEY.encode() not in plain.read_bytes() + sound_path(plain).read_bytes()
    assert b"earer" not in plain.read_bytes()


def test_a_key_that_the_service_repeats_is_replaced(tmp_path):
    async def leaks(ws):
        async for _ in ws:
            await ws.send(json.dumps({"status": "error", "message": f"bad key {KEY}"}))

    async def go():
        async with scripted(leaks) as url:
            with snb.record(tmp_path / "leak.cassette"), pytest.raises(snb.ServiceError):
                await tts(url).synthesize("Hello")

    asyncio.run(go())
    text = (tmp_path / "leak.cassette").read_text()
    assert KEY not in text
    assert "bad key ***" in text


def test_lines_are_json_that_people_can_read(plain):
    lines = [json.loads(line) for line in plain.read_text().splitlines()]
    assert lines[0]["cassette"] == 1
    asked = next(line["send"] for line in lines if "send" in line)
    assert asked["text"] == SECRET_TEXT
    chunks = [line["recv"] for line in lines if line.get("recv", {}).get("status") == "chunk"]
    sizes = [c["data"]["audio"] for c in chunks]
    assert all(isinstance(size, int) for size in sizes)
    assert sum(sizes) == next(line["down"]["bytes"] for line in lines if "down" in line)
    assert max(map(len, plain.read_text().splitlines())) < 3000
    assert sound_path(plain).stat().st_size < 0.7 * sum(
        line[t]["bytes"] for line in lines for t in ("up", "down") if t in line
    )


def test_saving_what_was_loaded_gives_the_same_file(plain, tmp_path):
    save(load(plain), tmp_path / "again.cassette")
    assert (tmp_path / "again.cassette").read_text() == plain.read_text()
    assert sound_path(tmp_path / "again.cassette").read_bytes() == sound_path(plain).read_bytes()


@pytest.mark.parametrize("scrub", ["text", "audio", ("text", "audio")])
def test_scrubbed_at_recording_and_still_replayed(tapes, scrub):
    path = tapes(f"{''.join(scrub)}.cassette", scrub=scrub)
    tape = load(path)
    text = path.read_text()
    if "text" in scrub:
        assert "Ada" not in text
        assert "555 1234" not in text
        assert "Xxxx Xxx xx 000 0000." in text
    if "audio" in scrub:
        assert not any(any(s.down) or any(s.up) for s in tape.sessions)
    with snb.replay(path, speed="instant"):
        clip = snb.speak(SECRET_TEXT)
        heard = snb.transcribe(clip, word_timestamps=True, keywords={"Ada": 5.0}).text
        with pytest.raises(snb.CassetteError, match="text: recorded"):
            snb.speak("Call Ada Lovelace on 555 1234.")
    assert heard
    assert bool(np.any(clip.samples)) is ("audio" not in scrub)


def test_a_function_can_scrub(tapes):
    path = tapes("named.cassette", scrub=lambda text: text.replace("Ada", "NAME"))
    assert "NAME" in path.read_text()
    with snb.replay(path, speed="instant", scrub=lambda text: text.replace("Ada", "NAME")):
        assert snb.speak(SECRET_TEXT).duration > 1


def test_what_cannot_be_scrubbed_is_named():
    with pytest.raises(snb.ConfigError, match="'voices'"):
        snb.record("x.cassette", scrub="voices")


def test_hide_text_keeps_the_shape():
    assert hide_text("Füße: 12 Äpfel, ok?") == "Xxxx: 00 Xxxxx, xx?"


def test_more_than_the_limit_is_said(simulator, tmp_path):
    tape = snb.record(tmp_path / "full.cassette", max_mb=0.02)
    with pytest.raises(snb.CassetteError, match="More than 0.02 MB"), tape:
        snb.speak(SECRET_TEXT, api_key=KEY, base_url=simulator.base_url)
    assert load(tmp_path / "full.cassette").sessions


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda lines: ["{"], "line 1 is broken"),
        (lambda lines: ['{"cassette": 9}'], "format 9"),
        (lambda lines: [*lines[:3], "[]"], "line 4 is broken"),
        (lambda lines: [lines[0], lines[1].replace("delta2x2", "mp3"), *lines[2:]], "line 2: the sound's coding"),
        (lambda lines: [lines[0], lines[1].replace('"bytes": ', '"bytes": 1'), *lines[2:]], "line 2: A sound track"),
        (lambda lines: [], "is empty"),
    ],
)
def test_a_broken_file_is_refused_by_line(plain, tmp_path, spoil, expected):
    path = tmp_path / "broken.cassette"
    path.write_text("\n".join(spoil(plain.read_text().splitlines())))
    sound_path(path).write_bytes(sound_path(plain).read_bytes())
    with pytest.raises(snb.CassetteError, match=expected):
        load(path)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(snb.CassetteError, match=r"smallest_nb\.record"):
        snb.replay(tmp_path / "none.cassette")


def test_missing_sound_is_said(plain, tmp_path):
    path = tmp_path / "mute.cassette"
    path.write_text(plain.read_text())
    with pytest.raises(snb.CassetteError, match=r"\.sound belongs beside"):
        load(path)


def test_show_tells_what_was_said(plain, tmp_path):
    shown = run("show", plain, "--wav", tmp_path / "sounds")
    assert shown.returncode == 0, shown.stderr
    assert SECRET_TEXT in shown.stdout
    assert "final '" in shown.stdout
    assert "s of sound down" in shown.stdout
    wavs = sorted((tmp_path / "sounds").glob("*.wav"))
    assert len(wavs) == 2
    assert snb.read_sound(wavs[0]).duration > 1
    every = run("show", plain, "--frames").stdout
    assert '"voice_id": "sophia"' in every


def test_diff_tells_what_changed_and_only_that(tapes):
    first = tapes("first.cassette", heard=False)
    same = run("diff", first, tapes("same.cassette", heard=False))
    assert (same.returncode, same.stdout) == (0, "")  # other times, ids and sockets, the same words
    other = run("diff", first, tapes("other.cassette", text="Call Bob on 555 1234.", heard=False))
    assert other.returncode == 1
    assert "-  send" in other.stdout
    assert "Bob" in other.stdout


@pytest.mark.parametrize(("by", "lines"), [("client", 0), ("server", 2)])
def test_a_socket_that_was_not_needed_makes_no_difference_unless_the_service_ended_it(plain, by, lines):
    one, other = load(plain), load(plain)
    end = Event(Kind.END, 1.0, 1.0, {"by": by, "code": 1000, "reason": ""})
    spare = replace(other.sessions[0], events=[end], up=bytearray(), down=bytearray())
    found = difference(one, replace(other, sessions=[*other.sessions, spare]))
    assert len([line for line in found if line.startswith("+") and not line.startswith("+++")]) == lines


def test_the_command_scrubs_and_refuses(plain, tmp_path):
    assert run("scrub", plain, "--text", "--audio", "--out", tmp_path / "s.cassette").returncode == 0
    assert "Ada" not in (tmp_path / "s.cassette").read_text()
    assert load(tmp_path / "s.cassette").scrubbed == ("text", "audio")
    assert run("scrub", plain).returncode == 2
    missing = run("show", tmp_path / "none.cassette")
    assert missing.returncode == 2
    assert "There is no cassette" in missing.stderr


def test_no_difference_between_a_cassette_and_itself(plain):
    assert difference(load(plain), load(plain)) == []


@given(st.binary(max_size=2000))
def test_sound_is_lossless(data):
    assert sound.decode(sound.encode(data), len(data)) == data


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.dictionaries(st.text(), v)))
def test_any_json_frame_comes_back(value):
    frame = json.dumps({"data": value})
    packed, taken = pack_frame(frame)
    back = unpack_frame(packed, taken, binary=False)
    assert json.loads(back) == json.loads(frame)


def test_every_kind_of_event_is_written_and_read(tmp_path):
    session = Session(1, "/x", {"a": "b"})
    session.events = [
        Event(Kind.SEND, 0.0, 0.0, {"text": "a"}),
        Event(Kind.SEND, 0.1, 0.3, None, 4, binary=True),
        Event(Kind.ALIVE, 0.4, 0.4, "ping"),
        Event(Kind.ALIVE, 0.5, 0.5, None, 2, binary=True),
        Event(Kind.RECV, 0.6, 0.6, "no json"),
        Event(Kind.RECV, 0.7, 0.7, {"data": {"audio": 3}}, 3),
        Event(Kind.END, 0.8, 0.8, {"by": "service", "code": 1006, "reason": ""}),
    ]
    session.up, session.down = bytearray(b"123456"), bytearray(b"789")
    save(Cassette([session]), tmp_path / "all.cassette")
    (read,) = load(tmp_path / "all.cassette").sessions
    assert read == session
