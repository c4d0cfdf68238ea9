"""Pages that come, go and double: a reload, a second tab, a kernel that was restarted."""

from __future__ import annotations

import time

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
LONG = "One, two, three, four, five, six, seven, eight, nine, ten. " * 4
TUNER = """import smallest_nb as snb
tuner = snb.VoiceTuner("Your table is booked for half past seven.")
tuner"""
LIVE = "import smallest_nb as snb\nlive = snb.LiveTranscriber(word_timestamps=True)\nlive"
STATE = "() => document.querySelector('.snb-player').dataset.state"


def started(notes):
    """Put the widget on the screen and save it, so that other pages see it; all cells, or they would not be trusted."""
    notes.run_all()
    notes.page.wait_for_selector(".snb-player[data-ready='true']")
    notes.save()
    notes.do(f"tuner.auto_play = False; tuner.settings = {{'speed': None}}; tuner.text = {LONG!r}")


def press(notes, name="Speak"):
    notes.page.get_by_role("button", name=name).click()


def test_only_one_tab_sounds_and_a_reload_speaks_on(lab):
    with lab.browse(lab.write_notebook("two-tabs.ipynb", TUNER)) as one:
        started(one)
        two = one.second_tab()
        two.page.wait_for_selector(".snb-player[data-ready='true']")
        press(one)
        one.page.wait_for_selector(".snb-player[data-state='playing']")
        assert two.page.evaluate(STATE) == "idle"
        two.page.wait_for_selector(".snb-player:has(button:has-text('Speak'))")  # "Stop" while it is synthesized
        press(two)
        two.page.wait_for_selector(".snb-player[data-state='playing']")
        deadline = time.monotonic() + 20
        while one.page.evaluate(STATE) != "idle":
            assert time.monotonic() < deadline, "both tabs sound"
        two.page.close()

        press(one)
        one.page.wait_for_selector(".snb-player[data-state='playing']")
        one.reload()
        one.page.wait_for_selector(".snb-player[data-ready='true']")
        assert one.page.evaluate(STATE) == "idle"
        one.do("tuner.text = 'One, two, three, four, five, six, seven, eight.'; take = tuner.audition(play=True)")
        one.page.wait_for_selector(".snb-player[data-state='playing']")


def test_a_restarted_kernel_is_reported(lab):
    with lab.browse("01_tune_a_voice.ipynb") as notes:
        notes.run_first()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        notes.page.evaluate("async () => { await window.__panel().sessionContext.session.kernel.restart(); }")
        notes.wait_ready()
        notes.page.locator(".snb-connection").filter(has_text="run the cell again").wait_for()  # at once
        press(notes)
        assert notes.page.locator(".snb-connection").is_visible()
        notes.run_first()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        press(notes)
        notes.page.wait_for_selector(".snb-player[data-state='playing']")


def test_nothing_overflows(lab):
    with lab.browse("01_tune_a_voice.ipynb") as notes:
        notes.run_first()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        for width in (1100, 500):
            notes.page.set_viewport_size({"width": width, "height": 900})
            over = notes.page.evaluate(
                """() => {
                  const box = document.querySelector(".snb-player").closest(".snb-frame");
                  return box.scrollWidth - box.clientWidth;
                }"""
            )
            assert over <= 0, f"{over} px too wide at {width} px"


def test_a_recording_is_ended_by_another_tab_and_by_a_reload(lab):
    with lab.browse(lab.write_notebook("two-recording-tabs.ipynb", LIVE)) as one:
        one.run_all()
        one.page.wait_for_selector(".snb-mic[data-ready='true']")
        one.save()
        press(one, "Transcribe")
        one.page.wait_for_selector(".snb-mic[data-state='recording']")
        two = one.second_tab()
        two.page.wait_for_selector(".snb-mic[data-ready='true']")
        press(two, "Transcribe")
        two.page.wait_for_selector(".snb-mic[data-state='recording']")
        one.page.wait_for_selector(".snb-mic[data-state='idle']")
        deadline = time.monotonic() + 20
        while not two.kernel("live.service is not None and live.service.connected"):
            assert time.monotonic() < deadline, "no session began"
        two.reload()
        two.page.wait_for_selector(".snb-mic[data-ready='true']")
        deadline = time.monotonic() + 30
        while two.kernel("live.service is not None or live.microphone.state != 'idle'"):
            assert time.monotonic() < deadline, "the session of the page that is gone goes on"
