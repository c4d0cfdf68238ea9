"""`smallest-nb simulate`: starts, says what it is, refuses a taken port, stops on signals, records."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from smallest_nb import Clip, ConfigError
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import tts


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "smallest_nb.cli", "simulate", *arguments]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_serves_until_a_signal_stops_it(sign, tmp_path):
    process = subprocess.Popen(
        command("--port", "0", "--record", str(tmp_path), "--retired", "lightning_v2"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        url = re.search(r"ws://127\.0\.0\.1:\d+", line).group()
        async with tts(url, sample_rate=16000) as service:
            clip = await service.synthesize("One, two, three.")
    finally:
        process.send_signal(sign)
    assert process.wait(10) == 0
    assert process.stderr.read() == ""
    wav = next(tmp_path.glob("*-tts-001.wav"))
    assert Clip.from_wav(wav) == clip
    first = min(tmp_path.glob("*.jsonl"))  # the second one is the socket kept ready for an interruption
    lines = [json.loads(line) for line in first.read_text().splitlines()]
    assert [line["dir"] for line in lines][:2] == ["open", "in"]
    assert "sk_test" not in json.dumps(lines)


def test_a_port_in_use_is_named():
    with Simulator() as running:
        done = subprocess.run(command("--port", str(running.port)), capture_output=True, text=True, timeout=30)
        assert done.returncode == 2
        assert f"Port {running.port} on 127.0.0.1 is in use" in done.stderr
        assert "Traceback" not in done.stderr
        with pytest.raises(ConfigError, match="in use"):
            Simulator(port=running.port).start()


def test_bad_switches_are_named():
    done = subprocess.run(command("--retired", "lightning-v9"), capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "lightning-v9" in done.stderr
    done = subprocess.run(command("--port", "99999"), capture_output=True, text=True, timeout=30)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "65535" in done.stderr
    with pytest.raises(ConfigError, match="418"):
        Behaviour(reject=418)


def test_starting_and_stopping_leaves_no_thread_and_no_process():
    before = set(threading.enumerate())
    for _ in range(3):
        with Simulator():
            pass
    # asyncio's thread that waited for a child (Python before 3.12) ends a moment after the child is reaped.
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), f"{thread.name} was left behind"
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children")
    if children.exists():
        names = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in children.read_text().split()]
        assert not [name for name in names if "_worker.py" in name]
