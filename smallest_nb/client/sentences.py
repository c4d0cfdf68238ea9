"""Text cut into what one request speaks; sentencex knows the sentence ends of 300 languages.

A part is one sentence, as in Pipecat: short enough for the service (its own limit is about 240 characters, the advised
one 250 with 140 as the best), and the unit that is spoken again after a loss.

The places at which a text is cut depend on what stands before them and on the word behind, never on how the text
arrived: the same text in other tokens is cut into the same parts.
"""
# ruff: noqa: RUF001 - marks of many scripts look like Latin ones

from __future__ import annotations

import re
import unicodedata

from smallest_nb.api.language import service_code
from smallest_nb.client.abbreviations import is_abbreviation

__all__ = ["MOST_CHARACTERS", "SentenceAggregator", "is_speakable", "split_text"]

MOST_CHARACTERS = 200
"""Longest part: the service cuts longer text itself, at about 240, and would then answer in more than one run."""
_LEAST_CHARACTERS = 20
"""Shorter sentences are spoken with their neighbour; alone they sound clipped (continuations page of the vendor)."""
_SEEN = MOST_CHARACTERS + 32
"""Characters that are looked through for the end of a sentence."""
_BLOCK = 4096
"""Characters that are taken in at once, so that cutting a long text costs no more than its length."""
_MOST_BLANKS = 1000
_MOST_OF_A_WORD = 24
"""Characters of the word behind a number that are waited for: in "am 3. Oktober" no sentence ends."""

_CLOSERS = r"[\"'”’»)\]」』】）》]*"
_END = re.compile(rf"(?P<paragraph>\n[ \t\r]*\n)|(?P<mark>[.!?…؟۔;\u037e։።]+|[。！？｡]+|[।॥]+){_CLOSERS}")
_WITHOUT_BLANKS = re.compile("[。！？｡।॥]")
_SEMICOLONS = ";\u037e"
"""Question marks of Greek; elsewhere they end no sentence."""
_PAUSE = re.compile(r"[,;:،؛)](?=[\"'”’»]*\s)[\"'”’»]*|[、，；：）](?!(?<=[0-9０-９].)[0-9０-９])")
_DASH = re.compile(r"\s+[-\u2013\u2014]\s")
_BLANK = re.compile(
    r"(?<![0-9])[^\S\u00a0\u2007\u202f]+|[^\S\u00a0\u2007\u202f]+(?![0-9]{3}\b)"
)  # "1 250 000" stays whole
_LIST_NUMERAL = re.compile(
    r"(?:^|\n\s*|[:;.!?…。！？।॥؟۔]\s+|[-\u2013\u2014•*]\s+)"
    r"[(\[]?(?:\d{1,3}|[^\W\d_]|[ivx]{1,4}|[IVX]{1,4})(?:\.\d{1,3})*\.$"
)
_BRACKET_NUMERAL = re.compile(r"(?:^|\s)\(?(?:\d{1,3}|[^\W\d_])\)$")
_LAST_WORD = re.compile(r"[^\s(\[{]*$")
_QUOTES = "\"'“‘«„"
_NUMBER = re.compile(r"\d\.$")
_ENDED = re.compile(rf"[.!?…。！？｡।॥؟۔]{_CLOSERS}\s*$")


def is_speakable(text: str) -> bool:
    """Say whether a text holds anything but blanks and punctuation."""
    return any(c.isalnum() for c in text)


def split_text(text: str, language: str = "en") -> list[str]:
    """Cut a text into parts of at most MOST_CHARACTERS, at sentence ends if there are any.

    Args:
        text: Any text.
        language: Its code; knows abbreviations such as "Mr." and marks such as the danda.

    Returns:
        Parts without blanks at their ends, all of them speakable; nothing of the text but blanks and lone
        punctuation is left out.
    """
    parts: list[str] = []
    for piece, blank in _Splitter(language).push(text, last=True):
        joined = f"{parts[-1]}{' ' if blank else ''}{piece}" if parts else ""
        short = parts and min(len(parts[-1]), len(piece)) < _LEAST_CHARACTERS
        if short and len(joined) <= MOST_CHARACTERS and not _LIST_NUMERAL.search(piece):
            parts[-1] = joined
        else:
            parts.append(piece)
    return [p for p in parts if is_speakable(p)]


class SentenceAggregator:
    """Gathers tokens into sentences.

    A sentence is given out once the next one has begun, because only then is "3." known not to become "3.5".

    Args:
        language: Code of the text's language.
    """

    def __init__(self, language: str = "en") -> None:
        self._splitter = _Splitter(language)

    @property
    def ended(self) -> bool:
        """Whether what is held looks like whole sentences: the next token may be long in coming."""
        return self._splitter.ended

    def push(self, token: str) -> list[str]:
        """Add a token; return the parts that are certain now."""
        return [piece for piece, _ in self._splitter.push(token) if is_speakable(piece)]

    def flush(self) -> list[str]:
        """Return all that is held."""
        return [piece for piece, _ in self._splitter.push("", last=True) if is_speakable(piece)]


