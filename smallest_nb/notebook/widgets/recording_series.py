"""Which recording of a widget a result belongs to, and who its speakers are among those of the others."""

from __future__ import annotations

from smallest_nb.results.transcript import Segment, Transcript
from smallest_nb.results.transcript.names import speakers_in

__all__ = ["RecordingSeries"]


class RecordingSeries:
    """Counts the recordings that one transcript is made of. Runs on the background loop.

    The service counts speakers from 0 in each recording. Nothing says that they are the same people, so those of a
    later recording have numbers of their own, and with them names of their own.
    """

    def __init__(self) -> None:
        self._count = 0
        self._next: str | None = None
        self._name = ""
        self._first_speaker = 0

    def name_next(self, name: str | None) -> None:
        """Say what the next recording is called; None for its number."""
        self._next = name

    def begin(self, transcript: Transcript) -> None:
        """Begin a recording behind what a transcript holds."""
        self._count = self._count + 1 if len(transcript) else 1
        self._name, self._next = self._next or f"Recording {self._count}", None
        self._first_speaker = max(speakers_in(transcript), default=-1) + 1

    def placed(self, segment: Segment) -> Segment:
        """Return a result of the recording that runs as part of the transcript."""
        return segment.of_recording(self._name, self._first_speaker)
