"""Numbers in words of languages other than English, written in digits as far as text2num knows the language.

text2num (da, de, es, fr, it, nl, pt) reads a number and knows nothing of how people write several: a scale behind a
decimal is glued to its digits ("un virgule cinq million" is "1,5000000", "dos coma cinco mil" is "2,5000"), a zero to
the digit behind it, the second decimal is a number of its own, and "million" and the "cent" of "pour cent" are numbers.
This module corrects that. Elsewhere, and if text2num is not installed, numbers stay words.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from smallest_nb.simulator.text.numerals import Piece

__all__ = ["read_foreign_numbers"]

_LANGUAGES = frozenset("da de es fr it nl pt".split())
_SCALES = frozenset(
    "million millions milliard milliards billion billions mill\u00f3n millon millones millardo millardos bill\u00f3n "
    "billones milione milioni miliardo miliardi bilione bilioni milh\u00e3o milh\u00f5es bilh\u00e3o bilh\u00f5es "
    "millionen milliarde milliarden billionen miljoen miljoenen miljard miljarden millioner milliarder".split()
)
_THOUSANDS = frozenset("mil mille mila tausend duizend tusind tusinde".split())
_DECIMAL_MARKS = frozenset("virgule coma virgola v\u00edrgula komma punto ponto point punt punkt".split())
_PERCENT = frozenset({("pour", "cent"), ("por", "ciento"), ("por", "cien"), ("per", "cento"), ("por", "cento")})
_OR = frozenset("ou o u oder of eller bis tot til \u00e0 a".split())
_JOINING = _OR | frozenset("et y e ed und en og".split())


@dataclass(frozen=True, slots=True)
class _Token:
    key: str

    def text(self) -> str:
        return self.key

    def nt_separated(self, _previous: object) -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of `words[start:end]`."""

    text: str
    start: int
    end: int

    @property
    def digits(self) -> bool:
        """Whether it was read digit by digit; text2num joins noughts with what follows."""
        spelled = self.text.isdigit() and len(self.text) == self.end - self.start
        return spelled and (len(self.text) == 1 or self.text[0] == "0")

    @property
    def decimal(self) -> bool:
        """Whether it has a decimal mark."""
        return not self.text.isdigit()

    @property
    def value(self) -> float:
        """What it is worth."""
        return float(self.text.replace(",", "."))


def read_foreign_numbers(keys: Sequence[str], language: str, *, everything: bool) -> list[Piece]:
    """Write the numbers of a sentence.

    Args:
        keys: Words in lower case.
        language: Base code.
        everything: Also numbers under ten and pairs of digits.
    """
    if language not in _LANGUAGES:
        return []
    try:
        text2num: Any = importlib.import_module("text_to_num")
    except ImportError:
        return []
    numbers = list(_find_numbers(keys, language, text2num))
    pieces: list[Piece] = []
    i = 0
    while i < len(numbers):
        count, text = _join_numbers(numbers, keys, i, everything=everything)
        if text:
            pieces.append(Piece(text, numbers[i].start, numbers[i + count - 1].end))
        i += count
    return pieces


def _find_numbers(keys: Sequence[str], language: str, text2num: Any) -> Iterator[_Number]:
    def read(start: int, end: int) -> Iterator[_Number]:
        found = text2num.find_numbers([_Token(k) for k in keys[start:end]], language, 0.0)
        return (_Number(n.text, start + n.start, start + n.end) for n in found if not n.is_ordinal)

    decimal_end = 0
    for number in read(0, len(keys)):
        end = number.end
        if number.start == decimal_end > 0 and set(keys[number.start : end]) <= _THOUSANDS:
            continue
        while end > number.start and (keys[end - 1] in _SCALES or (number.decimal and keys[end - 1] in _THOUSANDS)):
            end -= 1
        if tuple(keys[max(0, number.start - 1) : number.start + 1]) in _PERCENT or end == number.start:
            continue
        if end < number.end:
            yield from read(number.start, end)
        else:
            yield number
        decimal_end = end if number.decimal else 0


def _join_numbers(numbers: Sequence[_Number], keys: Sequence[str], at: int, *, everything: bool) -> tuple[int, str]:
    """Return how many neighbouring numbers are written as one, and how; an empty text if they stay words."""
    first, count = numbers[at], 1
    while at + count < len(numbers) and numbers[at + count].start == numbers[at + count - 1].end:
        if not numbers[at + count].digits or not (numbers[at + count - 1].digits or count == 1):
            break
        count += 1
    if first.decimal:
        spoken_mark = any(k in _DECIMAL_MARKS for k in keys[first.start : first.end])
        more = numbers[at + 1 : at + count] if spoken_mark else []
        return 1 + len(more), first.text + "".join(n.text for n in more)
    if not first.digits:
        return 1, first.text if everything or first.value >= 10 else ""
    run = numbers[at : at + count]
    text = "".join(n.text for n in run)
    if _is_list(numbers, keys, at, count):
        digits = everything or numbers[at + count].value >= 10
        return 1, (first.text if digits else keys[first.start]) + ","
    if len(text) >= (2 if everything else 3) or (len(text) > 1 and text[0] == "0"):
        return count, text
    if count == 1 and first.value != 1 and at + 1 < len(numbers):
        joined = numbers[at + 1].start == first.end + 1 and keys[first.end] in _OR
        if joined and numbers[at + 1].value >= 10:
            return 1, first.text
    # A lone "un", "ein", "uno" is the article far more often than the number.
    return 1, first.text if everything and first.value != 1 else ""


def _is_list(numbers: Sequence[_Number], keys: Sequence[str], at: int, count: int) -> bool:
    """Return whether it is a list like "sept huit ou neuf", and not digits that are read out."""
    run = numbers[at : at + count]
    end = run[-1].end
    if not 2 <= count <= 4 or at + count >= len(numbers) or any(len(n.text) > 1 for n in run):
        return False
    last = numbers[at + count]
    after = numbers[at + count + 1] if at + count + 1 < len(numbers) else None
    alone = last.start == end + 1 and keys[end] in _JOINING and (after is None or after.start > last.end)
    steps = [b.value - a.value for a, b in pairwise([*run, last])]
    return alone and not last.decimal and (min(steps) > 0 or max(steps) < 0)
