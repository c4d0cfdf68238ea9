"""What every reader returns: rows with speaker labels, which become segments with numbers and names."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smallest_nb.api.segment import Segment, Word
from smallest_nb.api.word_shares import share_words
from smallest_nb.common.text import one_line
from smallest_nb.results.transcript.lines import ENDS_SENTENCE
from smallest_nb.results.transcript.names import MAX_NAME
from smallest_nb.results.transcript.timing import words_with_times

__all__ = ["Loaded", "Row", "attach_words", "group_words", "make_segments"]

Loaded = tuple[list[Segment], dict[int, str]]
"""Segments, and the names of speakers by number."""

_DEFAULT_NAME = re.compile(r"Speaker[ _](\d{1,4})")
_PAUSE_SECS = 1.0
"""Words further apart belong to different segments."""


@dataclass(slots=True)
class Row:
    """A stretch of speech as the file has it.

    Attributes:
        text: Its text; may be empty if a file says only who spoke.
        start: Seconds, or None.
        end: Seconds, or None.
        label: What the speaker is called, or None.
        words: As `word`, `start`, `end`, `confidence`, `speaker` (a label); times may be missing.
        language: Its code, or None.
        source: Which recording it is of, in a file of several.
    """

    text: str
    start: float | None = None
    end: float | None = None
    label: str | None = None
    words: list[dict[str, Any]] = field(default_factory=list)
    language: str | None = None
    source: str | None = None


def make_segments(rows: Sequence[Row]) -> Loaded:
    """Return segments, by time, and the names of their speakers.

    A speaker called "Speaker 2" has number 1 and no name; the others have the numbers that are left, in the order in
    which they first speak.
    """
    ordered = sorted(rows, key=lambda r: r.start if r.start is not None else 0.0) if _all_timed(rows) else list(rows)
    labels = [label for r in ordered for label in (r.label, *(w.get("speaker") for w in r.words)) if label is not None]
    numbers, names = _number_speakers(labels)
    return [_make_segment(r, numbers) for r in ordered], names


def _all_timed(rows: Iterable[Row]) -> bool:
    return all(r.start is not None for r in rows)


def _number_speakers(labels: Iterable[str]) -> tuple[dict[str, int], dict[int, str]]:
    distinct = list(dict.fromkeys(labels))
    numbers: dict[str, int] = {}
    names: dict[int, str] = {}
    for label in distinct:
        known = _DEFAULT_NAME.fullmatch(label)
        number = int(known[1]) - 1 if known else -1
        if number >= 0 and number not in numbers.values():
            numbers[label] = number
    taken = set(numbers.values())
    free = (n for n in itertools.count() if n not in taken)
    for label in distinct:
        if label not in numbers:
            numbers[label] = next(free)
            if name := one_line(label)[:MAX_NAME].strip():
                names[numbers[label]] = name
    return numbers, names


def _make_segment(row: Row, numbers: Mapping[str, int]) -> Segment:
    def speaker(label: str | None) -> int | None:
        return None if label is None else numbers[label]

    def seconds(value: float | None) -> float:
        return math.nan if value is None else value

    words = tuple(
        Word(text, seconds(w.get("start")), seconds(w.get("end")), w.get("confidence"), speaker(w.get("speaker")))
        for w in row.words
        if (text := one_line(str(w["word"])))
    )
    known = [w for w in words if math.isfinite(w.start) and math.isfinite(w.end)]
    first = row.start if row.start is not None else known[0].start if known else None
    last = row.end if row.end is not None else known[-1].end if known else None
    if len(known) < len(words):  # the others take what their neighbours, or the segment, leave
        whole = Segment("", True, first, last, words)
        words = words_with_times(whole) if first is not None and last is not None else ()
    words = tuple(dataclasses.replace(w, start=round(w.start, 6), end=round(w.end, 6)) for w in words)
    said = speaker(row.label)
    return Segment(
        one_line(row.text) or " ".join(w.text for w in words), True,
        row.start if row.start is not None or not words else words[0].start,
        row.end if row.end is not None or not words else words[-1].end,
        words, speaker=said if said is not None else _most_common(w.speaker for w in words),
        language=row.language, source=row.source,
    )  # fmt: skip


def _most_common(speakers: Iterable[int | None]) -> int | None:
    known = [s for s in speakers if s is not None]
    return max(known, key=known.count) if known else None


def attach_words(rows: Sequence[Row], words: Sequence[dict[str, Any]]) -> None:
    """Add each word of a separate list to the row that it is a part of."""
    spans = [{"text": r.text, "start": r.start, "end": r.end, "speaker": None} for r in rows]
    for row, share in zip(rows, share_words([{**w, "speaker": None} for w in words], spans), strict=True):
        row.words = [{**w, "speaker": row.label} for w in share]


def group_words(words: Sequence[dict[str, Any]], source: str | None = None) -> list[Row]:
    """Make rows of words without segments: a pause, the end of a sentence or another speaker begins a new one.

    Args:
        words: With times, in order.
        source: Which recording they are of.
    """
    rows: list[Row] = []
    for word in words:
        last = rows[-1] if rows else None
        if last is None or last.end is None or _begins_another(last, word):
            rows.append(Row("", word["start"], word["end"], word.get("speaker"), [word], source=source))
            continue
        last.end = max(last.end, word["end"])
        last.words.append(word)
    for row in rows:
        row.text = " ".join(w["word"] for w in row.words)
    return rows


def _begins_another(row: Row, word: Mapping[str, Any]) -> bool:
    return (
        word["start"] - (row.end or 0.0) > _PAUSE_SECS
        or row.label != word.get("speaker")
        or bool(ENDS_SENTENCE.search(row.words[-1]["word"]))
    )
