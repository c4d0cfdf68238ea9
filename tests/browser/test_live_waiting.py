"""A transcriber that waits says in the page what for and how long, and lets go when it is given up."""

from __future__ import annotations

import pytest

from tests.support.page_state import until
from tests.support.screenshots import picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CELL = """import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
service = Simulator(behaviour=Behaviour(engine="signal"))
service.start()
live = snb.LiveTranscriber(api_key="sk_test_canary_7f3a", base_url=service.base_url)
live"""


@pytest.fixture(scope="module")
def notes(lab, spoken):
    _, wav = spoken
    with lab.browse(lab.write_notebook("waiting.ipynb", CELL), microphone=wav) as page:
        page.run_all()
        page.page.wait_for_selector(".snb-mic[data-ready='true']")
        yield page


def press(notes, name):
    notes.page.get_by_role("button", name=name, exact=True).click()


def said(notes, text):
    return notes.page.locator(".snb-service-state", has_text=text)


def test_UX7_a_busy_service_is_named_with_its_seconds_and_stop_is_obeyed_at_once(notes):
    notes.do("service.behaviour.reject, service.behaviour.retry_after = 429, 6")
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    said(notes, "The service is busy; next try in 6 s (1 of 5)").wait_for()
    said(notes, "The service is busy; next try in 5 s (1 of 5)").wait_for()
    notes.page.get_by_text("You can speak already: the sound is kept.").first.wait_for()
    picture(notes, ".snb-transcriber", "live-transcriber-busy.png")
    until(notes, "live.microphone.received > 8000")
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    said(notes, "s of sound wait").wait_for()
    assert notes.page.get_by_role("button", name="Transcribe").is_enabled()
    assert notes.page.locator(".snb-mic .snb-status").inner_text() == ""
    notes.do("service.behaviour.reject = service.behaviour.retry_after = None")
    until(notes, "live.recording", False)
    assert notes.page.locator(".snb-service-state").inner_text().startswith(("Finals came", ""))
    assert not notes.page.get_by_role("button", name="Give up").is_visible()


def test_UX7_what_is_given_up_ends_at_once_and_can_be_heard(notes):
    notes.do("live.clear(); service.behaviour.reject, service.behaviour.retry_after = 503, 30")
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    said(notes, "next try in 30 s").wait_for()
    until(notes, "live.microphone.received > 8000")
    press(notes, "Give up")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    notes.page.locator(".snb-mic .snb-error", has_text="Not transcribed").wait_for()
    notes.page.wait_for_function("() => Number(document.querySelector('.snb-recording').dataset.seconds) > 0.4")
    notes.page.locator(".snb-recording-play").click()
    notes.page.wait_for_selector(".snb-recording[data-state='playing']")
    notes.do("service.behaviour.reject = service.behaviour.retry_after = None; live.clear()")
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    said(notes, "Connected").wait_for()
    assert notes.page.locator(".snb-mic .snb-error").inner_text() == ""
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")


def test_a_key_that_is_refused_is_replaced_in_the_page(notes):
    notes.do("live.clear(); service.behaviour.reject = 401")
    press(notes, "Transcribe")
    notes.page.locator(".snb-mic .snb-error", has_text="refused the API key").wait_for()
    notes.do("service.behaviour.reject = None")
    press(notes, "Enter another key")
    notes.page.get_by_label("API key").fill("sk_other_canary_9b1c")
    notes.page.get_by_label("API key").press("Enter")
    until(notes, "live.key_state", "")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    press(notes, "Transcribe")
    said(notes, "Connected").wait_for()
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