class _Splitter:
    """Cuts a text that arrives in pieces; what is given out does not depend on the pieces."""

    def __init__(self, language: str) -> None:
        self._language = service_code(language).partition("-")[0]
        self._held = ""
        self._decided = 0  # what stands before it ends no sentence
        self._short = ""  # a sentence too short to be spoken alone
        self._short_blank = self._blank = False  # whether a blank stands before the short one, before what is held

    @property
    def ended(self) -> bool:
        text = self._held.rstrip() or self._short
        if not is_speakable(text) or (mark := _ENDED.search(text)) is None:
            return False
        return _WITHOUT_BLANKS.match(mark[0]) is not None or (
            not self._goes_on(text) and self._ends_by_library(text, "A")
        )

    def push(self, text: str, *, last: bool = False) -> list[tuple[str, bool]]:
        """Return the parts that are certain now, each with whether a blank stands before it in the text."""
        found: list[tuple[str, bool]] = []
        for start in range(0, max(len(text), 1), _BLOCK):
            self._held += text[start : start + _BLOCK]
            self._take_ends(found, last=last and start + _BLOCK >= len(text))
        if last and self._short:
            found.append((self._short, self._short_blank))
            self._short = ""
        return found

    def _take_ends(self, found: list[tuple[str, bool]], *, last: bool) -> None:
        while True:
            if self._held[:1].isspace():
                self._blank, self._held = True, self._held.lstrip()
            end = self._next_end(last=last) if self._held else None
            if end is None:
                return
            piece, self._held, self._decided = self._held[:end].rstrip(), self._held[end:], 0
            found += self._joined(piece)
            self._blank = False

    def _joined(self, piece: str) -> list[tuple[str, bool]]:
        """Put a piece behind a short one that waits; return what need not wait."""
        found: list[tuple[str, bool]] = []
        blank = self._blank
        if self._short:
            together = f"{self._short}{' ' if blank else ''}{piece}"
            if len(together) <= MOST_CHARACTERS:
                piece, blank = together, self._short_blank
            else:
                found.append((self._short, self._short_blank))
        if len(piece) < _LEAST_CHARACTERS:
            self._short, self._short_blank = piece, blank
        else:
            self._short = ""
            found.append((piece, blank))
        return found

    def _next_end(self, *, last: bool) -> int | None:
        """Return where what is held is to be cut, or None while that is not certain."""
        text = self._held
        while (mark := _END.search(text, self._decided, _SEEN)) is not None and mark.end() <= MOST_CHARACTERS:
            verdict = self._is_end(mark, last=last)
            if verdict is None:
                return None
            if verdict:
                return mark.end()
            self._decided = mark.end()
        if len(text) > MOST_CHARACTERS:
            return self._cut(text)
        return len(text) if last else None

    def _is_end(self, mark: re.Match[str], *, last: bool) -> bool | None:
        """Say whether a sentence ends with this mark; None if that depends on what is still to come."""
        text, end = self._held, mark.end()
        rest = text[end : end + _MOST_BLANKS]
        gap = len(rest) - len(rest.lstrip())
        if gap == len(rest):
            return True if last or gap == _MOST_BLANKS else None
        if mark["paragraph"]:
            return True
        behind = text[end + gap : end + gap + _MOST_OF_A_WORD]
        if _WITHOUT_BLANKS.match(mark["mark"]):
            return gap > 0 or mark["mark"][0] not in "।॥" or not behind[0].isdigit()  # a verse's number: ॥१॥
        if not gap or (mark["mark"][-1] in _SEMICOLONS and self._language != "el"):
            return False
        before = text[:end]
        if self._goes_on(before):
            return False
        if not _NUMBER.search(before):
            return self._ends_by_library(before, behind[0])
        word = behind.split(maxsplit=1)[0]
        if len(word) == len(behind) < _MOST_OF_A_WORD and not last:
            return None
        return self._ends_by_library(before, word)

    def _goes_on(self, before: str) -> bool:
        """Say whether a text ends in a full stop that ends no sentence: of an abbreviation, or of a list's numeral."""
        if not before.endswith("."):
            return False
        word = _LAST_WORD.search(before[:-1])
        return _LIST_NUMERAL.search(
            before[-_MOST_OF_A_WORD:] if len(before) > _MOST_OF_A_WORD else before
        ) is not None or (word is not None and is_abbreviation(word[0], self._language))

    def _ends_by_library(self, before: str, behind: str) -> bool:
        import sentencex  # noqa: PLC0415 - only long or streamed text needs it

        pieces = [p for p in sentencex.segment(self._language, f"{before} {behind}") if p.strip()]
        return len(pieces) > 1 and pieces[-1].strip() == behind

    def _cut(self, text: str) -> int:
        """Return where a sentence that is too long is cut: at a comma, else between words, else anywhere."""
        for pattern in (_PAUSE, _DASH, _BLANK):
            ends = [m.end() for m in pattern.finditer(text, 0, MOST_CHARACTERS + 1)]
            ends = [
                e for e in ends if _LEAST_CHARACTERS < e <= MOST_CHARACTERS and not self._holds_on(text[:e].rstrip())
            ]
            if ends:
                return ends[-1]
        end = MOST_CHARACTERS
        while end > _LEAST_CHARACTERS and (
            unicodedata.combining(text[end]) or unicodedata.category(text[end])[0] == "M"
        ):
            end -= 1
        return end if end > _LEAST_CHARACTERS else MOST_CHARACTERS

    def _holds_on(self, before: str) -> bool:
        """Say whether what comes next belongs to the last word: a list's numeral, or an abbreviation."""
        return self._goes_on(before) or _BRACKET_NUMERAL.search(before[-_MOST_OF_A_WORD:]) is not None
