"""Subtitles: SRT and WebVTT. Imports errors.

A cue has at most two lines of 42 characters and stays at most 7 s. Where the next one leaves room, it stays 1 s or
more, and as long as it takes to be read at 20 characters a second, the fastest that Netflix's Timed Text Style Guide
allows for grown-ups. Cues never overlap: where people speak at once, each cue ends where the next begins.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from smallest_nb.transcript.plain import tidy
from smallest_nb.transcript.segment import Segment
from smallest_nb.transcript.timing import Piece, Run, apart, joined, milliseconds, runs, spread

__all__ = ["subtitles"]

_MAX_LINE = 42
_MAX_LINES = 2
_MAX_CUE_MS = 7000
_MIN_CUE_MS = 1000
_READ_MS = 50
"""Milliseconds that a character takes to be read."""
_MAX_PREFIX_NAME = 24
"""Characters of a name that SRT shows before the text; a longer one would take both lines."""

# pysubs2 reads {...} and backslashes as ASS markup; characters that no text may hold carry ours past it.
_FOREIGN = str.maketrans(dict.fromkeys("\ufdd0\ufdd1\ufdd2"))
_SHIELD = str.maketrans({"{": "\ufdd0", "}": "\ufdd1", "\\": "\ufdd2"})
_UNSHIELD = {0xFDD0: "{", 0xFDD1: "}", 0xFDD2: "\\"}


@dataclass(frozen=True, slots=True)
class _Cue:
    start: int
    end: int
    text: str
    speaker: int | None


def subtitles(segments: Iterable[Segment], kind: str, name_of: Callable[[int], str]) -> str:
    """Return a subtitle file's text.

    Args:
        segments: What was said.
        kind: "srt" (a changed speaker as "Ada: ") or "vtt" (speakers as voice tags).
        name_of: Gives a speaker's name.

    Raises:
        ConfigError: A segment without times.
    """
    import pysubs2  # noqa: PLC0415

    subs = pysubs2.SSAFile()
    cues = _in_order(c for s in segments for r in runs(s) for c in _cues(r, kind, name_of))
    speakers = [None, *(c.speaker for c in cues)]
    names = [_prefix(c.speaker, kind, name_of) if c.speaker != b else "" for b, c in zip(speakers, cues, strict=False)]
    shown = [name + _readable(c.text, kind) for name, c in zip(names, cues, strict=True)]
    for cue, text, (start, end) in zip(cues, shown, _times(cues, shown), strict=True):
        lines = (html.escape(ln, quote=False) if kind == "vtt" else ln for ln in _wrapped(text))
        event = "\\N".join(ln.translate(_SHIELD) for ln in lines)
        if kind == "vtt" and cue.speaker is not None:
            name = html.escape(tidy(name_of(cue.speaker)).translate(_FOREIGN), quote=False)
            event = f"<v {name.translate(_SHIELD)}>{event}"
        subs.append(pysubs2.SSAEvent(start=start, end=end, text=event))
    return subs.to_string(kind).translate(_UNSHIELD)


def _readable(text: str, kind: str) -> str:
    shown = text.translate(_FOREIGN)
    # An arrow stands between the times; WebVTT has it escaped, SRT knows no escapes.
    return shown if kind == "vtt" else shown.replace("-->", "→")


def _prefix(speaker: int | None, kind: str, name_of: Callable[[int], str]) -> str:
    if speaker is None or kind == "vtt":
        return ""
    name = _readable(tidy(name_of(speaker)), kind)
    return f"{name if len(name) <= _MAX_PREFIX_NAME else name[: _MAX_PREFIX_NAME - 1].rstrip() + '…'}: "


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        rest = word
        if lines and len(lines[-1]) + 1 + len(rest) <= _MAX_LINE:
            lines[-1] += " " + rest
            continue
        while rest:
            lines.append(rest[:_MAX_LINE])
            rest = rest[_MAX_LINE:]
    return lines


def _cues(run: Run, kind: str, name_of: Callable[[int], str]) -> Iterator[_Cue]:
    """Divide what one speaker says into cues that fit."""
    # Room for the name is left in each: which cues change the speaker is known once all are in order.
    prefix = _prefix(run.speaker, kind, name_of)

    def fits(text: str) -> bool:
        return len(_wrapped(prefix + text)) <= _MAX_LINES

    def cue(start: float, end: float, text: str) -> _Cue:
        return _Cue(milliseconds(start), milliseconds(end), text, run.speaker)

    if fits(run.text) and milliseconds(run.end) - milliseconds(run.start) <= _MAX_CUE_MS:
        yield cue(run.start, run.end, run.text)
        return
    group: list[Piece] = []
    for piece in (part for whole in run.pieces for part in spread(whole, _MAX_LINE)):
        if group and (not fits(joined([*group, piece])) or piece.end - group[0].start > _MAX_CUE_MS / 1000):
            yield cue(group[0].start, group[-1].end, joined(group))
            group = []
        group.append(piece)
    if group:
        yield cue(group[0].start, group[-1].end, joined(group))


def _in_order(cues: Iterable[_Cue]) -> list[_Cue]:
    return sorted((c for c in cues if _wrapped(_readable(c.text, "vtt"))), key=lambda c: c.start)


def _times(cues: list[_Cue], shown: list[str]) -> list[tuple[int, int]]:
    """Return from when to when each is shown: apart, and for as long as it can be read."""
    stays = (max(c.end - c.start, _MIN_CUE_MS, _READ_MS * len(text)) for c, text in zip(cues, shown, strict=True))
    return apart([(c.start, c.start + min(ms, _MAX_CUE_MS)) for c, ms in zip(cues, stays, strict=True)])
