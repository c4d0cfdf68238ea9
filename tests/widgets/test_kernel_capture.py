"""The kernel's own microphone: really by PortAudio, out of an ALSA device that reads a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

DEVICE = """
</usr/share/alsa/alsa.conf>
pcm.spoken { type file slave.pcm { type null } file /dev/null infile "%s" format "raw" }
pcm.!default { type plug slave { pcm spoken format S16_LE channels 1 rate 48000 } }
"""
# The device gives as fast as it is asked: the handler waits as long as a chunk lasts, and so keeps the time.
RECORD = """
import json, sys, time
from smallest_nb.errors import FrontEndError
from smallest_nb.widgets.kernel_capture import KernelCapture
pieces, over = [], []

def hear(pcm):
    pieces.append(pcm)
    time.sleep(0.08)
    return len(pieces) != 3

try:
    capture = KernelCapture(16000, 80, hear, lambda: over.append(True))
except FrontEndError as error:
    print(json.dumps({"error": str(error)}))
    raise SystemExit
time.sleep(2)
capture.close()
capture.close()
open(sys.argv[1], "wb").write(b"".join(pieces))
print(json.dumps({"rate": capture.device_rate, "lost": capture.lost, "over": bool(over)}))
"""


def record(tmp_path, config: str) -> dict:
    conf = tmp_path / "asound.conf"
    conf.write_text(config)
    done = subprocess.run(
        [sys.executable, "-c", RECORD, str(tmp_path / "heard.raw")],
        env={**os.environ, "ALSA_CONFIG_PATH": str(conf)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def has_portaudio():
    return subprocess.run([sys.executable, "-c", "import sounddevice"], capture_output=True).returncode == 0


def test_what_the_device_gives_is_heard_at_our_rate(tmp_path, has_portaudio):
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(48000 * 5) / 48000)).astype("<i2")
    tone.tofile(tmp_path / "tone.raw")
    told = record(tmp_path, DEVICE % (tmp_path / "tone.raw"))
    if not has_portaudio:
        assert "apt-get install libportaudio2" in told["error"]
        return
    assert told == {"rate": told["rate"], "lost": 1, "over": True}
    heard = np.fromfile(tmp_path / "heard.raw", "<i2")
    assert 0.5 * 16000 < len(heard) < 3 * 16000
    steady = heard[4000:12000].astype(float)
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))
    assert abs(np.argmax(spectrum) * 16000 / len(steady) - 440) < 4
    assert 7000 < np.abs(steady).max() < 9000


def test_no_device_is_said(tmp_path, has_portaudio):
    told = record(tmp_path, "# no devices at all\n")
    assert ("has no microphone" if has_portaudio else "libportaudio2") in told["error"]


PRESS = """
import asyncio
import smallest_nb as snb
from smallest_nb import runtime
microphone = snb.Microphone()

async def press():
    microphone.ways.choose("kernel")
    microphone.ways.start()
    while not microphone.error or microphone.state != "idle":
        await asyncio.sleep(0.05)

runtime.call(press(), 10)
print(microphone.state, microphone.error)
microphone.close()
"""


def test_a_failure_is_drawn(tmp_path):
    conf = tmp_path / "asound.conf"
    conf.write_text("# no devices at all\n")
    env = {**os.environ, "ALSA_CONFIG_PATH": str(conf)}
    done = subprocess.run([sys.executable, "-c", PRESS], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("idle The kernel cannot record"), done.stderr
