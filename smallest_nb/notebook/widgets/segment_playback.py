"""Plays what was said, from the word that was pressed on, and marks the word that sounds."""

from __future__ import annotations

from smallest_nb.errors import ConfigError
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets.player import Player, PlayerStream
from smallest_nb.notebook.widgets.transcript_view import TranscriptView

__all__ = ["SegmentPlayback"]

_MOST_SECS = 30.0
_LEAD_SECS = 0.08
"""Heard before the word: recognisers put a word's start a little late."""


class SegmentPlayback:
    """Plays the sound beside a transcript.

    Args:
        view: Where a word is pressed and marked.
        within: The channel of the player.

    Attributes:
        player: The page shows it once something was heard again.
    """

    def __init__(self, view: TranscriptView, within: PartChannel) -> None:
        self._view = view
        self._from = 0.0
        self._stream: PlayerStream | None = None
        self.player = Player(label="Play", within=within)
        self.player.on_moved(self._moved)
        view.on_hear(self.play)

    def play(self, at: float) -> None:
        """Play from a second of the transcript to the end of its segment, half a minute at most.

        Raises:
            ConfigError: Its sound is not kept.
        """
        transcript = self._view.transcript
        if transcript.recording is None:
            raise ConfigError("No sound is kept beside this transcript.")
        segment = next((s for s in transcript if s.start is not None and s.end is not None and at <= s.end), None)
        end = min(segment.end if segment is not None and segment.end else at + _MOST_SECS, at + _MOST_SECS)
        start = max(0.0, at - _LEAD_SECS)
        clip = transcript.recording.clip(start, end + _LEAD_SECS)
        self._from = max(start, transcript.recording.kept_from)
        self._stream = self.player.play(clip)
        words = [
            (w.text, w.start - self._from, w.end - self._from)
            for w in (segment.words if segment is not None else ())
            if w.start >= self._from
        ]
        self.player.show_words(self._stream, words, estimated=False)
        self.player.status = segment.text if segment is not None and not words else ""

    def _moved(self) -> None:
        sounds = self.player.state == "playing"
        self._view.mark(round(self._from + self.player.position, 2) if sounds else None)
