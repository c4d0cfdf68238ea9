"""Transcripts as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from smallest_nb.api.segment import Segment
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.names import checked_name

__all__ = ["dumps", "loads"]

_VERSION = 1


def dumps(segments: Sequence[Segment], names: Mapping[int, str]) -> str:
    """Return JSON that :func:`loads` reads back.

    Raises:
        ConfigError: A time or a confidence is NaN or infinite, which JSON cannot hold.
    """
    data: dict[str, Any] = {"version": _VERSION, "segments": [s.to_dict() for s in segments]}
    if names:
        data["names"] = {str(n): name for n, name in sorted(names.items())}
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1)
    except ValueError as error:
        raise ConfigError(f"This transcript cannot be written as JSON: {error}") from error
    # Halves of characters are no UTF-8, but JSON can escape them.
    whole = text.encode("utf-8", "replace").decode() == text
    return text if whole else json.dumps(data, indent=1)


def loads(text: str) -> tuple[list[Segment], dict[int, str]]:
    """Read what :func:`dumps` wrote: the segments, and the names of speakers.

    Raises:
        ConfigError: It is not that.
    """
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
        if not isinstance(data, dict):
            raise TypeError("it is not an object")  # noqa: TRY301 - one place that says what is wrong
        if data.get("version", _VERSION) != _VERSION:
            raise ValueError(f"version {data['version']!r} is unknown here")  # noqa: TRY301
        if not isinstance(data["segments"], list):
            raise TypeError("its segments are not a list")  # noqa: TRY301
        names = data.get("names") or {}
        return [Segment.from_dict(s) for s in data["segments"]], {
            _speaker_number(n): checked_name(v) for n, v in names.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"This is not a transcript as written by to_json(): {error}") from error


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")


def _speaker_number(key: str) -> int:
    if not (key.isascii() and key.isdigit()):
        raise ValueError(f"{key!r} is not a speaker number")
    return int(key)
