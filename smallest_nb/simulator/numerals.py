"""Numbers in words, written in digits. Imports nothing of ours but the words; text2num knows languages but English.

English has a grammar of its own here, as text2num knows neither years ("nineteen eighty four"), nor digits spoken one
by one, "oh" or "double five". What the rules cannot do: tell two neighbouring numbers from one number said in pieces
("five six" is 56 where every number is written in digits), tell a lone "one" that counts from the pronoun (it becomes
a digit next to a unit or after a word such as "page" only), and read fractions. Other languages: what text2num knows
(da, de, es, fr, it, nl, pt); elsewhere, and where it is not installed, numbers stay words.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from smallest_nb.simulator.words import HeardWord

__all__ = ["NUMBERED", "Piece", "Spoken", "cardinal", "foreign_numbers", "key_at", "merged", "number_at", "spoken"]

_UNITS = {w: n for n, w in enumerate("zero one two three four five six seven eight nine".split())}
_TEENS = {
    w: n
    for n, w in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), start=10
    )
}
_TENS = {w: n * 10 for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_HYPHENED = {f"{t}-{u}": tens + unit for t, tens in _TENS.items() for u, unit in _UNITS.items() if unit}
_SMALL = {**_UNITS, **_TEENS, **_TENS, **_HYPHENED}
_SCALES = {"thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7, "billion": 10**9, "trillion": 10**12}
_FIRSTS = set("first second third fourth fifth sixth seventh eighth ninth".split())
_OH = {"oh", "o"}
_REPEATS = {"double": 2, "triple": 3}
_EXCLAIMED = set("no my yes well god yeah okay dear".split())
_COUNTERS = set("page chapter room number option step line gate level channel version part press dial platform".split())
_MEASURES = set(
    "dollar dollars euro euros rupee rupees cent cents percent per hour hours minute minutes second seconds day days "
    "week weeks month months year years people times "
    "kilogram kilograms kilometer kilometers meter meters mile miles".split()
)
_TEXT2NUM = frozenset("da de es fr it nl pt".split())

NUMBERED = frozenset({*_SMALL, *_SCALES, *_OH, *_REPEATS, "hundred", "point"})
"""The words that numbers are made of."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What the words from `start` up to `end` are written as."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """One number as it was said: its digits, how many words it took, and whether it was a digit read out."""

    digits: str
    count: int
    single: bool


def merged(words: Sequence[HeardWord], text: str) -> HeardWord:
    """Make one word of several: the first one's speaker, the highest confidence, as the vendor's page says."""
    first = words[0]
    sure = max(w.confidence for w in words)
    return HeardWord(text, first.start, words[-1].end, sure, first.speaker, first.speaker_confidence)


def key_at(keys: Sequence[str], at: int) -> str:
    """Return a key, or nothing outside the sentence."""
    return keys[at] if 0 <= at < len(keys) else ""


