"""A conversation in a real JupyterLab: five turns of a person by the microphone, one of them over an answer."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import smallest_nb as snb
from tests.support.lab import ROOT
from tests.support.page_sound import rendered
from tests.support.page_state import OVERFLOWING, until, wait_position, what_stays
from tests.support.screenshots import contrast, picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(480)]
KEY = "sk_test_canary_7f3a"
OPEN, STORY, STOP, WAY, WEATHER = (
    "Please tell me when the museum is open.",
    "Please tell me a story about a museum.",
    "Please stop now.",
    "Please tell me the way to the station.",
    "Please tell me about the weather this morning.",
)
ANSWERS = {
    "open": "The museum is open from nine to five.",
    "story": "There was a museum in front of which nine people stood every morning and each of them had walked there "
    "from the station through the rain and the wind and wanted to know when it opens and where one can eat.",
    "stop": "Very well.",
    "station": "The station is two streets from here.",
    "morning": "It will be cold and cloudy this morning and in the afternoon there will be rain in the city and snow "
    "in the mountains with a strong wind from the north and the people in the city who want to go to the mountains "
    "should wait until Monday when it will be warm and the sun will shine from the morning to the evening.",
}
CELL = f"""
import smallest_nb as snb
answers = {ANSWERS!r}
def reply(text):
    yield next((answer for word, answer in answers.items() if word in text.lower()), "Say that again.")
