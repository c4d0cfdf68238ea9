"""What people know from other playgrounds, in the page: one press too few or too many, undo, files, a key, waiting."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
import soundfile

from tests.support.page_sound import rendered
from tests.support.page_state import PLAYED, until, wait_position

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CELL = """import smallest_nb as snb
from smallest_nb.notebook import session
tuner = snb.VoiceTuner("Your table is booked for half past seven.")
knobs = session.simulator().behaviour
tuner"""
TAKES = "document.querySelector('.snb-player').dataset.takes"
LONG = "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve. " * 8


@pytest.fixture(scope="module")
def notes(lab):
    with lab.browse(lab.write_notebook("actions.ipynb", CELL)) as page:
        page.run_all()
        page.page.wait_for_selector(".snb-player[data-ready='true']")
        yield page


@pytest.fixture(autouse=True)
def presses_have_reached_the_kernel(notes):
    """A Stop that is on its way would cancel what the next test's cell begins: presses are heard while a cell runs."""
    yield
    notes.page.wait_for_selector(".snb-player .snb-primary[data-waiting='false']")


def field(notes):
    return notes.page.get_by_role("textbox", name="Text to speak")


def main_button(notes):
    return notes.page.locator(".snb-player .snb-primary")


def speaks(notes, act):
    """Do something, and wait until what begins by it was played."""
    before = notes.page.evaluate(f"() => {TAKES}")
    act()
    notes.page.wait_for_function(f"(before) => {TAKES} !== before && ({PLAYED})()", arg=before)


@contextlib.contextmanager
def composing(notes, text):
    """An input method is at work on a text in what has the focus."""
    session = notes.page.context.new_cdp_session(notes.page)
    session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
    yield
    session.send("Input.insertText", {"text": text})
    session.detach()


def test_UX14_figures_follow_typing_and_the_speed_and_ctrl_enter_speaks(notes):
    figures = notes.page.locator(".snb-text-figures")
    assert figures.inner_text() == "41 characters · about 2.9 s"
    field(notes).fill("x" * 28)
    assert figures.inner_text() == "28 characters · about 2.0 s", "before the field is left"
    notes.do("tuner.settings = {'speed': 2.0}")
    notes.page.get_by_text("28 characters · about 1.0 s at speed 2").first.wait_for()
    notes.do("tuner.settings = {'speed': None}")
    field(notes).fill("Typed a moment ago.")
    speaks(notes, lambda: notes.page.keyboard.press("Control+Enter"))
    assert notes.kernel("tuner.takes[-1].text") == "Typed a moment ago."
    assert notes.page.locator(".snb-text-keys").inner_text() == "Ctrl Enter to speak"


def test_UX9_changed_text_turns_stop_into_speak(notes):
    field(notes).fill(LONG)
    main_button(notes).click()
    notes.page.wait_for_selector(".snb-player[data-state='playing']")
    notes.page.get_by_role("button", name="Stop", exact=True).wait_for()
    field(notes).fill("Another text.")
    notes.page.get_by_role("button", name="Speak", exact=True).wait_for()
    speaks(notes, lambda: main_button(notes).click())
    assert notes.kernel("tuner.takes[-1].text") == "Another text.", "one press spoke it"
    notes.do(f"tuner.text = {LONG!r}; t = tuner.submit()")
    notes.page.wait_for_selector(".snb-player[data-state='playing']")
    notes.page.get_by_role("button", name="Stop", exact=True).click()
    notes.page.wait_for_function(PLAYED)


def test_UX3_what_was_stopped_is_heard_again_whole(notes):
    notes.do(f"tuner.text = {LONG!r}; t = tuner.audition(fresh=True)")
    duration = notes.kernel("tuner.takes[-1].duration")
    assert duration > 25
    wait_position(notes, 1.0)
    main_button(notes).click()
    notes.page.wait_for_function(PLAYED)
    requests = notes.kernel("tuner.usage.requests")
    notes.page.get_by_role("button", name="Play it again").click()
    notes.page.wait_for_function("() => document.querySelector('.snb-player').dataset.state === 'playing'")
    wait_position(notes, 14.0)  # some 12 s of it had come when it was stopped
    assert notes.page.evaluate("() => document.querySelector('.snb-player').dataset.state") == "playing"
    whole = notes.page.locator(".snb-player-wave").get_attribute("aria-valuemax")
    assert float(whole) == pytest.approx(duration, abs=0.1)
    assert notes.kernel("tuner.usage.requests") == requests, "and it cost nothing"
    main_button(notes).click()
    notes.page.wait_for_function(PLAYED)


