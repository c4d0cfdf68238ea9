"""What a review found: takes, auditions and pages that come in each other's way, and what must not be kept or spent."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

import smallest_nb as snb
from smallest_nb.api.settings_import import read_settings
from smallest_nb.client import background_loop
from smallest_nb.notebook.widgets.take_list import TakeList
from tests.support.services import KEY
from tests.support.widget_page import Page, eventually, noise, part


def test_a_closed_tuner_is_gone(simulator):
    made = snb.VoiceTuner("One.", api_key=KEY, base_url=simulator.base_url)
    made.audition()
    gone = weakref.ref(made), weakref.ref(made.player), weakref.ref(made.takes)
    made.close()
    del made
    eventually(lambda: (gc.collect(), not any(r() for r in gone))[1], 10)


def test_a_closed_transcriber_is_gone(simulator):
    made = snb.LiveTranscriber(api_key=KEY, base_url=simulator.base_url)
    gone = weakref.ref(made), weakref.ref(made.microphone), weakref.ref(made.transcript)
    made.close()
    del made
    eventually(lambda: (gc.collect(), not any(r() for r in gone))[1], 10)


def test_the_button_never_sticks(tuner, page):
    kept = tuner.audition("Hi there.")
    for number in range(15):
        tuner.submit(f"A longer text that is spoken for a while, number {number}.")
        tuner.submit("Other.")
        assert tuner.submit("Hi there.").result(10) is kept
        eventually(lambda: tuner.player.busy is False)


def test_stop_means_all_that_was_asked_for(tuner):
    for number in range(10):
        asked = tuner.submit(f"Do not speak {number}.")
        tuner.stop()
        with pytest.raises(snb.SmallestError, match="cancelled by stop"):
            asked.result(10)
    assert len(tuner.takes) == 0
    assert tuner.usage.characters == 0
    tuner.audition("But speak this.")


def test_loading_takes_in_the_middle_of_auditions_loses_none(tuner, tmp_path):
    tuner.audition("One.")
    folder = tuner.takes.save(tmp_path / "takes")
    over = threading.Event()

    def load():
        while not over.is_set():
            tuner.takes.load(folder)

    loading = threading.Thread(target=load)
    loading.start()
    try:
        for number in range(6):
            take = tuner.audition(f"Number {number}, said in the middle of it.")
            assert take in tuner.takes
    finally:
        over.set()
        loading.join()
    numbers = [t.number for t in tuner.takes]
    assert len(set(numbers)) == len(numbers)


def test_a_snapshot_replaces_what_no_field_is_known_for(tuner):
    tuner.settings = {"extra": {"zzz": 1}}
    tuner.settings = {"extra": {"yyy": 2}}
    assert tuner.settings.extra == {"zzz": 1, "yyy": 2}
    assert tuner.load_settings(snb.SmallestTTSSettings(speed=1.1)).extra == {}
    assert tuner.settings.extra == {}
    assert "zzz" not in tuner.code("curl")
    tuner.audition("One.")
    assert tuner.service.settings.extra == {}


def test_a_take_from_elsewhere_is_no_answer_of_this_service(tuner, tmp_path, simulator):
    folder = tuner.takes.save(tmp_path / "none") if len(tuner.takes) else None
    tuner.audition("Hi there.")
    folder = tuner.takes.save(tmp_path / "takes")
    other = snb.VoiceTuner("Hi there.", api_key=KEY, base_url=simulator.base_url, sample_rate=8000)
    other.takes.load(folder)
    assert other.audition().clip.sample_rate == 8000
    assert other.audition() is other.takes[-1]
    assert len(other.takes) == 2
    other.close()


def test_a_new_take_asks_back_too_and_a_known_one_does_not(simulator):
    tuner = snb.VoiceTuner(api_key=KEY, base_url=simulator.base_url, warn_characters=10)
    page = Page(tuner.player)
    page.hello()
    tuner.text = text = "This is more than ten characters."
    whole = Page(tuner)
    whole.hello()
    whole.say("act", action="again", text="")
    eventually(lambda: tuner.confirm == len(text))
    assert len(tuner.takes) == 0
    whole.say("act", action="again", text="")
    eventually(lambda: len(tuner.takes) == 1)
    tuner.text = "These are too, and they were not spoken yet."
    page.say("press", action="play")
    eventually(lambda: tuner.confirm == len(tuner.text))
    tuner.text = text
    page.say("press", action="play")
    eventually(lambda: len(page.of("stream-open")) == 2)
    assert tuner.confirm == 0
    tuner.close()


def test_a_page_that_stops_by_itself_is_believed():
    player = snb.Player()
    page = Page(player)
    page.hello()
    stream = player.play(noise(20.0))
    fields = {"stream": stream.name, "received": 48000, "more": False, "underruns": 0, "first_ms": 1, "arrived": None,
              "rendered": None, "prebuffer_ms": 150, "clock_error_ms": None}  # fmt: skip
    page.say("played", position=100, state="playing", **fields)
    page.say("played", position=2000, state="idle", **fields)
    assert player.state == "idle"
    background_loop.call(player.wait(2), 3)


def test_closing_from_a_handler_closes_the_socket(tuner):
    tuner.on_take(lambda _take: tuner.close())
    tuner.audition("One.")
    eventually(lambda: not tuner.service.connected)


def test_small_things(tuner, page, tray):
    with pytest.raises(snb.ConfigError, match="int"):
        tuner.audition(123)
    with pytest.raises(snb.ConfigError):
        tuner.audition("   ")
    assert (tuner.usage.characters, tuner.usage.requests, tuner.usage.in_flight) == (0, 0, 0)
    tuner.audition("word " * 200)
    assert len(part(tuner, TakeList).rows[0]["text"]) == 300
    with pytest.raises(snb.ConfigError, match="max_kb"):
        tuner.snapshot(1, max_kb="many")
    assert "<audio" in tuner.snapshot(1, max_kb=900.5)._repr_html_()
    with pytest.raises(snb.ConfigError, match=r"extra\['a'\]={1, 2} cannot be sent"):
        tuner.settings = {"extra": {"a": {1, 2}}}
    assert read_settings('speak("x", **{"speed": 2})').speed == 2
    with pytest.raises(snb.ConfigError):
        read_settings('speak("x", **given)')


@pytest.mark.parametrize("kind", [snb.VoiceTuner, snb.LiveTranscriber])
def test_the_collector_does_not_wait_for_the_loop(simulator, kind):
    """It runs anywhere, also in a thread that holds what the loop is waiting for."""
    made = kind(api_key=KEY, base_url=simulator.base_url)
    busy, over = threading.Event(), threading.Event()
    background_loop.post(lambda: (busy.set(), over.wait(30)))
    assert busy.wait(5)
    began = time.monotonic()
    made.__del__()
    took = time.monotonic() - began
    over.set()
    assert took < 15
    eventually(lambda: made.comm is None)


def test_what_was_submitted_right_before_the_end_is_refused_and_no_empty_take(simulator):
    for number in range(5):
        tuner = snb.VoiceTuner("One.", api_key=KEY, base_url=simulator.base_url)
        asked = tuner.submit(f"Number {number}.")
        tuner.close()
        with pytest.raises(snb.SmallestError):
            asked.result(10)
        assert len(tuner.takes) == 0
