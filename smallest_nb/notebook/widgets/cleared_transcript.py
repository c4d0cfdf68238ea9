"""A transcript that a person cleared, kept for a while so that it can be put back."""

from __future__ import annotations

import copy

from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets.recording_peaks import RecordingPeaks
from smallest_nb.results.transcript import Transcript

__all__ = ["ClearedTranscript"]


class ClearedTranscript:
    """Text, names and sound of a transcript, as they were.

    Args:
        transcript: What is about to be cleared.
        peaks: The picture of its sound.
        offset: Seconds heard before the recording that runs or comes next.

    Attributes:
        peaks: As given.
        offset: As given.
    """

    def __init__(self, transcript: Transcript, peaks: RecordingPeaks, offset: float) -> None:
        self._segments = list(transcript.segments)
        self._names = dict(transcript.names)
        self._recording = copy.copy(transcript.recording)
        self.peaks = peaks
        self.offset = offset

    def __bool__(self) -> bool:
        sound = self._recording
        return bool(self._segments) or (sound is not None and sound.duration > sound.kept_from)

    def describe(self) -> str:
        """Return what it was, a sentence for the page."""
        lines = len(self._segments)
        text = f"{lines} line{'' if lines == 1 else 's'}"
        sound = self._recording
        seconds = sound.duration - sound.kept_from if sound is not None else 0.0
        return f"Deleted: {text} and {seconds:.0f} s of sound." if seconds >= 1 else f"Deleted: {text}."

    def put_back(self, transcript: Transcript) -> None:
        """Put everything in front of what has come since.

        Raises:
            ConfigError: Another recording has begun, whose times start at 0 again.
        """
        if self._recording is not None and transcript.recording is not None:
            transcript.recording.put_back(self._recording)
        elif transcript.segments:
            raise ConfigError("Another recording has begun: what was cleared does not come before it.")
        transcript.segments[:0] = self._segments
        for speaker, name in self._names.items():
            if speaker not in transcript.names:
                transcript.rename(speaker, name)