def test_UX20_a_long_text_pushes_nothing_away(notes):
    notes.do(f"tuner.text = {LONG * 6!r}; t = tuner.audition(play=True)")
    notes.page.wait_for_selector(".snb-words span")
    assert field(notes).bounding_box()["height"] <= 222
    assert field(notes).bounding_box()["height"] > 100, "but it grows with what is in it"
    assert notes.page.locator(".snb-words").bounding_box()["height"] < 160
    assert notes.page.locator(".snb-takes").bounding_box()["height"] <= 420
    notes.page.get_by_role("button", name="Stop", exact=True).click()
    notes.page.wait_for_function(PLAYED)
    notes.do("tuner.text = 'Short again.'")


def test_UX22_text_has_the_direction_of_its_script(notes):
    direction = "(e) => getComputedStyle(e).direction"
    field(notes).fill("أحجز طاولة لأربعة أشخاص.")
    assert field(notes).evaluate(direction) == "rtl"
    family = field(notes).evaluate("(e) => getComputedStyle(e).fontFamily")
    assert "mono" not in family.lower(), "prose"
    field(notes).fill("A table for four.")
    assert field(notes).evaluate(direction) == "ltr"
    every = notes.page.locator(".snb-frame input[type=text], .snb-frame input[type=search], .snb-frame textarea")
    assert {one.get_attribute("dir") for one in every.all()} == {"auto"}


def test_UX11_a_take_that_was_deleted_is_one_press_away(notes):
    notes.do("tuner.takes.clear(); tuner.auto_play = False\nfor t in ('One.', 'Two.', 'Three.'): tuner.audition(t)")
    rows = notes.page.locator(".snb-take")
    notes.page.wait_for_function("() => document.querySelectorAll('.snb-take').length === 3")
    numbers = [row.get_attribute("data-number") for row in rows.all()]
    rows.nth(1).focus()
    notes.page.keyboard.press("Delete")
    notes.page.get_by_text(f"Take {numbers[1]} was deleted.").first.wait_for()
    assert notes.page.evaluate("() => document.activeElement.dataset.number") == numbers[2], (
        "the next one has the focus"
    )
    notes.page.get_by_role("button", name="Undo").click()
    notes.page.wait_for_function("() => document.querySelectorAll('.snb-take').length === 3")
    assert [row.get_attribute("data-number") for row in rows.all()] == numbers
    assert notes.page.get_by_role("button", name="Undo").is_hidden()
    rows.first.get_by_role("button", name="Compare take").first.focus()
    for _ in range(3):  # B, the star, the menu: no Tab leads to a button that deletes
        notes.page.keyboard.press("Tab")
        assert "Delete" not in notes.page.evaluate("() => document.activeElement.getAttribute('aria-label')")


def test_UX10_what_is_too_long_to_be_compared_says_so(notes):
    notes.do("from smallest_nb import Clip, Take; s = tuner.settings; long = Clip(bytes(24000 * 2 * 61), 24000)")
    notes.do("tuner.takes.add(Take(tuner.takes.next_number, 'Long.', s, long))")
    notes.page.wait_for_function("() => document.querySelectorAll('.snb-take').length === 4")
    rows = notes.page.locator(".snb-take")
    rows.nth(0).locator("[data-slot='a']").click()
    rows.nth(1).locator("[data-slot='b']").click()
    notes.page.locator(".snb-takes-box .snb-status").get_by_text("takes of at most 60 s can be compared").wait_for()
    assert notes.page.locator(".snb-take [data-slot][aria-pressed='true']").count() == 0
    rows.nth(0).focus()
    notes.page.keyboard.press("Delete")
    notes.page.wait_for_function("() => document.querySelectorAll('.snb-take').length === 3")


