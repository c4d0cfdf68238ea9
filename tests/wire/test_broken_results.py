"""Results of which something cannot be read: that costs what cannot be read, never the text, never the session."""

from __future__ import annotations

import json
import math

import pytest

from smallest_nb.api.stt_wire import TranscriptFrame, parse_stt_frame
from smallest_nb.client.recording_answer import parse_recording

GOOD = {"word": "one", "start": 0.0, "end": 0.1}
LAST = {"word": "three", "start": 0.4, "end": 0.5}

BROKEN_WORDS = {
    "no times": {"word": "two"},
    "no end": {"word": "two", "start": 0.2},
    "null": {"word": "two", "start": None, "end": None},
    "text": {"word": "two", "start": "soon", "end": "later"},
    "NaN": {"word": "two", "start": math.nan, "end": 0.3},
    "infinity": {"word": "two", "start": 0.2, "end": math.inf},
    "negative": {"word": "two", "start": -1, "end": 0.3},
    "huge": {"word": "two", "start": 0.2, "end": 1e300},
    "a whole number that no float holds": {"word": "two", "start": 10**400, "end": 10**400},
    "reversed": {"word": "two", "start": 0.3, "end": 0.2},
    "booleans": {"word": "two", "start": False, "end": True},
    "lists": {"word": "two", "start": [0.2], "end": {"s": 0.3}},
    "no word": {"start": 0.2, "end": 0.3},
    "a word that is null": {"word": None, "start": 0.2, "end": 0.3},
    "a word that is a list": {"word": ["two"], "start": 0.2, "end": 0.3},
    "a string": "two",
    "a number": 2,
    "null itself": None,
    "a list": ["two", 0.2, 0.3],
}


def frame(**more) -> str:
    result = {"type": "transcription", "transcript": "One two three.", "is_final": True, "words": [GOOD, LAST]}
    return json.dumps(result | more)


@pytest.mark.parametrize("broken", BROKEN_WORDS.values(), ids=BROKEN_WORDS)
def test_R1_a_word_that_cannot_be_read_costs_its_times_only(broken):
    event = parse_stt_frame(frame(words=[GOOD, broken, LAST]))
    assert isinstance(event, TranscriptFrame)
    assert event.segment.text == "One two three."
    assert [w.text for w in event.segment.words] == ["one", "three"]
    assert (event.segment.start, event.segment.end, event.ends_exactly) == (0.0, 0.5, True)


@pytest.mark.parametrize("broken", BROKEN_WORDS.values(), ids=BROKEN_WORDS)
def test_R1_a_recordings_word_that_cannot_be_read_costs_its_times_only(broken):
    body = {"transcription": "One two three.", "words": [GOOD, broken, LAST]}
    utterances = [{"text": "One two three.", "start": 0.0, "end": 0.5}]
    for more in ({}, {"utterances": []}, {"utterances": None}, {"utterances": utterances}):
        (segment,) = parse_recording(body | more)
        assert segment.text == "One two three."
        assert [w.text for w in segment.words] == ["one", "three"]
        assert (segment.start, segment.end) == (0.0, 0.5)


@pytest.mark.parametrize("broken", BROKEN_WORDS.values(), ids=BROKEN_WORDS)
def test_R1_where_the_last_word_has_no_time_the_end_is_not_exact(broken):
    event = parse_stt_frame(frame(words=[GOOD, broken]))
    assert (event.segment.end, event.ends_exactly) == (0.1, False)


def test_R1_numbers_that_come_as_strings_are_numbers():
    word = {"word": "two", "start": "0.2", "end": "0.3", "confidence": "0.9", "speaker": "1"}
    (read,) = parse_stt_frame(frame(words=[word])).segment.words
    assert (read.start, read.end, read.confidence, read.speaker) == (0.2, 0.3, 0.9, 1)


@pytest.mark.parametrize("words", [None, "one two", 7, {"word": "one"}, True, [], [[]], [{}]], ids=repr)
@pytest.mark.parametrize("name", ["words", "utterances"])
def test_R1_lists_of_another_form_cost_their_times(words, name):
    segment = parse_stt_frame(frame(**({"words": None} | {name: words}))).segment
    assert (segment.text, segment.words, segment.sentences, segment.start) == ("One two three.", (), (), None)
    (recorded,) = parse_recording({"transcription": "One two three.", name: words})
    assert (recorded.text, recorded.words) == ("One two three.", ())


