"""A recognised word with its time."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RecognisedWord"]


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """A recognised word.

    Attributes:
        text: As recognised, or as it is written.
        start: Seconds from the start of the session.
        end: Seconds from the start of the session.
        confidence: Posterior, 0 to 1.
        speaker: Number of the speaker from 0, or None without `diarize`.
        speaker_confidence: 0 to 1, or None.
    """

    text: str
    start: float
    end: float
    confidence: float
    speaker: int | None = None
    speaker_confidence: float | None = None
