"""Writes subtitles: SRT and WebVTT, as players and editors read them.

No package is used: those that write subtitles end at 99 hours, take braces for markup or escape nothing.
WebVTT: https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence

from smallest_nb.api.segment import Segment
from smallest_nb.common.text import one_line
from smallest_nb.results.transcript.cues import Cue, make_cues, schedule_cues, wrap_text
from smallest_nb.results.transcript.lines import cut_to_width
from smallest_nb.results.transcript.sources import mark_sources

__all__ = ["write_srt", "write_vtt"]

_MAX_PREFIX_COLUMNS = 24
"""Of a name that SRT shows before the text; a longer one would take both lines."""


def write_srt(segments: Iterable[Segment], name_of: Callable[[int], str]) -> str:
    """Return SubRip subtitles, a changed speaker as "Ada: ".

    Args:
        segments: What was said.
        name_of: Returns a speaker's name.

    Raises:
        ConfigError: A segment without times.
    """

    def prefix_of(speaker: int | None) -> str:
        if speaker is None:
            return ""
        return f"{cut_to_width(_without_arrows(one_line(name_of(speaker))), _MAX_PREFIX_COLUMNS)}: "

    cues = make_cues(segments, prefix_of)
    speakers = [None, *(c.speaker for c in cues)]
    names = [prefix_of(c.speaker) if c.speaker != b else "" for b, c in zip(speakers, cues, strict=False)]
    shown = [name + _without_arrows(c.text) for name, c in zip(names, cues, strict=True)]
    spans = schedule_cues(cues, shown)
    return "".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{_wrap_cue(text, cue)}\n\n"
        for number, (cue, text, (start, end)) in enumerate(zip(cues, shown, spans, strict=True), 1)
    )


def write_vtt(segments: Iterable[Segment], name_of: Callable[[int], str]) -> str:
    """Return WebVTT subtitles, with speakers as voice tags, and a note before the first cue of each recording.

    Args:
        segments: What was said.
        name_of: Returns a speaker's name.

    Raises:
        ConfigError: A segment without times.
    """
    cues = make_cues(segments, lambda _speaker: "")
    spans = schedule_cues(cues, [c.text for c in cues])
    blocks = ["WEBVTT\n\n"]
    for number, (note, cue, (start, end)) in enumerate(zip(_notes(cues), cues, spans, strict=True), 1):
        voice = "" if cue.speaker is None else f"<v {html.escape(one_line(name_of(cue.speaker)), quote=False)}>"
        text = html.escape(_wrap_cue(cue.text, cue), quote=False)
        blocks.append(f"{note}{number}\n{_clock(start, '.')} --> {_clock(end, '.')}\n{voice}{text}\n\n")
    return "".join(blocks)


def _notes(cues: Sequence[Cue]) -> list[str]:
    marks = mark_sources([cue.source for cue in cues])
    return [f"NOTE recording: {_without_arrows(one_line(mark))}\n\n" if mark else "" for mark in marks]


def _wrap_cue(text: str, cue: Cue) -> str:
    return "\n".join(wrap_text(text, cue.rules))


def _without_arrows(text: str) -> str:
    """Return text without what SRT and notes, which have no escapes, would read as a line of times."""
    return text.replace("-->", "→")


def _clock(ms: int, point: str) -> str:
    """Return a time; hours have as many digits as they need."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{ms:03d}"
