"""The VoiceTuner while it is used: sliders that speak, odd texts, refusals, hidden tabs, big type, little motion."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import soxr

from smallest_nb import Clip
from tests.support.page_sound import align, assert_same_sound, rendered
from tests.support.page_state import OVERFLOWING, PLAYED, until, wait_position, what_stays
from tests.support.screenshots import picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CELL = """import smallest_nb as snb
from smallest_nb.notebook import session
tuner = snb.VoiceTuner("Your table is booked for half past seven.")
tuner"""
TAKES = "document.querySelector('.snb-player').dataset.takes"


@pytest.fixture(scope="module")
def notes(lab):
    with lab.browse(lab.write_notebook("states.ipynb", CELL)) as page:
        page.run_all()
        page.page.wait_for_selector(".snb-player[data-ready='true']")
        press(page)
        page.page.wait_for_function(f"() => {TAKES} !== ''")
        page.page.wait_for_function(PLAYED)
        yield page


def press(notes, name="Speak"):
    notes.page.get_by_role("button", name=name, exact=True).click()


def test_a_slider_speaks_again_and_the_newest_wins(notes):
    notes.do("tuner.text = 'One two three four five six seven eight nine ten eleven twelve.'; tuner.auto_play = True")
    press(notes)
    notes.page.wait_for_selector(".snb-player[data-state='playing']")
    notes.page.evaluate("() => window.__tap.clear()")
    wait_position(notes, 0.4)
    slider = notes.page.get_by_role("slider", name="Speed", exact=True)
    slider.focus()
    before = notes.kernel("tuner.usage.requests")
    for _ in range(6):  # six values within the debounce: one request
        notes.page.keyboard.press("ArrowRight")
    until(notes, "tuner.takes[-1].settings.speed", 1.3)
    notes.page.wait_for_function(PLAYED)
    # One, unless the machine is so busy that the six keys take longer than the debounce.
    assert before < notes.kernel("tuner.usage.requests") < before + 4
    samples, rate = rendered(notes)
    assert np.abs(np.diff(samples)).max() < 0.35, "the change of takes clicks"
    newest = Clip(bytes.fromhex(notes.kernel("tuner.takes[-1].clip.pcm.hex()")), 24000)
    alone = newest.samples[24000 // 10 :]  # the take before it fades out into its first moments
    start = align(soxr.resample(alone.astype(float) / 32768, 24000, rate), samples)
    assert_same_sound(Clip(alone.tobytes(), 24000), samples[start:], rate)  # to its end, and nothing after it


def test_what_was_heard_costs_nothing_again(notes):
    spent = notes.kernel("tuner.usage.characters")
    before = notes.page.evaluate(f"() => {TAKES}")
    press(notes)
    notes.page.wait_for_function(f"(before) => {TAKES} !== before && ({PLAYED})()", arg=before)
    assert notes.kernel("tuner.usage.characters") == spent
    press(notes, "New take")
    until(notes, f"tuner.usage.characters > {spent}")
    notes.page.wait_for_function(PLAYED)


def test_UX19_what_is_not_taken_says_why_and_every_value_goes_back(notes):
    slider = notes.page.get_by_role("slider", name="Consistency")
    assert not slider.is_visible(), "three sliders that move nothing take one line"
    fold = notes.page.get_by_text("3 settings need lightning-v2, retired on 2026-05-19.")
    assert fold.bounding_box()["height"] < 40
    fold.click()
    assert slider.is_disabled()
    notes.page.get_by_text(
        "lightning-v3.1 ignores consistency; lightning-v2, which takes it, was retired on"
    ).first.wait_for()
    fold.click()
    assert notes.kernel("tuner.settings.speed") == 1.3
    row = notes.page.locator(".snb-setting[data-name='speed']")
    assert row.get_attribute("data-changed") is not None
    assert notes.page.locator(".snb-setting[data-changed]").count() == 1
    before = notes.page.evaluate(f"() => {TAKES}")
    row.get_by_role("button", name="Reset Speed to the default").click()
    until(notes, "tuner.settings.speed", None)
    notes.page.wait_for_function(f"(before) => {TAKES} !== before && ({PLAYED})()", arg=before)


def test_UX21_a_voice_is_found_by_what_it_is(notes):
    notes.do("tuner.auto_play = False; tuner.settings = {'voice': 'liam'}; tuner.auto_play = True")
    notes.page.locator(".snb-voice-summary").click()
    box = notes.page.locator(".snb-voices")
    current = box.locator("[data-current]")
    outer, inner = box.bounding_box(), current.bounding_box()
    assert inner["y"] >= outer["y"], "it opens at the voice in use"
    assert inner["y"] + inner["height"] <= outer["y"] + outer["height"] + 1
    assert box.evaluate("(e) => e.scrollWidth <= e.clientWidth"), "a scroll bar that scrolls nothing"
    reached = "(e) => [...e.querySelectorAll('button')].filter((b) => b.tabIndex === 0).length"
    assert box.evaluate(reached) == 3, "Tab goes through one voice, and not through 75"
    current.locator(".snb-voice-choose").focus()
    notes.page.keyboard.press("ArrowDown")
    assert current.evaluate("(e) => e.nextElementSibling.contains(document.activeElement)")
    assert box.evaluate(reached) == 3
    search = notes.page.get_by_role("searchbox", name="Search voices")
    search.fill("no such voice")
    notes.page.get_by_text("No voice matches: change the search.").first.wait_for()
    search.fill("indian")
    notes.page.get_by_role("combobox", name="Gender").select_option("male")
    found = box.locator(".snb-voice")
    about = found.locator(".snb-voice-choose span").all_inner_texts()
    assert len(about) > 3
    assert all(text.startswith("male, Indian") for text in about)
    picture(notes, ".snb-frame", "voice-tuner-voices-light.png")
    name = found.nth(1).get_attribute("data-voice")
    found.nth(1).get_by_role("button", name=f"Favourite {name}").click()
    assert found.first.get_attribute("data-voice") == name, "favourites stand first"
    takes, before = notes.kernel("len(tuner.takes)"), notes.page.evaluate(f"() => {TAKES}")
    found.first.get_by_role("button", name=f"Preview {name}").click()
    notes.page.wait_for_function(f"(before) => {TAKES} !== before && ({PLAYED})()", arg=before)
    notes.page.locator(".snb-player .snb-status").get_by_text(f"Preview of {name}").wait_for()
    assert notes.kernel("[len(tuner.takes), tuner.settings.voice]") == [takes, "liam"], "a preview changes nothing"
    search.fill("hindi")
    before = notes.page.evaluate(f"() => {TAKES}")
    found.first.locator(".snb-voice-choose").click()
    until(notes, "[tuner.settings.voice, tuner.settings.language]", [name, "hi"])
    notes.page.wait_for_function(f"(before) => {TAKES} !== before && ({PLAYED})()", arg=before)
    notes.page.get_by_role("button", name="Load the service's full list").click()
    notes.page.get_by_text("All voices that the service has now.").first.wait_for()
    search.fill("")
    notes.page.get_by_role("combobox", name="Gender").select_option("")
    notes.page.locator(".snb-voice-summary").click()
    notes.do("tuner.auto_play = False; tuner.settings = {'voice': 'sophia', 'language': 'en'}")


@contextlib.contextmanager
def nothing_drawn(notes):
    """Hold the page's drawing back, as a busy browser does."""
    notes.page.evaluate(
        """() => {
          window.__draw = requestAnimationFrame;
          window.__late = [];
          window.requestAnimationFrame = (f) => window.__late.push(f);
        }"""
    )
    try:
        yield
    finally:
        notes.page.evaluate(
            """() => {
              window.requestAnimationFrame = window.__draw;
              for (const f of window.__late) requestAnimationFrame(f);
            }"""
        )


