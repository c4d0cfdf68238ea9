"""Sounds to be transcribed: patterns, folders, paths, clips; each becomes an item."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.audio.clip import Clip, is_byte_string
from smallest_nb.client.batch.items import Item, hash_of
from smallest_nb.client.batch.places import find_files
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.exports import TRANSCRIPT_FORMATS

__all__ = ["checked_formats", "items_of_sounds"]

_SOUNDS = frozenset(
    ".wav .wave .flac .mp3 .ogg .oga .opus .aif .aiff .aifc .au .snd .caf .w64 .rf64 .mp2 .m4a .mp4 .webm".split()
)
"""What a folder is searched for; a pattern finds whatever it names."""
_SUFFIXES = {"textgrid": "TextGrid"}


def checked_formats(formats: str | Iterable[str], settings: SmallestSTTSettings) -> tuple[str, ...]:
    """Return the suffixes of the outputs.

    Raises:
        ConfigError: No such format, none at all, or one that the settings leave empty.
    """
    names = [formats] if isinstance(formats, str) else list(formats)
    found: list[str] = []
    for name in names:
        lower = str(name).lower().removeprefix(".")
        if lower not in TRANSCRIPT_FORMATS or lower == "audacity":
            known = ", ".join(n for n in TRANSCRIPT_FORMATS if n != "audacity")
            raise ConfigError(f"formats holds {name!r}; expected some of {known}.")
        found.append(_SUFFIXES.get(lower, lower))
    if not found:
        raise ConfigError("formats is empty; expected at least one, such as ['json', 'srt'].")
    if "rttm" in found and not settings.diarize:
        raise ConfigError("RTTM says who speaks when: pass diarize=True with formats=['rttm'].")
    return tuple(dict.fromkeys(found))


def items_of_sounds(
    audio: Any, settings: SmallestSTTSettings, *, formats: Sequence[str], channel: int | None, sample_rate: int | None
) -> list[Item]:
    """Return an item for each sound.

    Args:
        audio: A path, a pattern or a folder, of this machine or at a URL; a clip; or a list of such, and of all else
            that `read_sound` reads.
        settings: Complete ones.
        formats: Suffixes of the outputs; none to keep the transcripts in memory.
        channel: As the transcripts depend on it.
        sample_rate: Hz of arrays.

    Raises:
        ConfigError: Nothing is found.
    """
    named: list[tuple[str, str, Any]] = []  # path or "", name without suffix, sound in memory
    for one in _each(audio):
        if isinstance(one, str | os.PathLike):
            named += _found(os.fspath(one))
        else:
            named.append(("", f"{len(named) + 1:04d}", one))
    twice = Counter(name.casefold() for _, name, _ in named)
    common = [settings.given_fields(), channel, sample_rate]
    items = []
    for number, (path, name, source) in enumerate(named):
        identity = name if twice[name.casefold()] == 1 else _with_suffix(name, path)
        outputs = tuple(f"{identity}.{suffix}" for suffix in formats)
        digest = hash_of("transcribe", path or _hash_of_sound(source), *common)
        items.append(Item(identity, number, path, outputs, settings, digest, source=source))
    ids = Counter(item.id.casefold() for item in items)
    double = next((item for item in items if ids[item.id.casefold()] > 1), None)
    if double is not None:
        raise ConfigError(f"Two sounds are called {double.id!r}; rename one, or do them in two calls.")
    return items


def _each(audio: Any) -> list[Any]:
    is_several = isinstance(audio, list | tuple | set | frozenset) or hasattr(audio, "__next__")
    found = list(audio) if is_several else [audio]
    if not found:
        raise ConfigError("There is nothing to transcribe: the list is empty.")
    return found


def _found(pattern: str) -> list[tuple[str, str, Any]]:
    base, paths = find_files(pattern)
    if paths != [pattern] and len(paths) > 1 and not any(c in pattern for c in "*?["):
        paths = [path for path in paths if os.path.splitext(path)[1].lower() in _SOUNDS]  # noqa: PTH122
    if not paths:
        raise ConfigError(
            f"{pattern} names no sound file; expected a path, a folder, or a pattern such as calls/**/*.wav."
        )
    found = []
    for path in paths:
        inside = path.replace("\\", "/").removeprefix(base.replace("\\", "/").rstrip("/") + "/" if base else "")
        found.append((path, os.path.splitext(inside)[0].lstrip("/"), None))  # noqa: PTH122
    return found


def _with_suffix(name: str, path: str) -> str:
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122
    return f"{name}{suffix.replace('.', '-')}" if suffix else name


def _hash_of_sound(source: Any) -> str:
    """Return what tells sound in memory from other sound."""
    if isinstance(source, Clip):
        return hashlib.sha256(source.pcm).hexdigest() + str(source.sample_rate)
    if is_byte_string(source):
        return hashlib.sha256(bytes(source)).hexdigest()
    if hasattr(source, "read"):
        raise ConfigError("An open file cannot be one of many sounds; pass its path, or its bytes.")
    import numpy as np  # noqa: PLC0415

    return hashlib.sha256(np.ascontiguousarray(np.asarray(source)).tobytes()).hexdigest()
