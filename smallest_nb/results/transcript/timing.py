"""Who says what from when to when: the times that all exports share, although the service may leave some out."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from smallest_nb.api.segment import Segment, Word
from smallest_nb.common.text import one_line
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.word_spans import find_word_spans, split_at_words

__all__ = [
    "Piece",
    "SpeakerTurn",
    "divide_time",
    "fill_segment_times",
    "fill_word_times",
    "join_pieces",
    "separate_spans",
    "speaker_turns",
    "to_milliseconds",
    "words_with_times",
]


_MAX_SECS = 1e9
"""30 years."""
_CHARACTERS_PER_SECOND = 15
"""Of speech, for a segment without times at the end of a transcript."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text that is not divided further.

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
class SpeakerTurn:
    """What one speaker says within a segment.

    Attributes:
        speaker: Number, or None.
        start: Seconds.
        end: Seconds.
        text: On one line.
        pieces: The text in pieces with times: words; sentences if there are none; else all of it.
        timed: Whether the pieces' times come from the service; else they are those of the segment.
        language: As the segment has it.
        source: As the segment has it.
        words: Its words, all with times.
    """

    speaker: int | None
    start: float
    end: float
    text: str
    pieces: tuple[Piece, ...]
    timed: bool = False
    language: str | None = None
    source: str | None = None
    words: tuple[Word, ...] = ()


def to_milliseconds(seconds: float | None) -> int:
    """Return a time in whole milliseconds, at least 0.

    Raises:
        ConfigError: It is missing or out of range.
    """
    if seconds is None or not math.isfinite(seconds):
        raise ConfigError("A segment has no times; transcribe with word_timestamps=True or sentence_timestamps=True.")
    if abs(seconds) > _MAX_SECS:
        raise ConfigError(f"A time of {seconds:g} s cannot be written; expected at most {_MAX_SECS:g} s.")
    return max(0, round(seconds * 1000))


def speaker_turns(segment: Segment) -> Iterator[SpeakerTurn]:
    """Divide a segment at each change of the speaker.

    A word whose times are missing or NaN takes the time between its neighbours. An end before its start counts as
    the start.

    Raises:
        ConfigError: It has no times.
    """
    if not one_line(segment.text) and not segment.words:
        return
    timed = fill_word_times(segment.words, segment) or fill_word_times(segment.sentences, segment)
    start = segment.start if _is_finite(segment.start) or not timed else timed[0].start
    end = segment.end if _is_finite(segment.end) or not timed else max(w.end for w in timed)
    to_milliseconds(start)
    to_milliseconds(end)
    assert start is not None  # noqa: S101 - to_milliseconds() has raised
    assert end is not None  # noqa: S101
    end = max(start, end)
    words = timed if len(timed) == len(segment.words) else ()
    speakers = [segment.speaker if w.speaker is None else w.speaker for w in segment.words]
    about = (bool(timed), segment.language, segment.source)
    if len(set(speakers)) <= 1 or not words:
        pieces = _split_text(segment.text, timed) if timed else [Piece(one_line(segment.text), start, end)]
        text = one_line(segment.text) or join_pieces(pieces)
        yield SpeakerTurn(
            speakers[0] if speakers else segment.speaker, start, end, text, tuple(pieces), *about, tuple(words)
        )
        return
    divided = zip(speakers, _split_text(segment.text, words), words, strict=True)
    for speaker, group in itertools.groupby(divided, key=lambda part: part[0]):
        _, said, theirs = zip(*group, strict=True)
        if text := join_pieces(said):
            yield SpeakerTurn(speaker, said[0].start, max(p.end for p in said), text, said, *about, theirs)


def fill_word_times(words: Sequence[Word], segment: Segment) -> tuple[Word, ...]:
    """Return words that all have times: one without takes what its neighbours, or the segment, leave.

    Returns:
        As many words; none if not one of them has times.
    """
    known = [_is_finite(w.start) and _is_finite(w.end) for w in words]
    if not any(known):
        return ()
    if all(known) and all(w.end >= w.start for w in words):
        return tuple(words)
    found: list[Word] = []
    at = segment.start if _is_finite(segment.start) else next(w.start for w, k in zip(words, known, strict=True) if k)
    for i, word in enumerate(words):
        if known[i]:
            found.append(dataclasses.replace(word, end=max(word.start, word.end)))
        else:
            following = next((w.start for w, k in zip(words[i:], known[i:], strict=True) if k), segment.end)
            end = following if _is_finite(following) else at
            found.append(dataclasses.replace(word, start=at, end=max(at, end)))  # type: ignore[type-var, arg-type]
        at = found[-1].end
    return tuple(found)


