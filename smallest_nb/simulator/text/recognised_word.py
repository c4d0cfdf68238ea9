"""What was heard, word by word. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RecognisedWord"]


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """A recognised word.

    Attributes:
        text: As heard or as written.
        start: Seconds from the start of the session.
        end: Seconds from the start of the session.
        confidence: Posterior, 0 to 1.
        speaker: Number of the speaker from 0, or None where nobody asked.
        speaker_confidence: 0 to 1, or None.
    """

    text: str
    start: float
    end: float
    confidence: float
    speaker: int | None = None
    speaker_confidence: float | None = None