def test_a_press_does_what_the_button_said(notes):
    """The sound may end at the very moment of the press: Stop does not begin it again."""
    button = notes.page.locator(".snb-player .snb-primary")
    notes.do("tuner.text = 'One, two, three, four, five, six, seven, eight.'")
    press(notes)
    notes.page.get_by_role("button", name="Stop", exact=True).wait_for()
    until(notes, "tuner.player.state", "playing")  # it is idle until the page has said so
    with nothing_drawn(notes):
        until(notes, "tuner.player.state", "idle")
        rendered(notes)  # what is on its way
        notes.page.evaluate("() => window.__tap.clear()")
        assert button.inner_text() == "Stop"
        button.evaluate("(b) => b.click()")
    notes.page.get_by_role("button", name="Speak", exact=True).wait_for()
    notes.page.wait_for_timeout(500)
    samples, _ = rendered(notes)
    assert not np.any(samples), "what was pressed to stop began again"


@pytest.mark.parametrize(
    "text", ["Hello 😀, there!", "مرحبا بالعالم", "<script>window.__owned = 1</script> bold & 5 > 3"]
)
def test_any_text_is_spoken_and_shown_as_it_is(notes, text):
    field = notes.page.get_by_role("textbox", name="Text to speak")
    field.fill(text)
    field.blur()
    until(notes, "tuner.text", text)
    press(notes)
    until(notes, "tuner.takes[-1].text", text)
    notes.page.wait_for_function(PLAYED)
    assert notes.page.evaluate("() => window.__owned") is None
    assert notes.page.locator(".snb-player .snb-error").inner_text() == ""
    notes.do("tuner.text = 'Another text.'")
    notes.page.locator(".snb-take").first.get_by_text(text).wait_for()


