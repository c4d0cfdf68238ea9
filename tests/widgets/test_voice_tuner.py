"""What tuning a voice ends in: takes that are kept, compared and noted, settings taken back, nothing spent twice."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

import smallest_nb as snb
from smallest_nb.api.code_export import TARGETS
from smallest_nb.client import background_loop
from smallest_nb.notebook.widgets.code_view import CodeView
from smallest_nb.notebook.widgets.take_list import TakeList
from smallest_nb.simulator import Simulator
from tests.support.services import KEY
from tests.support.widget_page import Page, eventually, part


def test_what_was_heard_is_heard_again_for_nothing(tuner, page):
    first = tuner.audition()
    assert tuner.audition() is first
    assert tuner.usage.requests == 1
    assert len(page.of("stream-open")) == 2, "it is played again all the same"
    tuner.settings = {"speed": 1.3}
    second = tuner.audition()
    tuner.settings = {"speed": None}
    assert tuner.audition() is first
    assert tuner.audition(fresh=True) not in (first, second)
    assert tuner.audition("Another text.") not in (first, second)
    assert tuner.usage.requests == 4


def test_handlers_of_on_take_get_each_take(tuner, caplog):
    seen = []
    tuner.on_take(seen.append)
    tuner.on_take(lambda take: 1 / 0)
    take = tuner.audition()
    assert seen == [take]
    assert "on_take failed" in caplog.text
    assert tuner.audition() is take
    assert seen == [take], "a take that is heard again is no new one"


def test_a_person_stars_notes_and_deletes(tuner, tray):
    take = tuner.audition()
    tuner.audition("Another one.")
    assert [r["number"] for r in part(tuner, TakeList).rows] == [2, 1]
    assert part(tuner, TakeList).rows[1]["text"] == "One, two, three."
    assert len(part(tuner, TakeList).rows[1]["peaks"]) == 48
    assert max(part(tuner, TakeList).rows[1]["peaks"]) == 99
    tray.say("take", action="star", number=1, text="on")
    eventually(lambda: take.starred and part(tuner, TakeList).rows[1]["starred"])
    tray.say("take", action="note", number=1, text="warm <b>but slow</b>")
    eventually(lambda: take.note == "warm <b>but slow</b>" == part(tuner, TakeList).rows[1]["note"])
    tray.say("take", action="star", number=1, text="")
    eventually(lambda: not take.starred)
    tray.say("take", action="delete", number=2, text="")
    eventually(lambda: [r["number"] for r in part(tuner, TakeList).rows] == [1])
    tray.say("take", action="play", number=77, text="")
    eventually(lambda: "77" in part(tuner, TakeList).remark)


def test_a_take_is_heard_from_the_list(tuner, page, tray):
    first = tuner.audition()
    tuner.audition("Another one.")
    tray.say("take", action="play", number=1, text="")
    eventually(lambda: part(tuner, TakeList).current == 1)
    last = page.of("stream-open")[-1]["stream"]
    eventually(lambda: b"".join(b[0] for c, b in page.got if c.get("stream") == last and b) == first.clip.pcm)
    assert tuner.usage.requests == 2


def test_two_takes_are_compared_in_words_and_side_by_side(tuner, page, tray):
    first = tuner.audition()
    tuner.settings = {"voice": "magnus", "speed": 1.4}
    second = tuner.audition()
    difference = tuner.compare(1, 2)
    assert "magnus" in difference
    assert "1.4" in difference
    sent, pieces = [], b""
    for content, buffers in page.got:
        if content["type"] in ("piece", "compare"):
            pieces += buffers[0]
        if content["type"] == "compare":
            sent.append((content["slot"], content["label"], pieces))
            pieces = b""
    assert sent == [("a", "Take 1", first.clip.pcm), ("b", "Take 2", second.clip.pcm)]
    assert tuner.player.difference == difference
    tray.say("take", action="compare", number=2, text="1")
    eventually(lambda: len(page.of("compare")) == 4)
    with pytest.raises(snb.ConfigError, match="9"):
        tuner.compare(1, 9)


def test_words_are_shown_with_the_sound(tuner, page):
    tuner.audition()
    shown = tuner.player.words
    assert shown["stream"] == page.of("stream-open")[-1]["stream"]
    assert shown["estimated"] is True
    assert [w for w, *_ in shown["words"]] == ["One,", "two,", "three."]
    tuner.settings = {"voice": "liam", "word_timestamps": True}
    take = tuner.audition()
    assert tuner.player.words["estimated"] is False
    assert [w.text for w in take.words] == ["One,", "two,", "three."]
    starts = [start for _, start, _ in tuner.player.words["words"]]
    assert starts == sorted(starts)


def test_what_was_spent_is_counted(tuner):
    assert tuner.used == {}
    tuner.audition()
    assert (tuner.usage.in_flight, tuner.usage.characters) == (0, 16)
    assert tuner.usage.seconds == pytest.approx(tuner.takes[0].duration, abs=0.01)
    assert tuner.used == {
        "characters": 16, "seconds": round(tuner.takes[0].duration, 1), "requests": 1, "busy": 0
    }  # fmt: skip


def test_a_long_text_is_asked_back_once(tuner, page):
    tuner.text = "word " * 300
    page.say("press", action="play")
    eventually(lambda: tuner.confirm == 1500)
    assert tuner.usage.requests == 0
    page.say("press", action="play")
    eventually(lambda: tuner.usage.requests == 1)
    tuner.stop()


@pytest.mark.parametrize("target", TARGETS)
def test_settings_come_back_from_every_snippet(tuner, target):
    tuner.settings = {"model": "lightning-v3.1", "voice": "magnus", "speed": 1.25, "language": "hi"}
    wanted, code = tuner.settings, tuner.code(target)
    tuner.settings = {"voice": "sophia", "speed": None, "language": "en"}
    assert tuner.load_settings(code).voice == "magnus"
    assert (tuner.settings.speed, tuner.settings.language) == (wanted.speed, wanted.language)
    assert tuner.panel.values["speed"] == 1.25 == tuner.speed


def test_settings_come_from_mappings_json_and_takes(tuner):
    take = tuner.audition()
    tuner.load_settings({"voice_id": "magnus", "speed": 0.9})
    assert (tuner.settings.voice, tuner.settings.speed) == ("magnus", 0.9)
    tuner.load_settings(json.dumps({"voice": "liam"}))
    assert (tuner.settings.voice, tuner.settings.speed) == ("liam", None), "over the defaults, not over what was"
    tuner.load_settings(take)
    assert tuner.settings == take.settings
    with pytest.raises(snb.ConfigError, match="sped"):
        tuner.load_settings({"sped": 1})
    assert tuner.settings == take.settings


def test_voices_are_offered_and_chosen(tuner, voices):
    offered = {voice[0]: voice[1:] for voice in tuner.voices.voices}
    assert offered["liam"] == ["male", "British", ["en"], True]
    assert tuner.voices.languages["en"] == "English"
    voices.say("voice", action="choose", voice="liam")
    eventually(lambda: tuner.settings.voice == "liam")
    assert tuner.voices.current == "liam"
    tuner.settings = {"voice": "sophia"}
    assert tuner.voices.current == "sophia"
    tuner.settings = {"model": "lightning-v3.1-pro", "voice": "meher"}
    ids = [voice[0] for voice in tuner.voices.voices]
    assert "meher" in ids
    assert "magnus" not in ids
    assert tuner.voices.current == "meher"


def test_the_live_list_is_asked_for(tuner, voices):
    voices.say("voice", action="load", voice="")
    eventually(lambda: "the service has now" in tuner.voices.status)
    with Simulator() as other:
        lonely = snb.VoiceTuner("x", api_key=KEY, base_url=other.base_url)
    page = Page(lonely.voices)
    page.hello()
    page.say("voice", action="load", voice="")
    eventually(lambda: "list could not be fetched" in lonely.voices.status)
    assert "cannot be reached" in lonely.voices.status
    assert lonely.voices.voices
    lonely.close()


def test_every_setting_has_a_control(tuner):
    assert {control["name"] for control in tuner.panel.controls} == set(snb.SmallestTTSSettings.specs())


def test_the_code_view_follows(tuner):
    tuner.audition()
    tuner.settings = {"speed": 1.0}
    assert "sophia" in part(tuner, CodeView).code, "what was heard is written as it is"
    tuner.settings = {"voice": "magnus"}
    assert "magnus" in part(tuner, CodeView).code
    part(tuner, CodeView).target = "curl"
    assert part(tuner, CodeView).code.startswith("curl")
    tuner.text = 'It\'s "quoted" & 5 > 3'
    assert tuner.load_settings(part(tuner, CodeView).code).voice == "magnus"
    assert KEY not in part(tuner, CodeView).code


def test_memory_is_bounded_and_stars_are_kept(simulator):
    tuner = snb.VoiceTuner("One.", api_key=KEY, base_url=simulator.base_url, max_bytes=150_000)
    first = tuner.audition()
    tuner.takes.star(first.number)
    for number in range(8):
        tuner.audition(f"Number {number}.")
    assert first in tuner.takes
    assert sum(len(t.clip.pcm) for t in tuner.takes) <= 150_000
    assert "older takes were removed" in part(tuner, TakeList).remark
    tuner.close()


def test_a_snapshot_stays_without_a_kernel(tuner):
    with pytest.raises(snb.ConfigError):
        tuner.snapshot()
    tuner.audition()
    plain, heard = tuner.snapshot()._repr_html_(), tuner.snapshot(max_kb=40)._repr_html_()
    assert "One, two, three." in plain
    assert "<svg" in plain
    assert "<audio" not in plain
    assert "<audio" in heard
    assert len(heard) < len(plain) + 60_000
    assert KEY not in heard


def test_odd_texts_end_in_a_clear_state(tuner, page):
    for text in ("Hi 😀", "مرحبا", '<b>bold</b> & "quoted"', "a\nb\tc"):
        take = tuner.audition(text)
        assert take.text == text
        assert tuner.player.error == ""
    with pytest.raises(snb.ConfigError, match="nothing to speak"):
        tuner.audition("   ")
    with pytest.raises(snb.ConfigError, match="'😀'"):
        tuner.audition("😀")
    assert "nothing to speak" in tuner.player.error
    tuner.audition("Fine again.")
    assert tuner.player.error == ""


def test_a_late_list_of_voices_does_not_come_over_another_model(tuner, voices, monkeypatch):
    from smallest_nb.notebook.widgets import voice_finder

    asked, chosen, returned = [], asyncio.Event(), threading.Event()

    async def slow(model, *_args, **_kwargs):
        asked.append(model)
        if model == "lightning-v3.1-pro":
            raise OSError("no route")
        await chosen.wait()
        asyncio.get_running_loop().call_soon(returned.set)  # after what awaits the list has gone on
        return ()

    monkeypatch.setattr(voice_finder, "fetch_voices", slow)
    voices.say("voice", action="load", voice="")
    eventually(lambda: asked == ["lightning-v3.1"])
    tuner.settings = {"model": "lightning-v3.1-pro", "voice": "meher"}
    pro = tuner.voices.voices
    background_loop.post(chosen.set)
    assert returned.wait(20)
    assert tuner.voices.voices == pro
    voices.say("voice", action="load", voice="")
    eventually(lambda: "no route" in tuner.voices.status)
    assert tuner.voices.voices == pro
