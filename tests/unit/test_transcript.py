"""Transcripts: folding, speakers, search, tables, JSON, files, the HTML face."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Recording, Segment, Transcript, Word


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


def test_slices_share_names_sound_and_listeners():
    whole = Transcript([spoken("one"), spoken("two", 1, 1)], recording=Recording(8000))
    part, reported = whole[1:], []
    whole.on_rename(lambda *a: reported.append(a))
    part.rename(1, " Ada ")
    assert (whole.names, part.text, part.recording is whole.recording) == ({1: "Ada"}, "two", True)
    assert reported == [(1, "Ada")]


def test_clear_drops_text_and_names_but_not_those_of_a_slice():
    whole, reported = Transcript([spoken("one", speaker=0)]), []
    whole.rename(0, "Ada")
    part = whole[:]
    whole.on_rename(lambda *a: reported.append(a))
    whole.clear()
    assert (len(whole), whole.names, reported) == (0, {}, [(0, "")])
    assert part.speakers == {0: "Ada"}


def test_speakers_are_those_of_segments_and_words_by_number():
    transcript = Transcript([spoken("b", speaker=3), Segment("a", words=(Word("a", 0, 1, None, 1),)), Segment("x")])
    transcript.rename(1, "Ada")
    transcript.rename(7, "someone else")
    assert list(transcript.speakers.items()) == [(1, "Ada"), (3, "Speaker 4")]
    transcript.rename(1, "  ")
    assert (transcript.name_of(1), transcript.names) == ("Speaker 2", {7: "someone else"})


@pytest.mark.parametrize(
    ("speaker", "name"),
    [(-1, "x"), (True, "x"), (1.0, "x"), ("0", "x"), (0, "x" * 81), (0, "a\nb"), (0, "a\u2028b"), (0, "\x00"), (0, 3)],
)
def test_names_that_cannot_be_are_refused(speaker, name):
    transcript = Transcript()
    with pytest.raises(ConfigError):
        transcript.rename(speaker, name)
    assert transcript.names == {}


def test_a_listener_that_fails_does_not_stop_the_others(caplog):
    transcript, reported = Transcript(), []
    transcript.on_rename(lambda *_: 1 / 0)
    end = transcript.on_rename(lambda *a: reported.append(a))
    transcript.rename(0, "x" * 80)
    end()
    transcript.rename(0, "")
    assert reported == [(0, "x" * 80)]
    assert "ZeroDivisionError" in caplog.text


def test_dataframe_by_word_and_by_segment():
    transcript = Transcript([spoken("one two"), spoken("three", 2.0, speaker=1)])
    transcript.rename(1, "Ada")
    words = transcript.to_dataframe()
    assert words["text"].tolist() == ["one", "two", "three"]
    assert words["segment"].tolist() == [0, 0, 1]
    assert words["name"].fillna("").tolist() == ["", "", "Ada"]
    assert pd.api.types.is_numeric_dtype(words["speaker"])
    segments = transcript.to_dataframe("segment")
    assert segments["text"].tolist() == ["one two", "three"]
    assert segments["name"].fillna("").tolist() == ["", "Ada"]
    assert Transcript([Segment("x")]).to_dataframe()["text"].tolist() == ["x"]
    assert "name" not in Transcript([spoken("x")]).to_dataframe().columns
    with pytest.raises(ConfigError, match="'line'"):
        transcript.to_dataframe("line")


def test_json_goes_round():
    transcript = Transcript([spoken("one two", speaker=0), Segment("three")])
    transcript.rename(0, "Ada")
    again = Transcript.from_json(transcript.to_json())
    assert (again.segments, again.names) == (transcript.segments, {0: "Ada"})
    assert json.loads(transcript.to_json())["version"] == 1
    assert Transcript.from_json('{"version": 1, "segments": [{"text": "old"}]}').text == "old"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "[]",
        "null",
        '{"segments": [{"nope": 1}]}',
        '{"segments": 3}',
        '{"segments": [3]}',
        '{"segments": [{"text": 3}]}',
        '{"segments": [{"text": "a", "start": NaN}]}',
        '{"segments": [{"text": "a", "start": 1e999}]}',
        '{"segments": [{"text": "a", "end": "1"}]}',
        '{"segments": [{"text": "a", "end": 1' + "0" * 400 + "}]}",
        '{"segments": [{"text": "a", "speaker": -1}]}',
        '{"segments": [{"text": "a", "speaker": 1.5}]}',
        '{"segments": [{"text": "a", "is_final": 0}]}',
        '{"segments": [{"text": "a", "words": [{"text": "a"}]}]}',
        '{"segments": [{"text": "a", "words": {"text": "a"}}]}',
        '{"segments": [{"text": "a", "words": 7}]}',
        '{"segments": [], "names": {"x": "Ada"}}',
        '{"segments": [], "names": {"0": "a\\nb"}}',
        '{"segments": [], "names": ["Ada"]}',
        '{"segments": [], "version": 2}',
        "[" * 100_000,
    ],
)
def test_json_of_something_else_is_refused(bad):
    with pytest.raises(ConfigError, match="to_json"):
        Transcript.from_json(bad)


def test_nan_is_not_written():
    with pytest.raises(ConfigError, match="JSON"):
        Transcript([Segment("a", start=float("nan"))]).to_json()


_number = st.floats(allow_nan=False, allow_infinity=False)
_speaker = st.none() | st.integers(0, 99)
_text = st.text(st.characters(), max_size=20)  # halves of characters too
_words = st.lists(st.builds(Word, _text, _number, _number, st.none() | _number, _speaker), max_size=4).map(tuple)
_segments = st.builds(
    Segment, _text, st.booleans(), st.none() | _number, st.none() | _number, _words, _words, _speaker, st.none() | _text
)
_names = st.dictionaries(st.integers(0, 99), st.from_regex(r"[A-Za-z\u0900-\u097f\"<&\\]{1,80}", fullmatch=True))


@settings(deadline=None)
@given(st.lists(_segments, max_size=4), _names)
def test_any_transcript_goes_round_as_json(segments, names):
    text = Transcript(segments, names=names).to_json()
    again = Transcript.from_json(text.encode().decode())
    assert (again.segments, again.names) == (segments, names)


def test_search_finds_text_with_its_words_and_time():
    transcript = Transcript([spoken("one two"), spoken("One, more (two) three", 10)])
    hits = transcript.search("one")
    assert [(m.segment, m.start, m.end, m.text, m.at) for m in hits] == [(0, 0, 3, "one", 0.0), (1, 0, 3, "One", 10.0)]
    assert [m.segment for m in transcript.search("one", ignore_case=False)] == [0]
    match = transcript.search(r"\btwo\W+thr", regex=True)[0]
    assert ([w.text for w in match.words], match.at) == (["(two)", "three"], 11.0)
    assert transcript[match.segment].text[match.start : match.end] == match.text
    assert transcript.search("(") != []
    assert transcript.search("x*", regex=True) == []


def test_search_walks_words_that_differ_from_the_text():
    def words(*texts: str) -> tuple[Word, ...]:
        return tuple(Word(t, i, i + 1) for i, t in enumerate(texts))

    punctuated = Segment("Well-known “Hello”, world.", words=words("well", "known", "hello", "world"))
    unspaced = Segment("你好世界", words=words("你", "好", "世界"))
    missing = Segment("the cat saw the dog", words=words("cat", "saw", "a", "dog"))
    transcript = Transcript([punctuated, unspaced, missing, Segment("bare cat", start=9.0), Segment("cat")])
    assert [w.text for w in transcript.search("Hello”, w")[0].words] == ["hello", "world"]
    assert [(w.text, w.start) for w in transcript.search("好世")[0].words] == [("好", 1), ("世界", 2)]
    assert [w.text for w in transcript.search("你")[0].words] == ["你"]
    assert Transcript([Segment("abcd", words=words("a"))]).search("a")[0].words == ()
    assert [(m.segment, [w.text for w in m.words], m.at) for m in transcript.search("cat")] == [
        (2, ["cat"], 0),
        (3, [], 9.0),
        (4, [], None),
    ]
    assert [w.text for w in transcript.search("saw the dog")[0].words] == ["saw", "dog"]


@pytest.mark.parametrize("pattern", ["", None, 3])
def test_search_needs_something_to_find(pattern):
    with pytest.raises(ConfigError, match="pattern"):
        Transcript([spoken("a")]).search(pattern)


def test_search_names_a_bad_regular_expression():
    with pytest.raises(ConfigError, match=r"'\(oops'.*unterminated"):
        Transcript().search("(oops", regex=True)


@pytest.mark.parametrize("suffix", [".srt", ".vtt", ".json", ".csv", ".TextGrid", ".rttm", ".txt", ".SRT"])
def test_save_chooses_by_suffix(tmp_path, suffix):
    transcript = Transcript([spoken('héllo, "you"', speaker=0), spoken("=1+1", 3, speaker=1)])
    transcript.rename(0, "Ada")
    path = transcript.save(tmp_path / f"my talk{suffix}")
    assert path == tmp_path / f"my talk{suffix}"
    text = path.read_bytes().decode("utf-8")
    assert "Ada" in text
    assert "\r" not in text
    if suffix == ".csv":
        table = pd.read_csv(path)
        assert table["text"].tolist() == ["héllo,", '"you"', "'=1+1"]  # else a spreadsheet would calculate it
        assert table["name"].tolist() == ["Ada", "Ada", "Speaker 2"]
    if suffix == ".rttm":
        assert text.startswith("SPEAKER my_talk 1 0.000 0.900 ")
    if suffix == ".txt":
        assert text == 'Ada: héllo, "you"\nSpeaker 2: =1+1\n'


FORMULAS = [
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\uff1d1",
    "=cmd|' /C calc'!A0",
    '="a"',
    "\u3000=1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_K11_a_csv_cell_that_begins_like_a_formula_is_quoted(tmp_path, text):
    words = (Word(text, -1.5, 2.0, 0.5, 0), Word("a=b", 2.0, 3.0, None, 0))
    transcript = Transcript([Segment(f"{text} a=b", True, 0.0, 3.0, words, speaker=0)], names={0: text})
    for said in (transcript, Transcript([Segment(text, start=0, end=1, speaker=0, language=text)], names={0: text})):
        with said.save(tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert f"'{text}" in cells
        assert not [c for c in cells if c.strip()[:1] in tuple("=+@\uff1d")]
    assert pd.read_csv(transcript.save(tmp_path / "a.csv"))["start"].tolist() == [-1.5, 2.0]  # numbers stay numbers
    assert "a=b" in cells or "a=b" in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_save_says_what_it_knows_and_what_failed(tmp_path):
    with pytest.raises(ConfigError, match=r"a\.docx.*\.srt, \.vtt, \.json, \.csv, \.TextGrid, \.rttm, \.txt"):
        Transcript().save(tmp_path / "a.docx")
    with pytest.raises(ConfigError, match="cannot be saved"):
        Transcript().save(tmp_path / "missing" / "a.txt")
    half = Transcript([Segment("a\ud800", start=0, end=1)])
    for suffix in ("srt", "vtt", "json", "csv", "TextGrid", "txt"):
        half.save(tmp_path / f"half.{suffix}").read_text(encoding="utf-8")
    assert Transcript.from_json((tmp_path / "half.json").read_text()).text == "a\ud800"


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_html_face_escapes_and_names_speakers():
    transcript = Transcript([Segment("<i>", start=1.25, speaker=0)])
    assert "<small>1.2 s</small> <b>Speaker 1:</b> &lt;i&gt;" in transcript._repr_html_()
    transcript.rename(0, "<script>")
    assert {tag for tag, _ in Tags(transcript._repr_html_()).found} == {"ol", "li", "small", "b"}
    assert "No speech" in Transcript()._repr_html_()


def test_the_html_face_marks_redactions():
    shown = Transcript([Segment("Call [PHONENUMBER_1] & [EMAIL_2]<")])._repr_html_()
    assert "Call <mark" in shown
    assert shown.count("</mark>") == 2
    assert "&amp; <mark" in shown
    marks = [attrs for tag, attrs in Tags(shown).found if tag == "mark"]
    assert marks == [{"title": "phone number"}, {"title": "email"}]


def test_the_html_face_is_bounded():
    shown = Transcript([Segment(f"line{i};") for i in range(1712)])._repr_html_()
    assert sum(tag == "li" for tag, _ in Tags(shown).found) == 500
    assert "1,212 earlier lines are left out" in shown
    assert '<ol start="1213">' in shown
    assert "line1211;" not in shown
    assert "line1212;" in shown
    assert "left out" not in Transcript([Segment("x")] * 500)._repr_html_()


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, smallest_nb, smallest_nb.results.transcript;"
        "print(sorted({'numpy', 'pandas', 'jiwer', 'wcwidth', 'budoux', 'rapidfuzz'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
