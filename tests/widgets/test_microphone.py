"""The Microphone's kernel side: order, doubles, owners, clips that play its part."""

from __future__ import annotations

import time

import numpy as np
import pytest

from smallest_nb import ConfigError, Microphone
from smallest_nb.client import background_loop
from smallest_nb.notebook.widgets import page_source
from tests.support.widget_page import Page, eventually, noise
from tests.support.widget_page import recording as state


@pytest.fixture
def heard():
    microphone = Microphone()
    page, pieces = Page(microphone), []
    microphone.on_audio(pieces.append)
    page.hello()
    yield microphone, page, pieces
    microphone.close()


def chunk(page, n, value, *, oldest=0, last=False):
    pcm = np.full(1280, value, "<i2").tobytes()
    page.say("mic-chunk", pcm, n=n, oldest=oldest, t=0.0, level=0.1, clipped=False, last=last)


def test_chunks_come_in_order_and_once_and_are_acknowledged(heard):
    microphone, page, pieces = heard
    states = []
    microphone.on_state(states.append)
    state(page, "starting")
    state(page, "recording")
    for n in (0, 1, 1, 2, 0, 3, 4, 5):
        chunk(page, n, n)
    chunk(page, 6, 6, last=True)
    state(page, "idle", dropped=2)
    eventually(lambda: states == ["starting", "recording", "idle"])
    assert [int(np.frombuffer(p, "<i2")[0]) for p in pieces] == [0, 1, 2, 3, 4, 5, 6]
    assert [m["n"] for m in page.of("mic-ack")] == [0, 1, 2, 5, 6]  # 1 and 2: one came again
    assert (microphone.received, microphone.device_rate, microphone.dropped) == (7 * 1280, 48000, 2)


def test_chunks_that_overtook_each_other_are_put_in_order(heard):
    """JupyterLab 4.6 with ipykernel 7.4 handles a page's messages on two threads."""
    _microphone, page, pieces = heard
    state(page, "recording")
    for n in (1, 0, 3, 2, 4, 7, 6, 5):
        chunk(page, n, n)
    eventually(lambda: len(pieces) == 8)
    assert [int(np.frombuffer(p, "<i2")[0]) for p in pieces] == list(range(8))


def test_a_whole_window_of_chunks_overtakes_one_that_is_held_up(heard):
    """After a busy cell the main thread has a queue, and the subshell's thread has none."""
    microphone, page, pieces = heard
    state(page, "recording")
    chunk(page, 0, 0)
    for n in range(2, 21):
        chunk(page, n, n, oldest=1)
    time.sleep(0.6)
    assert len(pieces) == 1
    chunk(page, 1, 1, oldest=1)
    eventually(lambda: len(pieces) == 21)
    assert [int(np.frombuffer(p, "<i2")[0]) for p in pieces] == list(range(21))
    assert microphone.received == 21 * 1280


def test_a_chunk_that_is_sent_again_since_its_answer_was_lost_is_acknowledged_again(heard):
    _microphone, page, pieces = heard
    state(page, "recording")
    for n in range(6):
        chunk(page, n, n)
    eventually(lambda: len(pieces) == 6)
    before = len(page.of("mic-ack"))
    for n in range(1, 6):
        chunk(page, n, n, oldest=1)
    eventually(lambda: [m["n"] for m in page.of("mic-ack")[before:]] == [5])
    assert len(pieces) == 6


def test_the_end_of_a_recording_does_not_wait_for_what_is_missing(heard):
    microphone, page, pieces = heard
    state(page, "recording")
    for n in (0, 2, 3):
        chunk(page, n, n)
    state(page, "idle")
    eventually(lambda: len(pieces) == 3)
    eventually(lambda: microphone.state == "idle")


def test_what_was_sent_before_this_page_recorded_is_not_waited_for(heard):
    _microphone, page, pieces = heard
    state(page, "recording")
    for n in (0, 1):
        chunk(page, n, n)
    for n in (5, 6):
        chunk(page, n, n, oldest=5)
    eventually(lambda: len(pieces) == 4)
    chunk(page, 7, 7, oldest=7)
    chunk(page, 30, 30, oldest=30, last=True)
    state(page, "idle")
    eventually(lambda: len(pieces) == 6)
    assert [int(np.frombuffer(p, "<i2")[0]) for p in pieces] == [0, 1, 5, 6, 7, 30]


