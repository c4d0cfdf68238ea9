"""One transcript of several recordings: speakers of each have numbers and names of their own, and each is marked."""

from __future__ import annotations

import asyncio
import json

import pytest

import smallest_nb as snb
from smallest_nb.notebook.widgets.recording_series import RecordingSeries
from smallest_nb.results.transcript import Segment, Transcript, Word
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.widget_page import Page, chunks, eventually, recording


@pytest.fixture(scope="module")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture(scope="module")
def clip(signals):
    return snb.speak("red green", sample_rate=16000, api_key=KEY, base_url=signals.base_url).padded(0.2, 0.2)


@pytest.fixture
def live(signals):
    made = snb.LiveTranscriber(api_key=KEY, base_url=signals.base_url, word_timestamps=True, diarize=True)
    yield made
    made.close()


def speakers(transcript):
    return {s.speaker for s in transcript} | {w.speaker for w in transcript.words}


def test_UX13_a_name_belongs_to_the_speaker_of_one_recording(live, clip):
    live.feed(clip, pace=50)
    assert speakers(live.transcript) == {0}
    live.transcript.rename(0, "Ada")
    first = len(live.transcript)
    with pytest.raises(AttributeError):
        live.feed(None, timeout=5, name="refused.wav")
    content = clip.wav_bytes()
    chooser = Page(live.files)
    chooser.hello()
    chooser.say("upload", content, file="f1", name="talk.wav", size=len(content), first=0)
    eventually(lambda: len(live.transcript) > first and not live.recording, 20)
    assert speakers(live.transcript[first:]) == {1}
    assert live.transcript.speakers == {0: "Ada", 1: "Speaker 2"}
    assert {s.source for s in live.transcript[:first]} == {"Recording 1"}
    assert {s.source for s in live.transcript[first:]} == {"talk.wav"}
    page = Page(live.view)
    page.hello()
    eventually(lambda: page.of("lines"))
    assert [line.get("mark") for line in page.of("lines")[-1]["lines"]][: first + 1] == [*[None] * first, "talk.wav"]
    assert "<i>talk.wav</i>" in live.saved_html.draw()


def test_UX13_recordings_are_counted_until_the_transcript_is_cleared():
    sources, transcript = RecordingSeries(), Transcript()
    heard = Segment("hi", True, 0, 1, (Word("hi", 0, 1, None, 1), Word("x", 1, 2)), speaker=0)
    found = []
    for name in (None, "a.wav", None):
        sources.name_next(name)
        sources.begin(transcript)
        transcript.apply(sources.placed(heard))
        found.append((transcript[-1].source, transcript[-1].speaker, [w.speaker for w in transcript[-1].words]))
    assert found == [("Recording 1", 0, [1, None]), ("a.wav", 2, [3, None]), ("Recording 3", 4, [5, None])]
    transcript.clear()
    sources.begin(transcript)
    assert (sources.placed(heard).source, sources.placed(heard).speaker) == ("Recording 1", 0)


def several() -> Transcript:
    words = tuple(Word(w, 5 + i, 6 + i, None, 1) for i, w in enumerate("hello there".split()))
    segments = [
        Segment("Good morning.", start=0, end=2, speaker=0, source="Recording 1"),
        Segment("Hello there.", True, 5, 7, words, speaker=1, source="a --> b.wav"),
        Segment("Bye.", start=8, end=9, speaker=1, source="a --> b.wav"),
    ]
    return Transcript(segments, names={0: "Ada"})


def test_UX13_exports_say_where_another_recording_begins():
    transcript = several()
    assert transcript.to_text() == (
        "[Recording 1]\nAda: Good morning.\n[a --> b.wav]\nSpeaker 2: Hello there.\nSpeaker 2: Bye.\n"
    )
    assert "NOTE recording: Recording 1\n\n1\n" in transcript.to_vtt()
    assert "NOTE recording: a → b.wav\n\n2\n" in transcript.to_vtt()
    assert transcript.to_vtt().count("NOTE") == 2
    assert transcript.to_dataframe("segment")["source"].tolist() == ["Recording 1", "a --> b.wav", "a --> b.wav"]
    assert transcript.to_dataframe("word")["source"].tolist() == ["a --> b.wav"] * 2
    assert Transcript.from_json(transcript.to_json()).segments == transcript.segments
    assert "<i>Recording 1</i>" in transcript._repr_html_()


def test_UX13_one_recording_has_no_marks():
    transcript = several()[1:]
    assert transcript.to_text() == "Speaker 2: Hello there.\nSpeaker 2: Bye.\n"
    assert "NOTE" not in transcript.to_vtt()
    assert "source" not in transcript.to_dataframe().columns
    assert "<i>" not in transcript._repr_html_()
    assert json.loads(transcript.to_json())["segments"][0]["source"] == "a --> b.wav"


def test_a_sentence_does_not_go_on_in_another_recording():
    words = (Word("well", 0, 1), Word("so", 1.1, 2))
    parts = [Segment(w.text, True, w.start, w.end, (w,), source=s) for w, s in zip(words, ("a", "b"), strict=True)]
    assert Transcript(parts).to_srt().count("-->") == 2
    assert Transcript([Segment(s.text, True, s.start, s.end, s.words) for s in parts]).to_srt().count("-->") == 1


async def test_a_record_after_a_recording_of_the_page_returns_only_its_own_words(clip):
    with Simulator(behaviour=Behaviour(engine="signal", latency="far-laptop")) as far:
        live = snb.LiveTranscriber(api_key=KEY, base_url=far.base_url)
        page = Page(live.microphone)
        page.hello()
        recording(page, "starting")
        recording(page, "recording")
        chunks(page, clip)
        recording(page, "idle")
        await asyncio.to_thread(eventually, lambda: live.microphone.received and live.microphone.state == "idle")
        assert live.recording, "its last words are awaited"
        late = clip.padded(3.0, 0.0)  # its words come later than `quiet` after the words of the recording before
        found = await live.record(source=late, quiet=0.5, timeout=30)
        assert {s.source for s in found} == {"Recording 2"}
        assert {s.source for s in live.transcript} == {"Recording 1", "Recording 2"}
        live.close()
