"""Cues: what is shown at once, and from when to when.

A cue has at most two lines and stays at most 7 s. If the next one leaves room, it stays 1 s or more, and as long as
it takes to read (`lines` has the speeds). Cues never overlap: if people speak at once, each cue ends when the next
begins.

A text is divided in the cheapest of all ways, as TeX breaks paragraphs: a whole sentence stays in one cue if it fits,
else it is divided at a comma or a pause into parts of similar length.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from smallest_nb.api.segment import Segment
from smallest_nb.common.text import one_line
from smallest_nb.results.transcript.lines import (
    ENDS_SENTENCE,
    Rules,
    Unit,
    ends_clause,
    fit_two_lines,
    reading_ms,
    rules_for,
    share_grapheme,
    split_into_units,
    text_width,
    wrap_units,
)
from smallest_nb.results.transcript.timing import (
    Piece,
    SpeakerTurn,
    divide_time,
    join_pieces,
    separate_spans,
    speaker_turns,
    to_milliseconds,
)

__all__ = ["Cue", "make_cues", "schedule_cues", "wrap_text"]

_MAX_MS = 7000
_MIN_MS = 1000
_JOIN_SECS = 0.5
"""A sentence that finals cut goes on in the next segment, if that begins within this time."""
_PAUSE_SECS = 0.3
_LONG_PAUSE_SECS = 2.0

# The cost of one more cue, and what else it is weighed against.
_A_CUE = 10.0
_UNEVEN = 15.0
_AT_PAUSE = 10.0
_AT_COMMA = 8.0
_IN_A_CLAUSE = 25.0
_OVER_A_LONG_PAUSE = 30.0
_FRAGMENT = 15.0
_FRAGMENT_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown at once.

    Attributes:
        start: Milliseconds at which its text begins to be said.
        end: Milliseconds at which its text has been said.
        text: On one line, without the speaker's name.
        speaker: Number, or None.
        rules: How its lines are set.
        run: The number of the stretch of speech that it is a part of.
        estimated: Its times are shared out by length, as the words have none.
        source: What it was transcribed from, as its segment has it.
    """

    start: int
    end: int
    text: str
    speaker: int | None
    rules: Rules
    run: int = 0
    estimated: bool = False
    source: str | None = None


def make_cues(segments: Iterable[Segment], prefix_of: Callable[[int | None], str]) -> list[Cue]:
    """Divide what was said into cues, in order of time.

    Args:
        segments: What was said.
        prefix_of: Returns what may stand before a speaker's words; room for it is left in each cue, since only
            the order of all cues shows which of them change the speaker.

    Raises:
        ConfigError: A segment without times.
    """
    found = (
        cue
        for number, run in enumerate(_join_sentences(segments))
        for cue in _divide_turn(run, prefix_of(run.speaker), number)
    )
    return sorted((c for c in found if c.text), key=lambda c: c.start)


def wrap_text(text: str, rules: Rules) -> list[str]:
    """Return the one or two lines of a cue."""
    parts = split_into_units(text, rules)
    return wrap_units(parts, rules) or wrap_units(parts, rules, digits=True) or _fill_lines(parts, rules)


def _fill_lines(parts: Sequence[Unit], rules: Rules) -> list[str]:
    """Fill line by line: a last resort for parts that were cut elsewhere than these lines can be."""
    lines: list[str] = []
    for part in parts:
        joint = "" if part.glued else " "
        if lines and text_width(lines[-1] + joint) + part.width <= rules.columns:
            lines[-1] += joint + part.text
        else:
            lines.append(part.text)
    return lines


