"""The LiveTranscriber in the page: lines, speakers, words that are heard again, captions, files, pauses."""

from __future__ import annotations

import base64
import itertools
import json

import numpy as np
import pytest
import webvtt

from smallest_nb import read_sound
from tests.support.page_sound import rendered
from tests.support.page_state import AXE, OVERFLOWING, until, what_stays
from tests.support.screenshots import FOLDER, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CELL = """import smallest_nb as snb
from smallest_nb.results.transcript import Segment, Word
live = snb.LiveTranscriber(word_timestamps=True, diarize=True, redact_pii=True)
live"""
MADE = """
def word(text, start, confidence=0.95, speaker=0):
    return Word(text, start, start + 0.3, confidence, speaker)

def said(text, start, speaker=0, confidence=0.95, language="en"):
    parts = text.split()
    words = tuple(word(t, start + 0.35 * i, confidence if i else 0.4, speaker) for i, t in enumerate(parts))
    return Segment(text, True, start, start + 0.35 * len(parts), words, (), speaker, language)

live.clear()
for n, text in enumerate(["Good morning, this is [FIRSTNAME_1] speaking.", "My number is [PHONENUMBER_1] as always.",
                          "Thank you, I have written it down."]):
    live.view.apply(said(text, 4.0 * n, speaker=n % 2))
live.view.apply(Segment("and now we", is_final=False, start=12.0, end=13.0, speaker=0))
"""
LINE = ".snb-transcript-line"


@pytest.fixture(scope="module", params=["light", "dark"])
def theme(request):
    return request.param


@pytest.fixture(scope="module")
def notes(lab, theme, spoken):
    _, wav = spoken
    name = lab.write_notebook(f"live-{theme}.ipynb", CELL)
    with lab.browse(name, microphone=wav, dark=theme == "dark") as page:
        page.run_all()
        page.page.wait_for_selector(".snb-mic[data-ready='true']")
        yield page


def press(notes, name, exact=True):
    notes.page.get_by_role("button", name=name, exact=exact).click()


def tab(notes, name):
    notes.page.locator(f".snb-tab[data-tab='{name}']").click()


@pytest.fixture(autouse=True)
def at_rest(notes, request):
    """Leave the page as the next test expects it, so that a test that fails does not fail those behind it."""
    yield
    tab(notes, "transcript")
    if notes.page.locator(".snb-mic").get_attribute("data-state") != "idle" or request.session.testsfailed:
        notes.do("live.player.loop = False; live.player.stop(); live.stop()")
        until(notes, "live.recording", False)


def made(notes):
    notes.do(MADE)
    notes.page.wait_for_function(f"() => document.querySelectorAll('{LINE}').length === 4")


def test_what_is_provisional_redacted_doubtful_or_said_by_whom_can_be_seen(notes, theme):
    made(notes)
    page = notes.page
    assert page.locator(f"{LINE}[data-final='false']").inner_text().endswith("and now we")
    assert page.locator(".snb-redacted").all_inner_texts() == ["first name 1", "phone number 1"]
    assert page.locator(".snb-speaker").all_inner_texts() == ["Speaker 1", "Speaker 2", "Speaker 1", "Speaker 1"]
    colours = page.evaluate(
        "() => [...document.querySelectorAll('.snb-speaker')].map((e) => getComputedStyle(e).color)"
    )
    assert colours[0] == colours[2] != colours[1]
    sure = page.evaluate(
        "() => [...document.querySelectorAll('.snb-word')].slice(0, 2).map((e) => getComputedStyle(e).color)"
    )
    assert sure[0] != sure[1]
    picture(notes, ".snb-transcriber", f"live-transcriber-lines-{theme}.png")


def test_each_sentence_stands_in_a_line_with_its_time(notes):
    made(notes)
    notes.do("live.view.apply(said('That is all. See you tomorrow? Good bye!', 20.0))")
    last = notes.page.locator(f"{LINE}[data-final='true']").last
    last.get_by_text("Good").wait_for()
    assert last.locator(".snb-transcript-text").all_inner_texts() == ["That is all.", "See you tomorrow?", "Good bye!"]
    assert last.locator(".snb-transcript-at").all_inner_texts() == ["0:20.0", "0:21.1", "0:22.1"]


