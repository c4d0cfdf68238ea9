"""Transcripts: folding, exports, and files that independent parsers read."""

from __future__ import annotations

import json

import pysubs2
import pytest
import webvtt

from smallest_nb.errors import ConfigError
from smallest_nb.transcript import Segment, Transcript, Word


def spoken(text: str, start: float = 0.0, speaker: int | None = None) -> Segment:
    words = tuple(Word(w, start + i * 0.5, start + i * 0.5 + 0.4, 0.9, speaker) for i, w in enumerate(text.split()))
    return Segment(text, True, words[0].start, words[-1].end, words, speaker=speaker)


def test_interim_is_rewritten_and_final_freezes():
    transcript = Transcript()
    assert transcript.apply(Segment("hel", is_final=False)) == (0, Segment("hel", is_final=False))
    transcript.apply(Segment("hello", is_final=False))
    assert (len(transcript), transcript.interim.text) == (0, "hello")
    transcript.apply(Segment("Hello."))
    assert (transcript.text, transcript.interim) == ("Hello.", None)
    transcript.apply(Segment(""))
    assert len(transcript) == 1


def test_dataframe_by_word_and_by_segment():
    transcript = Transcript([spoken("one two"), spoken("three", 2.0, speaker=1)])
    words = transcript.to_dataframe()
    assert words["text"].tolist() == ["one", "two", "three"]
    assert words["segment"].tolist() == [0, 0, 1]
    assert transcript.to_dataframe("segment")["text"].tolist() == ["one two", "three"]
    assert Transcript([Segment("x")]).to_dataframe()["text"].tolist() == ["x"]
    with pytest.raises(ConfigError, match="'line'"):
        transcript.to_dataframe("line")


def test_json_goes_round():
    transcript = Transcript([spoken("one two", speaker=0), Segment("three")])
    again = Transcript.from_json(transcript.to_json())
    assert again.segments == transcript.segments
    for bad in ("", "[]", '{"segments": [{"nope": 1}]}', json.dumps({"segments": 3})):
        with pytest.raises(ConfigError, match="to_json"):
            Transcript.from_json(bad)


HOSTILE = "a <b> & {c} \\N d --> e"


def test_srt_is_read_by_another_parser():
    subtitles = pysubs2.SSAFile.from_string(Transcript([spoken("one two"), spoken("three", 2)]).to_srt(), format_="srt")
    assert [(e.start, e.end, e.plaintext) for e in subtitles] == [(0, 900, "one two"), (2000, 2400, "three")]
    assert "{c} \\N" in Transcript([spoken(HOSTILE)]).to_srt()


def test_vtt_is_read_by_another_parser():
    text = Transcript([spoken(HOSTILE, speaker=0)]).to_vtt()
    captions = list(webvtt.from_string(text))
    assert len(captions) == 1
    assert captions[0].voice == "Speaker 1"
    assert "&lt;b&gt; &amp; {c}" in captions[0].raw_text
    assert text.count("-->") == 1


def test_long_segments_become_cues_of_two_short_lines():
    text = " ".join(f"word{i}" for i in range(60))
    captions = list(webvtt.from_string(Transcript([spoken(text)]).to_vtt()))
    assert len(captions) > 3
    assert max(len(line) for c in captions for line in c.lines) <= 42
    assert max(len(c.lines) for c in captions) <= 2
    assert " ".join(c.text.replace("\n", " ") for c in captions) == text


def test_subtitles_without_times_say_what_to_do():
    with pytest.raises(ConfigError, match="word_timestamps"):
        Transcript([Segment("x")]).to_srt()


def test_the_html_face_escapes():
    assert "<b>Speaker 1:</b> &lt;i&gt;" in Transcript([Segment("<i>", speaker=0)])._repr_html_()
