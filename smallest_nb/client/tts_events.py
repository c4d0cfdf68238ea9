"""What speaking a text brings: audio and, if the voice has them, words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smallest_nb.audio.clip import pcm16_to_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from smallest_nb.errors import SmallestError

__all__ = ["AudioChunk", "RetryWait", "WordTiming"]


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of speech.

    Attributes:
        pcm: PCM16 bytes, whole samples.
        sample_rate: Hz.
        start: Seconds from the start of the speech.
    """

    pcm: bytes
    sample_rate: int
    start: float

    @property
    def samples(self) -> NDArray[np.int16]:
        """The samples as an int16 array of shape `(samples,)`."""
        return pcm16_to_array(self.pcm)


@dataclass(frozen=True, slots=True)
class RetryWait:
    """A wait before another attempt to connect, for handlers of `on_retry`.

    Attributes:
        error: The failure that it follows.
        seconds: How long it is, in seconds.
        attempt: The number of the attempt that comes then, from 1.
        most: The number of the last one.
    """

    error: SmallestError
    seconds: float
    attempt: int
    most: int


@dataclass(frozen=True, slots=True)
class WordTiming:
    """When a word is spoken, in seconds from the start of the speech."""

    word: str
    start: float
    end: float
