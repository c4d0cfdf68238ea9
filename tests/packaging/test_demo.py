"""`smallest-nb demo`, which `make demo` runs, really serves the tutorial."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.packaging, pytest.mark.timeout(120)]


def run(*arguments, **kwargs):
    return subprocess.Popen(
        [sys.executable, "-m", "smallest_nb.cli", "demo", "--no-browser", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, **kwargs,
    )  # fmt: skip


def fetch(url, deadline):
    """Read a page; the server prints its URL a moment before it listens."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as page:
                return page.read().decode()
        except OSError:
            assert time.monotonic() < deadline, url
            time.sleep(0.2)


def test_the_notebook_is_served_at_the_printed_url(tmp_path):
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    process = run("--port", "0", env=env)
    try:
        printed, url = "", None
        deadline = time.monotonic() + 60
        while url is None:
            assert time.monotonic() < deadline, printed
            printed += process.stdout.readline()
            found = re.search(
                r"http://(?:127\.0\.0\.1|localhost):\d+/lab/tree/01_tune_a_voice\.ipynb\?token=\w+", printed
            )
            url = found and found.group()
        assert "embedded simulator" in printed
        assert "JupyterLab" in fetch(url, deadline)
        contents = url.replace("/lab/tree/", "/api/contents/")
        assert "VoiceTuner" in fetch(contents, deadline)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_taken_port_and_an_unknown_notebook_are_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = run("--port", port)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"Port {port} is in use" in printed
    process = run("--notebook", "99.ipynb")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "01_tune_a_voice.ipynb" in printed