def test_a_speaker_gets_a_name_by_hand_and_from_python(notes):
    made(notes)
    notes.page.locator(".snb-speaker").first.click()
    field = notes.page.get_by_role("textbox", name="Name", exact=True)
    field.fill("Ada")
    field.press("Enter")
    until(notes, "live.transcript.name_of(0)", "Ada")
    notes.page.wait_for_function("() => document.querySelector('.snb-speaker').textContent === 'Ada'")
    assert notes.page.locator(".snb-speaker").all_inner_texts() == ["Ada", "Speaker 2", "Ada", "Ada"]
    notes.do("live.transcript.rename(1, '<b>Bob</b>')")
    notes.page.locator(".snb-speaker").get_by_text("<b>Bob</b>", exact=True).wait_for()
    notes.do("live.transcript.rename(1, ''); live.transcript.rename(0, '')")
    notes.page.locator(".snb-speaker").get_by_text("Speaker 2", exact=True).wait_for()


def test_captions_are_large_and_read_out_finals_only(notes, theme):
    made(notes)
    tab(notes, "captions")
    notes.page.wait_for_selector(".snb-captions:not([hidden])")
    notes.do("live.view.apply(Segment('and now we come to', is_final=False, start=12.0, end=13.5, speaker=0))")
    notes.do("live.view.apply(said('And now we come to the end.', 12.0))")
    spoken = notes.page.locator(".snb-captions-spoken")
    notes.page.wait_for_function("() => document.querySelector('.snb-captions-spoken').textContent !== ''")
    assert spoken.inner_text().strip() == "And now we come to the end."
    size = notes.page.evaluate(
        "() => parseFloat(getComputedStyle(document.querySelector('.snb-captions-lines')).fontSize)"
    )
    assert size >= 24
    picture(notes, ".snb-transcriber", f"live-transcriber-captions-{theme}.png")
    notes.do("live.view.captions = False")
    notes.page.wait_for_selector(".snb-captions", state="hidden")
    assert notes.page.locator(".snb-tab[aria-selected='true']").inner_text() == "Transcript"


def open_downloads(notes):
    if not notes.page.locator(".snb-downloads").is_visible():
        press(notes, "Download", exact=False)


def download(notes, suffix):
    open_downloads(notes)
    notes.page.locator(f".snb-downloads [data-format='{suffix}']").click()


@pytest.mark.parametrize("suffix", ["txt", "srt", "vtt", "json", "csv", "TextGrid", "rttm"])
def test_every_format_is_downloaded(notes, suffix, tmp_path):
    made(notes)
    with notes.page.expect_download() as waiting:
        download(notes, suffix)
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name == f"transcript.{suffix}"
    content = path.read_text(encoding="utf-8")
    assert "written" in content or suffix == "rttm"
    if suffix == "vtt":
        assert len(webvtt.read(path)) == 3
    if suffix == "json":
        assert len(json.loads(content)["segments"]) == 3


VIOLATIONS = """async () => (await axe.run(document.querySelector('.snb-transcriber'))).violations
  .map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '))"""


@pytest.mark.parametrize("name", ["transcript", "captions", "settings", "files"])
def test_a_screen_reader_finds_nothing_wrong(notes, name, theme):
    made(notes)
    notes.do("live.view.error = 'Something went wrong.'")
    open_downloads(notes)
    tab(notes, name)
    notes.page.locator(".snb-mic-settings > summary").click()
    notes.page.add_script_tag(path=AXE)
    found = notes.page.evaluate(VIOLATIONS)
    picture(notes, ".snb-transcriber", f"live-transcriber-{name}-{theme}.png")
    notes.page.locator(".snb-mic-settings > summary").click()
    press(notes, "Download", exact=False)
    notes.do("live.view.error = ''")
    assert found == []


@pytest.mark.parametrize("width", [360, 860])
def test_narrow_outputs_cut_nothing_off(notes, theme, width):
    made(notes)
    box = "document.querySelector('.jp-OutputArea-child:has(.snb-mic) .jp-OutputArea-output')"
    notes.page.evaluate(f"() => {{ {box}.style.maxWidth = '{width}px'; }}")
    over = {}
    for name in ("transcript", "captions", "settings", "files"):
        tab(notes, name)
        over[name] = what_stays(notes, OVERFLOWING)
        picture(notes, ".snb-mic", f"live-transcriber-{width}-{name}-{theme}.png")
    tab(notes, "settings")
    lefts = notes.page.evaluate(
        "() => [...new Set([...document.querySelectorAll('.snb-setting')].filter((e) => e.offsetParent)"
        ".map((e) => Math.round(e.getBoundingClientRect().left)))].length"
    )
    notes.page.evaluate(f"() => {{ {box}.style.maxWidth = ''; }}")
    assert [found for found in over.values() if found] == []
    assert lefts == (1 if width == 360 else 2)


