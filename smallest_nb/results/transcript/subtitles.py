"""Subtitles: SRT and WebVTT, as players and editors read them.

Both are written here: the packages that write them end at 99 hours, read braces as markup or escape nothing.
WebVTT: https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence

from smallest_nb.api.segment import Segment
from smallest_nb.results.transcript.cues import Cue, cues_of, lines_of, times_of
from smallest_nb.results.transcript.labels import tidy
from smallest_nb.results.transcript.lines import shortened

__all__ = ["srt", "vtt"]

_MAX_PREFIX_COLUMNS = 24
"""Of a name that SRT shows before the text; a longer one would take both lines."""


def srt(segments: Iterable[Segment], name_of: Callable[[int], str]) -> str:
    """Return SubRip subtitles, a changed speaker as "Ada: ".

    Args:
        segments: What was said.
        name_of: Gives a speaker's name.

    Raises:
        ConfigError: A segment without times.
    """

    def prefix_of(speaker: int | None) -> str:
        if speaker is None:
            return ""
        return f"{shortened(_without_arrows(tidy(name_of(speaker))), _MAX_PREFIX_COLUMNS)}: "

    cues = cues_of(segments, prefix_of)
    speakers = [None, *(c.speaker for c in cues)]
    names = [prefix_of(c.speaker) if c.speaker != b else "" for b, c in zip(speakers, cues, strict=False)]
    shown = [name + _without_arrows(c.text) for name, c in zip(names, cues, strict=True)]
    spans = times_of(cues, shown)
    return "".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{_set(text, cue)}\n\n"
        for number, (cue, text, (start, end)) in enumerate(zip(cues, shown, spans, strict=True), 1)
    )


def vtt(segments: Iterable[Segment], name_of: Callable[[int], str]) -> str:
    """Return WebVTT subtitles, speakers as voice tags, and a note where another recording begins.

    Args:
        segments: What was said.
        name_of: Gives a speaker's name.

    Raises:
        ConfigError: A segment without times.
    """
    cues = cues_of(segments, lambda _speaker: "")
    spans = times_of(cues, [c.text for c in cues])
    blocks = ["WEBVTT\n\n"]
    for number, (note, cue, (start, end)) in enumerate(zip(_notes(cues), cues, spans, strict=True), 1):
        voice = "" if cue.speaker is None else f"<v {html.escape(tidy(name_of(cue.speaker)), quote=False)}>"
        text = html.escape(_set(cue.text, cue), quote=False)
        blocks.append(f"{note}{number}\n{_clock(start, '.')} --> {_clock(end, '.')}\n{voice}{text}\n\n")
    return "".join(blocks)


def _notes(cues: Sequence[Cue]) -> list[str]:
    if len({c.source for c in cues}) < 2:
        return [""] * len(cues)
    before = [None, *(c.source for c in cues)]
    return [
        f"NOTE recording: {_without_arrows(tidy(c.source))}\n\n" if c.source is not None and c.source != b else ""
        for b, c in zip(before, cues, strict=False)
    ]


def _set(text: str, cue: Cue) -> str:
    return "\n".join(lines_of(text, cue.rules))


def _without_arrows(text: str) -> str:
    """An arrow stands between the times; SRT and notes know no escapes."""
    return text.replace("-->", "→")


def _clock(ms: int, point: str) -> str:
    """Return a time; hours have as many digits as they need."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{ms:03d}"
