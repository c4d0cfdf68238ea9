"""Lines of captions: how wide a text is, how long it takes to read, and where a line may end.

Sources of the numbers: Netflix's Timed Text Style Guides. General and English: 42 characters a line, two lines, 20
characters a second for adults. Simplified and Traditional Chinese: 16 full-width characters a line, 9 characters a
second. Japanese: 13 full-width characters a line, 4 characters a second. Korean: 16 full-width characters a line, 12
characters a second for adults and 9 for children; 9 is taken, which holds both.

A line is cut at spaces; in Chinese, Japanese and Thai, which have none, between the phrases that BudouX finds (models
of 30 to 65 kB; ICU's dictionaries need a compiled package of 30 MB); elsewhere, as in a word longer than a line,
between grapheme clusters.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "ENDS_SENTENCE",
    "UNSPACED",
    "Rules",
    "Unit",
    "cut_to_width",
    "ends_clause",
    "fit_two_lines",
    "reading_ms",
    "rules_for",
    "share_grapheme",
    "split_into_units",
    "text_width",
    "wrap_units",
]

_MAX_LINES = 2
_CLOSING = r"""['"\u2019\u201d\u00bb\u203a)\]\u300d\u300f\u300b\u3011\uff09]"""
ENDS_SENTENCE = re.compile(f"[.!?\u2026\u3002\uff0e\uff01\uff1f\uff61\u0964\u0965\u061f\u06d4\u1362\u17d4]{_CLOSING}*$")
"""A text that ends with the mark of a whole sentence, in any script; closing marks may follow."""
_ENDS_CLAUSE = re.compile(f"[,;:\u2013\u2014\u060c\u061b\u3001\uff0c\uff1b\uff1a]{_CLOSING}*$")

_NARROW_READ_MS = 50
_SHORT_WORD = 3
"""Letters: an article or a preposition of most languages, with which a line does not end if there is another way."""

_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"
_THAI = "\u0e00-\u0e7f"
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff9f]")
"""A character of a script that is written without spaces, or of its punctuation."""
_HAS_KANA, _HAS_HAN, _HAS_HANGUL = (re.compile(f"[{s}]") for s in (_KANA, _HAN, _HANGUL))
_WIDE = re.compile(f"[{_KANA}{_HAN}{_HANGUL}]")
_UNSPACED = re.compile(f"[{_KANA}{_HAN}{_THAI}]")
_THAI_ONLY = re.compile(f"[{_THAI}]")
_GOES_ON = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4\u1039\u17d2")
"""Vowels before their consonants in Thai and Lao; the signs that stack consonants in Burmese and Khmer."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How captions of a language are set.

    Attributes:
        columns: The widest line; a full-width character takes two.
        wide_read_ms: Milliseconds that a full-width character takes to be read.
        phrases: BudouX's model for text without spaces: "ja", "zh-hans" or "zh-hant".
    """

    columns: int
    wide_read_ms: int
    phrases: str