def schedule_cues(cues: Sequence[Cue], shown: Sequence[str]) -> list[tuple[int, int]]:
    """Return from when to when each is shown, in milliseconds: apart, and for as long as it can be read.

    Args:
        cues: In order of time.
        shown: The text of each with the name before it.
    """
    needed = [min(_MAX_MS, max(_MIN_MS, reading_ms(t, c.rules))) for c, t in zip(cues, shown, strict=True)]
    spans = [(c.start, c.start + min(_MAX_MS, max(c.end - c.start, n))) for c, n in zip(cues, needed, strict=True)]
    at = 0
    for _, together in itertools.groupby(cues, key=lambda c: (c.run, c.estimated)):
        size = len(list(together))
        if size > 1 and cues[at].estimated:
            limit = cues[at + size].start if at + size < len(cues) else None
            _share_reading_time(spans, needed, range(at, at + size), limit)
        at += size
    return separate_spans(spans)


def _share_reading_time(spans: list[tuple[int, int]], needed: list[int], which: range, limit: int | None) -> None:
    """Extend estimated times into the silence after them if they are too short to be read."""
    start, end = spans[which[0]][0], spans[which[-1]][1]
    wanted = start + sum(needed[i] for i in which)
    until = wanted if limit is None else min(wanted, limit)
    if until <= end:
        return
    at = float(start)
    scale = (until - start) / (wanted - start)
    for i in which:
        spans[i] = (round(at), round(at + needed[i] * scale))
        at += needed[i] * scale


def _join_sentences(segments: Iterable[Segment]) -> Iterator[SpeakerTurn]:
    """Join the parts of a sentence that the service handed over in several segments."""
    group: list[SpeakerTurn] = []
    end = 0.0
    for run in (r for s in segments for r in speaker_turns(s)):
        if group and not _continues(group[-1], end, run):
            yield _merge_turns(group, end)
            group = []
        end = max(end, run.end) if group else run.end
        group.append(run)
    if group:
        yield _merge_turns(group, end)


def _merge_turns(group: Sequence[SpeakerTurn], end: float) -> SpeakerTurn:
    if len(group) == 1:
        return group[0]
    text = join_pieces(Piece(run.text, 0, 0) for run in group)
    return dataclasses.replace(group[0], end=end, text=text, pieces=tuple(p for run in group for p in run.pieces))


def _continues(before: SpeakerTurn, end: float, after: SpeakerTurn) -> bool:
    return (
        before.timed
        and after.timed
        and before.speaker == after.speaker
        and before.source == after.source
        and 0 <= after.start - end <= _JOIN_SECS
        and not ENDS_SENTENCE.search(before.text)
    )


def _divide_turn(run: SpeakerTurn, prefix: str, number: int) -> Iterator[Cue]:
    """Divide what one speaker says into cues that fit."""
    rules = rules_for(run.text, run.language)
    before = split_into_units(prefix, rules)

    def cue(start: float, end: float, text: str, *, estimated: bool) -> Cue:
        said = (to_milliseconds(start), to_milliseconds(end))
        return Cue(*said, one_line(text), run.speaker, rules, number, estimated, run.source)

    pieces = _split_pieces(run.pieces, rules)
    if len(pieces) == 1 and to_milliseconds(run.end) - to_milliseconds(run.start) <= _MAX_MS:
        yield cue(run.start, run.end, run.text, estimated=False)
        return
    for first, last in itertools.pairwise(_find_best_cuts(pieces, before, rules)):
        group = pieces[first:last]
        whole = first == 0 and last == len(pieces)
        start, end = (run.start, run.end) if whole else (group[0].start, max(p.end for p in group))
        yield cue(start, end, join_pieces(group), estimated=not run.timed and not whole)


def _split_pieces(pieces: Iterable[Piece], rules: Rules) -> list[Piece]:
    """Divide pieces at possible line ends, and join those that share a phrase or a grapheme."""
    small = [part for piece in pieces if piece.text for part in _split_piece(piece, rules)]
    text = join_pieces(small)
    ends = set(itertools.accumulate(len(u.text) for u in split_into_units(text, rules)))
    found: list[Piece] = []
    at = 0
    for part in small:
        last = found[-1] if found else None
        together = (
            last is not None
            and part.glued
            and (at not in ends or share_grapheme(last.text, part.text))
            and text_width(last.text) + text_width(part.text) <= rules.columns
        )
        if together and last is not None:
            found[-1] = Piece(last.text + part.text, last.start, max(last.end, part.end), last.glued)
        else:
            found.append(part)
        at += len(part.text)
    return found