def _below_hundred(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    key = key_at(keys, at)
    value = _SMALL.get(key)
    if not value:
        return None
    if key in _TENS and key_at(keys, at + 1) in _FIRSTS:
        return None
    unit = _UNITS.get(key_at(keys, at + 1), 0) if key in _TENS else 0
    return (value + unit, 2) if unit else (value, 1)


def _group(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    below = _below_hundred(keys, at)
    if below is None and key_at(keys, at) == "a" and (key_at(keys, at + 1) in {"hundred", *_SCALES}):
        below = (1, 1)
    if below is None or key_at(keys, at + below[1]) != "hundred":
        return below
    value, count = below[0] * 100, below[1] + 1
    skip = int(key_at(keys, at + count) == "and")
    rest = _below_hundred(keys, at + count + skip)
    # "between one hundred and two hundred" is two numbers.
    if rest and key_at(keys, at + count + skip + rest[1]) != "hundred":
        return value + rest[0], count + skip + rest[1]
    return value, count


def cardinal(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    """Read a number such as "two thousand and five": its value and its words."""
    if key_at(keys, at) == "zero":
        return 0, 1
    total, i, ceiling = 0, at, 10**15
    while True:
        skip = int(i > at and key_at(keys, i) == "and")
        group = _group(keys, i + skip)
        if group is None:
            break
        after = i + skip + group[1]
        scale = _SCALES.get(key_at(keys, after), 0)
        if 0 < scale < ceiling:
            total, i, ceiling = total + group[0] * scale, after + 1, scale
            continue
        if group[0] < ceiling and not scale:
            total, i = total + group[0], after
        break
    return (total, i - at) if i > at else None


def _item(keys: Sequence[str], at: int) -> Spoken | None:
    key = key_at(keys, at)
    if key in _OH:
        return Spoken("0", 1, single=True)
    if key in _REPEATS:
        again = key_at(keys, at + 1)
        digit = 0 if again in _OH else _UNITS.get(again)
        return None if digit is None else Spoken(str(digit) * _REPEATS[key], 2, single=True)
    read = cardinal(keys, at)
    return Spoken(str(read[0]), read[1], single=read[0] < 10 and read[1] == 1) if read else None


def spoken(keys: Sequence[str], at: int) -> list[Spoken]:
    """Read neighbouring numbers; an "oh" that nothing follows, or that exclaims, is none of them."""
    run: list[Spoken] = []
    i = at
    while item := _item(keys, i):
        run.append(item)
        i += item.count
    while run and key_at(keys, i - 1) in _OH and run[-1].count == 1:
        if key_at(keys, i) not in _EXCLAIMED and len("".join(s.digits for s in run)) >= 3:
            break
        i -= run.pop().count
    # "Oh five people came": an "oh" in front is a digit only before several others.
    if run and key_at(keys, at) in _OH and sum(len(s.digits) for s in takewhile(lambda s: s.single, run)) < 4:
        return []
    return run


def _decimals(keys: Sequence[str], at: int) -> tuple[str, int]:
    if key_at(keys, at) != "point":
        return "", 0
    read = list(takewhile(lambda k: k in _UNITS or k in _OH, keys[at + 1 :]))
    pair = None if read else _below_hundred(keys, at + 1)
    return (str(pair[0]), pair[1]) if pair else ("".join(str(_UNITS.get(k, 0)) for k in read), len(read))


def _year(keys: Sequence[str], at: int, run: Sequence[Spoken]) -> Piece | None:
    if len(run) < 2 or run[0].count != 1 or run[0].digits not in {"17", "18", "19", "20"}:
        return None
    tail = run[1:3] if run[1].digits == "0" else run[1:2]
    digits = "".join(s.digits for s in tail)
    end = at + 1 + sum(s.count for s in tail)
    fits = len(digits) == 2 and key_at(keys, end) not in _MEASURES
    return Piece(run[0].digits + digits, at, end) if fits else None


def number_at(keys: Sequence[str], at: int, *, everything: bool) -> Piece | None:
    """Write the number that begins here, or leave it in words.

    Args:
        keys: Words in lower case.
        at: Where to look.
        everything: Also numbers under ten and pairs of digits.
    """
    run = spoken(keys, at)
    if not run:
        return None
    total = "".join(s.digits for s in run)
    # Telephone and card numbers mix digits and pairs: "five five five twelve thirty four".
    if sum(s.single for s in run) >= 3 and (len(total) == 7 or len(total) >= 10):
        return Piece(total, at, at + sum(s.count for s in run))
    head = list(takewhile(lambda s: s.single, run))
    digits = "".join(s.digits for s in head)
    after = at + sum(s.count for s in head)
    if len(digits) >= (2 if everything else 3) and key_at(keys, after) != "point":
        return Piece(digits, at, after)
    if year := _year(keys, at, run):
        return year
    first, after = run[0], at + run[0].count
    # "Three thirty" is a time: where the three stays a word, so does the thirty.
    part = key_at(keys, at - 1) == "point" or (key_at(keys, at - 1) in _UNITS and len(run) == 1)
    small = not everything and (first.single or part)
    decimals, count = _decimals(keys, after)
    if decimals:
        return None if small else Piece(f"{first.digits}.{decimals}", at, after + 1 + count)
    counts = key_at(keys, at - 1) in _COUNTERS or key_at(keys, after) in _MEASURES
    return None if small or (keys[at] == "one" and first.single and not counts) else Piece(first.digits, at, after)


@dataclass(frozen=True, slots=True)
class _Token:
    key: str

    def text(self) -> str:
        return self.key

    def nt_separated(self, _previous: object) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return False


def foreign_numbers(keys: Sequence[str], language: str, *, everything: bool) -> list[Piece]:
    """Write the numbers of a sentence that is not English, as far as text2num knows the language."""
    if language not in _TEXT2NUM:
        return []
    try:
        text2num: Any = importlib.import_module("text_to_num")
    except ImportError:
        return []
    pieces: list[Piece] = []
    found = [n for n in text2num.find_numbers([_Token(k) for k in keys], language, 0.0) if not n.is_ordinal]
    while found:
        run = [found[0]]
        while len(run) < len(found) and found[len(run)].start == run[-1].end and len(found[len(run)].text) == 1:
            run.append(found[len(run)])
        joined = len(run[0].text) == 1 and len(run) >= (2 if everything else 3)
        # A lone "un", "ein", "uno" is the article far more often than the number.
        if joined or run[0].value >= 10 or (everything and run[0].value != 1):
            end = run[-1].end if joined else run[0].end
            pieces.append(Piece("".join(n.text for n in run) if joined else run[0].text, run[0].start, end))
        del found[: len(run) if joined else 1]
    return pieces
