"""Takes in a folder: takes.json, and a WAV file each.

Replacing takes.json is the commit: until then the folder is as it was, because no sound that it names is overwritten.
If a name is taken, the sound gets another one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import json
import math
import os
import re
import uuid
import wave
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.common.files import create_file, write_file
from smallest_nb.common.numbers import is_integer
from smallest_nb.common.paths import as_path
from smallest_nb.errors import ConfigError
from smallest_nb.results.metrics import TTSMetrics
from smallest_nb.results.takes.take import Take
from smallest_nb.results.takes.word_times import TakeWord

__all__ = ["INDEX", "read", "write"]

INDEX = "takes.json"
_FORMAT = "smallest_nb takes"
_VERSION = 1
_OURS = re.compile(r"take-\d{3,}(-\d+)?\.wav")


def write(takes: Iterable[Take], folder: str | os.PathLike[str], *, without: Collection[str] = ()) -> Path:
    """Put takes into a folder, beside those of earlier sessions that are there.

    Args:
        takes: What to write.
        folder: Where to; made if it is missing.
        without: The uids of takes to remove from there.

    Returns:
        The folder.

    Raises:
        ConfigError: It cannot be written, holds a takes.json that is not ours, or a setting that JSON cannot hold.
    """
    target = as_path(folder)
    fresh = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        _write(list(takes), target, without)
    except OSError as error:
        if fresh:
            with contextlib.suppress(OSError):  # not made, or another program put a file there
                target.rmdir()
        raise ConfigError(f"The takes cannot be saved in {target}: {error}") from error
    return target


def _write(takes: list[Take], folder: Path, without: Collection[str]) -> None:
    former = _index(folder / INDEX)["takes"] if (folder / INDEX).exists() else []
    names = {_uid(e): e["file"] for e in former if _uid(e)}
    present = {t.uid for t in takes}
    kept = [e for e in former if _uid(e) not in present and _uid(e) not in without]
    entries = [_entry(take) for take in takes]  # before any file is written: a setting may be unfit for JSON
    made: list[Path] = []
    index = b""
    try:
        for take, entry in zip(takes, entries, strict=True):
            entry["file"] = _sound(take, folder, names.get(take.uid), made)
        index = _dumped([*kept, *entries])
        write_file(folder / INDEX, index)
    except BaseException:
        if not _holds(folder / INDEX, index):  # an interrupt may come after takes.json was replaced
            for path in made:
                with contextlib.suppress(OSError):
                    path.unlink()
        raise
    used = {e["file"] for e in (*kept, *entries)}
    for name in set(names.values()) - used:
        if _OURS.fullmatch(name):  # a file that was added to takes.json by hand is not ours to remove
            with contextlib.suppress(OSError):
                (folder / name).unlink()


def _holds(path: Path, data: bytes) -> bool:
    with contextlib.suppress(OSError):
        return path.read_bytes() == data
    return False


def _uid(entry: dict[str, Any]) -> str:
    return str(entry.get("uid") or "")


def _sound(take: Take, folder: Path, former: str | None, made: list[Path]) -> str:
    """Write a take's sound, unless it is there already, and return the file's name."""
    data = take.clip.wav_bytes()
    if former and _OURS.fullmatch(former):
        there = folder / former
        with contextlib.suppress(OSError):
            if there.stat().st_size == len(data) and there.read_bytes() == data:
                return former
    stem = f"take-{take.number:03d}"
    for name in itertools.chain([f"{stem}.wav"], (f"{stem}-{n}.wav" for n in itertools.count(2))):
        if os.path.lexists(folder / name):
            continue
        made.append(folder / name)
        try:
            create_file(folder / name, data)
        except FileExistsError:  # another program was quicker
            made.pop()
            continue
        return name
    raise AssertionError  # pragma: no cover - the names do not end


def _entry(take: Take) -> dict[str, Any]:
    entry = {
        "number": take.number,
        "uid": take.uid,
        "made": take.made.isoformat(),
        "text": take.text,
        "starred": take.starred,
        "note": take.note,
        "file": "",
        "samples": len(take.clip),
        "settings": take.settings.given_fields(),
        "model_chosen": take.settings.model_chosen,
        "metrics": None if take.metrics is None else dataclasses.asdict(take.metrics),
        "words": [[w.text, w.start, w.end, w.estimated] for w in take.words],
    }
    try:
        json.dumps(entry)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"Take {take.number} cannot be saved as JSON: {error}") from error
    return entry


def _dumped(entries: list[dict[str, Any]]) -> bytes:
    data = {"format": _FORMAT, "version": _VERSION, "takes": entries}
    try:
        return json.dumps(data, ensure_ascii=False, indent=1).encode()
    except UnicodeEncodeError:  # half an emoji, cut by some program: only its number can be written
        return json.dumps(data, indent=1).encode()


def read(folder: str | os.PathLike[str], *, max_bytes: int | None = None) -> Iterator[Take | None]:
    """Read the takes of a folder one by one, so that not all of their sound is in memory at once.

    Args:
        folder: As written by :func:`write`.
        max_bytes: A take with more sound than this is not read, and comes as None; None for no bound.

    Raises:
        ConfigError: No such folder, or a file that is missing or broken, by its name.
    """
    source = as_path(folder)
    index = source / INDEX
    for place, entry in enumerate(_index(index)["takes"], 1):
        try:
            samples, file = _checked(entry)
            take = _take(entry, Clip(b"", 8000))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ConfigError(f"{index} is broken at its take {place}: {reason}") from error
        clip = _clip(source / file, samples, max_bytes)
        if clip is None:
            yield None
        else:
            take.clip = clip
            yield take


def _index(path: Path) -> dict[str, Any]:
    """Return what takes.json says, if it is one of ours."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing: {path.parent} is not a folder of saved takes.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not a list of takes, or broken: {error}") from error
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ConfigError(f"{path} is not a list of takes as written by save().")
    if data.get("version") != _VERSION:
        raise ConfigError(f"{path} has version {data.get('version')!r}; this package reads version {_VERSION}.")
    entries = data.get("takes")
    if not isinstance(entries, list) or not all(
        isinstance(e, dict) and isinstance(e.get("file"), str) for e in entries
    ):
        raise ConfigError(f"{path} is broken: its takes are not a list of objects that name a file.")
    return data


