"""What each format keeps of a transcript that is written, and read again; and that nothing makes an export fail."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Recording, Segment, Transcript, Word

TOKENS = [
    "Hello", "so", "Ünïcödé", "<b>", "&amp;", "&", "{c}", "\\N", "a=b", "=", '"quoted"', "it's", "1984", "--", "#1", ";;",
    "नमस्ते", "שלום", "مرحبا", "天气", "👍", "x" * 30, "None", "null", "12.", "a:", "\u200fa", "%s", "_", "-->",
]  # fmt: skip
NAMES = ["Ada", "Bob King", "Ünal", 'A "B"', "None", "NA", "<v x>", "R&D", "שרה", "名前", "O'Neil", "Ada"]


@st.composite
def transcripts(draw):
    """Segments one after the other, long enough to be read, with words that make up their text."""
    segments, at = [], draw(st.sampled_from([0.0, 0.5, 3599.0, 360_000.25]))
    for _ in range(draw(st.integers(1, 5))):
        at = round(at + draw(st.sampled_from([0.0, 0.001, 0.6, 7.0])), 3)
        tokens = draw(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=4))
        speaker = draw(st.integers(0, 2))
        length = draw(st.sampled_from([6.5, 6.875]))
        step = round(length / len(tokens), 3)
        words = [
            Word(
                t,
                round(at + i * step, 3),
                round(at + (i + 1) * step, 3),
                draw(st.sampled_from([None, 0.5, 0.9375])),
                speaker,
            )
            for i, t in enumerate(tokens)
        ]
        words[-1] = Word(tokens[-1], words[-1].start, round(at + length, 3), words[-1].confidence, speaker)
        segments.append(Segment(" ".join(tokens) + ".", True, at, round(at + length, 3), tuple(words), speaker=speaker))
        at = round(at + length, 3)
    names = draw(st.dictionaries(st.integers(0, 2), st.sampled_from(NAMES), max_size=3))
    return Transcript(segments, names=names)


def again(transcript, folder, suffix, **more):
    path = transcript.save(folder / f"talk{suffix}", **more)
    return Transcript.load(path)


def spoken(transcript):
    names = {None: None, **transcript.speakers}
    return [(s.start, s.end, names[s.speaker], s.text) for s in transcript]


def timed(transcript):
    return [(w.text, w.start, w.end) for w in transcript.words]


QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def same_people(first, second):
    """Whether the turns of two transcripts have the same speakers, whatever their numbers."""
    pairs = {(a.speaker, b.speaker) for a, b in zip(first, second, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@QUICK
@given(transcripts())
def test_json_keeps_everything(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".json")
    assert (found.segments, found.names) == (transcript.segments, transcript.names)


@QUICK
@given(transcripts())
def test_webvtt_keeps_speakers_texts_and_times(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".vtt")
    assert spoken(found) == spoken(transcript)
    assert found.words == []


@QUICK
@given(transcripts())
def test_srt_keeps_texts_and_times(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".srt")
    expected = [(s.start, s.end, s.text.replace("<b>", "").replace("-->", "→").split()) for s in transcript]
    cues = iter(found)
    for start, end, tokens in expected:  # a segment may be more than one cue
        cue = next(cues)
        assert cue.start == start
        said = cue.text.split()
        while cue.end != end:
            cue = next(cues)
            said += cue.text.split()
        assert said[-len(tokens) :] == tokens or "{\\" in transcript.text
    assert next(cues, None) is None


@QUICK
@given(transcripts())
def test_textgrid_keeps_speakers_texts_words_and_times(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".TextGrid")
    assert [s[:2] + s[3:] for s in spoken(found)] == [s[:2] + s[3:] for s in spoken(transcript)]
    assert same_people(transcript, found)
    assert timed(found) == timed(transcript)
    assert [w.speaker for w in found.words] == [s.speaker for s in found for _ in s.words]
    if len(set(transcript.names.values())) == len(transcript.names):
        assert spoken(found) == spoken(transcript)


@QUICK
@given(transcripts())
def test_eaf_keeps_speakers_texts_words_and_times(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".eaf")
    assert [s[:2] + s[3:] for s in spoken(found)] == [s[:2] + s[3:] for s in spoken(transcript)]
    assert timed(found) == timed(transcript)
    if len(set(transcript.names.values())) == len(transcript.names):
        assert spoken(found) == spoken(transcript)


@QUICK
@given(transcripts())
def test_rttm_keeps_speakers_and_times(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".rttm")
    assert [(s.start, s.end) for s in found] == [(s.start, s.end) for s in transcript]
    assert same_people(transcript, found)
    assert found.to_rttm("talk") == transcript.to_rttm("talk")


@QUICK
@given(transcripts())
def test_ctm_keeps_words_times_and_confidence(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".ctm")
    assert timed(found) == timed(transcript)
    assert [w.confidence for w in found.words] == [w.confidence for w in transcript.words]


@QUICK
@given(transcripts())
def test_stm_keeps_speakers_texts_and_times(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".stm")
    assert [s[:2] + s[3:] for s in spoken(found)] == [s[:2] + s[3:] for s in spoken(transcript)]
    assert same_people(transcript, found)


@QUICK
@given(transcripts())
def test_labels_keep_names_texts_and_times(tmp_path_factory, transcript):
    found = again(transcript, tmp_path_factory.mktemp("trip"), ".txt", format="audacity")
    assert [s[:2] for s in spoken(found)] == [s[:2] for s in spoken(transcript)]
    for before, after in zip(spoken(transcript), spoken(found), strict=True):
        assert after[3] in (before[3], f"{before[2]}: {before[3]}")


# What no export may fail at


HOSTILE = [
    "", " ", "a\nb", "a\tb", "a\x00b", "\ud800", "a --> b", "&<>", " = ", '"', "'", "\\", "{x}", "]]>", "<!--", "\x1b[31m", "\u2028",
    "\x85", "\ufeff", "\ufffe\uffff", "x" * 500, "-", "\u202eabc", "\u00a0", "SPEAKER", "1\n00:00:01,000 --> 00:00:02,000\nx", "WEBVTT",
]  # fmt: skip
TIMES = [0.0, -1.0, -0.0004, 0.1, 0.1 + 0.2, 0.3, 0.3004, 1.0, 1.0004, 0.99951, 359_999.9996, 360_000.0, 5.0, 2.0]
EXPORTS = ("srt", "vtt", "textgrid", "rttm", "eaf", "ctm", "stm", "audacity", "json", "text")
_word = st.builds(
    Word,
    st.sampled_from(HOSTILE) | st.text(max_size=6),
    st.sampled_from([*TIMES, math.nan, math.inf]),
    st.sampled_from([*TIMES, math.nan]),
    st.none() | st.floats(0, 1),
    st.none() | st.integers(0, 2),
)
_segment = st.builds(
    Segment,
    st.sampled_from(HOSTILE) | st.text(max_size=30),
    st.just(True),
    st.sampled_from(TIMES),
    st.sampled_from(TIMES),
    st.lists(_word, max_size=4).map(tuple),
    speaker=st.none() | st.integers(0, 2),
    source=st.sampled_from([None, "a.wav", "-->\n", ""]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(_segment, max_size=5),
    st.dictionaries(st.integers(0, 2), st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=3),
    st.booleans(),
)
def test_every_export_of_anything_is_a_file_that_is_read_again(tmp_path_factory, segments, names, recorded):
    first = Segment("First one.", True, 0.0, 1.0, speaker=0)
    transcript = Transcript([first, *segments], names=names, recording=Recording(8000) if recorded else None)
    folder = tmp_path_factory.mktemp("any")
    for kind in EXPORTS:
        if kind == "json":  # it refuses a time that is NaN
            continue
        path = folder / f"a.{kind}"
        path.write_text(getattr(transcript, f"to_{kind}")(), encoding="utf-8", newline="")
        if kind == "text":
            continue
        found = Transcript.load(path)
        assert len(found) >= 1, kind
        if kind == "eaf":
            ET.parse(path)
        assert all(s.start >= 0 and s.end >= s.start for s in found), kind


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_empty_transcript_and_one_without_times(kind):
    write = getattr(Transcript, f"to_{kind}")
    if kind in ("textgrid", "rttm"):
        with pytest.raises(ConfigError, match="empty|no segment has a speaker"):
            write(Transcript())
    else:
        write(Transcript())
    if kind in ("json", "text"):
        return
    for bad in (None, math.nan, math.inf):
        with pytest.raises(ConfigError, match="word_timestamps=True"):
            write(Transcript([Segment("a", start=bad, end=1.0, speaker=0)]))
    with pytest.raises(ConfigError, match=r"1e\+200 s cannot be written"):
        write(Transcript([Segment("a", start=1e200, end=1e200, speaker=0)]))
