"""Praat TextGrid, the long text format.

The format: https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from smallest_nb.api.segment import Segment
from smallest_nb.common.text import one_line
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.names import make_unique
from smallest_nb.results.transcript.timing import separate_spans, speaker_turns, to_milliseconds, words_with_times

__all__ = ["write_textgrid"]

_WORDS = "words"
_NO_SPEAKER = "segments"
"""The tier of segments without a speaker."""

_Interval = tuple[int, int, str]


def write_textgrid(segments: Sequence[Segment], name_of: Callable[[int], str], seconds: float = 0.0) -> str:
    """Return a TextGrid: a tier per speaker, and one of words if there are words.

    Args:
        segments: What was said.
        name_of: Returns a speaker's name; two of the same name get numbers.
        seconds: How long the recording is; the grid is at least as long.

    Raises:
        ConfigError: A segment without times, or nothing to write.
    """
    said: dict[int | None, list[_Interval]] = {}
    for run in (r for s in segments for r in speaker_turns(s)):
        said.setdefault(run.speaker, []).append((to_milliseconds(run.start), to_milliseconds(run.end), run.text))
    words = [
        (to_milliseconds(w.start), to_milliseconds(w.end), text)
        for s in segments
        for w in words_with_times(s)
        if (text := one_line(w.text))
    ]
    length = to_milliseconds(seconds)
    if not said and not length:
        raise ConfigError("There is nothing to write into a TextGrid: the transcript is empty.")
    speakers = sorted(n for n in said if n is not None)
    names = make_unique({n: one_line(name_of(n)) for n in speakers}, " ", taken=(_WORDS, _NO_SPEAKER))
    tiers = [(names[n], _without_overlap(said[n])) for n in speakers]
    if None in said or not said:
        tiers.append((_NO_SPEAKER, _without_overlap(said.get(None, []))))
    if words:
        tiers.append((_WORDS, _without_overlap(words)))
    last = max([length, *(end for _, intervals in tiers for _, end, _ in intervals)])
    body = (_tier(i, name, _fill_gaps(intervals, last), last) for i, (name, intervals) in enumerate(tiers, 1))
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {_seconds(last)}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
    )
    return head + "".join(body)


def _without_overlap(intervals: Iterable[_Interval]) -> list[_Interval]:
    ordered = sorted(intervals, key=lambda i: i[:2])
    spans = separate_spans([(start, end) for start, end, _ in ordered])
    return [(start, end, text) for (start, end), (_, _, text) in zip(spans, ordered, strict=True)]


def _fill_gaps(intervals: Iterable[_Interval], last: int) -> list[_Interval]:
    """Add empty intervals between those with speech; Praat requires that every moment is covered."""
    covered: list[_Interval] = []
    at = 0
    for start, end, text in intervals:
        if start > at:
            covered.append((at, start, ""))
        covered.append((start, end, text))
        at = end
    return [*covered, (at, last, "")] if at < last else covered


def _tier(number: int, name: str, intervals: Sequence[_Interval], last: int) -> str:
    lines = [
        f"    item [{number}]:",
        '        class = "IntervalTier"',
        f"        name = {_quoted(name)}",
        "        xmin = 0",
        f"        xmax = {_seconds(last)}",
        f"        intervals: size = {len(intervals)}",
    ]
    for i, (start, end, text) in enumerate(intervals, 1):
        lines += [
            f"        intervals [{i}]:",
            f"            xmin = {_seconds(start)}",
            f"            xmax = {_seconds(end)}",
            f"            text = {_quoted(text)}",
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.3f}".rstrip("0").rstrip(".")