STATE = "document.querySelector('.snb-recording').dataset.state"
PLACE = "Number(document.querySelector('.snb-recording-wave').getAttribute('aria-valuenow'))"


def spoken_again(notes):
    until(notes, "live.recording", False)  # else last words come after the clear
    notes.do("live.clear(); live.feed(snb.speak('The weather will be cold and cloudy this morning. ', voice='magnus')"
             ".padded(0.4, 0.4), pace=4)")  # fmt: skip
    notes.page.wait_for_selector(f"{LINE}[data-final='true'] .snb-word")


def test_a_word_is_pressed_and_heard_and_marked(notes, theme):
    spoken_again(notes)
    notes.page.evaluate("() => window.__tap.clear()")
    word = notes.page.locator(".snb-word", has_text="cold").first
    at = float(word.get_attribute("data-start"))
    word.click()
    notes.page.wait_for_selector(".snb-word[data-now]")
    notes.page.wait_for_function(f"() => {STATE} === 'playing'")
    picture(notes, ".snb-mic", f"live-transcriber-heard-{theme}.png")
    notes.page.wait_for_function(f"() => {STATE} === 'idle'")
    notes.page.wait_for_function("() => !document.querySelector('.snb-word[data-now]')")
    samples, rate = rendered(notes)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    rest = notes.kernel("live.transcript[-1].end") - at
    assert (loud[-1] - loud[0]) / rate == pytest.approx(rest, abs=0.5)
    clip = notes.kernel("live.transcript[0:1].clip.duration")
    assert clip == pytest.approx(notes.kernel("live.transcript[0].end - live.transcript[0].start"), abs=0.01)


def test_the_whole_recording_is_a_picture_that_is_pressed_paused_and_gone_through_by_keys(notes):
    spoken_again(notes)
    whole = notes.kernel("live.transcript.recording.duration")
    notes.page.wait_for_function(
        "(whole) => Math.abs(Number(document.querySelector('.snb-recording').dataset.seconds) - whole) < 0.05",
        arg=whole,
    )
    wave = notes.page.get_by_role("slider", name="Position in the recording")
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] * 0.5, "y": box["height"] / 2})
    notes.page.wait_for_function(f"() => {STATE} === 'playing'")
    assert notes.page.evaluate(f"() => {PLACE}") == pytest.approx(whole / 2, abs=0.6)
    notes.page.locator(".snb-recording-play").click()
    notes.page.wait_for_function(f"() => {STATE} === 'paused'")
    notes.page.locator(".snb-recording-play").click()
    notes.page.wait_for_function(f"() => {STATE} === 'playing'")
    wave.focus()
    notes.page.keyboard.press("Home")
    notes.page.wait_for_function(f"() => {STATE} === 'playing' && {PLACE} < 1")
    notes.page.keyboard.press(" ")
    notes.page.wait_for_function(f"() => {STATE} === 'paused'")
    assert wave.get_attribute("aria-valuetext").endswith(f" of 0:{whole:04.1f}")


