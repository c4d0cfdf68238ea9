"""Listening tests as files: the test with its sounds as one JSON file, and beside it a line for each answer.

`choice.json` is written once. `choice.answers.jsonl` grows by one line an answer, which is on the disk before the
listener sees the next trial. A line that was cut short by a crash is left out when the file is read.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pybase64

from smallest_nb.audio.clip import Clip
from smallest_nb.common.files import append_line, write_file
from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.answer import Answer
from smallest_nb.results.listening.plan import Design
from smallest_nb.results.listening.stimulus import Stimulus, prepare, systems_of

__all__ = ["answers_path", "append", "read", "read_answers", "signature", "write"]

_log = logging.getLogger(__name__)
_FORMAT = "smallest_nb listening test"
_VERSION = 1
_MAX_BYTES = 500_000_000


def answers_path(path: Path) -> Path:
    """Return the file of the answers to a saved test."""
    return path.with_name(f"{path.stem}.answers.jsonl")


def signature(path: Path) -> tuple[int, int] | None:
    """Return what changes when answers are appended; None while there are none."""
    try:
        stat = answers_path(path).stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


def write(
    path: Path,
    uid: str,
    *,
    design: Design,
    listeners: Sequence[str],
    stimuli: Sequence[Stimulus],
    answers: Sequence[Answer],
) -> None:
    """Write a test, and those of its answers that are not in its file yet.

    Raises:
        ConfigError: It cannot be written, or there is another test with answers.
    """
    beside = answers_path(path)
    if beside.exists() and (others := _uids(beside) - {uid}):
        raise ConfigError(
            f"{beside} holds answers to another test ({', '.join(sorted(others))[:40]}); choose another name, or move "
            "that file away."
        )
    data = {
        "format": _FORMAT, "version": _VERSION, "uid": uid, "kind": design.kind, "seed": design.seed,
        "trials": design.trials, "training": design.training, "checks": design.checks, "reference": design.reference,
        "listeners": list(listeners), "stimuli": [_stimulus(s) for s in stimuli],
    }  # fmt: skip
    try:
        write_file(path, json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror or error}); choose another place.") from error
    known = {(a.listener, a.trial.number) for a in read_answers(path, uid)}
    for answer in answers:
        if (answer.listener, answer.trial.number) not in known:
            append(path, uid, answer)


def append(path: Path, uid: str, answer: Answer) -> None:
    """Add an answer to those of a saved test; it is on the disk when this returns.

    Raises:
        ConfigError: It cannot be written; the answer does not count then.
    """
    beside = answers_path(path)
    try:
        _end_last_line(beside)
        append_line(beside, _line(uid, answer))
        _sync(beside)
    except OSError as error:
        raise ConfigError(
            f"The answer could not be kept in {beside} ({error.strerror or error}); answer again."
        ) from error


def read(path: Path) -> tuple[list[Stimulus], Design, list[str], str]:
    """Return the stimuli, the design, the listeners and the id of a saved test.

    Raises:
        ConfigError: No such file, or not one of ours.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path} has more than {_MAX_BYTES // 10**6} MB; it cannot be a listening test.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror or error}); expected a saved listening test."
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON ({error}); expected a file of ListeningTest.save.") from error
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise ConfigError(f"{path} is not a listening test; expected a file of ListeningTest.save.")
    if data.get("version") != _VERSION:
        raise ConfigError(f"{path} has version {data.get('version')!r}; this release reads version {_VERSION}.")
    try:
        stimuli = prepare([_sound(one) for one in data["stimuli"]])
        design = Design(
            data["kind"],
            systems_of(stimuli),
            data["seed"],
            data["trials"],
            data["training"],
            data["checks"],
            data["reference"],
        )
        return stimuli, design, [str(name) for name in data["listeners"]], str(data["uid"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} cannot be read as a listening test ({type(error).__name__}: {error}).") from error


def read_answers(path: Path, uid: str) -> list[Answer]:
    """Return the answers to a saved test; lines that cannot be read are logged (WARNING) and left out."""
    beside, answers = answers_path(path), []
    try:
        lines = beside.read_bytes().split(b"\n")
    except OSError:
        return []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            if data["test"] == uid:
                answers.append(Answer.from_json(data))
        except (ValueError, KeyError, TypeError, ConfigError):
            _log.warning("%s: line %d is not an answer, it is left out", beside, number)
    return answers


def _line(uid: str, answer: Answer) -> str:
    return json.dumps({"test": uid, **answer.to_json()}, ensure_ascii=False)


def _stimulus(stimulus: Stimulus) -> dict[str, Any]:
    return {
        "system": stimulus.system, "text": stimulus.text, "ttfb_ms": stimulus.ttfb_ms,
        "sample_rate": stimulus.clip.sample_rate, "pcm16": pybase64.b64encode(stimulus.clip.pcm).decode(),
    }  # fmt: skip


def _sound(data: Any) -> tuple[str, str, Clip, float | None]:
    clip = Clip(pybase64.b64decode(data["pcm16"], validate=True), data["sample_rate"])
    ttfb = data["ttfb_ms"]
    return str(data["system"]), str(data["text"]), clip, None if ttfb is None else float(ttfb)


def _uids(path: Path) -> set[str]:
    found = set()
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            found.add(str(json.loads(line)["test"]))
    return found


def _end_last_line(path: Path) -> None:
    """Give a line that was cut short by a crash an end, so that the next answer has a line of its own."""
    with contextlib.suppress(FileNotFoundError), path.open("rb+") as file:
        if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
            file.write(b"\n")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