@pytest.mark.parametrize("sound_format", ["WAV", "FLAC", "MP3"])
def test_a_take_is_downloaded(notes, sound_format):
    row = notes.page.locator(".snb-take").first
    menu = row.get_by_role("button", name="More about take")
    if menu.get_attribute("aria-expanded") == "false":
        menu.click()
    with notes.page.expect_download() as waiting:
        row.get_by_role("button", name=f"as {sound_format}").click()
    file = waiting.value
    number = int(row.get_attribute("data-number"))
    assert file.suggested_filename == f"take-{number}-sophia.{sound_format.lower()}"
    found = soundfile.SoundFile(io.BytesIO(open(file.path(), "rb").read()))  # noqa: PTH123, SIM115
    assert found.format == sound_format
    seconds = notes.kernel(f"tuner.takes.get({number}).duration")
    assert found.frames / found.samplerate == pytest.approx(seconds, abs=0.1)


def test_the_settings_of_a_take_are_used_again(notes):
    notes.do("tuner.settings = {'voice': 'magnus', 'speed': 1.5}")
    row = notes.page.locator(".snb-take").first
    menu = row.get_by_role("button", name="More about take")
    if menu.get_attribute("aria-expanded") == "false":
        menu.click()
    row.get_by_role("button", name="Use the settings of take").click()
    until(notes, "[tuner.settings.voice, tuner.settings.speed]", ["sophia", None])
    assert notes.page.get_by_role("slider", name="Speed", exact=True).input_value() == "1"


def test_P7_a_note_by_an_input_method_is_kept_whole(notes):
    row = notes.page.locator(".snb-take").first
    number = int(row.get_attribute("data-number"))
    row.focus()
    notes.page.keyboard.press("n")
    note = row.locator(".snb-take-note")
    note.fill("")
    with composing(notes, "にほん"):
        notes.do("t = tuner.audition('A take that comes in the middle of a word.')")
        notes.page.wait_for_function(f"() => document.querySelector('.snb-take').dataset.number !== '{number}'")
        assert notes.kernel(f"tuner.takes.get({number}).note") == "", "half a word is not saved"
        row = notes.page.locator(f".snb-take[data-number='{number}']")
        assert row.locator(".snb-take-note").evaluate("(e) => e === document.activeElement")
    notes.page.keyboard.type("!")
    notes.page.keyboard.press("Enter")
    until(notes, f"tuner.takes.get({number}).note", "にほん!")
    row.focus()
    notes.page.keyboard.press("n")
    notes.page.keyboard.type(" not this")
    notes.page.keyboard.press("Escape")
    assert notes.kernel(f"tuner.takes.get({number}).note") == "にほん!"


def test_P7_the_text_is_typed_by_an_input_method(notes):
    field(notes).fill("")
    field(notes).focus()
    with composing(notes, "にほん"):
        notes.page.wait_for_timeout(400)  # what is typed goes to the kernel meanwhile
        assert field(notes).input_value() == "にほん"
    assert field(notes).input_value() == "にほん"
    until(notes, "tuner.text", "にほん")


def test_settings_are_pasted(notes):
    notes.page.get_by_role("button", name="Paste settings…").click()
    box = notes.page.get_by_role("textbox", name="Settings to paste")
    box.fill('{"sped": 2}')
    use = notes.page.locator(".snb-paste-box").get_by_role("button", name="Use these settings")
    use.click()
    notes.page.get_by_role("alert").get_by_text("sped").wait_for()
    box.fill('SmallestTTSService.Settings(voice="magnus", speed=1.25)')
    use.click()
    until(notes, "[tuner.settings.voice, tuner.settings.speed]", ["magnus", 1.25])
    notes.page.wait_for_function("() => document.querySelector('.snb-paste-box .snb-error').textContent === ''")
    notes.page.get_by_role("button", name="Paste settings…").click()