def test_UX4_clear_forgets_the_sound_in_the_page_too_and_can_be_undone(notes):
    spoken_again(notes)
    said = notes.kernel("live.transcript.text")
    seconds = notes.kernel("live.transcript.recording.duration")
    notes.page.locator(".snb-word", has_text="cold").first.click()
    notes.page.wait_for_function(f"() => {STATE} === 'playing'")
    press(notes, "Clear")
    notes.page.wait_for_function(f"() => !document.querySelector('{LINE}')")
    until(notes, "live.transcript.recording.duration", 0.0)
    notes.page.wait_for_function("() => document.querySelector('.snb-recording').dataset.seconds === '0.00'")
    assert notes.page.locator(".snb-recording-play").is_disabled()
    notes.page.evaluate("() => window.__tap.settle()")
    notes.page.evaluate("() => window.__tap.clear()")
    notes.do("live.player.replay()")  # the page has nothing that it could play
    notes.page.locator(".snb-recording-wave").click(force=True)
    notes.page.evaluate("() => window.__tap.settle()")
    samples, _rate = rendered(notes)
    assert np.max(np.abs(samples), initial=0) < 0.01
    notes.page.locator(".snb-undo").get_by_role("button", name="Undo").click()
    until(notes, "live.transcript.text", said)
    assert notes.kernel("live.transcript.recording.duration") == seconds
    notes.page.wait_for_selector(f"{LINE}[data-final='true'] .snb-word")
    notes.page.wait_for_selector(".snb-undo", state="hidden")
    notes.page.locator(".snb-word", has_text="cold").first.click()
    notes.page.wait_for_function(f"() => {STATE} === 'playing'")
    notes.do("live.clear()")
    notes.page.wait_for_function(f"() => !document.querySelector('{LINE}')")
    assert not notes.page.locator(".snb-undo").is_visible(), "a program that clears means it"


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_the_recording_is_saved(notes, suffix, tmp_path):
    spoken_again(notes)
    with notes.page.expect_download() as waiting:
        download(notes, suffix)
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name == f"recording.{suffix}"
    clip = read_sound(path)
    assert clip.duration == pytest.approx(notes.kernel("live.transcript.recording.duration"), abs=0.1)
    assert np.max(np.abs(clip.samples.astype(int))) > 3000


def test_the_transcript_is_copied(notes):
    made(notes)
    notes.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(notes, "Copy")
    notes.page.get_by_role("button", name="Copied").wait_for()
    assert notes.page.evaluate("() => navigator.clipboard.readText()") == (
        "Speaker 1: Good morning, this is [FIRSTNAME_1] speaking.\n"
        "Speaker 2: My number is [PHONENUMBER_1] as always.\n"
        "Speaker 1: Thank you, I have written it down."
    )
    notes.page.get_by_role("button", name="Copy", exact=True).wait_for()


def columns(notes):
    return notes.page.evaluate(
        """() => [...document.querySelectorAll('.snb-transcript-text')].map((e) => {
          const line = e.closest('.snb-transcript-line').getBoundingClientRect();
          return Math.round(e.getBoundingClientRect().left - line.left);
        })"""
    )


def test_text_begins_at_one_place_and_a_column_that_would_be_empty_is_not_there(notes):
    made(notes)
    notes.do("live.view.apply(Segment('It is not known who said this.', True, 16.0, 18.0))")
    notes.page.locator(".snb-transcript-text", has_text="It is not known who said this.").wait_for()
    with_times = columns(notes)
    assert len(with_times) == 4
    assert len(set(with_times)) == 1
    notes.do("live.clear(); live.view.apply(Segment('No times here.', True))")
    notes.page.locator(".snb-transcript-text", has_text="No times here.").wait_for()
    assert columns(notes) == [16]


IN_TWO_LANGUAGES = """
live.clear()
texts = [("Good morning.", "en"), ("How are you?", "en"), ("Guten Tag.", "de"), ("Wie geht es?", "de")]
for n, (text, code) in enumerate(texts):
    live.view.apply(said(text, 4.0 * n, language=code))
"""


def test_a_language_is_named_where_it_changes(notes):
    notes.do(MADE)
    notes.do(IN_TWO_LANGUAGES)
    notes.page.locator(".snb-word", has_text="geht").wait_for()
    assert notes.page.locator(".snb-language").all_inner_texts() == ["de"]
    assert "de" in notes.page.locator(LINE).nth(2).inner_text()


def test_P17_each_text_runs_in_its_own_direction(notes):
    notes.do("live.clear(); live.view.apply(Segment('صباح الخير.', True, 0.0, 1.0, speaker=0)); "
             "live.view.apply(Segment('Good morning.', True, 2.0, 3.0, speaker=1))")  # fmt: skip
    notes.page.locator(".snb-transcript-text", has_text="Good morning.").wait_for()
    found = notes.page.locator(".snb-transcript-text").evaluate_all(
        "(all) => all.map((e) => getComputedStyle(e).direction)"
    )
    assert found == ["rtl", "ltr"]
    notes.page.locator(".snb-speaker").first.click()
    field = notes.page.get_by_role("textbox", name="Name", exact=True)
    field.fill("ليلى")
    assert field.evaluate("(e) => getComputedStyle(e).direction") == "rtl"
    field.press("Escape")


