"""Subtitles: SRT and WebVTT. Imports errors.

A cue has at most two lines of 42 characters and stays at most 7 s, and at least 1 s where the next one leaves room.
Cues never overlap: where people speak at once, each cue ends where the next begins.
"""

from __future__ import annotations

import dataclasses
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
    before: int | None = None
    for cue in _placed(c for s in segments for r in runs(s) for c in _cues(r, kind, name_of)):
        prefix = _prefix(cue.speaker, kind, name_of) if cue.speaker != before else ""
        lines = _wrapped(prefix + _readable(cue.text, kind))
        text = "\\N".join((html.escape(ln, quote=False) if kind == "vtt" else ln).translate(_SHIELD) for ln in lines)
        if kind == "vtt" and cue.speaker is not None:
            name = html.escape(tidy(name_of(cue.speaker)).translate(_FOREIGN), quote=False)
            text = f"<v {name.translate(_SHIELD)}>{text}"
        subs.append(pysubs2.SSAEvent(start=cue.start, end=cue.end, text=text))
        before = cue.speaker
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


def _placed(cues: Iterable[_Cue]) -> list[_Cue]:
    """Put cues in order and their times apart, for as long as they can be read."""
    ordered = sorted((c for c in cues if _wrapped(_readable(c.text, "vtt"))), key=lambda c: c.start)
    long = [(c.start, max(c.start + _MIN_CUE_MS, min(c.end, c.start + _MAX_CUE_MS))) for c in ordered]
    return [dataclasses.replace(c, start=a, end=b) for c, (a, b) in zip(ordered, apart(long), strict=True)]
