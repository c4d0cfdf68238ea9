"""Subtitles that independent parsers read: limits of lines and time, names, no overlap."""

from __future__ import annotations

import dataclasses
import html
import re

import pysubs2
import pytest
import srt
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Segment, Transcript, Word

HOSTILE = "a <b> & {c} \\N d --> e"


def spoken(text: str, start: float = 0.0, speaker: int | None = None, each: float = 0.5) -> Segment:
    words = tuple(Word(w, start + i * each, start + (i + 0.8) * each, 0.9, speaker) for i, w in enumerate(text.split()))
    return Segment(text, True, words[0].start, words[-1].end, words, speaker=speaker)


def seconds(stamp: str) -> float:
    hours, minutes, rest = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def in_srt(transcript: Transcript) -> list[tuple[float, float, str]]:
    parsed = srt.parse(transcript.to_srt())  # raises on anything between cues
    return [(s.start.total_seconds(), s.end.total_seconds(), s.content) for s in parsed]


def test_srt_is_read_by_other_parsers():
    transcript = Transcript([spoken("one two"), spoken("three", 2)])
    assert in_srt(transcript) == [(0, 1, "one two"), (2, 3, "three")]
    again = pysubs2.SSAFile.from_string(transcript.to_srt(), format_="srt")
    assert [(e.start, e.end, e.plaintext) for e in again] == [(0, 1000, "one two"), (2000, 3000, "three")]
    assert "{c} \\N" in Transcript([spoken(HOSTILE)]).to_srt()
    assert in_srt(Transcript([spoken(HOSTILE)]))[0][2] == "a <b> & {c} \\N d → e"


def test_a_cue_stays_until_it_can_have_been_read_where_there_is_room():
    quick = "quickly spoken sentence with many letters"  # 41 characters: 2.05 s of reading
    alone = Transcript([spoken(quick, 1, each=0.1)])
    assert in_srt(alone) == [(1, 3.05, quick)]
    soon = Transcript([spoken(quick, 1, each=0.1), spoken("then", 2.4)])
    assert [(a, b) for a, b, _ in in_srt(soon)] == [(1, 2.4), (2.4, 3.4)]
    named = Transcript([spoken(quick, 1, speaker=0, each=0.1)])  # "Speaker 1: " is read too
    assert in_srt(named) == [(1, 3.6, "Speaker 1: " + quick.replace(" sent", "\nsent"))]
    slow = Transcript([spoken("said slowly", 1, each=3)])
    assert in_srt(slow) == [(1, 6.4, "said slowly")]


def test_srt_names_a_changed_speaker():
    said = [spoken("one", 0, 0), spoken("two", 2, 0), spoken("three", 4, 1), spoken("four", 6), spoken("five", 8, 1)]
    transcript = Transcript(said)
    transcript.rename(0, "Ada")
    assert [text for *_, text in in_srt(transcript)] == [
        "Ada: one",
        "two",
        "Speaker 2: three",
        "four",
        "Speaker 2: five",
    ]
    transcript.rename(0, "A very long name that goes on and on without any end")
    assert in_srt(transcript)[0][2] == "A very long name that g…: one"


def test_vtt_is_read_by_another_parser():
    text = Transcript([spoken(HOSTILE, speaker=0)]).to_vtt()
    captions = list(webvtt.from_string(text))
    assert len(captions) == 1
    assert captions[0].voice == "Speaker 1"
    assert "&lt;b&gt; &amp; {c} \\N d --&gt; e" in captions[0].raw_text.replace("\n", " ")
    assert text.count("-->") == 1


def test_vtt_escapes_names():
    transcript = Transcript([spoken("hi", speaker=0)])
    transcript.rename(0, "R&D <b> --> {x}\\N")
    caption = webvtt.from_string(transcript.to_vtt())[0]
    assert html.unescape(caption.voice) == "R&D <b> --> {x}\\N"
    assert caption.text == "hi"


def test_long_segments_become_cues_of_two_short_lines():
    text = " ".join(f"word{i}" for i in range(60))
    captions = list(webvtt.from_string(Transcript([spoken(text)]).to_vtt()))
    assert len(captions) > 3
    assert max(len(line) for c in captions for line in c.lines) <= 42
    assert max(len(c.lines) for c in captions) <= 2
    assert " ".join(c.text.replace("\n", " ") for c in captions) == text


def test_cues_of_words_keep_the_punctuation_of_the_text():
    bare = spoken(" ".join(f"word{i}" for i in range(40)))
    text = " ".join(f"“Word{i}”," for i in range(40))
    shown = " ".join(t.replace("\n", " ") for *_, t in in_srt(Transcript([Segment(text, True, 0, 20, bare.words)])))
    assert shown == text


def test_text_without_words_is_shared_out_by_length():
    text = " ".join(f"word{i}" for i in range(40))
    cues = in_srt(Transcript([Segment(text, start=10, end=30)]))
    assert (cues[0][0], cues[-1][1]) == (10, 30)
    assert all(b - a <= 7 for a, b, _ in cues)
    assert " ".join(t.replace("\n", " ") for *_, t in cues) == text
    assert len(in_srt(Transcript([Segment("字" * 300, start=0, end=20)]))) >= 4