def test_P6_a_name_that_is_being_typed_survives_every_redraw(notes):
    made(notes)
    notes.page.locator(".snb-speaker").last.click()  # of the line that is still being heard
    field = notes.page.get_by_role("textbox", name="Name", exact=True)
    field.fill("Gra")
    for n in range(5):
        notes.do(
            f"live.view.apply(Segment('and now we {'go on ' * n}', is_final=False, start=12.0, end=13.0, speaker=0))"
        )
    notes.do("live.view.apply(said('And now we go on.', 12.0))")
    notes.do("live.view.show_again()")
    notes.page.get_by_text("go", exact=True).wait_for()
    assert field.input_value() == "Gra"
    assert field.evaluate("(e) => e === document.activeElement")
    assert notes.kernel("live.transcript.name_of(0)") == "Speaker 1"
    notes.page.keyboard.type("ce")
    notes.page.keyboard.press("Enter")
    until(notes, "live.transcript.name_of(0)", "Grace")
    notes.page.locator(".snb-speaker", has_text="Grace").last.click()
    field.fill("Wrong")
    field.press("Escape")
    notes.page.wait_for_selector(".snb-speaker-field", state="detached")
    assert notes.kernel("live.transcript.name_of(0)") == "Grace"
    notes.page.locator(".snb-speaker").nth(1).click()
    field.fill("Bob")
    notes.page.locator(".snb-recording-wave").click(force=True)  # leaving it keeps it
    until(notes, "live.transcript.name_of(1)", "Bob")