talk = snb.Conversation(reply, final_secs=60)  # the recogniser of a busy machine takes its time
talk
"""
PERSON = ROOT / "tests" / "support" / "person.js"
INTERRUPTED_AFTER_SECS = 1.5
WAIT_MS = 90_000
STATE = "(state) => document.querySelector('.snb-conversation').dataset.state === state"
TURNS = ".snb-turn:not([data-provisional])"


@pytest.fixture(scope="module")
def voice(simulator):
    """Say a text as the answers are said, and return its sound and its words."""

    async def say(text, name, rate):
        settings = snb.SmallestTTSSettings(voice=name, word_timestamps=name == "avery")
        async with snb.SmallestTTSService(
            api_key=KEY, base_url=simulator.base_url, sample_rate=rate, settings=settings
        ) as tts:
            events = [event async for event in tts.run_tts(text)]
        pcm = b"".join(event.pcm for event in events if isinstance(event, snb.AudioChunk))
        return snb.Clip(pcm, rate), [event for event in events if isinstance(event, snb.WordTiming)]

    from smallest_nb.client import background_loop

    return lambda text, name="avery", rate=24000: background_loop.call(say(text, name, rate), 60)


@pytest.fixture(scope="module")
def talked(lab, voice, tmp_path_factory):
    """The page after the conversation, what was rendered in it, and its rate."""
    said = {text: voice(text, "magnus")[0].padded(0, 0.2) for text in (OPEN, STORY, STOP, WAY, WEATHER)}
    quiet = snb.Clip(bytes(2 * 24000), 24000).to_wav(tmp_path_factory.mktemp("microphone") / "quiet.wav")
    with lab.browse(lab.write_notebook("conversation.ipynb", CELL), microphone=quiet) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-conversation[data-ready='true']")
        notes.page.evaluate(PERSON.read_text())
        notes.page.get_by_role("button", name="Talk").click()
        notes.page.wait_for_function(STATE, arg="listening", timeout=WAIT_MS)

        def say(text):
            notes.page.evaluate("(wav) => window.__say(wav)", base64.b64encode(said[text].wav_bytes()).decode())

        def wait_for_turns(count):
            notes.page.wait_for_function(
                f"(count) => document.querySelectorAll('{TURNS}').length === count", arg=count, timeout=WAIT_MS
            )

        say(OPEN)
        wait_for_turns(2)
        say(STORY)
        notes.page.wait_for_function(STATE, arg="speaking", timeout=WAIT_MS)
        wait_position(notes, INTERRUPTED_AFTER_SECS)
        say(STOP)
        wait_for_turns(6)
        say(WAY)
        wait_for_turns(8)
        say(WEATHER)
        wait_for_turns(9)
        notes.page.wait_for_function(STATE, arg="speaking", timeout=WAIT_MS)
        take_pictures(notes)
        wait_for_turns(10)
        notes.page.locator(".snb-conversation-mic").get_by_role("button", name="Stop").click()
        notes.page.wait_for_function(STATE, arg="idle", timeout=WAIT_MS)
        yield notes, *rendered(notes)


def take_pictures(notes):
    for theme in ("dark", "light"):
        notes.set_theme(dark=theme == "dark")
        picture(notes, ".snb-conversation", f"conversation-{theme}.png")
        assert contrast(notes, ".snb-turn[data-who='voice'] .snb-turn-text") >= 4.5
        assert contrast(notes, ".snb-turn small") >= 4.5


def loud_windows(sound, rate):
    """Return of each 20 ms whether it is loud."""
    window = rate // 50
    return np.abs(sound[: len(sound) // window * window]).reshape(-1, window).max(axis=1) > 0.01


def sum_loud(sound, rate):
    return np.count_nonzero(loud_windows(sound, rate)) / 50


def loud_secs_until(clip, seconds):
    """Return where in a clip so much of it was loud: a busy page runs dry, and has silence that the clip has not."""
    so_far = np.cumsum(loud_windows(clip.samples / 32768, clip.sample_rate)) / 50
    return float(np.searchsorted(so_far, min(seconds, so_far[-1])) / 50)


def stretches(heard, rate):
    """Return where it is loud, in seconds; a pause of less than a second is part of a stretch."""
    window = rate // 50
    loud = np.flatnonzero(loud_windows(heard, rate))
    cuts = np.flatnonzero(np.diff(loud) > 50)
    firsts, lasts = loud[np.r_[0, cuts + 1]], loud[np.r_[cuts, len(loud) - 1]]
    return [(first * window / rate, (last + 1) * window / rate) for first, last in zip(firsts, lasts, strict=True)]


def test_each_turn_is_answered_and_the_history_ends_where_the_answer_was_interrupted(talked):
    notes, _, _ = talked
    until(notes, "talk.running", False)
    turns = notes.kernel("[turn.to_dict() for turn in talk.record.turns]")
    assert [turn["who"] for turn in turns] == ["person", "voice"] * 5
    said = [turn["text"].lower() for turn in turns[::2]]
    assert all(word in text for word, text in zip(ANSWERS, said, strict=True)), said
    full = [turn["full_text"] for turn in turns[1::2]]
    assert full == list(ANSWERS.values())
    assert [turn["is_interrupted"] for turn in turns] == [False, False, False, True] + [False] * 6
    cut = turns[3]
    assert cut["full_text"].startswith(cut["text"])
    assert 0 < len(cut["text"].split()) < len(cut["full_text"].split())
    assert not cut["is_estimated"]
    history = notes.kernel("talk.history")
    assert [m["content"] for m in history] == [turn["text"] for turn in turns]
    assert notes.kernel("(len(talk.metrics), len(talk.to_dataframe()), len(talk.transcript))") == [5, 10, 10]
    assert notes.kernel("talk.recording.duration") > 30
    assert notes.page.locator(".snb-conversation > .snb-error").inner_text() == ""
    assert [line for line in notes.console if "[smallest_nb]" in line] == []


def test_the_page_shows_what_was_not_heard(talked):
    notes, _, _ = talked
    cut = notes.kernel("talk.record.turns[3].to_dict()")
    shown = notes.page.locator(TURNS).nth(3)
    unheard = shown.locator("s").inner_text()
    assert f"{cut['text']} {unheard}" == cut["full_text"]
    assert "interrupted after" in shown.locator("small").inner_text()
    assert "heard" in notes.page.locator(".snb-conversation .snb-used").inner_text()


def test_the_person_hears_the_answers_and_no_more_than_the_history_has(talked, voice):
    notes, heard, rate = talked
    parts = stretches(heard, rate)
    assert len(parts) == 5, parts
    for place, text in enumerate(ANSWERS.values()):
        whole, words = voice(text)
        played = loud_secs_until(whole, sum_loud(heard[slice(*(round(at * rate) for at in parts[place]))], rate))
        if place != 1:
            assert played > whole.duration - 1.0, (text, played)
            continue
        assert played < whole.duration - 0.5, "the sound went on after the interruption"
        really = [w.word for w in words if (w.start + w.end) / 2 <= played]
        kept = notes.kernel("talk.record.turns[3].text").split()
        assert kept == text.split()[: len(kept)]
        assert abs(len(really) - len(kept)) <= 2, (really, kept)


def test_nothing_overflows_in_a_narrow_output(talked):
    notes, _, _ = talked
    box = "document.querySelector('.jp-OutputArea-child:has(.snb-conversation) .jp-OutputArea-output')"
    notes.page.evaluate(f"() => {{ {box}.style.maxWidth = '360px'; }}")
    over = what_stays(notes, OVERFLOWING)
    for theme in ("dark", "light"):
        notes.set_theme(dark=theme == "dark")
        picture(notes, ".snb-conversation", f"conversation-360-{theme}.png")
    notes.page.evaluate(f"() => {{ {box}.style.maxWidth = ''; }}")
    assert over == []