def _split_piece(piece: Piece, rules: Rules) -> Iterator[Piece]:
    """Divide a piece at possible line ends; its time is shared by characters."""
    parts = split_into_units(piece.text, rules)
    times = divide_time(piece.start, max(piece.start, piece.end), [len(part.text) for part in parts])
    for i, (part, (start, end)) in enumerate(zip(parts, times, strict=True)):
        yield Piece(part.text, start, end, part.glued if i else piece.glued)


def _find_best_cuts(pieces: Sequence[Piece], before: Sequence[Unit], rules: Rules) -> list[int]:
    """Return the places that divide pieces into cues at the least cost, both ends included."""
    parts = [Unit(p.text, text_width(p.text), p.glued) for p in pieces]
    # Where each piece ends if all stand in one line, so that the width of a group is one subtraction.
    ends = [0, *itertools.accumulate(p.width + (not p.glued) for p in parts)]
    name = sum(u.width + 1 for u in before)
    breaks = [_break_cost(pieces, i) for i in range(1, len(pieces) + 1)]
    best: list[tuple[float, int]] = [(0.0, 0), *((float("inf"), 0) for _ in pieces)]
    for first in range(len(pieces)):
        start, end, pauses = pieces[first].start, pieces[first].end, 0
        for last in range(first + 1, len(pieces) + 1):
            size = ends[last] - ends[first]
            if last > first + 1:
                pauses += pieces[last - 1].start - end >= _LONG_PAUSE_SECS
                end = max(end, pieces[last - 1].end)
                if size > 2 * rules.columns + 2 or round((end - start) * 1000) > _MAX_MS:
                    break
                if not _fits_cue(parts[first:last], ends[first : last + 1], name, rules):
                    continue
            cost = best[first][0] + _A_CUE + _UNEVEN * (size / (2 * rules.columns)) ** 2 + pauses * _OVER_A_LONG_PAUSE
            cost += breaks[last - 1]
            if size < _FRAGMENT_COLUMNS and (breaks[last - 1] or (first and breaks[first - 1])):
                cost += _FRAGMENT
            if cost < best[last][0]:
                best[last] = (cost, first)
    cuts = [len(pieces)]
    while cuts[-1]:
        cuts.append(best[cuts[-1]][1])
    return cuts[::-1]


def _fits_cue(parts: Sequence[Unit], ends: Sequence[int], name: int, rules: Rules) -> bool:
    """Return whether a group fits into two lines with a name of so many columns before it.

    Args:
        parts: The group.
        ends: Where the first part begins and where each ends, in columns.
        name: Columns, the space behind it included.
        rules: How wide a line may be.
    """
    begin = ends[0] + (not parts[0].glued)
    if name + ends[-1] - begin <= rules.columns:
        return True
    at = bisect.bisect_right(ends, rules.columns - name + begin) - 1
    if at < (0 if name else 1) or ends[-1] - ends[at] - (not parts[at].glued) > rules.columns:
        return False
    if parts[-1].text.isdecimal():  # the second line might be digits only
        return fit_two_lines([Unit("x" * (name - 1), name - 1, glued=False)] * bool(name) + list(parts), rules)
    return True


def _break_cost(pieces: Sequence[Piece], at: int) -> float:
    """Return what it costs to begin a cue with a piece."""
    before = pieces[at - 1]
    pause = pieces[at].start - before.end if at < len(pieces) else _LONG_PAUSE_SECS
    if pause >= _LONG_PAUSE_SECS or ENDS_SENTENCE.search(before.text):
        return 0.0
    if ends_clause(before.text):
        return _AT_COMMA
    return _AT_PAUSE if pause >= _PAUSE_SECS else _IN_A_CLAUSE
