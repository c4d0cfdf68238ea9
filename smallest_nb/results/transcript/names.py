"""Who speaks, by number and by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import TypeVar

from smallest_nb.api.segment import Segment
from smallest_nb.common.numbers import is_integer
from smallest_nb.common.text import one_line
from smallest_nb.errors import ConfigError

__all__ = [
    "MAX_NAME",
    "checked_name",
    "checked_number",
    "default_name",
    "from_column",
    "make_unique",
    "speakers_in",
    "to_column",
]

MAX_NAME = 80
"""Characters; what a view and a subtitle can still show."""
SpeakerT = TypeVar("SpeakerT", int, int | None)
_MISSING = frozenset(
    "#n/a #na -1.#ind -1.#qnan -nan 1.#ind 1.#qnan <na> n/a na nan nil none null inf -inf infinity true false".split()
)
"""What pandas and other readers of columns take for a missing value, in lower case."""


def default_name(speaker: int) -> str:
    """Return the name of a speaker who has not been renamed; users count from 1."""
    return f"Speaker {speaker + 1}"


def checked_number(speaker: object) -> int:
    """Return a speaker number.

    Raises:
        ConfigError: Not a whole number from 0.
    """
    if not is_integer(speaker) or speaker < 0:
        raise ConfigError(f"speaker={speaker!r} cannot be used; expected a whole number from 0.")
    return speaker


def checked_name(name: object) -> str:
    """Return a speaker's name without the spaces around it.

    Raises:
        ConfigError: Not text, longer than 80 characters, or with control characters or line ends in it.
    """
    if not isinstance(name, str):
        raise ConfigError(f"name={name!r} cannot be used; expected text.")
    if any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in name):
        raise ConfigError(f"name={name!r} cannot be used; expected one line without control characters.")
    stripped = name.strip()
    if len(stripped) > MAX_NAME:
        raise ConfigError(f"A name has at most {MAX_NAME} characters; this one has {len(stripped)}.")
    return stripped


def to_column(name: str) -> str:
    """Return a name as one column of a file whose columns are parted by white space.

    White space becomes `_`. What readers take for a missing value, a quotation or a comment gets `_` before it.
    """
    column = one_line(name).replace(" ", "_")
    return f"_{column}" if column.lower() in _MISSING or column[:1] in ('"', "'", ";", "#") else column


def from_column(column: str) -> str:
    """Return the name that :func:`marked` wrote, but for white space, which stays `_`."""
    return column[1:] if column.startswith("_") and to_column(column[1:]) == column else column


def speakers_in(segments: Iterable[Segment]) -> list[int]:
    """Return the numbers of those who speak, in order."""
    found = {s.speaker for s in segments} | {w.speaker for s in segments for w in s.words}
    return sorted(n for n in found if n is not None)


def make_unique(names: Mapping[SpeakerT, str], joint: str, *, taken: Iterable[str] = ()) -> dict[SpeakerT, str]:
    """Return the names with numbers after those that several speakers share.

    Args:
        names: By speaker; two may have the same.
        joint: What stands between name and number.
        taken: Names that are used for something else.
    """
    used = set(taken)
    found: dict[SpeakerT, str] = {}
    counts: dict[str, int] = {}
    for speaker, name in names.items():
        unique, count = name, counts.get(name, 1)
        while unique in used:
            count += 1
            unique = f"{name}{joint}{count}"
        counts[name] = count
        used.add(unique)
        found[speaker] = unique
    return found