@pytest.mark.parametrize(
    ("speaker", "read"),
    [(0, 0), (3, 3), (1.0, 1), ("2", 2), ("speaker_4", 4), ("Speaker 5", 5), (None, None), (True, None), (-1, None),
     ("-1", None), (1.5, None), (math.nan, None), (10**400, None), ("9" * 5000, None), ([1], None), ({"id": 1}, None),
     ("A", None), ("", None)],
    ids=lambda v: repr(v)[:20],
)  # fmt: skip
def test_R1_speakers_of_any_type(speaker, read):
    word = {**GOOD, "speaker": speaker}
    segment = parse_stt_frame(frame(words=[word])).segment
    assert (segment.text, segment.words[0].speaker, segment.speaker) == ("One two three.", read, read)
    (recorded,) = parse_recording({"transcription": "One two three.", "words": [word]})
    assert recorded.words[0].speaker == read


def test_R1_a_word_without_times_still_has_a_speaker():
    words = [{**GOOD, "speaker": 0}, {"word": "two", "speaker": 1}, {"word": "three", "speaker": 1}]
    assert parse_stt_frame(frame(words=words)).segment.speaker == 1


@pytest.mark.parametrize("confidence", [None, "high", math.nan, -0.1, 1.1, True, [0.5]], ids=repr)
def test_R1_a_confidence_that_is_none(confidence):
    (word,) = parse_stt_frame(frame(words=[{**GOOD, "confidence": confidence}])).segment.words
    assert word.confidence is None


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"transcript": None, "transcription": "From the other field."}, "From the other field."),
        ({"transcript": None}, "one three"),
        ({"transcript": ["x"], "words": ["one", {"word": "two"}, None]}, "one two"),
        ({"transcript": None, "words": None, "utterances": [{"text": "A sentence."}]}, "A sentence."),
        ({"transcript": "", "words": None}, ""),
        ({"transcript": 17}, "17"),
        ({"transcript": None, "words": None}, ""),
    ],
)
def test_R1_a_transcript_that_is_null_is_read_from_what_there_is(more, text):
    assert parse_stt_frame(frame(**more)).segment.text == text


@pytest.mark.parametrize(
    ("utterances", "texts"),
    [
        ([{"text": "One two", "start": 0.0, "end": 0.3}, {"text": "three."}], ["One two", "three."]),
        ([{"transcript": "One two", "start": 0.0, "end": "x"}, {"transcription": "three."}], ["One two", "three."]),
        (["One two", "three."], ["One two", "three."]),
        ([{"text": "One two", "start": 0.0, "end": 0.3}, None], ["One two three."]),
        ([{"text": "One two", "start": 0.0, "end": 0.3}, {"start": 0.3, "end": 0.5}], ["One two three."]),
        ([{"text": None}], ["One two three."]),
        ({"text": "One two"}, ["One two three."]),
    ],
)
def test_R1_utterances_of_odd_forms_lose_no_text(utterances, texts):
    body = {"transcription": "One two three.", "words": [GOOD, LAST], "utterances": utterances}
    transcript = parse_recording(body)
    assert [segment.text for segment in transcript] == texts
    assert [w.text for w in transcript.words] == ["one", "three"]
    if not isinstance(utterances, dict):
        assert parse_stt_frame(frame(utterances=utterances)).segment.text == "One two three."


@pytest.mark.parametrize(
    "more",
    [
        {"language": 5},
        {"language": None, "languages": 7},
        {"languages": []},
        {"languages": [None]},
        {"language": ["en"]},
    ],
    ids=repr,
)
def test_R1_a_language_that_is_none(more):
    assert parse_stt_frame(frame(**more)).segment.language is None
    (segment,) = parse_recording({"transcription": "x", **more})
    assert segment.language is None


@pytest.mark.parametrize(("value", "read"), [(True, True), ("true", True), (1, True), ("false", False), (None, False)])
def test_R1_flags_that_come_as_strings(value, read):
    assert parse_stt_frame(frame(is_final=value)).segment.is_final is read


def test_R1_no_final_is_lost_between_two_good_ones_in_exports_either():
    (segment,) = parse_recording({"transcription": "One two three.", "words": [GOOD, {"word": "two"}, LAST]})
    transcript = parse_recording({"transcription": "One two three.", "words": [GOOD, {"word": "two"}, LAST]})
    assert segment.text == "One two three."
    for text in (transcript.to_srt(), transcript.to_vtt(), transcript.text):
        assert "two" in text
    assert transcript.search("two")[0].words == ()
    assert [w.text for w in transcript.search("three")[0].words] == ["three"]
