"""TextGrid as praatio reads it, RTTM as NIST defines its columns."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from praatio import textgrid
from pyannote.database.util import load_rttm

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Recording, Segment, Transcript, Word


def spoken(text: str, start: float = 0.0, speaker: int | None = None) -> Segment:
    words = tuple(Word(w, start + i * 0.5, start + i * 0.5 + 0.4, 0.9, speaker) for i, w in enumerate(text.split()))
    return Segment(text, True, words[0].start, words[-1].end, words, speaker=speaker)


def opened(transcript: Transcript, folder) -> textgrid.Textgrid:
    path = transcript.save(folder / "a.TextGrid")
    return textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")


def test_a_textgrid_has_a_tier_per_speaker_and_one_of_words(tmp_path):
    transcript = Transcript([spoken('say "hi" now', 1, 0), spoken("yes", 4, 1), spoken("so\nso", 6, 0)])
    transcript.rename(0, 'Ada "A"')
    grid = opened(transcript, tmp_path)
    assert grid.tierNames == ('Ada "A"', "Speaker 2", "words")
    assert 'text = "say ""hi"" now"' in transcript.to_textgrid()  # Praat's own rule; praatio reads it either way
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 6.9)
    assert [tuple(e) for e in grid.getTier('Ada "A"').entries] == [
        (0, 1, ""),
        (1, 2.4, 'say "hi" now'),
        (2.4, 6, ""),
        (6, 6.9, "so so"),
    ]
    assert [e.label for e in grid.getTier("words").entries if e.label] == ["say", '"hi"', "now", "yes", "so", "so"]


def test_tiers_have_names_of_their_own(tmp_path):
    transcript = Transcript([spoken("a", 0, 0), spoken("b", 1, 1), spoken("c", 2, 2), Segment("d", start=3, end=4)])
    for speaker, name in enumerate(("Ada", "Ada", "words")):
        transcript.rename(speaker, name)
    assert opened(transcript, tmp_path).tierNames == ("Ada", "Ada 2", "words 2", "segments", "words")


def test_overlaps_are_trimmed(tmp_path):
    said = [Segment("a", start=0, end=3), Segment("b", start=2, end=2.5), Segment("c", start=2, end=4)]
    entries = opened(Transcript(said), tmp_path).getTier("segments").entries
    assert [tuple(e) for e in entries] == [(0, 2, "a"), (2, 2.5, "b"), (2.5, 4, "c")]


def test_a_textgrid_needs_text_and_times():
    with pytest.raises(ConfigError, match="empty"):
        Transcript().to_textgrid()
    with pytest.raises(ConfigError, match="word_timestamps=True"):
        Transcript([Segment("a")]).to_textgrid()


_text = st.text(st.characters(codec="utf-8"), max_size=12)
_time = st.floats(0, 20)
_speaker = st.none() | st.integers(0, 2)
_word = st.builds(Word, _text, _time, _time, st.none(), _speaker)
_segment = st.builds(
    Segment, st.just("x") | _text, st.just(True), _time, _time, st.lists(_word, max_size=4).map(tuple), speaker=_speaker
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_segment, min_size=1, max_size=6))
def test_tiers_are_contiguous_from_zero_to_the_end(tmp_path_factory, segments):
    transcript = Transcript([Segment("first", start=0.5, end=0.7), *segments])
    grid = opened(transcript, tmp_path_factory.mktemp("grid"))
    for tier in grid.tiers:
        entries = tier.entries
        assert (entries[0].start, entries[-1].end) == (0, grid.maxTimestamp)
        assert all(e.start < e.end for e in entries)
        assert all(a.end == b.start for a, b in itertools.pairwise(entries))
    labels = sum(bool(e.label) for t in grid.tiers if t.name == "words" for e in t.entries)
    assert labels <= len(transcript.words)


@pytest.mark.parametrize(("seconds", "end"), [(5.0, 5), (0.5, 1), (1.0, 1), (12.3456875, 12.346)])
def test_E9_the_grid_is_as_long_as_the_recording(tmp_path, seconds, end):
    recording = Recording(16000)
    recording.write(bytes(2 * round(seconds * 16000)))
    words = (Word("one", 0, 0.4, None, 0), Word("two", 0.5, 1.0, None, 1))
    grid = opened(Transcript([Segment("one two", True, 0, 1, words)], recording=recording), tmp_path)
    assert grid.maxTimestamp == end
    assert {tier.entries[-1].end for tier in grid.tiers} == {end}
    assert grid.getTier("words").entries[1].label == "two" or grid.getTier("words").entries[2].label == "two"


def test_E9_a_recording_in_which_no_one_speaks_and_a_slice(tmp_path):
    recording = Recording(8000, max_seconds=2)  # what was dropped counts: times are the session's
    recording.write(bytes(2 * 8000 * 5))
    silent = opened(Transcript(recording=recording), tmp_path)
    assert [(t.name, [tuple(e) for e in t.entries]) for t in silent.tiers] == [("segments", [(0, 5, "")])]
    said = Transcript([spoken("a", 0), spoken("b", 1)], recording=recording)
    assert opened(said[:1], tmp_path).maxTimestamp == 5


def columns(text: str) -> list[list[str]]:
    rows = [line.split(" ") for line in text.splitlines()]
    assert all(len(row) == 10 and row[0] == "SPEAKER" and row[2] == "1" for row in rows)
    assert all(row[5] == row[6] == row[8] == row[9] == "<NA>" for row in rows)
    assert all(float(row[3]) >= 0 and float(row[4]) > 0 for row in rows)
    return rows


def test_rttm_has_a_line_for_each_stretch_of_a_speaker():
    mixed = Segment(
        "a b c",
        True,
        5,
        8,
        (Word("a", 5, 6, None, 1), Word("b", 6, 7, None, 0), Word("c", 7, 8, None, None)),
        speaker=0,
    )
    transcript = Transcript([mixed, spoken("one two", 1, 0), Segment("x", start=2, end=2, speaker=2), Segment("who")])
    transcript.rename(0, "Ada King")
    transcript.rename(2, "Ada King")
    assert [(row[1], float(row[3]), float(row[4]), row[7]) for row in columns(transcript.to_rttm("talk"))] == [
        ("talk", 1, 0.9, "Ada_King"),
        ("talk", 2, 0.001, "Ada_King_2"),
        ("talk", 5, 1, "Speaker_2"),
        ("talk", 6, 2, "Ada_King"),
    ]


ODD = [
    "None",
    "NA",
    "null",
    "nan",
    "N/A",
    "<NA>",
    "-nan",
    "NULL",
    "#N/A",
    "n/a",
    "none",
    '"Ada',
    '"',
    "'Ada'",
    ";x",
    "#1",
    "  ",
    "",
    "\u3000",
]


def as_pyannote_reads(transcript, tmp_path, file_id="talk"):
    path = tmp_path / "a.rttm"
    path.write_text(transcript.to_rttm(file_id), encoding="utf-8")
    return load_rttm(path)


@pytest.mark.parametrize("name", ODD)
def test_E10_every_name_and_file_id_is_read_as_a_name(tmp_path, name):
    turns = [Segment("a", start=i, end=i + 1, speaker=i % 2) for i in range(4)]
    transcript = Transcript(turns, names={0: name, 1: name})
    file_id = name if name.strip() else "talk"
    (read,) = as_pyannote_reads(transcript, tmp_path, file_id).items()
    assert read[0].lstrip("_") == file_id
    assert len(read[1]) == 4
    labels = read[1].labels()
    assert len(set(labels)) == 2
    assert all(isinstance(label, str) for label in labels)
    assert all(name.strip() in label for label in labels)
    columns(transcript.to_rttm(file_id))
    path = transcript.save(tmp_path / f"{name.replace('/', '').strip() or 'talk'}.rttm")
    assert len(load_rttm(path)) == 1


def test_E10_no_line_stands_twice_and_no_speaker_overlaps_with_themselves(tmp_path):
    said = [
        Segment("a", start=0, end=2, speaker=0),
        Segment("a", start=0, end=2, speaker=0),
        Segment("b", start=1, end=3, speaker=0),
        Segment("c", start=1.5, end=1.5, speaker=1),
        Segment("c", start=1.5, end=1.50004, speaker=1),
        Segment("d", start=3, end=4, speaker=0),
        Segment("e", start=9, end=8, speaker=0),
        Segment("f", start=-1, end=0.5, speaker=1),
        Segment("", start=20, end=21, speaker=1),
    ]
    transcript = Transcript(said)
    rows = [(float(r[3]), float(r[4]), r[7]) for r in columns(transcript.to_rttm())]
    assert rows == [
        (0, 0.5, "Speaker_2"),
        (0, 3, "Speaker_1"),
        (1.5, 0.001, "Speaker_2"),
        (3, 1, "Speaker_1"),
        (9, 0.001, "Speaker_1"),
        (20, 1, "Speaker_2"),
    ]
    (annotation,) = as_pyannote_reads(transcript, tmp_path).values()
    assert len(list(annotation.itertracks())) == len(rows)


@settings(max_examples=80, deadline=None)
@given(st.lists(_segment, min_size=1, max_size=8), st.lists(st.text(max_size=8) | st.sampled_from(ODD), max_size=3))
def test_turns_of_one_speaker_never_overlap(tmp_path_factory, segments, names):
    transcript = Transcript([Segment("x", start=0, end=1, speaker=0), *segments], names=dict(enumerate(names)))
    rows = columns(transcript.to_rttm())
    assert len(set(map(tuple, rows))) == len(rows)
    for speaker in {r[7] for r in rows}:
        spans = sorted(
            (round(float(r[3]) * 1000), round((float(r[3]) + float(r[4])) * 1000)) for r in rows if r[7] == speaker
        )
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    (annotation,) = as_pyannote_reads(transcript, tmp_path_factory.mktemp("rttm")).values()
    assert len(list(annotation.itertracks())) == len(rows)


def test_rttm_refuses_what_it_cannot_tell():
    with pytest.raises(ConfigError, match="diarize=True"):
        Transcript([spoken("a")]).to_rttm()
    with pytest.raises(ConfigError, match="word_timestamps=True"):
        Transcript([Segment("a", speaker=0)]).to_rttm()
    with pytest.raises(ConfigError, match="word_timestamps=True"):
        Transcript([Segment("a", start=0, end=math.inf, speaker=0)]).to_rttm()
    for name in ("", "a b", "a\tb", None):
        with pytest.raises(ConfigError, match="file_id"):
            Transcript([spoken("a", 0, 0)]).to_rttm(name)
