"""What a batch survives: its process killed and started again, a full disk, Ctrl+C. Real processes, a real disk."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import textwrap
import wave
from pathlib import Path

import pytest

import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.sessions import counted_sessions
from tests.support.widget_page import eventually

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [f"This is sentence number {n} of a long list." for n in range(60)]
RUN = """
import json, sys
import smallest_nb as snb
texts, out, base_url = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
print("began", flush=True)
try:
    done = snb.speak_many(texts, out=out, units=4, base_url=base_url)
except BaseException as error:
    found = getattr(error, "results", [])
    print(json.dumps([type(error).__name__, getattr(error, "errno", None), [r.id for r in found if r.ok]]), flush=True)
    raise SystemExit(3)
print(json.dumps([None, None, [r.id for r in done if r.ok]]), flush=True)
"""


@pytest.fixture
def slow():
    """A simulator that takes its time, so that there is something to interrupt."""
    with Simulator(behaviour=Behaviour(engine="signal", first_audio_secs=0.05)) as running:
        yield running


def start(out, simulator, *prefix, **options):
    command = [*prefix, sys.executable, "-c", textwrap.dedent(RUN), json.dumps(TEXTS), str(out), simulator.base_url]
    environment = {**os.environ, "SMALLEST_API_KEY": KEY, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options
    )


def wait_for_lines(folder, count, process):
    """Wait until so many items are in the manifest: the process's own progress, not a time."""
    manifest = folder / "manifest.jsonl"
    while not manifest.exists() or manifest.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        select.select([], [], [], 0.01)


def check_whole(folder):
    """Return the sounds under final names; each is whole."""
    found = {}
    for path in folder.glob("*.wav"):
        with wave.open(str(path), "rb") as file:
            assert file.getnframes() * 2 == path.stat().st_size - 44, f"half a file: {path}"
        found[path.name] = path.stat().st_mtime_ns
    return found


def test_a_killed_process_loses_what_was_in_flight_and_nothing_else(slow, tmp_path):
    finished = {}
    requests = 0
    for kill_at in (10, 25, 40):
        process = start(tmp_path, slow)
        try:
            wait_for_lines(tmp_path, kill_at, process)
        finally:
            process.kill()
            process.wait()
        there = check_whole(tmp_path)
        assert {name: at for name, at in there.items() if name in finished} == finished  # none was spoken again
        finished = there
    eventually(lambda: slow.open_sessions == 0)  # those of the killed process are not counted
    with counted_sessions(slow) as counted:
        done = snb.speak_many(TEXTS, out=tmp_path, units=4, api_key=KEY, base_url=slow.base_url)
        requests = sum(not r.is_earlier for r in done)
    assert all(r.ok for r in done)
    there = check_whole(tmp_path)
    assert len(there) == len(TEXTS)
    assert {name: there[name] for name in finished} == finished
    assert counted.total("requests") == requests <= len(TEXTS) - 40
    assert not list(tmp_path.glob(".smallest-nb-batch-*.tmp"))


def test_ctrl_c_ends_tidily_and_says_what_is_done(slow, tmp_path):
    process = start(tmp_path, slow)
    wait_for_lines(tmp_path, 12, process)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 3, errors
    assert not errors
    kind, _, done = json.loads(out.splitlines()[-1])
    assert kind == "KeyboardInterrupt"
    lines = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert 12 <= len(done) <= len(lines) < len(TEXTS)
    assert {f"{line['id']}.wav" for line in lines} == set(check_whole(tmp_path))
    assert not list(tmp_path.glob(".smallest-nb-batch-*.tmp"))
    again = snb.speak_many(TEXTS, out=tmp_path, api_key=KEY, base_url=slow.base_url)
    assert sum(r.is_earlier for r in again) == len(lines)
    assert all(r.ok for r in again)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB, in the name space of the processes below it, or the machine's own with root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_full_disk_ends_the_run_with_its_reason_and_leaves_no_half_file(slow, small_disk):
    process = start(small_disk, slow)
    out, errors = process.communicate(timeout=60)
    kind, number, done = json.loads(out.splitlines()[-1])
    assert (kind, number, errors) == ("OSError", 28, "")
    there = check_whole(small_disk)
    assert {f"{name}.wav" for name in done} == set(there)
    assert 0 < len(there) < len(TEXTS)
    assert not list(small_disk.glob(".smallest-nb-batch-*.tmp"))
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    with counted_sessions(slow) as counted:
        again = snb.speak_many(TEXTS, out=small_disk, units=4, api_key=KEY, base_url=slow.base_url)
    assert all(r.ok for r in again)
    assert counted.total("requests") == len(TEXTS) - len(there)
    assert {name: at for name, at in check_whole(small_disk).items() if name in there} == there
