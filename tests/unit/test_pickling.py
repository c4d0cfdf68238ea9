"""What a person takes on survives pickling and copying; what holds a connection or a page refuses in words."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.api.fields import NOT_GIVEN
from smallest_nb.api.voices import VOICES
from smallest_nb.common.secret import Secret
from smallest_nb.results.metrics import MetricsLog, STTMetrics, TTSMetrics
from smallest_nb.results.segment_latency import SegmentLatency, StreamLatency
from smallest_nb.results.takes.word_times import TakeWord
from smallest_nb.results.transcript import Redaction
from smallest_nb.testing.cassette.frames import Event, Kind, Session
from smallest_nb.testing.cassette.store import Cassette

CLIP = snb.Clip.from_array(np.arange(-8000, 8000, dtype=np.int16), 16000)


def transcript(listener=None):
    words = (snb.Word("hello", 0.1, 0.4, 0.9, 0), snb.Word("world", 0.5, 0.9, None, 1))
    made = snb.Transcript([snb.Segment("hello world", start=0.1, end=0.9, words=words, speaker=0, language="en")])
    made.apply(snb.Segment("and", is_final=False))
    made.rename(0, "Ada")
    made.recording = snb.Recording.of(CLIP)
    made.on_rename(listener or (lambda _speaker, _name: None))
    return made


def recording():
    made = snb.Recording(16000, max_seconds=0.5)
    for _ in range(7):
        made.write(CLIP.pcm[:9000])
    return made


def take(number=1):
    made = snb.Take(
        number, "Hello", snb.SmallestTTSSettings(speed=1.2, extra={"new": [1]}), CLIP,
        TTSMetrics(5, ttfb_s=0.2, audio_s=1.0, total_s=0.5, complete=True), (TakeWord("Hello", 0.0, 0.5),),
        starred=True, note="good",
    )  # fmt: skip
    made.stream = StreamLatency(sent=1.0, arrived=3.0, rendered=7.0)
    return made


def takes():
    made = snb.Takes(max_bytes=10**6, on_change=lambda: None)
    made.add(take(1))
    made.add(take(2))
    made.delete(1)
    return made


def metrics():
    made = MetricsLog(0.9)
    made.append(STTMetrics(5, 0.1, 1.0, 0.5, 0.2))
    return made


TAKEN_ON = {
    "Clip": lambda: CLIP,
    "Transcript": transcript,
    "Recording": recording,
    "Take": take,
    "Takes": takes,
    "TTS settings": lambda: snb.SmallestTTSSettings(voice="liam", speed=1.5, extra={"a": {"b": 1}}),
    "STT settings": lambda: snb.SmallestSTTSettings.complete(keywords={"Ada": 3}, language="hi"),
    "NOT_GIVEN": lambda: NOT_GIVEN,
    "Segment": lambda: transcript()[0],
    "Word": lambda: transcript()[0].words[0],
    "Redaction": lambda: Redaction("NAME", 1, 0, 3),
    "Match": lambda: transcript().search("world")[0],
    "Voice": lambda: VOICES[0],
    "Comparison": lambda: transcript().compare("hello there world"),
    "TTS metrics": lambda: TTSMetrics(5, 1, 0, 0.1, 0.2, 1.0, 0.5, True),
    "metrics log": metrics,
    "VADParams": snb.VADParams,
    "AudioChunk": lambda: snb.AudioChunk(CLIP.pcm, 16000, 1),
    "WordTiming": lambda: snb.WordTiming("hello", 0.1, 0.4),
    "Language": lambda: snb.Language.HI,
    "SegmentLatency": lambda: SegmentLatency(1.0, 2.0, 3.0),
    "Cassette": lambda: Cassette([Session(1, "/x", {}, events=[Event(Kind.SEND, 0, 1, {"text": "x"})])], made="now"),
}


@pytest.mark.parametrize("name", TAKEN_ON)
def test_R9_what_is_taken_on_is_equal_after_pickling_and_copying(name):
    made = TAKEN_ON[name]()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        came = pickle.loads(pickle.dumps(made, protocol))
        assert type(came) is type(made)
        assert came == made
        assert repr(came) == repr(made)
    assert copy.copy(made) == made
    assert copy.deepcopy(made) == made


def test_R9_copies_work_on_by_themselves():
    heard = []
    before = transcript(lambda speaker, name: heard.append((speaker, name)))
    for after in (pickle.loads(pickle.dumps(before)), copy.deepcopy(before)):
        after.rename(1, "Grace")
        after.apply(snb.Segment("again", start=1.0, end=1.5))
        after.recording.write(CLIP.pcm)  # its lock is a new one
        assert after.recording.duration == 2.0
        assert (len(before), before.names, before.recording.duration) == (1, {0: "Ada"}, 1.0)
        assert after != before
    assert heard == []
    more = pickle.loads(pickle.dumps(takes()))
    more.add(take(3))
    assert more.next_number == 4
    assert [t.number for t in more] == [2, 3]
    assert more[0].waterfall["kernel to page"] == 2.0
    log = pickle.loads(pickle.dumps(metrics()))
    assert (log.maxlen, log.summary()) == (1000, metrics().summary())
    bounded = copy.deepcopy(recording())
    bounded.write(CLIP.pcm)
    assert bounded.kept_from == pytest.approx(bounded.duration - 0.5)


def test_R9_differences_count():
    assert transcript() == transcript()
    for change in (lambda t: t.rename(0, "Eve"), lambda t: t.segments.clear(), lambda t: t.apply(snb.Segment("x")),
                   lambda t: setattr(t, "recording", None), lambda t: t.recording.write(b"\0\0")):  # fmt: skip
        other = transcript()
        change(other)
        assert other != transcript()
    one = take()
    other = copy.deepcopy(one)
    other.note = "bad"
    assert other != one
    assert take() != take()  # two takes, though they sound the same


def deal(value):
    return value


def test_R9_all_of_it_crosses_a_process_pool():
    things = [make() for make in TAKEN_ON.values()]
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert list(pool.map(deal, things)) == things


def test_R9_a_transcript_of_the_simulator_is_pickled(simulator):
    came = snb.transcribe(CLIP, api_key="sk_pickled", base_url=simulator.base_url, progress=False)
    assert pickle.loads(pickle.dumps(came)) == came


REFUSING = {
    "TTS service": lambda url: snb.SmallestTTSService(api_key="sk_pickled", base_url=url),
    "STT service": lambda url: snb.SmallestSTTService(api_key="sk_pickled", base_url=url),
    "VoiceTuner": lambda url: snb.VoiceTuner("Hello", api_key="sk_pickled", base_url=url),
    "LiveTranscriber": lambda url: snb.LiveTranscriber(api_key="sk_pickled", base_url=url),
    "Microphone": lambda _url: snb.Microphone(),
    "Player": lambda _url: snb.Player(),
    "TranscriptView": lambda _url: snb.TranscriptView(),
    "SettingsPanel": lambda _url: snb.SettingsPanel(snb.SmallestTTSSettings.complete()),
    "Secret": lambda _url: Secret("sk_pickled"),
    "Target": lambda url: snb.SmallestTTSService(api_key="sk_pickled", base_url=url).target,
}


@pytest.mark.parametrize("name", REFUSING)
def test_R9_what_cannot_be_pickled_says_so(simulator, name):
    made = REFUSING[name](simulator.base_url)
    try:
        for refused in (pickle.dumps, copy.copy, copy.deepcopy):
            if (name, refused) == ("Target", copy.copy):
                continue
            with pytest.raises(TypeError, match=r"(?i)cannot be pickled or copied.*(pickle|copy|make|find)") as caught:
                refused(made)
            assert "sk_pickled" not in str(caught.value)
    finally:
        if hasattr(made, "children") or hasattr(made, "comm"):
            made.close()
