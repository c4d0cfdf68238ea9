"""One request for speech: a sentence, and what came of it.

::

    WAITING ──decided──> SENDING ──sent──> SENT ──first audio──> SOUNDING ──complete, or the next one sounds──> COMPLETE
       ^────────────────────── the socket was lost ──────────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from smallest_nb.audio.clip import BYTES_PER_SAMPLE
from smallest_nb.client.audio_stitcher import AudioStitcher

__all__ = ["RequestState", "SentenceRequest"]


class RequestState(IntEnum):
    """The states of a request."""

    WAITING = 0
    SENDING = 1
    SENT = 2
    SOUNDING = 3
    COMPLETE = 4


@dataclass(eq=False, slots=True)
class SentenceRequest:
    """One sentence, and what was received of it.

    Attributes:
        text: What to speak; empty for the frame that only ends a continuation.
        is_last: Nothing follows.
        id: Our id of its latest sending.
        start: Sample of the whole speech with which it begins.
        samples: Number of samples handed to the caller.
        words: Number of words handed to the caller.
    """

    text: str
    is_last: bool
    state: RequestState = RequestState.WAITING
    id: str = ""
    start: int = 0
    samples: int = 0
    words: int = 0
    _odd_byte: bytes = b""
    _stitcher: AudioStitcher | None = None

    @property
    def is_outstanding(self) -> bool:
        """Whether the service may still send something for it."""
        return RequestState.WAITING < self.state < RequestState.COMPLETE

    @property
    def is_silent(self) -> bool:
        """Whether it brought no audio, in this try or an earlier one."""
        return not self.samples and self._stitcher is None

    @property
    def shift(self) -> int:
        """How many samples later than at its start the audio of the latest try begins."""
        return self._stitcher.shift if self._stitcher else 0

    def accept(self, pcm: bytes) -> bytes:
        """Take audio as it was received; return the whole samples of it that were not handed to the caller before."""
        if self._odd_byte:
            pcm, self._odd_byte = self._odd_byte + pcm, b""
        if len(pcm) % BYTES_PER_SAMPLE:
            pcm, self._odd_byte = pcm[:-1], pcm[-1:]
        return self._stitcher.push(pcm) if self._stitcher else pcm

    def complete(self) -> bytes:
        """Note that all of it was received; return what was held back."""
        self.state = RequestState.COMPLETE
        return self._stitcher.flush() if self._stitcher else b""

    def rewind(self, heard: bytes, sample_rate: int) -> None:
        """Have it spoken once more: the caller gets what follows on what it has got.

        Args:
            heard: The PCM16 that was handed to the caller.
            sample_rate: Hz.
        """
        self.state, self._odd_byte = RequestState.WAITING, b""
        self._stitcher = AudioStitcher(heard, sample_rate) if heard else None
