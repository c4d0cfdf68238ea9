"""Colab, emulated: its versions, its output frames, and a comm that loses or holds back what threads send.

The emulation (`tests/hosts/colab/`) keeps to what is known of Colab's front end; Colab itself was not reached.
"""

from __future__ import annotations

import json
import re
import subprocess
import time

import jiwer
import numpy as np
import pytest
from cells import SENTENCE
from colab.acts import MIC, PLAYER, check_heard, hear, press, shown, state
from colab.notebook import COLAB, VSCODE, Browsers, rendered
from colab.server import NotebookServer
from environments import interpreter
from host import wait_for

from bench.venvs import ROOT, find_uv
from smallest_nb import Clip
from smallest_nb.notebook.colab import ASK
from tests.support.page_sound import assert_same_sound

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]
KEPT = {"ipykernel", "ipython", "ipywidgets", "traitlets", "numpy", "anywidget", "tornado", "jupyter-client", "pyzmq",
        "websockets"}  # fmt: skip
ASKED_SECS = 5.0
"""The consequences of an act are asked for so long."""

TUNER = """import smallest_nb as snb
tuner = snb.VoiceTuner("Good evening.", voice="sophia", auto_play=False)
tuner"""
LIVE = "import smallest_nb as snb\nlive = snb.LiveTranscriber()\nlive"
SWEEP = "np.sin(2 * np.pi * np.cumsum(np.linspace(300, 900, 24000 * 3)) / 24000)"
STEADY = f"""import threading, time, numpy as np
tone = (9000 * {SWEEP}).astype(np.int16).tobytes()
def speak(stream):
    time.sleep(0.3)
    began = time.monotonic()
    for n, at in enumerate(range(0, len(tone), 1920)):
        stream.write(tone[at : at + 1920])
        time.sleep(max(0.0, began + (n + 1) * 0.04 - time.monotonic()))
    stream.end()
threading.Thread(target=speak, args=(tuner.player.open_stream(24000),)).start()"""


@pytest.fixture(scope="module")
def server():
    running = NotebookServer(interpreter("colab"))
    running.eval("__import__('smallest_nb').speak('Hi.').duration")  # so that no test waits for the simulator's start
    yield running
    running.close()


@pytest.fixture(scope="module")
def browsers():
    with Browsers() as running:
        yield running


def silent(frame) -> bool:
    sound, _ = rendered(frame)
    return np.max(np.abs(sound), initial=0) < 1e-4


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def test_the_kernel_has_colabs_versions(server):
    code = "{n: __import__('importlib.metadata').metadata.version(n) for n in ('ipykernel', 'ipywidgets', 'numpy')}"
    assert server.eval(code) == {"ipykernel": "6.17.1", "ipywidgets": "7.7.1", "numpy": "2.1.3"}


def test_installing_the_wheel_changes_nothing_that_colab_ships(tmp_path):
    subprocess.run([find_uv(), "build", "--quiet", "--wheel", "--out-dir", tmp_path, ROOT], check=True, timeout=100)
    wheel = next(tmp_path.glob("*.whl"))
    python = ["--python", str(interpreter("colab"))]
    listed = subprocess.run(
        [find_uv(), "pip", "list", *python, "--format", "json"], capture_output=True, check=True, timeout=60
    )
    assert {package["name"] for package in json.loads(listed.stdout)} >= KEPT
    would = [find_uv(), "pip", "install", "--dry-run", "--reinstall-package", "smallest-nb", *python]
    done = subprocess.run([*would, f"{wheel}[simulator]"], capture_output=True, text=True, check=True, timeout=100)
    changes = re.findall(r"^ [-+~] (\S+?)(?:==| @)", done.stderr, re.MULTILINE)
    assert set(changes) == {"smallest-nb"}, done.stderr


@pytest.mark.parametrize("late", ["drop", "hold"])
def test_an_audition_sounds_whole_in_one_of_two_outputs(server, browsers, late):
    with browsers.browse(server, COLAB, late=late, colab="") as notes:  # its name is a hint, and not needed
        notes.run(TUNER)
        notes.run("tuner")
        first, second = shown(notes, 0), shown(notes, 1)
        if late == "drop":  # found out by the probe; one that is held back comes with what another page asked for
            # A probe that overtakes the end of the cell, on a busy machine, comes through: then a take finds it out.
            pulls = "[p.pull for p in tuner.player._channel.pages.values()]"
            for _ in range(20):
                if server.eval(pulls) == [True] * 2:
                    break
                notes.page.wait_for_timeout(500)
            else:
                for frame in (first, second):
                    hear(frame, lambda frame=frame: press(frame, "Speak"))
            wait_for("both ask", lambda: server.eval(pulls) == [True] * 2, 60)
        lost = notes.host("lost")
        hear(first, lambda: press(first, "Speak"))
        check_heard(server, first)
        assert silent(second)
        hear(second, lambda: press(second, "Speak"))
        check_heard(server, second)
        assert notes.host("lost") > lost + 5, "little was lost: the host is no Colab"
        status = "() => /Take \\d/.test(document.querySelector('.snb-player').textContent)"
        second.wait_for_function(status)  # a trait that a thread set
        assert notes.complaints() == []