def fill_segment_times(segments: Sequence[Segment]) -> list[Segment]:
    """Place segments whose times could not be read between the ones before and after them, so that their text is kept.

    Several in a row share that time by the length of their texts. If no segment has times, all are returned as they
    are.
    """
    spans = [_span_of(segment) for segment in segments]
    if all(span is None for span in spans):
        return list(segments)
    found: list[Segment] = []
    at = 0.0
    untimed: list[Segment] = []
    for segment, span in zip(segments, spans, strict=True):
        if span is None:
            untimed.append(segment)
            continue
        found += _place_between(untimed, at, max(at, span[0]))
        found.append(segment)
        untimed, at = [], max(at, span[1])
    return found + _place_between(untimed, at, at + sum(len(s.text) for s in untimed) / _CHARACTERS_PER_SECOND)


def _span_of(segment: Segment) -> tuple[float, float] | None:
    """Return from when to when a segment is known to be said, by its own times or those of what is in it."""
    inside = (*segment.words, *segment.sentences)
    starts = [s for s in (segment.start, *(w.start for w in inside)) if s is not None and math.isfinite(s)]
    ends = [e for e in (segment.end, *(w.end for w in inside)) if e is not None and math.isfinite(e)]
    return (min(starts), max(ends)) if starts and ends else None


def divide_time(start: float, end: float, lengths: Sequence[int]) -> list[tuple[float, float]]:
    """Divide a stretch of time among texts by their lengths, at least one character each."""
    passed = list(itertools.accumulate(max(1, length) for length in lengths))
    edges = [start, *(start + (end - start) * p / passed[-1] for p in passed[:-1]), end]
    return list(itertools.pairwise(edges)) if passed else []


def _place_between(segments: Sequence[Segment], start: float, end: float) -> list[Segment]:
    times = divide_time(start, end, [len(segment.text) for segment in segments])
    return [dataclasses.replace(s, start=a, end=b) for s, (a, b) in zip(segments, times, strict=True)]


def words_with_times(segment: Segment) -> tuple[Word, ...]:
    """Return a segment's words with times; if no word has any, they share the segment's by length.

    Raises:
        ConfigError: There are words, and neither they nor the segment have times.
    """
    words = fill_word_times(segment.words, segment)
    if words or not segment.words:
        return words
    start, end = to_milliseconds(segment.start) / 1000, to_milliseconds(segment.end) / 1000
    times = divide_time(start, max(start, end), [len(w.text) for w in segment.words])
    return tuple(dataclasses.replace(w, start=a, end=b) for w, (a, b) in zip(segment.words, times, strict=True))


def _is_finite(seconds: float | None) -> bool:
    return seconds is not None and math.isfinite(seconds)


def _split_text(text: str, words: Sequence[Word]) -> list[Piece]:
    """Divide the text among its words, one piece for each; if both differ, the text counts; some may be empty."""
    if not one_line(text):
        return [Piece(one_line(w.text), w.start, w.end) for w in words]
    parts = split_at_words(text, [w.text for w in words]) or _split_at_common_words(text, words)
    before = [" "]
    for part in parts:
        before.append(part or before[-1])
    glued = [not (part[:1].isspace() or last[-1:].isspace()) for last, part in zip(before, parts, strict=False)]
    ends = [w.end for w in words]
    for i in range(len(words) - 2, -1, -1):
        if not parts[i + 1]:
            ends[i] = max(ends[i], ends[i + 1])
    return [Piece(one_line(p), w.start, end, g) for p, w, end, g in zip(parts, words, ends, glued, strict=True)]


def _split_at_common_words(text: str, words: Sequence[Word]) -> list[str]:
    """Cut a text before each word that it has in common with the words; the others get none of it."""
    spots = find_word_spans(text, [w.text for w in words])
    found = [i for i, spot in enumerate(spots) if spot is not None] or [0]
    starts = [0, *(spot[0] for i in found[1:] if (spot := spots[i]) is not None), len(text)]
    parts = [""] * len(words)
    for i, (first, last) in zip(found, itertools.pairwise(starts), strict=True):
        parts[i] = text[first:last]
    return parts


def join_pieces(pieces: Iterable[Piece]) -> str:
    """Return the text of pieces."""
    return "".join(p.text if p.glued else " " + p.text for p in pieces if p.text).strip()


def separate_spans(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Trim spans that overlap: each ends when the next begins. Those that begin together share the time.

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
