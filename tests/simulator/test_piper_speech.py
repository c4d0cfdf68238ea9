"""`--speech piper:PATH.onnx`: Piper's own runtime speaks with a voice that is made here, tones for phonemes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from simulated import pitch, samples, speak

from bench.environments import interpreter
from smallest_nb import ConfigError
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.speech.piper_voice import choose_speech, describe_speech, read_speech
from smallest_nb.simulator.workers.word_groups import WordGroups

MAKER = Path(__file__).parents[1] / "support" / "make_piper_voice.py"
FRAME_SECS = 4 * 256 / 22050
"""Of a phoneme of the voice, or of the padding behind it."""
TEXT = "The door is open now."


def piper_python() -> Path:
    python = interpreter("piper")
    if python is None:
        raise FileNotFoundError("The environment .bench/piper is missing or out of date; make it with `make peers`.")
    return python


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("piper")
    for kind in ("voice", "speakers", "other"):
        subprocess.run([str(piper_python()), str(MAKER), str(folder / f"{kind}.onnx"), kind], check=True, timeout=60)
    return folder


@pytest.fixture
def with_piper(monkeypatch):
    """Workers run where piper-tts is installed: it is not in this environment, as with most people."""
    monkeypatch.setattr("smallest_nb.simulator.workers.worker.sys", SimpleNamespace(executable=str(piper_python())))


def simulate(path: Path, **fields) -> Simulator:
    return Simulator(behaviour=Behaviour(speech=f"piper:{path}", **fields))


def piper_processes() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [p for p in found if any("piper_worker" in part for part in p.cmdline())]


async def test_a_piper_voice_speaks_the_same_sound_each_time(with_piper, files):
    with simulate(files / "voice.onnx") as simulator:
        frames, first = await speak(simulator, TEXT)
        _, again = await speak(simulator, TEXT)
        _, fast = await speak(simulator, TEXT, speed=2.0)
        assert frames[-1]["status"] == "complete"
        assert first == again
        assert len(first) / 2 / 16000 % FRAME_SECS < 0.01 or len(first) / 2 / 16000 % FRAME_SECS > FRAME_SECS - 0.01
        assert len(fast) == pytest.approx(len(first) / 2, rel=0.01)
        assert 120 < pitch(samples(first)) < 350  # its tones
        assert piper_processes()
    assert not piper_processes()


async def test_words_are_timed_by_the_phonemes_lengths(with_piper, files):
    with simulate(files / "voice.onnx") as simulator:
        frames, pcm = await speak(simulator, TEXT, voice_id="liam", word_timestamps=True)
    words = [f["data"] for f in frames if f["status"] == "word_timestamp"]
    assert [w["word"] for w in words] == TEXT.split()
    starts = [w["start"] for w in words]
    assert starts == sorted(starts)
    assert words[0]["start"] == pytest.approx(2 * FRAME_SECS, abs=0.002)  # the mark of the beginning and its padding
    # Each word begins where a phoneme does.
    assert all(abs(s / FRAME_SECS - round(s / FRAME_SECS)) < 0.05 for s in starts)
    assert words[-1]["end"] == pytest.approx(len(pcm) / 2 / 16000, abs=0.01)


async def test_speakers_of_one_file_stand_for_the_voices_of_the_catalog(with_piper, files):
    with simulate(files / "speakers.onnx") as simulator:
        sounds = {v: (await speak(simulator, TEXT, voice_id=v))[1] for v in ("low", "middle", "high", "magnus")}
    assert len(set(sounds.values())) == 4 - 1  # magnus is one of the three
    assert pitch(samples(sounds["low"])) < pitch(samples(sounds["middle"]))


async def test_what_the_voice_does_not_speak_espeak_ng_speaks(with_piper, files, simulator):
    text = "Alle Menschen sind frei."
    with simulate(files / "voice.onnx") as with_voice:
        _, german = await speak(with_voice, text, language="de")
    assert german == (await speak(simulator, text, language="de"))[1]


async def test_a_process_that_is_killed_is_an_error_in_words_and_the_next_request_is_spoken(with_piper, files):
    with simulate(files / "voice.onnx") as simulator:
        _, whole = await speak(simulator, TEXT)
        for process in piper_processes():
            process.kill()
            process.wait(10)
        answers = [await speak(simulator, TEXT) for _ in range(3)]
    assert answers[-1][1] == whole
    for frames, _ in answers:
        assert frames[-1]["status"] == "complete" or "process ended" in json.dumps(frames[-1])


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("missing", "does not exist"),
        ("folder.onnx", "is no file"),
        ("text.txt", "does not end in .onnx"),
        ("alone.onnx", "has no alone.onnx.json beside it"),
        ("broken.onnx", "broken.onnx.json is no JSON"),
        ("foreign.onnx", "foreign.onnx.json describes no Piper voice"),
        ("pointer.onnx", "which is no model"),
    ],
)
def test_files_that_are_no_voice_are_refused_when_they_are_named(tmp_path, case, words):
    good = {"audio": {"sample_rate": 22050}, "espeak": {"voice": "en-us"}, "phoneme_id_map": {"a": [1]},
            "num_symbols": 256, "num_speakers": 1}  # fmt: skip
    (tmp_path / "folder.onnx").mkdir()
    for name, model, beside in (
        ("text.txt", b"x" * 500, good),
        ("alone.onnx", b"x" * 500, None),
        ("broken.onnx", b"x" * 500, "<!DOCTYPE html>"),
        ("foreign.onnx", b"x" * 500, {"model_type": "whisper"}),
        ("pointer.onnx", b"version https://git-lfs.github.com/spec/v1\n", good),
    ):
        (tmp_path / name).write_bytes(model)
        if beside is not None:
            (tmp_path / f"{name}.json").write_text(beside if isinstance(beside, str) else json.dumps(beside))
    path = tmp_path / ("missing.onnx" if case == "missing" else case)
    with pytest.raises(ConfigError, match=words.replace(".", r"\.")) as caught:
        Behaviour(speech=f"piper:{path}")
    assert path.name in str(caught.value)


@pytest.mark.parametrize("speech", ["piper", "piper:", "espeak", "", 5])
def test_what_names_no_voice_is_refused(speech):
    with pytest.raises(ConfigError, match=r"speech="):
        Behaviour(speech=speech)


@pytest.mark.parametrize("case", ["other", "garbage", "speakers"])
def test_a_model_of_another_kind_is_refused_at_the_start(with_piper, files, tmp_path, case):
    model = tmp_path / "mine.onnx"
    model.write_bytes(b"not a model " * 50 if case == "garbage" else (files / f"{case}.onnx").read_bytes())
    model.with_name("mine.onnx.json").write_bytes((files / "voice.onnx.json").read_bytes())
    words = {
        "other": "is no Piper voice: the model takes audio; expected input, input_lengths, scales",
        "garbage": "cannot be loaded as an ONNX model",
        "speakers": "belongs to another voice",
    }
    with pytest.raises(ConfigError, match=words[case]) as caught, simulate(model):
        pass
    assert str(model) in str(caught.value)
    assert not piper_processes()


def test_without_the_package_the_start_says_what_to_install(files):
    with pytest.raises(ConfigError, match=r"needs the package piper-tts .*pip install 'piper-tts>=1.4'"):
        simulate(files / "voice.onnx").start()


def test_the_command_and_the_environment_name_a_voice(files, tmp_path):
    command = [sys.executable, "-m", "smallest_nb.cli", "simulate", "--port", "0", "--speech"]
    done = subprocess.run([*command, f"piper:{tmp_path}/no.onnx"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "no.onnx does not exist" in done.stderr
    environment = {"SMALLEST_NB_SPEECH": " piper:/nowhere/x.onnx "}
    assert choose_speech(None, environment) == "piper:/nowhere/x.onnx"
    assert choose_speech("espeak-ng", environment) == "espeak-ng"
    assert choose_speech(None, {}) == "espeak-ng"
    with pytest.raises(ConfigError, match=r"/nowhere/x\.onnx does not exist"):
        read_speech(choose_speech(None, environment))
    assert describe_speech(None) == "espeak-ng speech"
    voice = read_speech(f"piper:{files / 'speakers.onnx'}")
    assert (voice.language, voice.speakers) == ("en", 3)
    assert voice.speaks("en")
    assert voice.speaks("auto")
    assert not voice.speaks("de")
    assert describe_speech(voice) == "speech by the Piper voice speakers (en), espeak-ng for other languages"


def test_the_environment_is_heeded_at_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv("SMALLEST_NB_SPEECH", f"piper:{tmp_path}/mine.onnx")
    with pytest.raises(ConfigError, match=r"mine\.onnx does not exist"):
        Simulator().start()
    monkeypatch.setenv("SMALLEST_NB_SPEECH", "robot")
    with pytest.raises(ConfigError, match=r"SMALLEST_NB_SPEECH='robot' names no voice; expected 'espeak-ng'"):
        Simulator().start()


def test_groups_of_phonemes_find_their_words():
    said = {"he": ["hiː"], "on": ["ɔn"], "the": ["ðə"], "hill.": ["hɪl."], "50": ["fɪfti dɑlɚz"]}

    def place(text: str, sentence: str) -> list[tuple[int, str]]:
        groups = WordGroups(text, [sentence], lambda word: said[word])
        return [(at, text[a : a + n]) for at, (a, n) in groups.place([(p, 1) for p in sentence])]

    assert place("he on the hill.", "hiː ɔnðə hɪl.") == [(0, "he"), (4, "on"), (9, "hill.")]
    assert place("on 50 hill.", "ɔn fɪfti dɑlɚz hɪl.") == [(0, "on"), (3, "50"), (15, "hill.")]
    assert place("he", "") == []