def test_only_the_page_that_was_pressed_is_heard(heard):
    microphone, page, pieces = heard
    other = Page(microphone, "p2")
    other.hello()
    state(page, "starting")
    state(page, "recording")
    chunk(page, 0, 1)
    chunk(other, 1, 2)
    chunk(page, 1, 3)
    eventually(lambda: len(pieces) == 2)
    assert [int(np.frombuffer(p, "<i2")[0]) for p in pieces] == [1, 3]


def test_a_second_recording_counts_from_zero(heard):
    microphone, page, pieces = heard
    for _ in range(2):
        state(page, "starting")
        state(page, "recording")
        chunk(page, 0, 1)
        chunk(page, 1, 2, last=True)
        state(page, "idle")
    eventually(lambda: len(pieces) == 4)
    assert microphone.received == 2 * 1280


def test_a_handler_that_raises_does_not_stop_the_next(heard, caplog):
    microphone, page, _pieces = heard
    later = []
    microphone.on_audio(lambda _pcm: 1 / 0)
    microphone.on_audio(later.append)
    state(page, "recording")
    chunk(page, 0, 1)
    eventually(lambda: len(later) == 1)
    assert "ZeroDivisionError" in caplog.text


def test_a_clip_plays_the_microphones_part(heard):
    microphone, _, pieces = heard
    clip = noise(1, 16000)
    microphone.feed(clip, pace=20).result(5)
    assert b"".join(pieces) == clip.pcm
    assert microphone.state == "idle"
    assert {len(p) for p in pieces[:-1]} == {2560}


def test_bad_arguments(heard):
    microphone, page, _ = heard
    with pytest.raises(ConfigError, match="11025"):
        Microphone(sample_rate=11025)
    with pytest.raises(ConfigError, match="chunk_ms=5"):
        Microphone(chunk_ms=5)
    with pytest.raises(ConfigError, match="pace=0"):
        microphone.feed(noise(1), pace=0)
    state(page, "recording")
    eventually(lambda: microphone.state == "recording")
    with pytest.raises(ConfigError, match="recording"):
        microphone.feed(noise(1))


def test_what_the_browser_granted_and_how_late_the_chunks_come(heard):
    microphone, page, pieces = heard
    granted = {
        "device": "USB", "echo_cancellation": True, "noise_suppression": False, "auto_gain_control": False}  # fmt: skip
    state(page, "starting")
    state(page, "recording", granted=granted)
    pcm = bytes(2560)
    page.say("mic-chunk", pcm, n=0, oldest=0, t=None, level=0.1, clipped=False, last=False)
    page.say("mic-chunk", pcm, n=1, oldest=0, t=time.monotonic() * 1000 - 40, level=0.1, clipped=False, last=False)
    eventually(lambda: len(pieces) == 2)
    assert microphone.granted == granted
    assert len(microphone.latency_ms) == 1
    assert 40 <= microphone.latency_ms[0] < 500


def test_a_clip_plays_the_microphones_part_when_the_button_is_pressed():
    clip = noise(0.5, rate=16000)
    microphone = Microphone(source=clip)
    page, pieces, states = Page(microphone), [], []
    microphone.on_audio(pieces.append)
    microphone.on_state(states.append)
    page.hello()
    assert microphone.virtual
    page.say("press", action="start")
    eventually(lambda: microphone.feeding)
    eventually(lambda: states == ["recording", "idle"])
    assert b"".join(pieces) == clip.pcm
    page.say("press", action="start")
    eventually(lambda: len(states) == 3)
    page.say("press", action="stop")
    eventually(lambda: states[3:] == ["idle"])
    assert not microphone.feeding
    microphone.close()


def test_chunks_that_overtake_the_word_that_recording_began_are_heard(heard):
    microphone, page, pieces = heard
    for _ in range(2):
        pieces.clear()
        state(page, "starting")
        chunk(page, 0, 1)
        chunk(page, 1, 2)
        state(page, "recording")
        chunk(page, 2, 3)
        eventually(lambda: len(pieces) == 3)
        state(page, "idle")
        eventually(lambda: microphone.state == "idle")
    assert microphone.received == 3 * 1280


