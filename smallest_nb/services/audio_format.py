"""What audio one transcription takes: its encoding and sample rate, and how what is pushed becomes bytes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from smallest_nb.audio import BYTES_PER_SAMPLE, as_pcm16
from smallest_nb.catalog import STT_ENCODINGS, STT_SAMPLE_RATES
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["AudioFormat"]

_PIECE_SECS = 0.1
_FEWEST_BYTES_PER_SECOND = 500
"""Of any compressed encoding: Opus at its lowest rate has 750."""


class AudioFormat:
    """Encoding and sample rate.

    Args:
        encoding: One of `STT_ENCODINGS`.
        sample_rate: Hz; None means 16000.

    Raises:
        ConfigError: Something that the service does not take.
    """

    def __init__(self, encoding: str, sample_rate: int | None) -> None:
        if encoding not in STT_ENCODINGS:
            raise ConfigError(f"encoding={encoding!r} is not understood; choose one of {', '.join(STT_ENCODINGS)}.")
        if sample_rate is not None and sample_rate not in STT_SAMPLE_RATES:
            raise ConfigError(
                f"sample_rate={sample_rate!r} is not taken; choose one of {STT_SAMPLE_RATES}, or None for 16000."
            )
        self.encoding = encoding
        self.sample_rate = sample_rate or 16000
        self.is_pcm16 = encoding == "linear16"

    def longest(self, size: int) -> float:
        """Return how many seconds that many bytes can last at most."""
        return size / (BYTES_PER_SAMPLE * self.sample_rate if self.is_pcm16 else _FEWEST_BYTES_PER_SECOND)

    def pieces(self, audio: bytes | ArrayLike) -> Iterator[bytes]:
        """Return audio as bytes, PCM16 in pieces of 0.1 s, anything else whole.

        Raises:
            ConfigError: Audio of the wrong kind.
        """
        if self.is_pcm16:
            data = as_pcm16(audio)
        elif isinstance(audio, bytes | bytearray | memoryview):
            data = bytes(audio)
        else:
            raise ConfigError(f"encoding={self.encoding!r} takes bytes; arrays go with encoding='linear16'.")
        step = int(_PIECE_SECS * self.sample_rate) * BYTES_PER_SAMPLE if self.is_pcm16 else len(data)
        return (data[at : at + step] for at in range(0, len(data), max(step, 1)))