def test_a_segment_is_divided_where_the_speaker_changes():
    words = (Word("Hi", 0, 1, None, 0), Word("there", 1, 2, None, 0), Word("Hello", 2, 3, None, 1))
    segment = Segment("Hi there. Hello!", True, 0, 3, words, speaker=0)
    assert in_srt(Transcript([segment])) == [(0, 2, "Speaker 1: Hi there."), (2, 3, "Speaker 2: Hello!")]


def test_short_cues_stay_a_second_where_there_is_room_and_none_overlap():
    said = [Segment("a", start=0, end=0.2), Segment("b", start=0.5, end=5), Segment("c", start=2, end=2.1)]
    assert [c[:2] for c in in_srt(Transcript(said))] == [(0, 0.5), (0.5, 2), (2, 3)]
    together = [Segment("a", start=1, end=5), Segment("b", start=1, end=5)]
    assert [c[:2] for c in in_srt(Transcript(together))] == [(1, 3), (3, 5)]
    assert in_srt(Transcript([Segment("long", start=0, end=60)])) == [(0, 7, "long")]


@pytest.mark.parametrize("times", [{}, {"start": 1.0}, {"start": float("nan"), "end": 1.0}])
def test_subtitles_without_times_say_what_to_do(times):
    for write in (Transcript.to_srt, Transcript.to_vtt):
        with pytest.raises(ConfigError, match="word_timestamps=True or sentence_timestamps=True"):
            write(Transcript([Segment("x", **times)]))


_text = st.text(st.characters(codec="utf-8"), max_size=120) | st.lists(
    st.sampled_from(["word", "x" * 50, "{\\an8}", "<i>", "-->", "字字字字", "\n\n", "1", "&"]), max_size=40
).map(" ".join)
_time = st.floats(0, 40)
_word = st.builds(Word, _text, _time, _time, st.none(), st.none() | st.integers(0, 2))
_segment = st.builds(
    Segment,
    _text,
    st.just(True),
    _time,
    _time,
    st.lists(_word, max_size=5).map(tuple),
    speaker=st.none() | st.integers(0, 2),
)


def test_times_have_three_digits_behind_the_mark():
    """Two readers take fewer digits for milliseconds, another one for a decimal fraction."""
    transcript = Transcript([Segment("One", start=1.5, end=2.25), Segment("Two", start=3.0, end=4.0)])
    for text, mark in ((transcript.to_srt(), ","), (transcript.to_vtt(), ".")):
        times = re.findall(rf"\d\d:\d\d:\d\d{re.escape(mark)}(\d*)", text)
        assert times[0] == "500"
        assert [len(digits) for digits in times] == [3] * 4


@settings(max_examples=200)
@given(st.lists(_segment, max_size=6), st.lists(_text, max_size=3))
def test_cues_are_ordered_short_and_never_overlap(segments, names):
    transcript = Transcript(segments, names=dict(enumerate(names)))
    cues = in_srt(transcript)
    captions = list(webvtt.from_string(transcript.to_vtt()))
    in_vtt = [(seconds(c.start), seconds(c.end), c.raw_text) for c in captions]
    for shown in (cues, [(a, b, "") for a, b, _ in in_vtt]):
        assert all(start < end for start, end, _ in shown)
        assert all(end - start <= 7.0005 for start, end, _ in shown)
        assert all(shown[i][1] <= shown[i + 1][0] for i in range(len(shown) - 1))
    for lines in [text.split("\n") for *_, text in cues]:
        assert 1 <= len(lines) <= 2
        assert max(len(line) for line in lines) <= 42


@given(
    st.lists(st.sampled_from(["word", "x" * 50, "{\\an8}", "字字字字", "1", "&"]), min_size=1, max_size=60),
    _time,
    _time,
)
def test_no_text_is_lost_where_there_are_no_words(words, start, end):
    shown = [text for *_, text in in_srt(Transcript([Segment(" ".join(words), start=start, end=end)]))]
    assert "".join("".join(text.split()) for text in shown) == "".join(words)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_R1_one_segment_without_times_costs_no_export(place):
    segments = [Segment(text, start=float(n), end=n + 0.8) for n, text in enumerate(["One.", "Two.", "Three."])]
    segments[place] = dataclasses.replace(segments[place], start=None, end=None, speaker=1)
    transcript = Transcript(segments)
    for written in (transcript.to_srt(), transcript.to_vtt(), transcript.to_stm(), transcript.to_audacity()):
        assert [written.index(s.text) for s in segments] == sorted(written.index(s.text) for s in segments)
    assert "SPEAKER" in transcript.to_rttm()
    assert all(s.text in transcript.to_eaf() for s in segments)


def test_R1_segments_without_any_times_are_refused_with_what_to_do():
    with pytest.raises(ConfigError, match="word_timestamps=True"):
        Transcript([Segment("One."), Segment("Two.")]).to_srt()
