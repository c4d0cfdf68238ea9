"""A transcript that is cleared is forgotten by every page, and comes back while it can be undone."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.notebook.widgets import live_transcriber
from smallest_nb.notebook.widgets.recording_peaks import PEAKS_PER_SEC, RecordingPeaks
from smallest_nb.results.transcript import Recording
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.speech import SENTENCE
from tests.support.widget_page import Page, eventually, noise


@pytest.fixture(scope="module")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def live(signals):
    made = snb.LiveTranscriber(api_key=KEY, base_url=signals.base_url, word_timestamps=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def clip(signals):
    return snb.speak(SENTENCE, sample_rate=16000, api_key=KEY, base_url=signals.base_url)


def presses(live):
    page = Page(live)
    page.hello(parts=["", "player", "recording", "transcript"])
    return page


def test_UX4_a_press_on_clear_reaches_the_pages_player_and_can_be_undone(live, clip):
    live.feed(clip.padded(0.2, 0.5), pace=50)
    live.transcript.rename(0, "Ada")
    text, sound = live.transcript.text, live.transcript.recording.clip(0, math.inf)
    page, player = presses(live), Page(live.player)
    player.hello()
    page.say("press", action="clear")
    eventually(lambda: live.cleared)
    assert re.fullmatch(r"Deleted: \d lines? and \d s of sound\.", live.cleared)
    assert (len(live.transcript), live.transcript.recording.duration, live.transcript.names) == (0, 0.0, {})
    assert [m["action"] for m in player.of("playback")] == ["clear"]
    with pytest.raises(snb.ConfigError, match="No sound is kept"):
        live.sound.hear(0.0)
    page.say("press", action="undo")
    eventually(lambda: live.transcript.text == text)
    assert live.transcript.recording.clip(0, math.inf) == sound
    assert live.transcript.name_of(0) == "Ada"
    assert live.cleared == ""
    live.feed(clip.padded(0.2, 0.5), pace=50)
    assert live.transcript[-1].start > sound.duration - 1, "one timeline"


def test_UX4_what_is_cleared_while_it_records_comes_back_in_front(live, clip):
    page = presses(live)
    future = live.microphone.feed(clip.padded(0.2, 1.0) + clip.padded(0.2, 1.0), pace=2)
    eventually(lambda: len(live.transcript) >= 1)
    first = live.transcript[0]
    page.say("press", action="clear")
    eventually(lambda: live.cleared)
    assert not live.transcript
    page.say("press", action="undo")
    eventually(lambda: len(live.transcript) >= 1)
    future.result(30)
    eventually(lambda: not live.recording)
    assert live.transcript[0] == first
    assert live.transcript.text.split() == SENTENCE.split() * 2
    recording = live.transcript.recording
    assert recording.kept_from == 0.0
    assert recording.duration == pytest.approx(2 * clip.duration + 2.4, abs=0.1)


def test_UX4_it_is_forgotten_for_good_when_time_is_up_or_another_recording_begins(live, clip, monkeypatch):
    page = presses(live)
    monkeypatch.setattr(live_transcriber, "_UNDO_SECS", 0.05)
    live.feed(clip, pace=50)
    page.say("press", action="clear")
    eventually(lambda: not live.transcript and not live.cleared)
    page.say("press", action="undo")
    monkeypatch.setattr(live_transcriber, "_UNDO_SECS", 30.0)
    live.feed(clip, pace=50)
    assert live.transcript.text.split() == SENTENCE.split(), "the former text did not come back"
    page.say("press", action="clear")
    eventually(lambda: live.cleared)
    live.feed(clip, pace=50)
    assert live.cleared == ""
    live.clear()
    page.say("press", action="clear")
    live.feed(clip, pace=50)
    assert live.cleared == "", "there was nothing to bring back"


def test_sound_that_was_cleared_is_put_back_on_the_same_clock():
    for held in (0, 50_000, 280_000):  # bytes: nothing, one open block, several
        recording, former = Recording(16000, 60.0), Recording(16000, 60.0)
        sound = noise(9.0, 16000).pcm
        recording.write(sound)
        former.__setstate__(recording.__getstate__())
        recording.clear(restart=False)
        more = sound[:held]
        recording.write(more)
        recording.put_back(former)
        assert recording.clip(0, math.inf).pcm == sound + more
        assert (recording.kept_from, recording.duration) == (0.0, 9.0 + held / 32000)
        recording.write(b"\1\0")
        assert recording.clip(0, math.inf).pcm == sound + more + b"\1\0"


def test_no_sound_is_put_back_into_another_recording_and_none_beyond_the_bound():
    recording, former = Recording(16000, 10.0), Recording(16000, 10.0)
    recording.write(noise(9.0, 16000).pcm)
    former.__setstate__(recording.__getstate__())
    recording.clear()
    recording.write(noise(1.0, 16000).pcm)
    with pytest.raises(snb.ConfigError, match="Another recording has begun"):
        recording.put_back(former)
    recording = Recording(16000, 10.0)
    recording.__setstate__(former.__getstate__())
    recording.clear(restart=False)
    recording.write(noise(3.0, 16000).pcm)
    recording.put_back(former)
    assert recording.duration - recording.kept_from == 10.0


def test_the_picture_is_the_loudest_sample_of_each_stretch_however_it_comes():
    sound = noise(3.0, 16000)
    stretch = 16000 // PEAKS_PER_SEC
    expected = np.abs(sound.samples.astype(int)).reshape(-1, stretch).max(axis=1) * 256 // 32768
    for size in (2, 700, 2560, 96000):
        peaks = RecordingPeaks(16000, 60.0)
        for at in range(0, len(sound.pcm), size):
            peaks.write(sound.pcm[at : at + size])
        assert peaks.since(0) == (0, bytes(expected.astype(np.uint8)))
        assert peaks.since(70) == (70, bytes(expected[70:].astype(np.uint8)))
    peaks = RecordingPeaks(16000, 1.0)
    for _ in range(20):
        peaks.write(sound.pcm)
    first, values = peaks.since(0)
    assert first + len(values) == 20 * 75
    assert len(values) <= 2 * PEAKS_PER_SEC + 75
    loud = RecordingPeaks(16000, 1.0)
    loud.write(np.full(16000, -32768, np.int16).tobytes())
    assert set(loud.since(0)[1]) == {255}
