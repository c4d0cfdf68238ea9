"""Notebook 01 in a real JupyterLab: what the worklet rendered is what the simulator sent."""

from __future__ import annotations

import pytest

from smallest_nb import Clip
from tests.support.page_sound import assert_same_sound, rendered

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
IDLE = "() => document.querySelector('.snb-player').dataset.state === 'idle'"


def latest_recording(lab) -> Clip:
    newest = max(lab.recordings.glob("*-tts-*.wav"), key=lambda p: p.stat().st_mtime_ns)
    return Clip.from_wav(newest)


def speak(notes) -> None:
    """Press the button and wait until the take was played to its end."""
    notes.page.evaluate("() => window.__tap.clear()")
    before = notes.page.evaluate("() => document.querySelector('.snb-player').dataset.takes")
    notes.page.get_by_role("button", name="Speak").click()
    wait_played(notes, before)


def wait_played(notes, before: str) -> None:
    notes.page.wait_for_function(
        f"(before) => document.querySelector('.snb-player').dataset.takes !== before && ({IDLE})()",
        arg=before,
    )


def test_what_is_heard_is_what_was_sent_and_speed_changes_it(lab):
    with lab.browse("01_tune_a_voice.ipynb") as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        notes.page.wait_for_function(IDLE)
        notes.do(
            "tuner.auto_play = False; tuner.text = 'It was not said before, so it is not heard from a take.'; "
            "tuner.settings = {'voice': 'sophia', 'speed': None}; tuner.auto_play = True"
        )

        speak(notes)
        heard, rate = rendered(notes)
        sent = latest_recording(lab)
        assert_same_sound(sent, heard, rate)
        assert notes.kernel("tuner.takes[-1].clip.pcm.hex()") == sent.pcm.hex()
        assert notes.page.locator(".snb-player .snb-error").inner_text() == ""

        before = notes.page.evaluate("() => document.querySelector('.snb-player').dataset.takes")
        notes.page.evaluate("() => window.__tap.clear()")
        notes.page.get_by_role("slider", name="Speed", exact=True).focus()
        for _ in range(10):
            notes.page.keyboard.press("ArrowRight")
        wait_played(notes, before)
        speed = notes.kernel("tuner.settings.speed")
        faster = latest_recording(lab)
        assert speed == pytest.approx(1.5, abs=0.01)
        assert sent.duration / faster.duration == pytest.approx(speed, rel=0.12)
        speak(notes)  # once more: a slow machine may have spoken between the keys, too, and faded that out
        heard, rate = rendered(notes)
        assert_same_sound(faster, heard, rate)
        assert [line for line in notes.console if "[smallest_nb]" in line] == []