def test_a_second_clip_is_refused_until_the_first_is_done(heard):
    microphone, _, pieces = heard
    first = noise(0.4, 16000)
    done = microphone.feed(first)
    with pytest.raises(ConfigError, match="a clip already"):
        microphone.feed(noise(0.4, 16000))
    done.result(5)
    assert b"".join(pieces) == first.pcm
    microphone.feed(first, pace=20).result(5)
    assert b"".join(pieces) == 2 * first.pcm


def test_a_handler_that_learns_of_the_end_of_a_clip_feeds_the_next(heard):
    microphone, _, pieces = heard
    first, second = noise(0.2, 16000), noise(0.3, 16000)
    rest = [second]
    microphone.on_state(lambda name: rest and name == "idle" and microphone.feed(rest.pop(), pace=20))
    microphone.feed(first, pace=20)
    eventually(lambda: b"".join(pieces) == first.pcm + second.pcm)
    eventually(lambda: microphone.state == "idle")


def test_a_recording_that_is_quicker_than_a_clip_refuses_it(heard):
    microphone, page, pieces = heard

    async def both():
        state(page, "starting")
        return microphone.feed(noise(0.2, 16000))  # nothing of either was looked at yet

    refused = background_loop.call(both(), 5)
    with pytest.raises(ConfigError, match="starting"):
        refused.result(5)
    assert (microphone.state, microphone.feeding, pieces) == ("starting", False, [])


def test_a_button_pressed_twice_plays_its_clip_once():
    clip = noise(0.4, rate=16000)
    microphone = Microphone(source=clip)
    page, pieces = Page(microphone), []
    microphone.on_audio(pieces.append)
    page.hello()

    async def twice():
        for _ in range(2):
            page.say("press", action="start")

    background_loop.call(twice(), 5)
    eventually(lambda: microphone.feeding)
    eventually(lambda: microphone.state == "idle")
    assert b"".join(pieces) == clip.pcm
    microphone.close()


@pytest.mark.parametrize("press", [True, False])
def test_a_recording_is_over_when_another_page_takes_the_microphone(heard, press):
    microphone, page, pieces = heard
    other = Page(microphone, "p2")
    other.hello()
    states = []
    microphone.on_state(states.append)
    state(page, "starting")
    state(page, "recording")
    chunk(page, 0, 1)
    eventually(lambda: len(pieces) == 1)
    microphone.paused = True
    if press:  # which comes too late to start anything
        other.say("press", action="start")
        expected = ["starting", "recording", "idle"]
    else:
        state(other, "starting")
        expected = ["starting", "recording", "idle", "starting"]
    chunk(page, 1, 2)
    state(page, "stopping")
    state(page, "idle")
    eventually(lambda: states == expected)
    assert len(pieces) == 1
    assert not microphone.paused


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(page_source, "SILENT_PAGE_SECS", 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_page_that_was_given_up_is_stopped_too(heard):
    microphone, page, pieces = heard
    state(page, "recording")
    chunk(page, 0, 1)
    eventually(lambda: pieces)
    assert page.of("mic-stop") == []
    eventually(lambda: microphone.state == "idle")
    assert len(page.of("mic-stop")) == 1


@pytest.mark.usefixtures("impatient")
def test_a_pause_whose_page_has_died_ends_after_a_stop(heard):
    microphone, page, _ = heard
    state(page, "recording")
    state(page, "paused")
    time.sleep(0.6)
    assert microphone.state == "paused", "a pause has no limit"
    microphone.stop()
    eventually(lambda: microphone.state == "idle")


def test_a_closed_microphone_is_idle_although_its_page_does_not_answer(heard):
    microphone, page, _ = heard
    state(page, "recording")
    eventually(lambda: microphone.state == "recording")
    microphone.close()
    eventually(lambda: microphone.state == "idle")


def test_a_closed_microphone_ends_the_clip_that_plays(heard):
    microphone, _, pieces = heard
    playing = microphone.feed(noise(20, 16000))
    eventually(lambda: pieces)
    microphone.close()
    eventually(lambda: microphone.state == "idle")
    assert playing.cancelled()


@pytest.mark.parametrize("pace", [0, -1.0, float("nan"), None, "2", True])
def test_a_pace_that_is_no_positive_number_is_refused_by_name(heard, pace):
    microphone, _, _ = heard
    with pytest.raises(ConfigError, match=f"pace={pace!r} cannot"):
        microphone.feed(noise(0.1, 16000), pace=pace)
