"""When two spellings are the same text, in every place that compares words: search, and where a word stands."""

from __future__ import annotations

import unicodedata

import pytest

import smallest_nb as snb
from smallest_nb.results.transcript.folding import fold_text, fold_word
from smallest_nb.results.transcript.word_spans import find_word_spans, split_at_words

SAME = [
    ("Straße", "STRASSE"),
    ("na\u00efve", "nai\u0308ve"),
    ("Été,", "e\u0301te\u0301"),
    ("\ud55c\uad6d", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ("वह।", "वह"),
    ("(hello)", "Hello!"),
    ("don't", "dont"),
    ("\u0958", "\u0915\u093c"),
]
DIFFERENT = [
    ("का", "की"),
    ("दिन", "दीन"),
    ("3.5", "35"),
    ("10:30", "1030"),
    ("1,250", "1250"),
    ("\u0663\u066b\u0665", "\u0663\u0665"),
    ("cafe", "café"),
    ("cafe", "cafe\u0301"),
    ("ไป", "ไป่"),
    ("שָׁלוֹם", "שלום"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_R5_case_and_composition_do_not_count(one, other):
    assert fold_word(one) == fold_word(other) != ""


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_R5_marks_and_points_between_digits_count(one, other):
    assert fold_word(one) != fold_word(other)


def test_R5_punctuation_alone_is_no_word():
    assert [fold_word(token) for token in ("...", "-", "।", "", "5.", ".5")] == ["", "", "", "", "5", "5"]


@pytest.mark.parametrize(
    "text", ["Le cafe\u0301 est là", "\u1112\u1161\u11ab\u1100\u116e\u11a8 말", "Straße 5", "plain", ""]
)
@pytest.mark.parametrize("ignore_case", [False, True])
def test_R5_every_folded_character_knows_where_it_came_from(text, ignore_case):
    folded = fold_text(text, ignore_case=ignore_case)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    for at, char in enumerate(folded.text):
        start, end = folded.original(at, at + 1)
        piece = unicodedata.normalize("NFC", text[start:end])
        assert char in (piece.casefold() if ignore_case else piece)


def spoken(text: str) -> snb.Transcript:
    words = tuple(snb.Word(w, float(n), n + 1.0) for n, w in enumerate(text.split()))
    return snb.Transcript([snb.Segment(text, words=words, start=0.0, end=float(len(words)))])


def found(text: str, pattern: str, **how) -> list[str]:
    return [match.text for match in spoken(text).search(pattern, **how)]


def test_R5_search_finds_a_letter_however_it_is_composed():
    for text in ("un caf\u00e9 noir", "un cafe\u0301 noir"):
        for pattern in ("caf\u00e9", "cafe\u0301", "CAFÉ", "CAFE\u0301"):
            (match,) = spoken(text).search(pattern)
            assert (match.text, match.start, match.at) == (text.split()[1], 3, 1.0)
            assert text[match.start : match.end] == match.text
            assert [w.text for w in match.words] == [text.split()[1]]
    assert found("Die Straße", "STRASSE") == ["Straße"]
    assert found("Die Straße", "STRASSE", ignore_case=False) == []


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("यह राम की", "क"), ("un cafe\u0301", "cafe"), ("un caf\u00e9", "cafe"), ("दीन", "द"), ("ไป่", "ไป")],
)
def test_R5_search_does_not_cut_a_letter_from_its_mark(text, pattern):
    assert found(text, pattern) == []


def test_R5_search_still_finds_parts_of_words_and_regular_expressions():
    assert found("रामपुर और राम", "राम") == ["राम", "राम"]
    assert found("on 3.5 and 35", "3.5") == ["3.5"]
    assert found("Word words", r"\bw\w+", regex=True) == ["Word", "words"]
    assert found("a B", r"\S", regex=True) == ["a", "B"]
    assert found("un cafe\u0301", r"caf\w", regex=True) == ["cafe\u0301"]
    assert found("A b", "B", ignore_case=False) == []


def test_R5_words_are_found_in_their_text_however_they_are_written():
    text = "Le Cafe\u0301, naïve STRASSE: 3.5!"
    words = ["le", "caf\u00e9", "nai\u0308ve", "straße", "3.5"]
    assert [text[a:b] for a, b in find_word_spans(text, words)] == ["Le", "Cafe\u0301", "naïve", "STRASSE", "3.5"]
    assert "".join(split_at_words(text, words)) == text


@pytest.mark.parametrize(
    ("text", "words"), [("की राम", ["क", "राम"]), ("cafe\u0301 noir", ["cafe", "noir"]), ("3.5 km", ["35", "km"])]
)
def test_R5_a_word_with_another_mark_is_another_word(text, words):
    assert find_word_spans(text, words)[0] is None
    assert find_word_spans(text, words)[1] is not None
    assert split_at_words(text, words) is None


def test_R5_hindi_words_are_cut_up_as_they_stand():
    text = "यह किताब की है।"
    assert split_at_words(text, ["यह", "किताब", "की", "है"]) == ["यह", " किताब", " की", " है।"]
