"""What audio one transcription takes: its encoding and sample rate, and how what is pushed becomes bytes of it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from smallest_nb.api.catalog import STT_ENCODINGS, STT_SAMPLE_RATES
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, as_pcm16, clipping_of, is_byte_string
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["AudioFormat"]

_log = logging.getLogger(__name__)

_PIECE_SECS = 0.1
_FEWEST_BYTES_PER_SECOND = 500
"""Of any compressed encoding: Opus at its lowest rate has 750."""
_SAMPLE_BYTES = {"linear16": 2, "linear32": 4, "alaw": 1, "mulaw": 1}


class AudioFormat:
    """Encoding and sample rate; warns once about pushed samples that are clipped.

    Args:
        encoding: One of `STT_ENCODINGS`.
        sample_rate: Hz; None means 16000.

    Attributes:
        is_pcm16: Whether it is `linear16`.
        is_timed: Whether as many bytes last as long everywhere; a compressed stream's do not.
        sample_bytes: Bytes of one sample.

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
        self.is_timed = encoding in _SAMPLE_BYTES
        self.sample_bytes = _SAMPLE_BYTES.get(encoding, BYTES_PER_SAMPLE)
        self._step = int(_PIECE_SECS * self.sample_rate) * BYTES_PER_SAMPLE
        self._warned = False

    @property
    def fewest_bytes_per_second(self) -> int:
        """Bytes that a second of sound has at least."""
        return self.sample_bytes * self.sample_rate if self.is_timed else _FEWEST_BYTES_PER_SECOND

    def pieces(self, audio: bytes | bytearray | memoryview | ArrayLike) -> Iterable[bytes]:
        """Return audio as bytes, PCM16 in pieces of 0.1 s, anything else whole.

        Raises:
            ConfigError: Numbers for another encoding than linear16, or something that is not one channel of sound.
        """
        data = self._encode(audio)
        if len(data) <= self._step or not self.is_pcm16:
            return (data,) if data else ()
        return (data[at : at + self._step] for at in range(0, len(data), self._step))

    def _encode(self, audio: bytes | bytearray | memoryview | ArrayLike) -> bytes:
        if self.is_pcm16:
            if type(audio) is bytes and not len(audio) % BYTES_PER_SAMPLE:  # what a microphone sends 50 times a second
                return audio
            data = as_pcm16(audio)
            if not self._warned and (clipping := clipping_of(audio)):
                self._warned = True
                _log.warning("the audio given to send: %s (further pieces are not reported)", clipping)
            return data
        if not is_byte_string(audio):
            what = f"memoryview of format {audio.format!r}" if isinstance(audio, memoryview) else type(audio).__name__
            raise ConfigError(
                f"encoding={self.encoding!r} takes bytes; got a {what}. Arrays go with encoding='linear16'."
            )
        return bytes(audio)  # type: ignore[arg-type]
