"""marimo draws a composite as it draws any anywidget: each of its controls works, bound both ways."""

from __future__ import annotations

import pytest
from host import wait_for
from playwright.sync_api import expect

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(240), pytest.mark.parametrize("host", ["marimo"], indirect=True)]


def row(shown, name: str):
    """The row of a setting."""
    return shown.page.locator(f".snb-tuner .snb-setting[data-name='{name}']")


def test_the_controls_of_the_tuner_are_bound_both_ways(host, shown):
    kernel = shown.kernel
    text = shown.page.locator(".snb-tuner textarea").first
    text.fill("Something else.")
    text.blur()
    wait_for("the text is there", lambda: kernel.eval("tuner.text") == "Something else.")

    speed = row(shown, "speed").locator("input[type=range]")
    number = row(shown, "speed").locator("input[type=number]")
    speed.focus()
    for _ in range(5):
        speed.press("ArrowRight")
    wait_for("the slider is there", lambda: kernel.eval("tuner.settings.speed") not in (None, 1.0))
    wait_for("the number", lambda: number.input_value() == f"{kernel.eval('tuner.settings.speed'):.2f}")
    row(shown, "speed").get_by_role("button").click()
    wait_for("the button is there", lambda: kernel.eval("tuner.settings.speed") is None)
    kernel.do("tuner.settings = {'speed': 1.7, 'voice': 'liam'}")
    expect(number).to_have_value("1.70")
    expect(row(shown, "voice").locator("summary b")).to_have_text("liam")
    row(shown, "voice").locator("summary").first.click()
    shown.page.locator(".snb-tuner [data-voice='sophia']").first.click()
    wait_for("the choice is there", lambda: kernel.eval("tuner.settings.voice") == "sophia")

    shown.page.get_by_text("Speak when changed").click()
    wait_for("the tick is there", lambda: kernel.eval("tuner.auto_play") is True)
    kernel.do("tuner.auto_play = False")
    expect(shown.page.locator(".snb-tuner .snb-pane-option input")).not_to_be_checked()
    assert shown.complaints() == []


def test_a_file_is_transcribed(host, shown, spoken):
    shown.page.locator(".snb-transcriber [data-tab='files']").click()
    shown.page.locator(".snb-transcriber input[type=file]").set_input_files(spoken)
    expect(shown.lines.first).to_be_attached(timeout=30_000)
    shown.page.locator(".snb-transcriber [data-tab='transcript']").click()
    expect(shown.lines.first).to_be_visible()
    assert "weather" in shown.transcript().lower()
