"""Notebook 02 in a real JupyterLab, with a spoken WAV as the browser's microphone."""

from __future__ import annotations

import jiwer
import pytest

from tests.support.speech import SENTENCE, words

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
LINES = ".snb-transcript-line"


def page_text(notes) -> list[str]:
    return notes.page.locator(f"{LINES}[data-final='true']").evaluate_all(
        "(lines) => lines.map((line) => [...line.querySelectorAll('.snb-transcript-text')]"
        ".map((sentence) => sentence.textContent).join(' '))"
    )


def test_speech_becomes_text_while_it_is_spoken(lab, spoken):
    clip, wav = spoken
    with lab.browse("02_live_transcription.ipynb", microphone=wav) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-mic[data-ready='true']")
        notes.do("live.clear()")
        notes.page.wait_for_function(f'() => document.querySelectorAll("{LINES}").length === 0')

        notes.page.evaluate(
            f"""() => {{
              window.__interim = [];
              new MutationObserver(() => {{
                const line = document.querySelector("{LINES}[data-final='false'] .snb-transcript-text");
                if (line) window.__interim.push([performance.now(), line.textContent]);
              }}).observe(document.querySelector(".snb-transcript-lines"), {{ childList: true, subtree: true }});
            }}"""
        )
        notes.page.get_by_role("button", name="Transcribe").click()
        notes.page.wait_for_selector(".snb-mic[data-state='recording']")
        began = notes.page.evaluate("() => performance.now()")
        notes.page.wait_for_selector(f"{LINES}[data-final='true']", timeout=int(clip.duration * 1000) + 10_000)
        notes.page.get_by_role("button", name="Stop").click()
        notes.page.wait_for_selector(".snb-mic[data-state='idle']")
        notes.page.wait_for_function("() => /segment/.test(document.querySelector('.snb-mic .snb-status').textContent)")

        interim = notes.page.evaluate("() => window.__interim")
        assert len({text for _, text in interim}) >= 3
        spoken_until = began + (clip.duration - 2.0) * 1000
        assert interim[0][0] < spoken_until, "the first interim text came after the sentence was over"
        shown = page_text(notes)
        assert jiwer.wer(words(SENTENCE), words(" ".join(shown))) <= 0.34
        assert notes.kernel("[s.text for s in live.transcript]") == shown
        assert notes.kernel("live.microphone.dropped") == 0
        assert notes.page.locator(".snb-mic .snb-error").inner_text() == ""
        assert [line for line in notes.console if "[smallest_nb]" in line] == []


@pytest.mark.parametrize(
    ("media", "message"), [("no device", "No microphone was found"), ("denied", "was not allowed")]
)
def test_without_a_microphone_the_widget_says_why_and_the_clip_still_works(lab, media, message):
    with lab.browse("02_live_transcription.ipynb", media=media) as notes:
        notes.run_first()
        notes.page.wait_for_selector(".snb-mic[data-ready='true']")
        notes.page.get_by_role("button", name="Transcribe").click()
        error = notes.page.locator(".snb-mic .snb-error")
        error.filter(has_text=message).wait_for()
        assert notes.page.get_by_role("button", name="Transcribe").is_enabled()
        notes.do("live.feed(snb.speak('One, two, three.', voice='magnus').padded(0.3, 0.3), pace=3)")
        notes.page.wait_for_selector(f"{LINES}[data-final='true']")
        assert notes.kernel("[s.text for s in live.transcript]") == page_text(notes)
