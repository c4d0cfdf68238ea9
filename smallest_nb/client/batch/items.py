"""What a batch is made of: an item to be done, and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["Item", "Made", "hash_of"]


def hash_of(*parts: Any) -> str:
    """Return a hash of JSON values, the same in each process and version of Python."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple | set | frozenset) else str(value)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be done.

    Attributes:
        id: Its name in the table, unique in the batch.
        number: Its place in the input, from 0.
        input: The text to be spoken, or the path of the sound; "" for sound that has none.
        outputs: The names of the files it is written to, in the folder of the batch; none to keep it in memory.
        settings: All settings, complete.
        hash: Of the input and all that its outputs depend on. That of a file is not read yet: of its path only.
        source: Sound in memory; None for a text or a path.
        columns: Further columns of the row it came from.
    """

    id: str
    number: int
    input: str
    outputs: tuple[str, ...]
    settings: Any
    hash: str
    source: Any = None
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Made:
    """What one attempt made of an item.

    Attributes:
        value: The clip or the transcript if it is kept in memory, else None.
        files: The content of each output by its name, in the folder of the batch.
        pending: Outputs that are written already, under temporary names.
        duration: Seconds of sound.
        characters: Characters of the text that was spoken; 0 for a transcription.
        ttfb_s: Seconds to the first sound, or None.
        fingerprint: What tells whether an input file is still the same, or None.
    """

    value: Any = None
    files: dict[str, bytes] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    duration: float = 0.0
    characters: int = 0
    ttfb_s: float | None = None
    fingerprint: dict[str, Any] | None = None
