"""What a transcriber says while it waits for its connection, and what becomes of sound that is recorded meanwhile."""

from __future__ import annotations

import math

import pytest

import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.speech import SENTENCE
from tests.support.widget_page import Page, chunks, eventually, recording


@pytest.fixture
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def live(signals):
    made = snb.LiveTranscriber(api_key=KEY, base_url=signals.base_url, word_timestamps=True)
    yield made
    made.close()


@pytest.fixture
def clip(signals):
    return snb.speak(SENTENCE, sample_rate=16000, api_key=KEY, base_url=signals.base_url).padded(0.2, 0.5)


@pytest.fixture
def said(live):
    lines = []
    live.observe(lambda change: lines.append(change["new"]), names="connection")
    return lines


def page_records(live, clip):
    page = Page(live.microphone)
    page.hello()
    recording(page, "starting")
    recording(page, "recording")
    chunks(page, clip)
    return page


def test_UX7_a_busy_service_is_named_with_the_seconds_until_the_next_try(live, clip, signals, said):
    signals.behaviour.reject, signals.behaviour.retry_after = 429, 3
    page = page_records(live, clip)
    eventually(lambda: "The service is busy; next try in 3 s (1 of 5)" in said)
    eventually(lambda: "The service is busy; next try in 2 s (1 of 5)" in said)
    assert live.can_give_up
    assert live.microphone.status == "You can speak already: the sound is kept."
    signals.behaviour.reject = signals.behaviour.retry_after = None
    eventually(lambda: live.connection.startswith("Connected"))
    assert not live.can_give_up
    recording(page, "idle")
    eventually(lambda: not live.recording)
    assert live.transcript.text.split() == SENTENCE.split(), "what was said while it waited is there"
    assert "Connected" not in live.connection


def test_UX7_stop_while_connecting_says_what_waits_and_transcribes_it(live, clip, signals, said):
    signals.behaviour.reject, signals.behaviour.retry_after = 503, 2
    page = page_records(live, clip)
    eventually(lambda: any("next try" in line for line in said))
    recording(page, "idle")
    waits = f"{clip.duration:.1f} s of sound wait"
    eventually(lambda: live.connection.endswith(waits))
    assert live.connection.startswith("The service has answered with an error; next try in ")
    assert live.microphone.status == ""
    signals.behaviour.reject = signals.behaviour.retry_after = None
    eventually(lambda: not live.recording)
    assert live.transcript.text.split() == SENTENCE.split()
    assert waits not in live.connection


@pytest.mark.parametrize("stopped", [False, True])
def test_UX7_giving_up_ends_at_once_and_the_sound_is_kept(live, clip, signals, said, stopped):
    signals.behaviour.reject, signals.behaviour.retry_after = 429, 30
    page = page_records(live, clip)
    eventually(lambda: any("next try in 30 s" in line for line in said))
    if stopped:
        recording(page, "idle")
        eventually(lambda: "of sound wait" in live.connection)
    whole = Page(live)
    whole.hello()
    whole.say("press", action="give-up")
    eventually(lambda: "Not transcribed" in live.microphone.error, 3)
    eventually(lambda: live.connection == "", 3)  # the error is shown first
    assert not live.can_give_up
    assert live.transcript.recording.clip(0, math.inf).pcm == clip.pcm
    if not stopped:
        eventually(lambda: page.of("mic-stop"))
        recording(page, "idle")
    signals.behaviour.reject = signals.behaviour.retry_after = None
    live.feed(clip, pace=20)
    assert live.transcript.text.split() == SENTENCE.split()
    assert live.transcript[0].start > clip.duration, "it is on the clock of the sound"
    assert live.microphone.error == ""


def test_a_service_that_refuses_keeps_the_sound_too(live, clip, signals):
    signals.behaviour.reject = 401
    with pytest.raises(snb.AuthError):
        live.feed(clip, pace=50)
    recorded = live.transcript.recording.clip(0, math.inf)
    assert recorded.pcm == clip.pcm[: len(recorded.pcm)]
    assert live.key_state == "refused"
    assert "refused the API key" in live.microphone.error
    signals.behaviour.reject = None
    page = Page(live)
    page.hello()
    page.say("key", b"sk_other_canary_9b1c")
    eventually(lambda: live.key_state == "")
    assert live.microphone.error == ""
    assert "next recording" in live.microphone.status
    live.feed(clip, pace=20)
    assert live.transcript.text.split() == SENTENCE.split()
    assert "canary" not in repr(live.get_state())


def test_a_lost_connection_and_one_that_was_never_made_are_named_apart(live, clip, signals, said):
    signals.behaviour.drop_after_secs = 0.5
    future = live.microphone.feed(clip.padded(0, 1.5), pace=1)
    eventually(lambda: any(line.startswith("Connected") for line in said))
    signals.behaviour.reject = 503
    eventually(lambda: any(line.startswith("The connection was lost; ") for line in said))
    signals.behaviour.reject = signals.behaviour.drop_after_secs = None
    future.result(30)
    eventually(lambda: not live.recording)
    figures = next(line for line in reversed(said) if line)
    assert figures.startswith("Finals came ")
    live.feed(clip, pace=50)
    assert live.connection == figures, "what is fed faster than it sounds says nothing of how late finals are"
