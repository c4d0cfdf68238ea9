"""Keeps each session's wire log and audio on disk, for debugging and for tests."""

from __future__ import annotations

import itertools
import json
import logging
import re
from pathlib import Path
from time import monotonic

from smallest_nb.audio.clip import Clip
from smallest_nb.common.files import append_line, create_file

__all__ = ["NoRecorder", "Recorder", "SessionLog"]

_log = logging.getLogger("smallest_nb.simulator")
_NUMBERED = re.compile(r"(\d{4,9})-")
_MAX_AUDIO_BYTES = 50 * 2**20


class SessionLog:
    """One session: `log` takes text frames, `audio` takes PCM16, `save` names a WAV file.

    A disk that is full ends the recording with a warning, not the session.
    """

    def __init__(self, stem: Path) -> None:
        self._stem = stem
        self._started = monotonic()
        self._pcm = bytearray()
        self._count = 0
        self._failed = False

    def log(self, direction: str, text: str) -> None:
        """Append a frame, whole or not at all; audio inside it is left out, the WAV has it."""
        line = {"t": round(monotonic() - self._started, 4), "dir": direction, "frame": text}
        if not self._failed:
            try:
                append_line(self._stem.with_suffix(".jsonl"), json.dumps(line, ensure_ascii=False))
            except OSError as error:
                self._fail(error)

    def audio(self, pcm: bytes) -> None:
        """Collect audio, at most 50 MiB."""
        if len(self._pcm) < _MAX_AUDIO_BYTES and not self._failed:
            self._pcm += pcm

    def save(self, sample_rate: int) -> None:
        """Write what was collected as the next WAV file."""
        if self._pcm:
            self._count += 1
            whole = bytes(self._pcm[: len(self._pcm) // 2 * 2])
            self._pcm.clear()
            try:
                Clip(whole, sample_rate).to_wav(f"{self._stem}-{self._count:03d}.wav")
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self._failed = True
        self._pcm.clear()
        _log.warning("the recording of this session ends here: %s", error)


class NoRecorder:
    """Keeps nothing."""

    def log(self, direction: str, text: str) -> None:
        """Keep nothing."""

    def audio(self, pcm: bytes) -> None:
        """Keep nothing."""

    def save(self, sample_rate: int) -> None:
        """Keep nothing."""


class Recorder:
    """Makes session logs in a folder; the numbers go on from those of an earlier recording there."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        taken = 0
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            taken = max((int(m[1]) for p in folder.iterdir() if (m := _NUMBERED.match(p.name))), default=0)
        self._numbers = itertools.count(taken + 1)

    def session(self, kind: str) -> SessionLog | NoRecorder:
        """Return the log of a new session."""
        if self._folder is None:
            return NoRecorder()
        for number in self._numbers:
            stem = self._folder / f"{number:04d}-{kind}"
            try:
                create_file(stem.with_suffix(".jsonl"), b"")
            except FileExistsError:
                continue
            except OSError as error:
                _log.warning("this session is not recorded: %s", error)
                return NoRecorder()
            return SessionLog(stem)
        raise AssertionError  # pragma: no cover - the numbers do not end
