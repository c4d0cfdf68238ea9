"""The commands of a terminal, as processes of their own: their output, exit codes, and no key."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour

CANARY = "sk_canary_commands_55a1"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


def environment(simulator):
    return {
        **os.environ,
        "SMALLEST_API_KEY": CANARY,
        "SMALLEST_BASE_URL": simulator.base_url,
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def run(signals, tmp_path):
    def run(*command, code=0, **options):
        done = subprocess.run(
            [sys.executable, "-m", "smallest_nb.cli", *map(str, command)],
            capture_output=True, timeout=90, cwd=tmp_path, env=environment(signals), **options,
        )  # fmt: skip
        out, errors = done.stdout, done.stderr.decode()
        assert CANARY not in errors + out.decode("latin-1")
        assert done.returncode == code, errors
        return out if options.get("input") is not None and command[0] == "speak" else out.decode(), errors

    return run


def test_speak_and_transcribe(run, tmp_path):
    out, errors = run(
        "speak", "red green blue", "-o", "a.wav", "--voice", "liam", "--speed", "1.5", "--sample-rate", 16000
    )
    assert out.startswith("a.wav: ")
    assert errors == ""
    clip = snb.Clip.from_wav(tmp_path / "a.wav")
    assert clip.sample_rate == 16000
    clip.padded(0.3, 0.3).to_wav(tmp_path / "b.wav")
    out, _ = run("transcribe", "b.wav", "--no-punctuate", "--no-capitalize")
    assert out == "red green blue\n"
    out, _ = run("transcribe", "b.wav", "--as", "srt", "--no-punctuate", "--no-capitalize")
    assert out.splitlines()[2] == "red green blue"
    run("transcribe", "b.wav", "-o", "b.vtt")
    assert (tmp_path / "b.vtt").read_text("utf-8").startswith("WEBVTT")


def test_standard_input_and_output(run):
    wav, _ = run("speak", "-", "-o", "-", input=b"red green blue")
    assert wav[:4] == b"RIFF"
    out, _ = run("transcribe", "-", "--no-punctuate", input=snb.Clip.from_wav(wav).padded(0.3, 0.3).wav_bytes())
    assert out == "Red green blue\n"


def test_voices(run):
    out, _ = run("voices", "--language", "hi")
    assert any(line.split()[:2] == ["sunidhi", "female"] for line in out.splitlines())
    voices = json.loads(run("voices", "--model", "lightning-v3.1-pro", "--json")[0])
    assert {v["model"] for v in voices} == {"lightning-v3.1-pro"}


def test_speak_many_and_transcribe_many(run, tmp_path):
    (tmp_path / "rows.csv").write_text("id,text,voice\na,red green,liam\nb,blue,sophia\n", encoding="utf-8")
    out, _ = run("speak-many", "rows.csv", "--out", "prompts", "--name", "{voice}/{id}.wav", "--units", 2)
    assert out.startswith("2 of 2 done")
    assert (tmp_path / "prompts" / "liam" / "a.wav").is_file()
    out, _ = run("transcribe-many", "prompts/**/*.wav", "--out", "texts", "--formats", "srt,json", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["id"], line["ok"]) for line in lines] == [("liam/a", True), ("sophia/b", True)]
    out, _ = run("transcribe-many", "prompts", "--out", "texts", "--formats", "srt,json")
    assert "2 of them before" in out


def test_an_item_that_fails_is_named_and_the_exit_code_is_1(run, tmp_path):
    (tmp_path / "good.wav").write_bytes(snb.Clip(bytes(32000), 16000).wav_bytes())
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    out, errors = run("transcribe-many", "*.wav", "--out", "texts", code=1)
    assert "1 not done" in out
    assert errors.startswith("bad: ConfigError: ")


def test_what_cannot_be_used_ends_with_2_and_a_refusal_with_1(run, signals):
    assert "nothing to speak" in run("speak", " ", code=2)[1]
    assert "names no sound file" in run("transcribe-many", "none/*.wav", "--out", "x", code=2)[1]
    assert "speed=9" in run("speak", "Hello", "--speed", "9", code=2)[1]
    signals.behaviour.reject = 403
    try:
        out, errors = run("speak", "Hello", code=1)
    finally:
        signals.behaviour.reject = None
    assert out == ""
    assert errors.startswith("smallest-nb speak: ")
    assert len(errors.splitlines()) == 1


def test_ctrl_c_ends_with_130_and_the_summary(signals, tmp_path):
    (tmp_path / "rows.txt").write_text("".join(f"Sentence number {n}.\n" for n in range(200)), encoding="utf-8")
    signals.behaviour.first_audio_secs = 0.1
    command = ["speak-many", "rows.txt", "--out", "o", "--units", "2"]
    environment = {
        **os.environ,
        "SMALLEST_API_KEY": CANARY,
        "SMALLEST_BASE_URL": signals.base_url,
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "smallest_nb.cli", *command],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    try:
        while not list(tmp_path.glob("o/*.wav")):
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        signals.behaviour.first_audio_secs = 0.0
    assert process.returncode == 130
    assert "of 200 done" in errors
    assert "Traceback" not in errors