def test_polling_ends_if_nothing_is_expected(server, browsers):
    with browsers.browse(server, COLAB) as notes:
        notes.run(TUNER + "\n")
        frame = shown(notes)
        hear(frame, lambda: press(frame, "Speak"))
        notes.page.wait_for_timeout(ASKED_SECS * 1000 + 500)
        assert 0 < notes.sent("poll") < 60
        assert notes.quiet() == 0


def test_a_cell_that_speaks_sounds_while_it_runs_and_after_it(server, browsers):
    with browsers.browse(server, COLAB) as notes:
        notes.run(TUNER)
        frame = shown(notes)
        cell = "import time; tuner.audition('One, two, three.', play=True); time.sleep(1.5)"
        hear(frame, lambda: (notes.run(cell, wait=False), state(frame, PLAYER, "playing", 5)))
        check_heard(server, frame)
        hear(frame, lambda: notes.run("later = tuner.submit('It sounds after its cell.', play=True)"))
        assert server.eval("later.result(5).text") == "It sounds after its cell."
        check_heard(server, frame)


def test_a_moved_slider_speaks_again(server, browsers):
    with browsers.browse(server, COLAB) as notes:
        notes.run(TUNER)
        frame = shown(notes)
        hear(frame, lambda: press(frame, "Speak"))
        notes.run("tuner.auto_play = True")
        slider = frame.locator("[data-name='speed'] input[type=range]")
        hear(frame, lambda: slider.fill("1.5"))
        assert server.eval("[take.settings.speed for take in tuner.takes]")[-1] == 1.5
        check_heard(server, frame)


def test_sound_that_is_made_in_real_time_does_not_run_dry(server, browsers):
    with browsers.browse(server, COLAB) as notes:
        notes.run(TUNER)
        frame = shown(notes)
        hear(frame, lambda: notes.run(STEADY))
        sound, rate = rendered(frame)
        sweep = (9000 * eval(SWEEP)).astype(np.int16)
        assert_same_sound(Clip.from_array(sweep, 24000), sound, rate)
        assert frame.get_attribute(PLAYER, "data-underruns") == "0"


def test_colabs_own_way_to_the_microphone_works_in_an_output_frame(server, browsers):
    for rules, answer in ((COLAB, ""), (VSCODE, "NotAllowedError: Permission denied")):
        with browsers.browse(server, rules) as notes:
            notes.run(LIVE)
            assert notes.frame().evaluate(ASK) == answer


@pytest.mark.parametrize("late", ["drop", "hold"])
def test_speech_becomes_text_while_its_chunks_carry_the_answers(server, browsers, late, spoken):
    with browsers.browse(server, COLAB, late=late, microphone=spoken) as notes:
        notes.run(LIVE)
        frame = notes.frame()
        frame.wait_for_selector(f"{MIC}[data-ready='true']")
        press(frame, "Transcribe")
        state(frame, MIC, "recording")
        line = ".snb-transcript-line[data-final='{}'] .snb-transcript-text"
        frame.wait_for_selector(line.format("false"))
        frame.wait_for_selector(line.format("true"))
        press(frame, "Stop")
        state(frame, MIC, "idle")
        frame.wait_for_function("() => /segment/.test(document.querySelector('.snb-mic .snb-status').textContent)")
        text = " ".join(frame.locator(line.format("true")).all_inner_texts())
        assert jiwer.wer(words(SENTENCE), words(text)) <= 0.34
        assert words(server.eval("live.transcript.text")) == words(text)
        assert server.eval("live.microphone.dropped") == 0
        assert notes.sent("poll") < notes.sent("mic-chunk") / 2, "the chunks' handlers bring what there is"


def test_an_output_whose_frame_is_gone_owns_nothing(server, browsers):
    with browsers.browse(server, COLAB) as notes:
        former = notes.run(TUNER)
        frame = shown(notes)
        press(frame, "Speak")
        state(frame, PLAYER, "playing")
        notes.page.evaluate("(cell) => window.host.remove(cell)", former)
        notes.run("tuner")
        frame = shown(notes)
        notes.page.wait_for_timeout(5000)  # a page that was closed so gives no sign of life
        hear(frame, lambda: notes.run("later = tuner.submit('It sounds in the new output.', play=True)"))
        check_heard(server, frame)


def test_a_busy_kernel_is_not_flooded_with_questions(server, browsers):
    with browsers.browse(server, COLAB) as notes:
        notes.run(TUNER)
        frame = shown(notes)
        cell = notes.run("import time; time.sleep(3)", wait=False)
        before, began = notes.sent("poll"), time.monotonic()
        hear(frame, lambda: press(frame, "Speak"))
        assert notes.page.evaluate("(cell) => window.host.cells[cell].done", cell)
        assert notes.sent("poll") - before < 5 * (time.monotonic() - began)  # the rate of sound: twice that
        check_heard(server, frame)
