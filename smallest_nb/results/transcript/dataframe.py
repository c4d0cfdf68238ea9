"""Transcripts as tables."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from smallest_nb.api.segment import Segment, Word
from smallest_nb.errors import ConfigError
from smallest_nb.results.table import make_table
from smallest_nb.results.transcript.names import speakers_in

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["make_dataframe", "to_csv"]

_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What begins a formula in a spreadsheet: OWASP, "CSV Injection"; the full-width forms are taken for it too."""


def make_dataframe(segments: Sequence[Segment], name_of: Callable[[int], str], rows: str) -> pd.DataFrame:
    """Return a table of words or segments, with a column `name` if there are speakers, `source` if several recordings.

    Raises:
        ConfigError: pandas is missing, or `rows` is neither "auto", "word" nor "segment".
    """
    if rows not in ("auto", "word", "segment"):
        raise ConfigError(f"rows={rows!r} cannot be used; expected 'auto', 'word' or 'segment'.")
    by_word = rows == "word" or (rows == "auto" and any(s.words for s in segments))
    lines: list[list[Any]]
    if by_word:
        columns = ["segment", *(f.name for f in dataclasses.fields(Word))]
        lines = [[i, *dataclasses.astuple(w)] for i, s in enumerate(segments) for w in s.words]
        sources = [s.source for s in segments for _ in s.words]
    else:
        columns = ["text", "start", "end", "speaker", "language"]
        lines = [[getattr(s, n) for n in columns] for s in segments]
        sources = [s.source for s in segments]
    if speakers_in(segments):
        at = columns.index("speaker")
        lines = [[*line, None if line[at] is None else name_of(line[at])] for line in lines]
        columns.append("name")
    if len({s.source for s in segments}) > 1:
        lines = [[*line, source] for line, source in zip(lines, sources, strict=True)]
        columns.append("source")
    return make_table(lines, columns)


def to_csv(frame: pd.DataFrame) -> str:
    """Return a table as CSV that a spreadsheet does not execute.

    Text is in quotation marks; what begins like a formula has an apostrophe before it, which spreadsheets take for the
    sign of a text.
    """
    quoted = frame.copy()
    for name in quoted.columns:
        if not any(isinstance(v, str) for v in quoted[name]):
            continue
        quoted[name] = [_without_formula(v) if isinstance(v, str) else v for v in quoted[name]]
    return quoted.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)


def _without_formula(text: str) -> str:
    return f"'{text}" if text.lstrip(" \u00a0\u3000\ufeff").startswith(_FORMULA) else text
