"""The LiveTranscriber in the page: lines, speakers, words that are heard again, captions, files, pauses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import webvtt

from tests.support.page_sound import rendered
from tests.support.page_state import AXE, OVERFLOWING, unfold, until, what_stays
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


def choose(notes, path):
    with notes.page.expect_file_chooser() as waiting:
        notes.page.get_by_role("button", name="Choose a file").click()
    waiting.value.set_files(path)


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
    picture(notes, ".snb-transcript", f"live-transcriber-lines-{theme}.png")


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
    press(notes, "Captions")
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
    picture(notes, ".snb-transcript", f"live-transcriber-captions-{theme}.png")
    press(notes, "Captions")
    notes.page.wait_for_selector(".snb-captions", state="hidden")


@pytest.mark.parametrize("suffix", ["txt", "srt", "vtt", "json", "csv", "TextGrid", "rttm"])
def test_every_format_is_downloaded(notes, suffix, tmp_path):
    made(notes)
    notes.page.locator(".snb-transcript-format").select_option(suffix)
    with notes.page.expect_download() as waiting:
        press(notes, "Download")
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name == f"transcript.{suffix}"
    content = path.read_text(encoding="utf-8")
    assert "written" in content or suffix == "rttm"
    if suffix == "vtt":
        assert len(webvtt.read(path)) == 3
    if suffix == "json":
        assert len(json.loads(content)["segments"]) == 3


def test_a_screen_reader_finds_nothing_wrong(notes):
    made(notes)
    unfold(notes, "Settings")
    notes.page.add_script_tag(path=AXE)
    found = notes.page.evaluate(
        "async () => (await axe.run(document.querySelector('.snb-composite'))).violations"
        ".map((v) => v.id + ': ' + v.nodes.map((n) => n.html.slice(0, 120)).join(' | '))"
    )
    assert found == []


def test_narrow_outputs_cut_nothing_off(notes, theme):
    made(notes)
    box = "document.querySelector('.jp-OutputArea-child:has(.snb-mic) .jp-OutputArea-output')"
    notes.page.evaluate(f"() => {{ {box}.style.maxWidth = '360px'; }}")
    over = what_stays(notes, OVERFLOWING)
    picture(notes, ".snb-mic", f"live-transcriber-360-{theme}.png")
    notes.page.evaluate(f"() => {{ {box}.style.maxWidth = ''; }}")
    assert over == []


def test_a_word_is_pressed_and_heard_and_marked(notes, theme):
    notes.do("live.clear(); live.feed(snb.speak('The weather will be cold and cloudy this morning. ', voice='magnus')"
             ".padded(0.4, 0.4), pace=4)")  # fmt: skip
    notes.page.wait_for_selector(f"{LINE}[data-final='true'] .snb-word")
    notes.page.evaluate("() => window.__tap.clear()")
    word = notes.page.locator(".snb-word", has_text="cold").first
    at = float(word.get_attribute("data-start"))
    word.click()
    notes.page.wait_for_selector(".snb-word[data-now]")
    notes.page.wait_for_function("() => document.querySelector('.snb-player').dataset.state === 'playing'")
    picture(notes, ".snb-mic", f"live-transcriber-heard-{theme}.png")
    notes.page.wait_for_function("() => document.querySelector('.snb-player').dataset.state === 'idle'")
    notes.page.wait_for_function("() => !document.querySelector('.snb-word[data-now]')")
    samples, rate = rendered(notes)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    rest = notes.kernel("live.transcript[0].end") - at
    assert (loud[-1] - loud[0]) / rate == pytest.approx(rest, abs=0.5)
    clip = notes.kernel("live.transcript[0:1].clip.duration")
    assert clip == pytest.approx(notes.kernel("live.transcript[0].end - live.transcript[0].start"), abs=0.01)


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


def test_held_down_it_listens(notes):
    talk = notes.page.get_by_role("button", name="Hold to talk")
    talk.focus()
    notes.page.keyboard.down(" ")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    notes.page.keyboard.up(" ")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")
    talk.hover()
    notes.page.mouse.down()
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    notes.page.mouse.up()
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")


def test_it_does_not_transcribe_its_own_voice(notes):
    notes.do("live.clear(); player = snb.Player(); from IPython.display import display")
    press(notes, "Transcribe")
    notes.page.wait_for_selector(".snb-mic[data-state='recording']")
    until(notes, "live.service is not None and live.service.connected")
    notes.do("live.player.layout.display = ''; live.player.play(snb.speak('One two three four five six.'))")
    notes.page.get_by_text("Not listening while a player in this notebook is playing.").wait_for()
    notes.page.wait_for_function("() => document.querySelector('.snb-player').dataset.state === 'idle'")
    notes.page.get_by_text("Listening.").wait_for()
    press(notes, "Stop")
    notes.page.wait_for_selector(".snb-mic[data-state='idle']")


def test_a_file_plays_the_microphones_part(notes, spoken, tmp_path):
    _, wav = spoken
    notes.do("live.clear()")
    until(notes, "live.microphone.state", "idle")
    unfold(notes, "A file instead of the microphone")
    choose(notes, wav)
    notes.page.get_by_text("spoken.wav, ").wait_for()
    notes.page.get_by_text("transcribed.").wait_for()
    assert "cloudy" in notes.kernel("live.transcript.text")
    odd = tmp_path / "letter.wav"
    odd.write_text("Dear Sir or Madam")
    choose(notes, odd)
    notes.page.get_by_text("⚠ letter.wav").wait_for()


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
