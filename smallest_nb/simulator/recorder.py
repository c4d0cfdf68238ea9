"""Keeps each session's wire log and audio on disk, for debugging and for tests. Imports audio only."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from time import monotonic

from smallest_nb.audio import Clip

__all__ = ["NoRecorder", "Recorder", "SessionLog"]

_MAX_AUDIO_BYTES = 50 * 2**20


class SessionLog:
    """One session: `log` takes text frames, `audio` takes PCM16, `save` names a WAV file."""

    def __init__(self, stem: Path) -> None:
        self._stem = stem
        self._started = monotonic()
        self._pcm = bytearray()
        self._count = 0

    def log(self, direction: str, text: str) -> None:
        """Append a frame; audio inside it is left out, the WAV has it."""
        line = {"t": round(monotonic() - self._started, 4), "dir": direction, "frame": text}
        with self._stem.with_suffix(".jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def audio(self, pcm: bytes) -> None:
        """Collect audio, at most 50 MiB."""
        if len(self._pcm) < _MAX_AUDIO_BYTES:
            self._pcm += pcm

    def save(self, sample_rate: int) -> None:
        """Write what was collected as the next WAV file."""
        if self._pcm:
            self._count += 1
            whole = bytes(self._pcm[: len(self._pcm) // 2 * 2])
            Clip(whole, sample_rate).to_wav(f"{self._stem}-{self._count:03d}.wav")
            self._pcm.clear()


class NoRecorder:
    """Keeps nothing."""

    def log(self, direction: str, text: str) -> None:
        """Keep nothing."""

    def audio(self, pcm: bytes) -> None:
        """Keep nothing."""

    def save(self, sample_rate: int) -> None:
        """Keep nothing."""


class Recorder:
    """Makes session logs in a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def session(self, kind: str) -> SessionLog | NoRecorder:
        """Return the log of a new session."""
        if self._folder is None:
            return NoRecorder()
        return SessionLog(self._folder / f"{next(self._numbers):04d}-{kind}")
