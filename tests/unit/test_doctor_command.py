"""`smallest-nb doctor` and `snb.doctor()` as processes of their own: table, JSON, exit code, and no key."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import pytest

CANARY = "sk_canary_doctor_command_19d0"


def run(*command, **env):
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=90,
        env={**os.environ, "SMALLEST_API_KEY": CANARY, **env},
    )  # fmt: skip
    assert CANARY not in done.stdout + done.stderr
    return done


def test_nothing_red_ends_with_0(simulator):
    done = run("-m", "smallest_nb.cli", "doctor", SMALLEST_BASE_URL=simulator.base_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "***19d0, from environment SMALLEST_API_KEY" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("green")


def test_red_ends_with_1_and_json_says_what_to_do():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{probe.getsockname()[1]}"
    done = run("-m", "smallest_nb.cli", "doctor", "--json", SMALLEST_BASE_URL=url)
    assert done.returncode == 1
    red = [c for c in json.loads(done.stdout)["checks"] if c["status"] == "red"]
    assert [c["id"] for c in red] == ["service.reached"]
    assert "server running" in red[0]["fix"]


def test_without_a_key_the_simulator_is_examined_and_stopped():
    done = run("-m", "smallest_nb.cli", "doctor", "--json", SMALLEST_API_KEY="")
    checks = {c["id"]: c for c in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, done.stderr
    assert (checks["service.key"]["status"], checks["service.websocket"]["status"]) == ("amber", "green")


@pytest.mark.parametrize(
    "first", ["", "import smallest_nb.notebook.doctor.command, smallest_nb.notebook.widgets.doctor; "]
)
def test_in_a_plain_program_it_prints_and_returns_the_report(simulator, first):
    code = f"{first}import smallest_nb as snb; r = snb.doctor(); print('returned', r, r.ok)"
    done = run("-c", code, SMALLEST_BASE_URL=simulator.base_url)
    assert done.returncode == 0, done.stderr
    assert "Python without a notebook" in done.stdout
    assert "returned Report(" in done.stdout
    assert "ipywidgets" not in run("-X", "importtime", "-c", "import smallest_nb; smallest_nb.doctor").stderr


@pytest.mark.parametrize("url", ["ws://localhost:99999", "wss://host.invalid:abc", "wss://[::1", "wss://.example.com"])
def test_an_address_that_cannot_be_is_a_red_line(url):
    done = run("-m", "smallest_nb.cli", "doctor", "--json", SMALLEST_BASE_URL=url)
    red = [c for c in json.loads(done.stdout)["checks"] if c["status"] == "red"]
    assert (done.returncode, [c["id"] for c in red]) == (1, ["service.address"]), done.stderr
    assert "SMALLEST_BASE_URL" in red[0]["fix"]


def test_a_terminal_without_unicode_gets_escapes(simulator):
    for command in (["-m", "smallest_nb.cli", "doctor"], ["-c", "import smallest_nb as snb; snb.doctor()"]):
        done = run(*command, SMALLEST_BASE_URL=simulator.base_url, PYTHONIOENCODING="ascii")
        assert done.returncode == 0, done.stderr
        assert "\\u2713" in done.stdout
