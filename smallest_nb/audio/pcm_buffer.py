"""Sound that is still coming in, held once for all who need it: who plays it, who keeps it, who goes on from it."""

from __future__ import annotations

import io
import os
import threading

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip, as_pcm16

__all__ = ["PCMBuffer"]


class PCMBuffer:
    """PCM16 that grows at its end. Any thread may call it.

    What is read is a copy of that stretch; :meth:`clip` is all of it, and no copy.
    """

    def __init__(self) -> None:
        # BytesIO grows in place and gives its `bytes` away without a copy, which a bytearray and a list of pieces do
        # not: joined pieces are there twice while they are joined.
        self._data = io.BytesIO()
        self._lock = threading.Lock()

    def write(self, pcm: bytes) -> None:
        """Append PCM16.

        Raises:
            ConfigError: An odd number of bytes.
        """
        data = as_pcm16(pcm)
        with self._lock:
            self._data.seek(0, os.SEEK_END)
            self._data.write(data)

    def __len__(self) -> int:
        """How many samples there are."""
        with self._lock:
            return self._data.seek(0, os.SEEK_END) // BYTES_PER_SAMPLE

    def read(self, first: int, last: int) -> bytes:
        """Return the PCM16 from one sample to before another one, as far as it is there."""
        with self._lock:
            self._data.seek(first * BYTES_PER_SAMPLE)
            return self._data.read(max(0, last - first) * BYTES_PER_SAMPLE)

    def clip(self, sample_rate: int) -> Clip:
        """Return all of it as a clip that shares its memory; only what is written later copies it.

        Args:
            sample_rate: Hz.

        Raises:
            ConfigError: A rate that cannot be used.
        """
        with self._lock:
            return Clip(self._data.getvalue(), sample_rate)
