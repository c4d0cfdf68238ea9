"""What every recogniser of the simulator takes and returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from smallest_nb.simulator.text.recognised_word import RecognisedWord

__all__ = ["Activity", "ActivityTracker", "Recogniser", "Result"]

_ENDED_SECS = 1.0
"""Silence after which speech counts as ended (`stt-live-ws.yaml:515`)."""


@dataclass(frozen=True, slots=True)
class Result:
    """An interim with its `text`, or a final with its `words`, before they are written out."""

    text: str
    final: bool
    words: list[RecognisedWord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Activity:
    """Speech started or ended, at `at` seconds of the session."""

    started: bool
    at: float


class Recogniser(Protocol):
    """Recognises one session: PCM16 at the session's rate in, results out."""

    async def start(self) -> None:
        """Take what it needs.

        Raises:
            EngineError: There is none.
        """

    async def push(self, pcm: bytes) -> list[Result | Activity]:
        """Take a piece of sound and return the results that it completes."""

    async def finalize(self) -> Result:
        """End the segment now and return its final, empty if nothing was said."""

    async def close(self) -> None:
        """Return what was borrowed."""


class ActivityTracker:
    """Turns voice activity into the moments at which speech started and ended."""

    def __init__(self) -> None:
        self._speaking = False
        self._last = 0.0

    def start(self, at: float) -> list[Activity]:
        """Note that speech was found to have begun."""
        self._last = max(self._last, at)
        if self._speaking:
            return []
        self._speaking = True
        return [Activity(started=True, at=round(at, 3))]

    def extend(self, until: float) -> None:
        """Note that there was speech until a moment."""
        self._last = until

    def check_end(self, at: float) -> list[Activity]:
        """Return the end of speech once it is long enough ago."""
        if not self._speaking or at - self._last < _ENDED_SECS:
            return []
        self._speaking = False
        return [Activity(started=False, at=round(self._last, 3))]