def _checked(entry: dict[str, Any]) -> tuple[int, str]:
    """Check what the types do not, and return the number of samples and the file's name."""
    for name, least in (("number", 1), ("samples", 0)):
        value = entry[name]
        if not is_integer(value) or value < least:
            raise ConfigError(f"{name}={value!r} cannot be used; expected a whole number from {least}.")
    for name in ("text", "note", "uid", "made"):
        if not isinstance(entry[name], str):
            raise ConfigError(f"{name}={entry[name]!r} cannot be used; expected text.")
    file: str = entry["file"]
    if not file or Path(file).name != file or "\\" in file or "\0" in file:
        raise ConfigError(f"file={file!r} is not a plain file name.")
    return entry["samples"], file


def _take(entry: dict[str, Any], clip: Clip) -> Take:
    settings = SmallestTTSSettings.from_mapping(dict(entry["settings"]))
    if entry.get("model_chosen") is False:
        settings = settings.with_unchosen_model()
    metrics = _metrics(entry["metrics"])
    words = tuple(_word(*word) for word in entry["words"])
    return Take(
        entry["number"], entry["text"], settings, clip, metrics, words, made=dt.datetime.fromisoformat(entry["made"]),
        starred=bool(entry["starred"]), note=entry["note"], uid=entry["uid"] or uuid.uuid4().hex,
    )  # fmt: skip


def _metrics(data: Any) -> TTSMetrics | None:
    if data is None:
        return None
    known = {f.name for f in dataclasses.fields(TTSMetrics)}
    kept = {name: value for name, value in dict(data).items() if name in known}
    for name, value in kept.items():
        optional = name in ("connect_s", "ttfb_s") and value is None
        if not optional and not (isinstance(value, int | float) and math.isfinite(value)):
            raise ConfigError(f"{name}={value!r} cannot be used; expected a number.")
    return TTSMetrics(**kept)


def _word(text: Any, start: Any, end: Any, estimated: Any = False) -> TakeWord:
    if not isinstance(text, str) or not (math.isfinite(start) and math.isfinite(end)):
        raise ConfigError(f"[{text!r}, {start!r}, {end!r}] is not a word with its times.")
    return TakeWord(text, float(start), float(end), estimated=bool(estimated))


def _clip(path: Path, samples: int, max_bytes: int | None) -> Clip | None:
    """Return a take's sound, or None if it is larger than `max_bytes`."""
    try:
        if not path.is_file():
            raise ConfigError(f"{path} is missing.")
        with wave.open(str(path), "rb") as file:
            frames = file.getnframes()
        if frames == samples and max_bytes is not None and samples * BYTES_PER_SAMPLE > max_bytes:
            return None
        clip = Clip.from_wav(path) if frames == samples else None
    except (OSError, EOFError, wave.Error) as error:
        raise ConfigError(f"{path} is broken or cannot be read: {error}") from error
    # The wave module reads what there is of a file that was cut off, without an error.
    if clip is None or len(clip) != samples:
        raise ConfigError(f"{path} is broken: it has {frames if clip is None else len(clip)} samples, not {samples}.")
    return clip
