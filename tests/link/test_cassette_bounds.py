"""What a cassette unpacks to is bounded, as a whole and before anything is unpacked; keys are in none."""

from __future__ import annotations

import json
import tracemalloc

import pytest

import smallest_nb as snb
from smallest_nb.cli import main
from smallest_nb.testing.cassette import load
from smallest_nb.testing.cassette.frames import Event, Kind, Session
from smallest_nb.testing.cassette.store import Cassette, save, sound_path
from tests.support.key_leaks import Peer, answering, argument, key, shows_key, spellings, websocket

SILENCE = 20 * 10**6  # bytes, which pack to some three thousand


def session(number, size):
    sent = Event(Kind.SEND, 0.0, 1.0, sound=size, binary=True)
    return Session(number, "/waves/v1/stt/live", {}, events=[sent], up=bytearray(size))


def rewritten(path, change):
    """A cassette whose lines were changed by hand."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(map(json.dumps, change(lines))) + "\n")


def one_track_for_many(lines):
    first, head, frame = lines
    first["sessions"] = 40
    return [first, *(line for n in range(1, 41) for line in ({**head, "session": n}, frame))]


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.cassette"
    save(Cassette([session(1, SILENCE)]), path)
    assert path.stat().st_size + sound_path(path).stat().st_size < 9000
    return path


def peak_of(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def refused(path, match, **options):
    with pytest.raises(snb.CassetteError, match=match):
        load(path, **options)


def test_K9_sessions_that_share_a_track_are_refused_before_it_is_unpacked(small):
    rewritten(small, one_track_for_many)
    assert peak_of(lambda: refused(small, "800.0 MB of sound, more than 200 MB")) < 10**7
    assert peak_of(lambda: refused(small, "line 4: two tracks share their bytes", max_mb=10**6)) < 10**7


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("bytes", 300 * 10**6, "300.0 MB of sound"),
        ("bytes", 10**30, "more than 200 MB"),
        ("bytes", -1, "unpacked"),
        ("bytes", 1.5, "unpacked"),
        ("bytes", True, "unpacked"),
        ("bytes", SILENCE - 2, "where the cassette says"),
        ("bytes", SILENCE + 2, "where the cassette says"),
        ("at", -5, "unpacked"),
        ("at", 10**30, "belongs beside"),
        ("size", "9", "unpacked"),
        ("size", 10**30, "belongs beside"),
        ("coding", "gzip", "coding"),
    ],
)
def test_K9_a_track_that_says_what_cannot_be_is_refused(small, field, value, expected):
    def change(lines):
        lines[1]["up"][field] = value
        return lines

    rewritten(small, change)
    refused(small, expected)


def test_K9_many_small_tracks_count_together(tmp_path):
    path = tmp_path / "many.cassette"
    save(Cassette([session(n, 10**6) for n in range(1, 12)]), path)
    refused(path, "11.0 MB of sound, more than 10 MB; give max_mb=", max_mb=10)
    assert len(load(path, max_mb=11).sessions) == 11
    with pytest.raises(snb.CassetteError, match="more than 10 MB"):
        snb.replay(path, max_mb=10)
    assert snb.replay(path).cassette.sessions[0].up == bytes(10**6)


def test_K9_the_command_takes_the_bound_too(small, capsys):
    assert main(["cassette", "--max-mb", "10", "show", str(small)]) == 2
    assert "more than 10 MB" in capsys.readouterr().err
    assert main(["cassette", "show", str(small)]) == 0


@pytest.mark.parametrize("value", [0, -1, float("nan"), True, "9"])
def test_K9_a_bound_that_is_none_is_refused(small, value):
    with pytest.raises(snb.ConfigError, match="max_mb="):
        snb.replay(small, max_mb=value)


def test_K10_no_cassette_holds_the_key_in_any_spelling(tmp_path):
    path = tmp_path / "echo.cassette"
    texts = list(spellings().values())
    frames = [f'{{"status": "error", "error": {{"message": "bad key {text}"}}}}' for text in texts]
    for name, text in spellings().items():
        server = Peer(answering(403, f'{{"error": "bad key {text}"}}'))
        with server, snb.record(path), pytest.raises(snb.AuthError):
            snb.speak("Hello", **argument(server.url))
        kept = path.read_text()
        assert "bad key" in kept
        assert not shows_key(kept), name
    with Peer(websocket(*frames, close=key())) as server, snb.record(path):
        with pytest.raises(snb.SmallestError):
            snb.speak("Hello", extra={"echo": key(), "token": key()}, **argument(server.url))
        with pytest.raises(snb.SmallestError):
            snb.transcribe(snb.Clip(bytes(3200), 16000), extra={"echo": key()}, progress=False, **argument(server.url))
    with snb.replay(path, speed="instant"), pytest.raises(snb.SmallestError, match="bad key"):
        snb.speak("Hello", extra={"echo": key(), "token": key()})  # what was hidden is found all the same
    kept = path.read_text()
    assert kept.count("bad key") >= 2  # how many of the frames come before the socket is closed depends on the machine
    assert "echo" in kept
    assert not shows_key(kept)
