"""The kernel's own microphone: really by PortAudio, out of an ALSA device that reads a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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
from smallest_nb.notebook.widgets.kernel_capture import KernelCapture
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
    report = record(tmp_path, DEVICE % (tmp_path / "tone.raw"))
    if not has_portaudio:
        assert "apt-get install libportaudio2" in report["error"]
        return
    assert report == {"rate": report["rate"], "lost": 1, "over": True}
    heard = np.fromfile(tmp_path / "heard.raw", "<i2")
    assert 0.5 * 16000 < len(heard) < 3 * 16000
    steady = heard[4000:12000].astype(float)
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))
    assert abs(np.argmax(spectrum) * 16000 / len(steady) - 440) < 4
    assert 7000 < np.abs(steady).max() < 9000


def test_no_device_is_said(tmp_path, has_portaudio):
    report = record(tmp_path, "# no devices at all\n")
    assert ("has no microphone" if has_portaudio else "libportaudio2") in report["error"]


PRESS = """
import asyncio
import smallest_nb as snb
from smallest_nb.client import background_loop as runtime
microphone = snb.Microphone()

async def press():
    microphone.sources.choose("kernel")
    microphone.sources.start()
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


WIDGET = """
import gc, json, sys, time
sys.path.insert(0, sys.argv[1])
from tests.support.widget_page import Page, eventually
import sounddevice
import smallest_nb as snb

microphone = snb.Microphone()
page = Page(microphone)
page.hello()

def open_devices():
    return sum(type(o) is sounddevice.RawInputStream and not o.closed for o in gc.get_objects())

def press(action):
    page.say("press", action=action)

def recording():
    eventually(lambda: microphone.state == "recording", 15)
    eventually(lambda: microphone.received > 0)

press("by-kernel")
press("start")
"""
STARTED_AGAIN = """
eventually(lambda: microphone.state == "starting")
press("halt")
eventually(lambda: microphone.state == "idle")
press("start")
recording()
time.sleep(1)  # the first device, which came too late, was closed, and says so
report = [open_devices(), microphone.state, microphone.source_state["recording"]]
press("halt")
eventually(lambda: open_devices() == 0)
print(json.dumps([*report, microphone.state, microphone.source_state["recording"]]))
microphone.close()
"""
PAGE_LEFT = """
recording()
page.say("bye")
eventually(lambda: open_devices() == 0)
print(json.dumps(microphone.state))
microphone.close()
"""
PAUSED_BEFORE = """
recording()
microphone.paused = True
press("halt")
eventually(lambda: microphone.state == "idle")
report = [microphone.paused]
microphone.paused = True  # as a page leaves it that was closed meanwhile
press("start")
recording()
print(json.dumps([*report, microphone.paused]))
microphone.close()
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param(STARTED_AGAIN, [1, "recording", True, "idle", False], id="started again while it is opened"),
        pytest.param(PAGE_LEFT, "idle", id="the page left"),
        pytest.param(PAUSED_BEFORE, [False, False], id="paused before"),
    ],
)
def test_the_device_is_open_and_heard_exactly_while_it_records(tmp_path, has_portaudio, script, expected):
    if not has_portaudio:
        pytest.skip("PortAudio is not installed")
    np.zeros(48000 * 5, "<i2").tofile(tmp_path / "silence.raw")
    conf = tmp_path / "asound.conf"
    conf.write_text(DEVICE % (tmp_path / "silence.raw"))
    env = {**os.environ, "ALSA_CONFIG_PATH": str(conf)}
    command = [sys.executable, "-c", WIDGET + script, str(Path(__file__).parent)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == expected, done.stderr
