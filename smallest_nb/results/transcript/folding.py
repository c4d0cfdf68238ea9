"""When two spellings are the same text: the one comparison for seams, for search, and for a word's place in its text.

Case does not count, nor whether an accented letter is one character or two (Unicode NFC and case folding). Vowel signs
and other combining marks do count: without them Hindi words lose their meaning. Punctuation does not, except for marks
between two digits: 3.5 is not 35.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from smallest_nb.common.text import composed

__all__ = ["FoldedText", "fold_text", "fold_word", "is_written"]

_HANGUL_JAMO = range(0x1160, 0x1200)
"""Vowels and final consonants that compose with what stands before them, although they are letters."""


def is_written(char: str) -> bool:
    """Whether a character belongs to a word: letters, digits and combining marks do."""
    return char.isalnum() or unicodedata.category(char).startswith("M")


def fold_word(token: str) -> str:
    """Return what counts of a word when words are compared; empty for punctuation alone."""
    text = _folded(token, ignore_case=True)
    return "".join(c for at, c in enumerate(text) if is_written(c) or _is_between_digits(text, at))


def _is_between_digits(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return before.isdigit() and after.isdigit() and not text[at].isspace()


def _folded(text: str, *, ignore_case: bool) -> str:
    one_form = composed(text)
    return composed(one_form.casefold()) if ignore_case else one_form


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A text as it is compared, and from where in the original each of its characters comes.

    Attributes:
        text: Composed, and in one case if requested.
        starts: For each character, the place in the original of the first character that it was made of ...
        ends: ... and the place after the last one.
    """

    text: str
    starts: list[int]
    ends: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original of a stretch that is not empty."""
        return self.starts[start], self.ends[end - 1]

    def cuts_a_character(self, end: int) -> bool:
        """Whether a combining mark follows: then the text up to here ends with another letter than is written."""
        return end < len(self.text) and unicodedata.category(self.text[end]).startswith("M")


def fold_text(text: str, *, ignore_case: bool) -> FoldedText:
    """Fold a whole text; every character of it stays, spaces and punctuation too."""
    if text.isascii():
        places = list(range(len(text)))
        return FoldedText(text.lower() if ignore_case else text, places, [at + 1 for at in places])
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        piece = _folded(text[start:end], ignore_case=ignore_case)
        one_to_one = len(piece) == end - start
        pieces.append(piece)
        starts.extend(range(start, end) if one_to_one else [start] * len(piece))
        ends.extend(range(start + 1, end + 1) if one_to_one else [end] * len(piece))
    return FoldedText("".join(pieces), starts, ends)


def _clusters(text: str) -> list[tuple[int, int]]:
    """Cut a text so that no piece composes with the next one."""
    cuts = [
        at
        for at, char in enumerate(text)
        if at and not unicodedata.category(char).startswith("M") and ord(char) not in _HANGUL_JAMO
    ]
    return list(zip([0, *cuts], [*cuts, len(text)], strict=True)) if text else []
