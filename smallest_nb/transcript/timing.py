"""Who says what from when to when, and the times that the exports share. Imports errors."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from smallest_nb.errors import ConfigError
from smallest_nb.transcript.places import cut_up
from smallest_nb.transcript.plain import tidy
from smallest_nb.transcript.segment import Segment, Word

__all__ = ["Piece", "Run", "apart", "joined", "milliseconds", "runs", "spread"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A bit of text that is not divided any more.

    Attributes:
        text: Without white space around it.
        start: Seconds.
        end: Seconds.
        glued: No space stands before it.
    """

    text: str
    start: float
    end: float
    glued: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What one speaker says within a segment.

    Attributes:
        speaker: Number, or None.
        start: Seconds.
        end: Seconds.
        text: On one line.
        pieces: The text in pieces with times: words, or where there are none sentences, or all of it.
    """

    speaker: int | None
    start: float
    end: float
    text: str
    pieces: tuple[Piece, ...]


def milliseconds(seconds: float | None) -> int:
    """Return a time in whole milliseconds, at least 0.

    Raises:
        ConfigError: There is none.
    """
    if seconds is None or not math.isfinite(seconds):
        raise ConfigError("A segment has no times; transcribe with word_timestamps=True or sentence_timestamps=True.")
    return max(0, round(seconds * 1000))


def runs(segment: Segment) -> Iterator[Run]:
    """Divide a segment where the speaker changes.

    Raises:
        ConfigError: It has no times.
    """
    if not tidy(segment.text) and not segment.words:
        return
    speakers = [segment.speaker if w.speaker is None else w.speaker for w in segment.words]
    timed = segment.words or segment.sentences
    start = timed[0].start if segment.start is None and timed else segment.start
    end = timed[-1].end if segment.end is None and timed else segment.end
    milliseconds(start)
    milliseconds(end)
    assert start is not None  # noqa: S101 - milliseconds() has refused it
    assert end is not None  # noqa: S101
    if len(set(speakers)) <= 1:
        pieces = _pieces(segment.text, timed) if timed else [Piece(tidy(segment.text), start, end)]
        text = tidy(segment.text) or joined(pieces)
        yield Run(speakers[0] if speakers else segment.speaker, start, end, text, tuple(pieces))
        return
    told = zip(speakers, _pieces(segment.text, segment.words), strict=True)
    for speaker, group in itertools.groupby(told, key=lambda pair: pair[0]):
        said = [piece for _, piece in group]
        if text := joined(said):
            yield Run(speaker, said[0].start, said[-1].end, text, tuple(said))


def _pieces(text: str, words: Sequence[Word]) -> list[Piece]:
    parts = cut_up(text, [w.text for w in words])
    if parts is None:
        return [Piece(tidy(w.text), w.start, w.end) for w in words]
    before = [" ", *parts]
    glued = [not (part[:1].isspace() or last[-1:].isspace()) for last, part in zip(before, parts, strict=False)]
    return [Piece(tidy(p), w.start, w.end, g) for p, w, g in zip(parts, words, glued, strict=True)]


def joined(pieces: Iterable[Piece]) -> str:
    """Put pieces together again."""
    return "".join(p.text if p.glued else " " + p.text for p in pieces if p.text).strip()


def spread(piece: Piece, size: int) -> Iterator[Piece]:
    """Divide a piece at its spaces, and every `size` characters where it has none; the time is shared by characters."""
    for match in re.finditer(rf"\S{{1,{size}}}", piece.text):
        first, last = (i / len(piece.text) for i in match.span())
        length = max(0.0, piece.end - piece.start)
        glued = piece.glued if not match.start() else not piece.text[match.start() - 1].isspace()
        start = piece.start + length * first if first else piece.start
        end = piece.start + length * last if last < 1 else max(piece.start, piece.end)
        yield Piece(match[0], start, end, glued)


def apart(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Trim spans that overlap: each ends where the next begins. Those that begin together share the time.

    Args:
        spans: Start and end in milliseconds, by start.

    Returns:
        As many spans, each at least 1 ms long, none overlapping.
    """
    if not spans:
        return []
    starts = [start for start, _ in spans]
    first = 0
    for start, together in itertools.groupby(spans, key=lambda span: span[0]):
        group = list(together)
        after = first + len(group)
        end = max(end for _, end in group)
        if after < len(spans):
            end = min(end, spans[after][0])
        for k in range(1, len(group)):
            share = start + max(0, end - start) * k // len(group)
            starts[first + k] = min(share, max(start, group[k - 1][1]))
        first = after
    for k in range(1, len(starts)):
        starts[k] = max(starts[k], starts[k - 1] + 1)
    ends = [max(end, start + 1) for start, (_, end) in zip(starts, spans, strict=True)]
    following = [*starts[1:], ends[-1]]
    return [(s, min(e, n)) for s, e, n in zip(starts, ends, following, strict=True)]