def test_P7_an_input_method_has_its_keys_for_itself(notes):
    made(notes)
    notes.page.locator(".snb-speaker").first.click()
    field = notes.page.get_by_role("textbox", name="Name", exact=True)
    field.fill("")
    session = notes.page.context.new_cdp_session(notes.page)
    session.send("Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3})
    press_key = {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": "Enter", "code": "Enter"}
    session.send("Input.dispatchKeyEvent", press_key)  # accepts a candidate
    session.send("Input.dispatchKeyEvent", {**press_key, "key": "Escape", "code": "Escape"})
    assert field.input_value() == "にほん"
    session.send("Input.insertText", {"text": "日本"})
    assert field.input_value() == "日本"
    assert notes.kernel("live.transcript.name_of(0)") == "Speaker 1"
    field.press("Enter")
    until(notes, "live.transcript.name_of(0)", "日本")
    notes.do("live.transcript.rename(0, '')")


SPOKEN_CHANGES = """() => {
  for (const observer of window.__observers ?? []) observer.disconnect();
  window.__spoken = [];
  const regions = [...document.querySelectorAll(".snb [aria-live='polite'], .snb [role='status']")];
  window.__observers = regions.map((region, n) => {
    const observer = new MutationObserver(() => window.__spoken.push([performance.now(), region.textContent, n]));
    observer.observe(region, { childList: true, characterData: true, subtree: true });
    return observer;
  });
}"""


def test_P9_live_regions_change_with_their_words_and_at_most_once_in_two_seconds(notes):
    made(notes)
    tab(notes, "captions")
    notes.page.wait_for_selector(".snb-captions:not([hidden])")
    notes.page.evaluate(SPOKEN_CHANGES)
    for n in range(8):
        notes.do(f"live.view.apply(said('Sentence number {n} is over.', {20 + 4 * n}.0))")
        notes.page.wait_for_timeout(250)
    notes.page.wait_for_function("() => window.__spoken.some(([, text]) => text.includes('number 7'))")
    changes = [at for at, text, _ in notes.page.evaluate("() => window.__spoken") if "Sentence" in text]
    assert all(late - early > 1900 for early, late in itertools.pairwise(changes)), changes
    tab(notes, "transcript")
    notes.page.evaluate(SPOKEN_CHANGES)
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    until(notes, "live.microphone.received > 48000")
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    changes = sorted(notes.page.evaluate("() => window.__spoken"), key=lambda change: (change[2], change[0]))
    assert changes
    for (early, before, region), (late, after, same) in itertools.pairwise(changes):
        assert region != same or (before != after and late - early > 1900), changes


def test_UX16_what_cannot_be_saved_says_why_and_no_error_outlives_its_reason(notes):
    until(notes, "live.recording", False)  # the last words of the test before would come after the clear
    notes.do("live.clear(); live.view.apply(Segment('No speakers here.', True, 0.0, 1.0))")
    notes.page.locator(".snb-transcript-text", has_text="No speakers here.").wait_for()
    open_downloads(notes)
    rttm = notes.page.locator(".snb-downloads [data-format='rttm']")
    assert rttm.is_disabled()
    assert "tick Speakers in the settings" in rttm.get_attribute("title")
    error = notes.page.locator(".snb-transcript .snb-error")
    for ending in (
        "live.view.apply(Segment('Hello.', True, 2.0, 3.0, speaker=0))",
        "live.settings = {'numerals': 'true'}",
        "live.clear()",
    ):
        notes.do("live.view.error = 'RTTM needs speakers.'")
        error.get_by_text("RTTM needs speakers.").wait_for()
        notes.do(ending)
        notes.page.wait_for_function("() => document.querySelector('.snb-transcript .snb-error').textContent === ''")
    notes.do("live.settings = {'numerals': 'auto'}")


def test_the_tabs_and_the_way_to_everything_work_by_keyboard_alone(notes):
    made(notes)
    notes.page.locator(".snb-tab[data-tab='transcript']").focus()
    for name in ("captions", "settings", "files", "transcript"):
        notes.page.keyboard.press("ArrowRight")
        assert notes.page.evaluate("() => document.activeElement.dataset.tab") == name
        assert notes.page.locator(f".snb-tab[data-tab='{name}']").get_attribute("aria-selected") == "true"
    reached = set()
    for _ in range(12):
        notes.page.keyboard.press("Tab")
        reached.add(notes.page.evaluate("() => document.activeElement.textContent"))
    assert {"Copy", "Download ▾", "Clear"} <= reached
    notes.page.locator(".snb-transcript-lines").focus()
    notes.page.keyboard.press("ArrowUp")
    assert notes.page.locator(f"{LINE}[data-current]").count() == 1
    assert notes.page.evaluate("() => window.__panel().content.mode") == "command"
    for key in ("m", "x", "d", "d"):
        notes.page.keyboard.press(key)
    assert notes.page.locator(".snb-transcriber").count() == 1


def test_P10_forced_colours_leave_every_state_a_shape(notes):
    made(notes)
    notes.page.emulate_media(forced_colors="active")
    style = "(e, name) => getComputedStyle(e)[name]"
    meter = notes.page.locator(".snb-mic-meter")
    assert meter.evaluate(style, "borderTopStyle") == "solid"
    level, ground = (
        notes.page.locator(which).evaluate(style, "backgroundColor") for which in (".snb-mic-level", ".snb-mic-meter")
    )
    assert level != ground
    chosen = notes.page.locator(".snb-tab[aria-selected='true']").evaluate(style, "borderBottomColor")
    other = notes.page.locator(".snb-tab[aria-selected='false']").first.evaluate(style, "borderBottomColor")
    assert chosen != other
    decoration = notes.page.locator(".snb-word").evaluate_all(
        "(all) => all.map((e) => [getComputedStyle(e).textDecorationLine,"
        " e.style.getPropertyValue('--snb-sure') < 0.6])"
    )
    assert all((line == "underline") == doubtful for line, doubtful in decoration), decoration
    assert {doubtful for _, doubtful in decoration} == {True, False}
    picture(notes, ".snb-transcriber", "live-transcriber-forced-colours.png")
    notes.page.emulate_media(forced_colors="none")


def test_at_200_percent_nothing_is_cut_off_and_the_wave_is_pressed_where_it_is(notes):
    spoken_again(notes)
    notes.page.evaluate("() => { document.querySelector('.snb-transcriber').style.zoom = 2; }")
    assert what_stays(notes, OVERFLOWING) == []
    whole = notes.kernel("live.transcript.recording.duration")
    box = notes.page.locator(".snb-recording-wave").bounding_box()
    notes.page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2)
    notes.page.wait_for_function(f"() => {STATE} === 'playing'")
    at = notes.page.evaluate(f"() => {PLACE}")
    notes.page.evaluate("() => { document.querySelector('.snb-transcriber').style.zoom = ''; }")
    assert at == pytest.approx(whole / 4, abs=0.6)
    notes.do("live.clear()")


def test_paused_nothing_is_heard_and_resumed_it_goes_on(notes):
    notes.do("live.clear()")
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    until(notes, "live.microphone.received > 8000")
    notes.page.locator(".snb-mic").get_by_role("button", name="Pause").click()
    notes.page.wait_for_selector(".snb-mic[data-state='paused']")
    until(notes, "live.microphone.state", "paused")
    before = notes.kernel("live.microphone.received")
    notes.page.wait_for_timeout(600)
    assert notes.kernel("live.microphone.received") - before <= 16000 * 0.16
    service = notes.kernel("id(live.service)")
    press(notes, "Resume")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    until(notes, f"live.microphone.received > {before} + 8000")
    assert notes.kernel("id(live.service)") == service, "the session stays"
    notes.do("live.pause()")
    notes.page.wait_for_selector(".snb-mic[data-state='paused']")
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")


def test_UX23_held_down_it_listens_and_released_the_device_is_closed(notes):
    talk = notes.page.get_by_role("button", name="Hold to talk")
    talk.focus()
    notes.page.keyboard.down(" ")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    notes.page.keyboard.up(" ")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    until(notes, "live.microphone.state", "idle")
    talk.hover()
    notes.page.mouse.down()
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    notes.page.mouse.up()
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    assert notes.page.get_by_role("button", name="Transcribe").is_enabled()


def test_the_microphone_is_tested_and_its_sound_goes_nowhere(notes):
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    received = notes.kernel("live.microphone.received")
    notes.page.locator(".snb-mic-settings > summary").click()
    press(notes, "Test the microphone")
    notes.page.wait_for_function(
        "() => parseFloat(document.querySelector('.snb-mic-test-level').style.transform.slice(7)) > 0.2"
    )
    assert "Nothing is recorded or sent" in notes.page.locator(".snb-mic-test-said").inner_text()
    press(notes, "End the test")
    press(notes, "Test the microphone")
    notes.page.get_by_role("button", name="End the test").wait_for()
    assert notes.kernel("live.microphone.received") == received
    assert notes.kernel("live.microphone.state") == "idle"
    notes.page.locator(".snb-mic-settings > summary").click()  # closed, the device is given back
    notes.page.wait_for_function("() => document.querySelector('.snb-mic-test button').textContent.startsWith('Test')")


def test_P14_the_microphone_is_heard_while_a_cell_runs(notes):
    notes.do("live.clear()")
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    until(notes, "live.microphone.received > 0")
    notes.do(
        "import time; began, wanted = time.monotonic(), live.microphone.received + 16000\n"
        "while live.microphone.received < wanted and time.monotonic() < began + 20: time.sleep(0.1)"
    )
    assert notes.kernel("time.monotonic() - began") < 20
    press(notes, "Stop")
    until(notes, "live.recording", False)


def test_it_does_not_transcribe_its_own_voice(notes):
    notes.do("live.clear()")
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    until(notes, "live.service is not None and live.service.connected")
    notes.do("live.player.loop = True; live.player.play(snb.speak('One two three four five six.'))")
    status = notes.page.locator(".snb-mic .snb-status")
    status.get_by_text("Not listening while a player in this notebook is playing.").first.wait_for()
    notes.do("live.player.loop = False; live.player.stop()")
    until(notes, "live.player.state", "idle")
    status.get_by_text("Listening.").first.wait_for()
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")


def row(notes, name):
    return notes.page.locator(".snb-files li", has_text=name)


WATCH_PERCENTS = """() => {
  window.__percents = new Set();
  new MutationObserver(() => {
    const bar = document.querySelector(".snb-files li[data-state='transcribing'] progress");
    if (bar) window.__percents.add(bar.value);
  }).observe(document.querySelector(".snb-files"), { childList: true, subtree: true });
}"""


def test_UX24_several_files_are_chosen_and_a_broken_one_says_so(notes, spoken, tmp_path):
    clip, wav = spoken
    until(notes, "live.recording", False)
    notes.do("live.clear()")
    odd, empty, second = tmp_path / "letter.wav", tmp_path / "empty.wav", tmp_path / "second.wav"
    odd.write_text("Dear Sir or Madam")
    empty.write_bytes(b"")
    clip.to_wav(second)
    tab(notes, "files")
    notes.page.evaluate(WATCH_PERCENTS)
    with notes.page.expect_file_chooser() as waiting:
        notes.page.locator(".snb-files-choose input").click()
    assert waiting.value.is_multiple()
    waiting.value.set_files([wav, odd, empty, second])
    notes.page.wait_for_selector(".snb-files li[data-state='transcribing']")
    notes.page.locator(".snb-tab[data-tab='files']", has_text="left").wait_for()
    notes.page.get_by_text("empty.wav is empty.").first.wait_for()
    row(notes, "second.wav").get_by_text("Transcribed").wait_for(timeout=30_000)
    assert row(notes, "spoken.wav").locator(".snb-file-state").inner_text() == "Transcribed"
    assert row(notes, "letter.wav").get_attribute("data-state") == "failed"
    assert "letter.wav" not in notes.kernel("[s.source for s in live.transcript]")
    assert len(notes.page.evaluate("() => [...window.__percents]")) > 3, "a bar that moves"
    assert notes.kernel("[*dict.fromkeys(s.source for s in live.transcript)]") == ["spoken.wav", "second.wav"]
    tab(notes, "transcript")
    assert notes.page.locator(".snb-transcript-mark").all_inner_texts() == ["second.wav"]
    assert not notes.page.get_by_role("button", name="Cancel").is_visible()


DROP = """([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "audio/wav" }));
  const frame = document.querySelector(".snb-transcriber");
  const fire = (kind) => frame.dispatchEvent(
    new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  fire("dragenter");
  const marked = frame.hasAttribute("data-drop");
  const taken = !fire("dragover");
  fire("drop");
  return [marked, taken, frame.hasAttribute("data-drop")];
}"""


def test_UX24_a_file_is_dropped_anywhere_in_the_frame_and_cancelled(notes, spoken):
    _, wav = spoken
    until(notes, "live.recording", False)
    notes.do("live.clear(); live.files.pace = 1.0")
    content = base64.b64encode(wav.read_bytes()).decode()
    assert notes.page.evaluate(DROP, ["dropped.wav", content]) == [True, True, False]
    tab(notes, "files")
    row(notes, "dropped.wav").get_by_text("Transcribing").wait_for()
    notes.page.evaluate(DROP, ["waits.wav", content])
    row(notes, "waits.wav").get_by_text("Waiting").wait_for()
    press(notes, "Cancel")
    for name in ("dropped.wav", "waits.wav"):
        row(notes, name).get_by_text("Stopped").wait_for()
    until(notes, "live.microphone.state", "idle")
    notes.do("live.files.pace = 8.0")


def test_the_notebook_keeps_the_transcript(notes, lab, theme):
    made(notes)
    notes.do("live.transcript.rename(0, 'Ada'); live.saved_html.refresh()")
    face = notes.page.locator(".snb-face").first
    notes.page.wait_for_function("() => document.querySelector('.snb-face').innerHTML.includes('Ada')")
    assert not face.is_visible()
    notes.save()
    saved = json.loads((lab.notebooks / f"live-{theme}.ipynb").read_text())
    html = "".join("".join(o.get("data", {}).get("text/html", "")) for o in saved["cells"][0]["outputs"])
    assert "Thank you, I have written it down." in html
    assert "Ada" in html
    assert "phone number" in html
    page = notes.page.context.new_page()
    page.set_content(html)
    page.screenshot(path=FOLDER / f"live-transcriber-static-{theme}.png")
    page.close()


def test_a_device_that_is_unplugged_is_reported_and_the_text_stays(notes):
    made(notes)
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    until(notes, "live.service is not None and live.service.connected")
    notes.page.evaluate("() => window.__tap.unplug()")
    notes.page.locator(".snb-mic .snb-error").get_by_text("disconnected while recording").wait_for()
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    until(notes, "live.service is None")
    assert "written it down" in notes.page.locator(".snb-transcript-lines").inner_text()
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    assert notes.page.locator(".snb-mic .snb-error").inner_text() == ""
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")


def test_a_kernel_that_is_restarted_in_mid_recording_is_reported_and_the_text_stays(notes):
    made(notes)
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    notes.page.evaluate("async () => { await window.__panel().sessionContext.session.kernel.restart(); }")
    notes.wait_ready()
    notes.page.locator(".snb-connection").get_by_text("run the cell again").wait_for()
    assert "written it down" in notes.page.locator(".snb-transcript-lines").inner_text()
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")  # the device is closed: no kernel takes its sound
    notes.run_first()
    notes.page.wait_for_selector(".snb-mic[data-ready='true']")
    until(notes, "len(live.transcript)", 0)
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
