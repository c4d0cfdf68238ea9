"""marimo draws no controls of ipywidgets': ours are bound both ways, and each kind of them works."""

from __future__ import annotations

import pytest
from host import wait_for
from playwright.sync_api import expect

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(240), pytest.mark.parametrize("host", ["marimo"], indirect=True)]


def row(shown, label: str):
    """The control with a label."""
    return shown.page.locator(".snb-control").filter(has_text=label).first


def test_the_controls_of_the_tuner_are_bound_both_ways(host, shown):
    kernel = shown.kernel
    text = shown.page.locator("textarea").first
    text.fill("Something else.")
    text.blur()
    wait_for("the text is there", lambda: kernel.eval("tuner.text") == "Something else.")

    speed = row(shown, "Speed").locator("input[type=range]")
    speed.focus()
    for _ in range(5):
        speed.press("ArrowRight")
    wait_for("the slider is there", lambda: kernel.eval("tuner.settings.speed") not in (None, 1.0))
    expect(row(shown, "Speed").locator("output")).to_have_text(f"{kernel.eval('tuner.settings.speed'):.2f}")
    row(shown, "Speed").get_by_role("button", name="API default").click()
    wait_for("the button is there", lambda: kernel.eval("tuner.settings.speed") is None)
    kernel.do("tuner.settings = {'speed': 1.7, 'voice': 'liam'}")
    expect(row(shown, "Speed").locator("output")).to_have_text("1.70")
    voice = row(shown, "Voice").locator("select")
    expect(voice.locator("option:checked")).to_contain_text("liam")
    voice.select_option(label=next(t for t in voice.locator("option").all_inner_texts() if t.startswith("sophia")))
    wait_for("the choice is there", lambda: kernel.eval("tuner.settings.voice") == "sophia")

    shown.page.get_by_text("Speak again when a setting changes").click()
    wait_for("the tick is there", lambda: kernel.eval("tuner.auto_play") is True)
    kernel.do("tuner.auto_play = False")
    shown.page.get_by_text("Find a voice").click()
    expect(shown.page.locator("select[size]").first).to_be_visible()
    shown.page.get_by_text("Find a voice").click()
    assert shown.complaints() == []


def test_a_file_is_transcribed(host, shown, spoken):
    shown.page.get_by_text("A file instead of the microphone").click()
    shown.page.locator("input[type=file]").set_input_files(spoken)
    expect(shown.lines.first).to_be_visible(timeout=30_000)
    assert "weather" in shown.transcript().lower()
