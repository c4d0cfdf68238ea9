"""VS Code, emulated: a webview without the microphone, a kernel without subshells, buffers that become arrays."""

from __future__ import annotations

import pytest
from colab.acts import MIC, check_heard, hear, press, shown
from colab.notebook import INSECURE, VSCODE, Browsers
from colab.server import NotebookServer
from environments import interpreter

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(120)]
SETUP = """__vsc_ipynb_file__ = "notebook.ipynb"
import smallest_nb as snb
tuner = snb.VoiceTuner("Good evening.", voice="sophia", auto_play=False)
tuner"""
LIVE = "import smallest_nb as snb\nlive = snb.LiveTranscriber()\nlive"
HELLO = "list(live.microphone._channel.pages.values())[-1].hello"


@pytest.fixture(scope="module")
def server():
    running = NotebookServer(interpreter("vscode"))
    running.eval("__import__('smallest_nb').speak('Hi.').duration")
    yield running
    running.close()


@pytest.fixture(scope="module")
def browsers():
    with Browsers() as running:
        yield running


def test_an_audition_sounds_and_every_message_is_small(server, browsers):
    with browsers.browse(server, VSCODE) as notes:
        notes.run(SETUP)
        frame = shown(notes)
        hear(frame, lambda: press(frame, "Speak"))
        check_heard(server, frame)
        text = "It takes some seconds to say all of this, so that its sound is large."
        hear(frame, lambda: notes.run(f"tuner.audition({text!r}, play=True)"))
        check_heard(server, frame)
        assert server.eval("len(tuner.takes[-1].clip.pcm)") > 128_000
        notes.run("tuner.compare(1, 2)")
        frame.get_by_role("button", name="B · Take 2").wait_for()
        assert 9_000 < notes.host("largest") <= 64_000
        assert notes.host("sent").get("poll", 0) < 10, "messages come by themselves here"
        assert notes.complaints() == []


def test_a_cell_that_computes_does_not_hold_the_sound_back(server, browsers):
    with browsers.browse(server, VSCODE) as notes:
        notes.run(SETUP)
        frame = shown(notes)
        cell = "later = tuner.submit('While a cell computes.', play=True); import time; time.sleep(3)"
        hear(frame, lambda: notes.run(cell, wait=False))
        assert not notes.page.evaluate("() => Object.values(window.host.cells).at(-1).done")
        check_heard(server, frame)


def test_the_microphone_button_says_why_and_what_else_there_is(server, browsers):
    with browsers.browse(server, VSCODE) as notes:
        notes.run(LIVE)
        frame = notes.frame()
        frame.wait_for_selector(f"{MIC}[data-ready='true']")
        assert frame.evaluate("() => document.featurePolicy.allowsFeature('microphone')") is False
        press(frame, "Transcribe")
        error = frame.locator(f"{MIC} .snb-error")
        error.filter(has_text="does not let outputs use the microphone").wait_for()
        assert "JupyterLab" in error.inner_text()
        assert "file" in error.inner_text()
        assert frame.get_attribute(MIC, "data-state") == "idle"
        hello = server.eval(HELLO)
        assert {k: hello[k] for k in ("host", "microphone", "secure", "worklet", "pull")} == {
            "host": "vscode", "microphone": "forbidden", "secure": True, "worklet": True, "pull": False,
        }  # fmt: skip
        notes.run("live.feed(snb.speak('One, two, three.', voice='magnus').padded(0.3, 0.3), pace=3)")
        frame.wait_for_selector(".snb-transcript-line[data-final='true']")


def test_a_page_that_is_not_secure_reports_it_to_the_user_and_to_the_kernel(server, browsers):
    with browsers.browse(server, {**VSCODE, "vscode": ""}, origin=INSECURE) as notes:
        notes.run(LIVE)
        frame = notes.frame()
        frame.wait_for_selector(f"{MIC}[data-ready='true']")
        press(frame, "Transcribe")
        frame.locator(f"{MIC} .snb-error").filter(has_text="This page is not secure").wait_for()
        hello = server.eval(HELLO)
        assert (hello["host"], hello["microphone"], hello["secure"]) == ("other", "insecure", False)
        assert frame.query_selector(".snb-transcriber .snb-recording") is not None
