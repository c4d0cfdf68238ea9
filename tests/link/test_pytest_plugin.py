"""The plugin as its users have it: pytest runs in a process of its own over a project with one test file."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

VOICE = """
import pytest
import smallest_nb as snb

def greet(name, speed=1.0):
    return snb.speak(f"Hello {name}.", speed=speed)

def test_greeting(smallest_cassette):
    assert greet("Ada").duration > 0.3

@pytest.mark.smallest_cassette(path="shared.cassette", scrub="text", repeat=True)
@pytest.mark.parametrize("name", ["a b", "c/d"])
def test_twice(smallest_cassette, name):
    assert greet("Bob") is not None
"""
SIMULATED = """
import pytest
import smallest_nb as snb

@pytest.mark.smallest_simulator(engine="signal")
def test_there_and_back(smallest_simulator):
    assert snb.transcribe(snb.speak("Guten Tag", language="de")).text.lower().startswith("guten tag")
    assert smallest_simulator.base_url.startswith("ws://127.0.0.1:")

@pytest.mark.smallest_simulator(reject=401)
def test_refused(smallest_simulator):
    with pytest.raises(snb.AuthError):
        snb.speak("The door is closed.")
"""


@pytest.fixture
def project(tmp_path):
    def run(source, *arguments, key=None):
        (tmp_path / "test_voice.py").write_text(source)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SMALLEST_", "PYTEST"))}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    run.folder = tmp_path
    return run


def test_cassettes_are_recorded_once_and_replayed(project):
    code, output = project(VOICE)
    assert code == 1
    assert "record it with `pytest --smallest-record=once`" in output
    code, output = project(VOICE, "--smallest-record=once")
    assert code == 0, output
    cassette = project.folder / "cassettes" / "test_voice" / "test_greeting.cassette"
    assert "Hello Ada." in cassette.read_text()
    assert "Xxxxx Xxx." in (project.folder / "shared.cassette").read_text()
    code, output = project(VOICE)
    assert code == 0, output
    before = cassette.read_bytes()
    assert project(VOICE, "--smallest-record=once", "-k", "greeting")[0] == 0
    assert cassette.read_bytes() == before
    assert project(VOICE, "--smallest-record=all", "-k", "greeting")[0] == 0
    assert cassette.read_bytes() != before  # another time, other ids


def test_a_change_of_the_code_under_test_is_seen(project):
    project(VOICE, "--smallest-record=once", "-k", "greeting")
    code, output = project(VOICE.replace("speed=1.0", "speed=1.4"), "-k", "greeting")
    assert code == 1
    assert "speed: recorded 1.0, sent 1.4" in output


EDGES = """
import os
import pytest
import smallest_nb as snb

@pytest.mark.parametrize("text", ["Hello!", "Hello?", "A long one. " * 30])
def test_say(smallest_cassette, text):
    assert snb.speak(text).duration > 0.1

def test_two(smallest_cassette):
    snb.speak("One.")
    assert os.environ.get("FIXED")
    snb.speak("Two.")

@pytest.mark.smallest_cassette(path="shared.cassette", repeat=True)
@pytest.mark.parametrize("name", ["first", "second"])
def test_shared(smallest_cassette, name):
    assert snb.speak("Both of us say this.").duration > 0.1
"""


def test_each_test_has_a_whole_cassette_of_its_own(project, monkeypatch):
    code, output = project(EDGES, "--smallest-record=all")
    assert code == 1
    assert "test_two.cassette was not written, since the test failed" in output
    monkeypatch.setenv("FIXED", "1")
    code, output = project(EDGES, "--smallest-record=once")
    assert code == 0, output
    code, output = project(EDGES)
    assert code == 0, output
    names = sorted(p.name for p in (project.folder / "cassettes" / "test_voice").glob("*.cassette"))
    assert len(names) == 4, names
    assert max(map(len, names)) < 140


def test_a_simulator_with_faults_for_one_test(project):
    code, output = project(SIMULATED)
    assert code == 0, output
    code, output = project(SIMULATED.replace("reject=401", "rejects=401"), "-k", "refused")
    assert code == 1
    assert "does not take rejects; it takes" in output
