"""Praat's TextGrids, long and short.

Praat itself reads only what stands free in such a file: numbers, texts in quotation marks and flags in angle brackets;
all else is a comment. Both forms, and those of other programs, are the same to it, and so here.
The format: https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.loading.rows import Loaded, Row, attach_words, group_words, make_segments

__all__ = ["read_textgrid"]

_log = logging.getLogger(__name__)
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|<(\w+)>|(?<!\S)([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)|(?<!\S)![^\n]*')
_WORDS = re.compile(r"(?:(?P<speaker>.+?) ?[-_] ?)?words?", re.IGNORECASE)
_PHONES = re.compile(r"(?:.+ ?[-_] ?)?(?:phones?|phonemes?)", re.IGNORECASE)
_NO_SPEAKER = "segments"
_SILENT = ("", "<eps>", "<sil>")


def read_textgrid(text: str) -> Loaded:
    """Read interval tiers: one called "words" holds words, one of phones is left out, any other is a speaker.

    Raises:
        ConfigError: It is cut short, or not a TextGrid.
    """
    tokens = _Tokens(text)
    tokens.text("ooTextFile")
    tokens.text("TextGrid")
    tokens.number()
    tokens.number()
    if tokens.flag() != "exists":
        return [], {}
    rows: list[Row] = []
    words: list[dict[str, Any]] = []
    for _ in range(int(tokens.number())):
        kind, name = tokens.text(), tokens.text()
        tokens.number()
        tokens.number()
        count = int(tokens.number())
        if kind != "IntervalTier":
            for _ in range(count):
                tokens.number()
                tokens.text()
            _log.info("the tier %r of points is left out", name)
            continue
        intervals = [(tokens.number(), tokens.number(), tokens.text()) for _ in range(count)]
        said = [(start, end, label) for start, end, label in intervals if label.strip() not in _SILENT]
        if of_words := _WORDS.fullmatch(name.strip()):
            words += [
                {"word": label, "start": start, "end": end, "speaker": of_words["speaker"]}
                for start, end, label in said
            ]
        elif _PHONES.fullmatch(name.strip()):
            _log.info("the tier %r of phones is left out", name)
        else:
            speaker = None if name == _NO_SPEAKER or not name.strip() else name
            rows += [Row(label, start, end, speaker) for start, end, label in said]
    if not rows:
        return make_segments(group_words(sorted(words, key=lambda w: w["start"])))
    attach_words(rows, words)
    return make_segments(rows)


class _Tokens:
    """What stands free in a file, one after the other."""

    def __init__(self, text: str) -> None:
        self._found: Iterator[re.Match[str]] = (m for m in _TOKEN.finditer(text) if m.lastindex)

    def _next(self, group: int, expected: str) -> str:
        found = next(self._found, None)
        if found is None:
            raise ConfigError(f"the TextGrid is cut short; expected {expected}.")
        if found.lastindex != group:
            raise ConfigError(f"{found[0][:40]!r} stands where a TextGrid has {expected}.")
        return found[group]

    def text(self, wanted: str | None = None) -> str:
        """Return the next text; it must begin as wanted."""
        value = self._next(1, f'"{wanted}"' if wanted else "a text").replace('""', '"')
        if wanted and not value.startswith(wanted):
            raise ConfigError(f"{value[:40]!r} stands where a TextGrid has {wanted!r}.")
        return value

    def number(self) -> float:
        """Return the next number."""
        return float(self._next(3, "a number"))

    def flag(self) -> str:
        """Return the next flag."""
        return self._next(2, "<exists>")
