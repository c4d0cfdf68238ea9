"""SRT and WebVTT as players take them: numbers may be missing, hours too, text may have tags."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator

from smallest_nb.common.text import one_line
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.lines import UNSPACED
from smallest_nb.results.transcript.loading.rows import Loaded, Row, make_segments
from smallest_nb.results.transcript.loading.speaker_labels import strip_speaker_labels

__all__ = ["read_srt", "read_vtt"]

_CLOCK = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?=\s|$)")
_SRT_MARKUP = re.compile(r"</?(?:i|b|u|s|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:[ \t]+([^<>]*))?>")
_RECORDING = re.compile(r"^NOTE recording: ([^\n]*)\n[ \t]*$", re.MULTILINE)
_VTT_TAG = re.compile(r"</?[^<>]*>")


def read_srt(text: str) -> Loaded:
    """Read SRT: each cue is a segment, and a speaker is what stands before a colon ("Ada: ").

    Raises:
        ConfigError: No cue in it.
    """
    rows = [Row(one_line(_SRT_MARKUP.sub("", said)), start, end) for start, end, said in _read_cues(text)]
    if not rows:
        raise ConfigError("there is no cue in it; expected lines such as 00:00:01,000 --> 00:00:02,500.")
    return make_segments(strip_speaker_labels([r for r in rows if r.text], goes_on=True))


def read_vtt(text: str) -> Loaded:
    """Read WebVTT: each cue is a segment, or several if several people speak in it; voice tags name them.

    Raises:
        ConfigError: It does not begin as WebVTT does.
    """
    if not text.lstrip().startswith("WEBVTT"):
        raise ConfigError("it does not begin with WEBVTT.")
    rows: list[Row] = []
    # Where our own exports say that another recording begins, the text is cut.
    first, *others = _RECORDING.split(text)
    for source, part in [(None, first), *zip(others[::2], others[1::2], strict=True)]:
        for start, end, said in _read_cues(_without_notes(part)):
            rows += _read_voices(start, end, said, one_line(source) if source else None)
    return make_segments(rows)


def _without_notes(text: str) -> str:
    """Leave out what is no cue: a note or a style sheet may hold anything but an arrow."""
    blocks = re.split(r"\n[ \t]*\n", text)
    return "\n\n".join(
        b for b in blocks if not re.match(r"\s*(WEBVTT|NOTE|STYLE|REGION)\b(?![^\n]*-->)", b) or "-->" in b
    )


def _read_voices(start: float, end: float, said: str, source: str | None) -> Iterator[Row]:
    parts = _VOICE.split(said)
    for name, part in zip([None, *parts[1::2]], parts[::2], strict=True):
        spoken = one_line(html.unescape(_VTT_TAG.sub("", part)))
        if spoken:
            label = one_line(html.unescape(name)) or None if name else None
            yield Row(spoken, start, end, label, source=source)


def _read_cues(text: str) -> Iterator[tuple[float, float, str]]:
    lines = text.split("\n")
    starts = [i for i, line in enumerate(lines) if "-->" in line and _TIMES.match(line)]
    for number, (at, following) in enumerate(itertools.zip_longest(starts, starts[1:]), 1):
        body = lines[at + 1 : following]
        if following is not None:
            body = _without_next_name(body, number + 1)
        times = _TIMES.match(lines[at])
        assert times is not None  # noqa: S101 - it was just found
        yield _to_seconds(times.groups()[:4]), _to_seconds(times.groups()[4:]), _join_lines(body)


def _without_next_name(body: list[str], number: int) -> list[str]:
    """Leave out the number or the name of the next cue: the last line, if a blank one parts it from the text."""
    if not body or not body[-1].strip():
        return body
    alone = len(body) == 1 or not body[-2].strip()
    return body[:-1] if alone or body[-1].strip() == str(number) else body


def _join_lines(lines: list[str]) -> str:
    """Join lines with a space, but for scripts without spaces."""
    found = ""
    for line in (ln.strip() for ln in lines):
        if found and line:
            bare = _VTT_TAG.sub("", line)
            spaced = not (UNSPACED.match(found[-1]) and UNSPACED.match(bare))
            found += " " if spaced else ""
        found += line
    return found


def _to_seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return round(whole + int((fraction or "0").ljust(3, "0")) / 1000, 3)