def test_UX8_a_text_of_100_000_characters_is_asked_back_first(notes):
    notes.do("tuner.text = 'word ' * 20000")
    notes.page.get_by_text("100,000 characters · about 119.0 min").first.wait_for()
    press(notes)
    again = notes.page.get_by_role("button", name="Speak 100,000 characters")
    again.wait_for()
    notes.page.wait_for_timeout(11_000)  # it stays as it is, however long one reads
    again.click()
    notes.page.wait_for_selector(".snb-player[data-state='playing']")
    press(notes, "Stop")
    notes.page.wait_for_function(PLAYED)
    notes.do("tuner.text = 'Short again.'")
    press(notes)
    until(notes, "tuner.takes[-1].text", "Short again.")
    notes.page.wait_for_function(PLAYED)


@pytest.mark.parametrize(
    ("text", "message"), [("   ", "nothing to speak"), ("😀", "nothing to speak")], ids=["blank", "emoji"]
)
def test_a_text_with_nothing_to_speak_is_reported(notes, text, message):
    notes.do(f"tuner.text = {text!r}")
    press(notes)
    notes.page.get_by_role("alert").get_by_text(message).wait_for()
    notes.do("tuner.text = 'Something.'")
    press(notes)
    notes.page.wait_for_function("() => document.querySelector('.snb-player .snb-error').textContent === ''")
    until(notes, "tuner.takes[-1].text", "Something.")
    notes.page.wait_for_function(PLAYED)


def test_unknown_voices_and_languages_are_marked_and_the_service_decides(notes):
    notes.do("tuner.auto_play = False; tuner.settings = {'voice': 'no-such-voice'}")
    notes.page.get_by_text("Not a known voice of lightning-v3.1.").first.wait_for()
    notes.do("tuner.settings = {'voice': 'sophia', 'language': 'ta'}")
    notes.page.get_by_text("This voice was not made for Tamil.").first.wait_for()
    notes.do("tuner.settings = {'language': 'en'}")


def test_a_key_that_is_revoked_is_reported_and_nothing_is_lost(notes):
    notes.do("knobs = session.simulator().behaviour; knobs.reject, knobs.close_after_complete = 401, True")
    # Sockets that are open stay open: the one in use and the spare one have to be used up first.
    notes.do(
        "for n in 'ab':\n    try: tuner.audition(f'Not noticed, {n}.', play=True)\n    except snb.SmallestError: pass"
    )
    notes.page.wait_for_function(PLAYED)
    count = notes.kernel("len(tuner.takes)")
    notes.do("tuner.text = 'After the key was gone.'")
    press(notes)
    notes.page.get_by_role("alert").get_by_text("The service refused the API key").wait_for()
    assert notes.page.get_by_role("button", name="Enter another key").is_visible()
    picture(notes, ".snb-frame", "voice-tuner-revoked-light.png")
    assert notes.kernel("len(tuner.takes)") == count
    assert notes.page.locator(".snb-take").count() >= min(count, 5)
    notes.do("knobs.reject, knobs.close_after_complete = None, False")
    press(notes)
    until(notes, "tuner.takes[-1].text", "After the key was gone.")
    notes.page.wait_for_function(PLAYED)


def test_a_hidden_tab_plays_on(notes):
    notes.do("tuner.text = 'One, two, three, four, five, six, seven, eight, nine, ten.'")
    other = notes.page.context.new_page()
    other.goto("about:blank")
    other.bring_to_front()
    notes.page.evaluate("() => window.__tap.clear()")
    notes.do("take = tuner.audition(play=True)")
    until(notes, "tuner.player.state", "idle")
    notes.page.wait_for_function(PLAYED)
    samples, rate = rendered(notes)
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    assert (loud[-1] - loud[0]) / rate == pytest.approx(notes.kernel("take.duration"), abs=0.5)
    other.close()
    notes.page.bring_to_front()


def test_at_twice_the_size_nothing_is_cut_off(notes):
    notes.page.set_viewport_size({"width": 550, "height": 450})  # what a zoom of 200 % leaves of 1100 x 900
    over = what_stays(notes, OVERFLOWING)
    picture(notes, ".snb-frame", "voice-tuner-200-percent-light.png")
    notes.page.set_viewport_size({"width": 1100, "height": 900})
    assert over == []


def test_who_wants_little_motion_gets_little(notes):
    moving = "() => document.getAnimations().filter((a) => a.effect?.target?.closest('.snb')).length"
    notes.page.emulate_media(reduced_motion="reduce")
    notes.do("tuner.text = 'Nothing moves but the mark.'; take = tuner.audition(play=True)")
    notes.page.wait_for_selector(".snb-player[data-state='playing']")
    assert notes.page.evaluate(moving) == 0
    notes.page.wait_for_function(PLAYED)
    notes.page.emulate_media(reduced_motion="no-preference")
