"""Many sounds against a simulator: formats, resumption by content, captions, memory:// and refusals."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pysubs2
import pytest

import smallest_nb as snb
from tests.support.sessions import counted_sessions

WORDS = ["red green blue", "cat dog bird", "north south east", "up down left"]


@pytest.fixture
def calls(ask, tmp_path):
    """A folder of four recordings, two of them in a folder of their own."""
    folder = tmp_path / "calls"
    (folder / "may").mkdir(parents=True)
    for n, words in enumerate(WORDS):
        clip = snb.speak(words, sample_rate=16000, **ask).padded(0.2, 0.2)
        clip.to_wav(folder / ("may" if n > 1 else "") / f"call{n}.wav")
    return folder


def heard(audio, ask, **arguments):
    return snb.transcribe_many(audio, punctuate=False, capitalize=False, **ask, **arguments)


def test_every_sound_has_a_file_of_each_format(calls, ask, tmp_path):
    out = tmp_path / "out"
    done = heard(f"{calls}/**/*.wav", ask, out=out, formats=["json", "srt", "vtt", "TextGrid", "txt"])
    assert [r.id for r in done] == ["call0", "call1", "may/call2", "may/call3"]
    assert [r.transcript.text for r in done] == WORDS
    for result in done:
        assert [Path(p).suffix for p in result.outputs] == [".json", ".srt", ".vtt", ".TextGrid", ".txt"]
    assert pysubs2.load(str(out / "may" / "call2.srt"))[0].plaintext == WORDS[2]
    assert (out / "call1.txt").read_text("utf-8").strip() == WORDS[1]


def test_a_second_run_goes_by_content(signals, calls, ask, tmp_path):
    out = tmp_path / "out"
    heard(calls, ask, out=out)
    with counted_sessions(signals) as counted:
        assert all(r.is_earlier for r in heard(calls, ask, out=out))
    assert counted.sessions == []
    os.utime(calls / "call0.wav", ns=(1, 1))  # a copy, with another time: the same sound
    snb.speak("a new one", sample_rate=16000, **ask).to_wav(calls / "call1.wav")
    with counted_sessions(signals) as counted:
        again = heard(calls, ask, out=out)
    assert [r.id for r in again if not r.is_earlier] == ["call1"]
    assert len([s for s in counted.sessions if s["kind"] == "stt"]) == 1
    with counted_sessions(signals) as counted:
        heard(calls, ask, out=out, formats=["json", "vtt"])
    assert len(counted.sessions) == 4  # a further format is missing of each


def test_sounds_in_memory(ask):
    clip = snb.speak(WORDS[0], sample_rate=16000, **ask).padded(0.2, 0.2)
    done = heard([clip, clip.wav_bytes()], ask)
    assert [r.transcript.text for r in done] == [WORDS[0]] * 2
    arrays = heard([clip.samples], ask, sample_rate=16000)
    assert arrays[0].transcript.text == WORDS[0]
    assert arrays[0].transcript.recording is None  # ten thousand of them would fill the memory


def test_a_sound_that_cannot_be_read_is_recorded_and_the_rest_goes_on(calls, ask, tmp_path):
    (calls / "broken.wav").write_bytes(b"this is no sound")
    done = heard(calls, ask, out=tmp_path / "out")
    assert [r.id for r in done.failed] == ["broken"]
    assert "broken.wav" in done["broken"].error
    assert len(done.ok) == 4
    np.save(calls / "array.npy", np.zeros(3))
    assert len(heard(calls, ask, out=tmp_path / "out")) == 5  # what has no suffix of a sound is passed over


def test_too_many_sessions_are_refused_learned_and_lose_nothing(signals, calls, ask):
    signals.behaviour.stt_sessions = 2  # closed with 1008 beyond
    paths = [str(p) for p in sorted(calls.rglob("*.wav"))]
    clips = [snb.read_sound(p) for p in paths] * 4
    done = heard(clips, ask, units=8)
    assert [r.transcript.text for r in done] == WORDS * 4
    assert all(r.attempts == 1 for r in done)


def test_captions_of_the_obvious_call_are_good(calls, ask, tmp_path):
    """Whole sentences, balanced lines, no line of one short word, without any setting."""
    text = (
        "Good evening and thank you for calling. I would like to book a table for four people at half past seven. "
        "It is for my mother and she would like to sit by the window this morning."
    )
    clip = snb.speak(text, sample_rate=16000, **ask).padded(0.2, 0.2)
    path = clip.to_wav(tmp_path / "long.wav")
    done = snb.transcribe_many(path, out=tmp_path / "out", formats=["srt"], **ask)
    transcript = snb.transcribe(path, **ask)
    transcript.save(tmp_path / "long.srt")
    assert (tmp_path / "long.srt").read_text("utf-8") == (tmp_path / "out" / "long.srt").read_text("utf-8")
    assert done[0].ok
    cues = pysubs2.load(str(tmp_path / "long.srt"))
    assert " ".join(c.plaintext.replace("\n", " ") for c in cues).lower().rstrip(".") == text.lower().replace(
        ".", "" if "." not in transcript.text[:-1] else "."
    ).rstrip(".")
    for cue in cues:
        lines = cue.plaintext.split("\n")
        assert len(lines) <= 2
        assert all(len(line) <= 42 for line in lines)
        assert len(lines) == 1 or min(map(len, lines)) >= 0.5 * max(map(len, lines))
        assert len(cue.plaintext.split()) > 1
        assert 1.0 <= cue.duration / 1000 <= 7.0


def test_a_store_of_fsspec(calls, ask, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    for path in calls.rglob("*.wav"):
        memory.pipe_file(f"/bucket/calls/{path.name}", path.read_bytes())
    source, out = "memory://bucket/calls/*.wav", "memory://bucket/out"
    done = heard(source, ask, out=out, formats=["json", "srt"])
    assert [r.transcript.text for r in done] == WORDS
    assert memory.cat_file("/bucket/out/call0.srt").decode().strip().endswith(WORDS[0])
    lines = memory.cat_file("/bucket/out/manifest.jsonl").splitlines()
    assert {json.loads(line)["id"] for line in lines} == {f"call{n}" for n in range(4)}
    assert not memory.exists("/bucket/out/.smallest-nb-batch.lock")
    assert all(r.is_earlier for r in heard(source, ask, out=out, formats=["json", "srt"]))
    spoken = snb.speak_many(WORDS, out="memory://bucket/prompts", name="{slug}.flac", **ask)
    assert [r.clip.duration > 0 for r in spoken] == [True] * 4


def test_a_killed_runs_parts_in_a_store_are_read(calls, ask):
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    out = "memory://bucket/killed"
    heard(calls, ask, out=out)
    whole = memory.cat_file("/bucket/killed/manifest.jsonl").splitlines(keepends=True)
    memory.rm("/bucket/killed/manifest.jsonl")
    for n, line in enumerate(whole[:3]):
        memory.pipe_file(f"/bucket/killed/manifest.parts/{n:020d}-aa-00000001.jsonl", line)
    again = heard(calls, ask, out=out)
    assert sum(r.is_earlier for r in again) == 3
    assert len(memory.cat_file("/bucket/killed/manifest.jsonl").splitlines()) == 4
    assert memory.find("/bucket/killed/manifest.parts") == []


def test_two_runs_on_one_folder_of_a_store_refuse_each_other(ask):
    pytest.importorskip("fsspec")
    from smallest_nb.client.batch.places import open_folder

    lock = open_folder("memory://bucket/locked").lock()
    lock.acquire()
    try:
        with pytest.raises(snb.ConfigError, match="Another run writes to memory://bucket/locked"):
            snb.speak_many(["Hello."], out="memory://bucket/locked", **ask)
    finally:
        lock.release()
    assert snb.speak_many(["Hello."], out="memory://bucket/locked", **ask)[0].ok
