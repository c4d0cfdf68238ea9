"""One utterance on its way from the service to the caller. Imports audio, protocol, metrics."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from smallest_nb.audio import Clip, pcm16_to_array
from smallest_nb.errors import SmallestError
from smallest_nb.protocol import tts as wire
from smallest_nb.services.metrics import TTSMetrics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["AudioChunk", "Utterance", "WordTiming"]

_QUEUE_FRAMES = 4096
"""About ten minutes of speech; a caller that is slower than that slows the service down."""


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of an utterance.

    Attributes:
        pcm: PCM16 bytes, whole samples.
        sample_rate: Hz.
        start: Seconds from the start of the utterance.
    """

    pcm: bytes
    sample_rate: int
    start: float

    @property
    def samples(self) -> NDArray[np.int16]:
        """The samples as an int16 array of shape `(samples,)`."""
        return pcm16_to_array(self.pcm)


@dataclass(frozen=True, slots=True)
class WordTiming:
    """When a word is spoken, in seconds from the start of the utterance."""

    word: str
    start: float
    end: float


class Utterance:
    """One utterance in flight: what was received so far, and what is still to be handed over."""

    def __init__(self, text: str, sample_rate: int) -> None:
        self.id = uuid.uuid4().hex
        self.text = text
        self.told = TTSMetrics(len(text))
        self.reducer = wire.TTSReducer(sample_rate)
        self.pieces: list[bytes] = []
        self.queue: asyncio.Queue[wire.TTSFrame | SmallestError | None] = asyncio.Queue(_QUEUE_FRAMES)
        self.ended = False
        self.received_audio = False
        self.resent = False
        self.socket: int | None = None
        self.started = monotonic()

    @property
    def clip(self) -> Clip:
        """What was received so far."""
        return Clip(b"".join(self.pieces), self.reducer.sample_rate)

    def event(self, frame: wire.TTSFrame) -> AudioChunk | WordTiming | None:
        """Turn a frame into what the caller gets, or None where it says that the utterance is complete."""
        if isinstance(frame, wire.WordFrame):
            return WordTiming(*self.reducer.word(frame))
        if not isinstance(frame, wire.AudioFrame):
            return None
        at = self.reducer.samples / self.reducer.sample_rate
        pcm = self.reducer.audio(frame)
        if pcm and self.told.ttfb_s is None:
            self.told.ttfb_s = monotonic() - self.started
        self.pieces.append(pcm)
        return AudioChunk(pcm, self.reducer.sample_rate, at)

    def finish(self) -> TTSMetrics:
        """Return its figures, complete."""
        self.told.audio_s = self.reducer.samples / self.reducer.sample_rate
        self.told.total_s = monotonic() - self.started
        return self.told