_CHINESE = Rules(32, 112, "zh-hans")
_CHINESE_TRADITIONAL = Rules(32, 112, "zh-hant")
_JAPANESE = Rules(26, 250, "ja")
_KOREAN = Rules(32, 112, "zh-hans")
_OTHERS = Rules(42, 112, "zh-hans")


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a text after which a line may end.

    Attributes:
        text: Without white space.
        width: Columns.
        glued: No space stands before it.
    """

    text: str
    width: int
    glued: bool


def rules_for(text: str, language: str | None = None) -> Rules:
    """Return the rules of a text: those of its script, if a third of its characters are full-width.

    Args:
        text: The text.
        language: Its code such as "ja" or "zh-TW", if known: Chinese characters alone may be Japanese.
    """
    if 3 * len(_WIDE.findall(text)) < len(text):
        return _OTHERS
    code = (language or "").lower().replace("_", "-")
    if _HAS_HANGUL.search(text):
        return _KOREAN
    if _HAS_KANA.search(text) or code.split("-")[0] == "ja":
        return _JAPANESE
    return _CHINESE_TRADITIONAL if code in ("zh-tw", "zh-hk", "zh-mo", "zh-hant", "yue") else _CHINESE


def text_width(text: str) -> int:
    """Return how many columns a text takes: two for a full-width code point, one for any other.

    Marks and the parts of an emoji count too: programs that check captions count code points.
    """
    return len(text) + _count_wide(text)


def split_graphemes(text: str) -> Iterator[str]:
    """Yield what a reader sees as one character: a letter with its marks, an emoji with all its parts.

    Some marks of Burmese are graphemes of their own by Unicode's rules, and a vowel that is written before its
    consonant (Thai, Lao) or a sign that stacks two consonants (Burmese, Khmer) ends one; here they stay together.
    """
    if text.isascii():
        yield from text
        return
    import wcwidth  # noqa: PLC0415 - its tables take a while to load

    yield from _merge_if(
        wcwidth.iter_graphemes(text), lambda kept, g: unicodedata.category(g[0])[0] == "M" or kept[-1] in _GOES_ON
    )


def _merge_if(parts: Iterable[str], belongs: Callable[[str, str], bool]) -> Iterator[str]:
    """Yield parts, each with those that follow and belong to it."""
    kept = ""
    for part in parts:
        if kept and not belongs(kept, part):
            yield kept
            kept = ""
        kept += part
    if kept:
        yield kept


def cut_to_width(text: str, columns: int) -> str:
    """Return text that is no wider than so many columns, cut between graphemes and with "…" if it was wider."""
    if text_width(text) <= columns:
        return text
    ends = itertools.accumulate(split_graphemes(text))
    kept = list(itertools.takewhile(lambda part: text_width(part) < columns, ends))
    return (kept[-1] if kept else "").rstrip() + "…"


def reading_ms(text: str, rules: Rules) -> int:
    """Return how many milliseconds a text takes to be read."""
    wide = _count_wide(text)
    return wide * rules.wide_read_ms + (len(text) - wide) * _NARROW_READ_MS


def _count_wide(text: str) -> int:
    return 0 if text.isascii() else sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def split_into_units(text: str, rules: Rules) -> list[Unit]:
    """Divide a text at possible line ends; no part is wider than a line."""
    found: list[Unit] = []
    for word in text.split():
        glued = False
        for phrase in _split_phrases(word, rules.phrases) if _UNSPACED.search(word) else (word,):
            for part in _split_wide_phrase(phrase, rules.columns):
                found.append(Unit(part, text_width(part), glued))
                glued = True
    return found


def _split_phrases(word: str, model: str) -> Iterator[str]:
    """Divide a word of a script without spaces."""
    for thai, run in itertools.groupby(word, key=lambda c: bool(_THAI_ONLY.match(c))):
        part = "".join(run)
        if not _UNSPACED.search(part):
            yield part
            continue
        phrases = _load_parser("th" if thai else model).parse(part)
        yield from _merge_if(phrases, share_grapheme)  # a seam must not lie inside a grapheme


@functools.lru_cache
def _load_parser(model: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - BudouX's own type, loaded late
    import budoux  # noqa: PLC0415 - only captions of three languages need it

    load = {
        "ja": budoux.load_default_japanese_parser,
        "th": budoux.load_default_thai_parser,
        "zh-hans": budoux.load_default_simplified_chinese_parser,
        "zh-hant": budoux.load_default_traditional_chinese_parser,
    }
    return load[model]()


def share_grapheme(before: str, after: str) -> bool:
    """Whether two texts that stand side by side share a grapheme at their seam."""
    if not before or not after or (before.isascii() and after.isascii()):
        return False
    tail, head = before[-16:], after[:2]
    return len(tail) not in itertools.accumulate(len(g) for g in split_graphemes(tail + head))


def _split_wide_phrase(phrase: str, columns: int) -> Iterator[str]:
    """Cut a phrase that is wider than a line between graphemes, no part beginning with a closing mark."""
    if text_width(phrase) <= columns:
        yield phrase
        return
    part: list[str] = []
    taken = 0
    for grapheme in split_graphemes(phrase):
        size = text_width(grapheme)
        if part and taken + size > columns:
            kept = [part.pop()] if len(part) > 1 and _is_closing(grapheme) else []
            yield "".join(part)
            part, taken = kept, sum(text_width(g) for g in kept)
        part.append(grapheme)
        taken += size
    if part:
        yield "".join(part)


def _is_closing(grapheme: str) -> bool:
    return unicodedata.category(grapheme[0]) in ("Pe", "Pf", "Po", "Lm")


def fit_two_lines(parts: Sequence[Unit], rules: Rules) -> bool:
    """Return whether text fits into two lines, the last of which is not digits only."""
    return _find_line_end(parts, rules) is not None


def wrap_units(parts: Sequence[Unit], rules: Rules, *, digits: bool = False) -> list[str] | None:
    """Set a text in one line or in two of like length; None if it does not fit.

    Args:
        parts: The text.
        rules: How wide a line may be.
        digits: Whether the second line may be digits only. Readers of SRT take such a line for the next cue's number.
    """
    at = _find_line_end(parts, rules, digits=digits)
    if at is None:
        return None
    return [_join_units(p) for p in (parts[:at], parts[at:]) if p]


def _join_units(parts: Sequence[Unit]) -> str:
    return "".join(p.text if p.glued or not i else " " + p.text for i, p in enumerate(parts))


def _find_line_end(parts: Sequence[Unit], rules: Rules, *, digits: bool = False) -> int | None:
    """Return after how many parts the first line ends."""
    ends: list[int] = []
    total = 0
    for i, part in enumerate(parts):
        total += part.width + (bool(i) and not part.glued)
        if total > _MAX_LINES * rules.columns + 1:
            return None
        ends.append(total)
    if total <= rules.columns:
        return len(parts)
    best: tuple[float, int] | None = None
    for at in range(1, len(parts)):
        first = ends[at - 1]
        second = total - first - (not parts[at].glued)
        if first > rules.columns or second > rules.columns or (not digits and _only_digits(parts[at:])):
            continue
        cost = abs(first - second) + (first > second) + _line_end_cost(parts[at - 1].text, parts[at])
        if best is None or cost < best[0]:
            best = (cost, at)
    return best[1] if best else None


def _only_digits(parts: Sequence[Unit]) -> bool:
    return all(p.text.isdecimal() for p in parts)


def _line_end_cost(before: str, after: Unit) -> float:
    """Return how bad a line end is, in columns of imbalance that it outweighs."""
    if ENDS_SENTENCE.search(before):
        return -12
    if _ENDS_CLAUSE.search(before):
        return -8
    if after.glued and not (_UNSPACED.search(before[-1:]) and _UNSPACED.search(after.text[:1])):
        return 100  # inside a word
    return 6 if len(before) <= _SHORT_WORD and before.isalpha() and not _WIDE.search(before) else 0


def ends_clause(text: str) -> bool:
    """Return whether a text ends with a comma or the like."""
    return bool(_ENDS_CLAUSE.search(text))
