"""Word error rate, and the view of two texts side by side."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Segment, Transcript
from smallest_nb.results.transcript.evaluate import normalize_text


def heard(text: str) -> Transcript:
    return Transcript([Segment(text)])


def test_wer_counts_words():
    assert heard("Hello, world!").wer("hello world") == 0
    assert heard("hello there big world").wer("hello world now") == pytest.approx(2 / 3 + 1 / 3)
    assert heard("a b c").wer("a") == 2.0
    assert heard("").wer("two words") == 1.0
    assert heard("Hello").wer("hello", normalize=False) == 1.0
    assert heard("a b").wer(Transcript([Segment("a"), Segment("b")])) == 0


@pytest.mark.parametrize(
    ("said", "written"),
    [("two, three or four", "twenty-three or four"), ("oh my god", "0 my god"), ("wait a second", "wait a 2nd")],
)
def test_numbers_are_compared_as_they_are_written(said, written):
    """Whisper's normaliser takes each of these pairs for the same words."""
    assert heard(written).wer(said) > 0


def test_a_comparison_has_counts_and_rows():
    comparison = heard("the big cat sat down").compare("The cat sat up there")
    assert (comparison.hits, comparison.substitutions, comparison.deletions, comparison.insertions) == (3, 1, 1, 1)
    assert comparison.wer == pytest.approx(3 / 5)
    assert comparison.rows[0] == ("equal", ("the",), ("the",))
    assert comparison.rows[1] == ("insert", (), ("big",))
    assert [w for _, a, _ in comparison.rows for w in a] == "the cat sat up there".split()
    assert [w for _, _, b in comparison.rows for w in b] == "the big cat sat down".split()
    table = comparison.to_dataframe()
    assert list(table.columns) == ["kind", "reference", "hypothesis"]
    assert table["hypothesis"].tolist()[:2] == ["the", "big"]
    assert repr(comparison) == "Comparison(wer=0.600, hits=3, substitutions=1, deletions=1, insertions=1)"


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("Don\u2019t  STOP!", "don't stop"),
        ("\u2018quoted\u2019 'words' rock'n'roll", "quoted words rock'n'roll"),
        ("well-known, 3.5 % (yes)\n", "well known 3 5 yes"),
        ("हिन्दी में।", "हिन्दी में"),
        ("ﬁne soft\u00adhyphen \uff21\uff22", "fine softhyphen ab"),
        ("?!", ""),
    ],
)
def test_normalisation_is_as_documented(text, normalized):
    assert normalize_text(text) == normalized
    assert normalize_text(normalized) == normalized


@pytest.mark.parametrize("reference", ["", "  ", "?!…", Transcript()])
def test_a_reference_needs_words(reference):
    with pytest.raises(ConfigError, match="no words"):
        heard("a").wer(reference)


def test_a_reference_is_text():
    with pytest.raises(ConfigError, match="list"):
        heard("a").wer(["a"])


def test_without_jiwer_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(ConfigError, match=r"pip install 'smallest-nb\[eval\]'"):
        heard("a").wer("a")


def test_the_view_marks_what_differs_without_relying_on_colour():
    shown = heard("one <b> three four").compare("one two three", normalize=False)._repr_html_()
    body = shown.split("</p><p>")[1]
    assert re.search(
        r"<del style=[^>]*line-through[^>]*>two</del> <ins style=[^>]*underline[^>]*>&lt;b&gt;</ins>", body
    )
    assert re.search(r"three <ins [^>]*>four</ins>", body)
    assert "66.7%" in shown
    for style in re.findall(r'style="([^"]*)"', shown):
        assert contrast(*re.findall(r"#([0-9a-f]{6})", style)) > 7


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        channels = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_view_is_bounded_and_says_so():
    shown = heard(" ".join(f"w{i}" for i in range(2500))).compare(" ".join(f"w{i}" for i in range(2600)))._repr_html_()
    assert len(re.findall(r"\bw\d+", shown)) == 2000
    assert "first 2,000 of 2,600 words" in shown
    many = heard(" ".join(["a", *(f"w{i}" for i in range(1999)), "b", "c", "d"])).compare("a b c d")._repr_html_()
    assert "first 2,000 of 2,003 words" in many
    assert ">b c d<" not in many
    assert "first" not in heard("a").compare("a")._repr_html_()


_texts = st.lists(st.sampled_from("a b c d e".split()), max_size=12)


@given(_texts.filter(bool), _texts)
def test_the_rate_is_the_edit_distance(reference, hypothesis):
    comparison = heard(" ".join(hypothesis)).compare(" ".join(reference))
    row = list(range(len(hypothesis) + 1))
    for i, a in enumerate(reference, 1):
        before, row = row, [i]
        for j, b in enumerate(hypothesis, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    assert comparison.wer == pytest.approx(row[-1] / len(reference))
    assert comparison.hits + comparison.substitutions + comparison.deletions == len(reference)