def test_UX7_waiting_says_what_for_and_how_long(notes):
    notes.do("tuner.stop(); knobs.reject, knobs.retry_after, knobs.close_after_complete = 429, 4, True")
    notes.do("import asyncio; from smallest_nb.client import background_loop as b; b.call(tuner.service.suspend())")
    field(notes).fill("Asked of a busy service.")
    main_button(notes).click()
    status = notes.page.locator(".snb-player .snb-status")
    status.get_by_text("The service is busy, next try in 4 s (1 of 3).").wait_for()
    status.get_by_text("The service is busy, next try in 2 s (1 of 3).").wait_for()
    # A screen reader reads it once, not each second.
    spoken = notes.page.locator(".snb-player > .snb-spoken")
    spoken.get_by_text("The service is busy, next try in 4 s (1 of 3).").wait_for(state="attached")
    status.get_by_text("The service is busy, next try in 1 s (1 of 3).").wait_for()
    assert "in 4 s" in spoken.text_content()
    assert main_button(notes).inner_text() == "Stop"
    notes.do("knobs.reject = knobs.retry_after = None; knobs.close_after_complete = False")
    until(notes, "[take.text for take in tuner.takes][-1:]", ["Asked of a busy service."])
    notes.page.wait_for_function(PLAYED)
    assert "busy" not in status.inner_text()


def test_UX16_a_red_line_goes_with_what_it_was_about(notes):
    alert = notes.page.locator(".snb-player .snb-error")
    field(notes).fill("   ")
    main_button(notes).click()
    notes.page.get_by_role("alert").get_by_text("nothing to speak").wait_for()
    field(notes).fill("Something to speak.")
    notes.page.wait_for_function("() => document.querySelector('.snb-player .snb-error').textContent === ''")
    assert alert.inner_text() == ""


def test_UX18_a_key_is_typed_where_it_is_missing(notes):
    with_key = "from smallest_nb.simulator import Simulator; other = Simulator(key='sk_typed_canary_5d0c1').start()"
    notes.do(f"import os; {with_key}; os.environ['SMALLEST_BASE_URL'] = other.base_url")
    assert notes.page.locator(".snb-frame-bar .snb-notice").inner_text().startswith("Simulator: no API key.")
    notes.page.get_by_role("button", name="Add a key").click()
    key = notes.page.get_by_label("API key")
    assert key.get_attribute("type") == "password"
    key.fill("not a key")
    notes.page.keyboard.press("Enter")
    notes.page.get_by_role("alert").get_by_text("cannot be").or_(
        notes.page.get_by_role("alert").get_by_text("The API key")
    ).first.wait_for()
    key.fill("sk_wrong_canary_0000")
    notes.page.keyboard.press("Enter")
    notes.page.locator(".snb-frame-bar .snb-notice").wait_for(state="hidden")
    key.wait_for(state="hidden")
    field(notes).fill("With a wrong key.")
    main_button(notes).click()
    said = "The service refused the API key that came from the page."
    notes.page.locator(".snb-frame-bar .snb-notice").get_by_text(said).wait_for()
    notes.page.get_by_role("button", name="Enter another key").click()
    key.fill("sk_typed_canary_5d0c1")
    notes.page.get_by_role("button", name="Use this key").click()
    notes.page.locator(".snb-frame-bar .snb-notice").wait_for(state="hidden")
    speaks(notes, lambda: main_button(notes).click())
    assert notes.kernel("tuner.takes[-1].text") == "With a wrong key."
    notes.save()
    html = notes.page.evaluate("() => document.documentElement.outerHTML")
    assert "canary" not in html
    assert "canary" not in notes.kernel("repr(tuner.get_state())")


def test_a_preview_and_a_take_sound_as_they_are(notes):
    """What was heard last is what was asked for last, and nothing of the one before it."""
    notes.page.evaluate("() => window.__tap.clear()")
    notes.page.locator(".snb-voice-summary").click()
    preview = notes.page.get_by_role("button", name="Preview liam")
    speaks(notes, preview.click)
    samples, _ = rendered(notes)
    assert np.abs(samples).max() > 0.02
    assert [line for line in notes.console if "[smallest_nb]" in line] == []
