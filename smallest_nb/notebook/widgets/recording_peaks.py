"""The picture of a recording: the loudest sample of each 40 ms."""

from __future__ import annotations

import threading

import numpy as np

from smallest_nb.audio.clip import pcm16_to_array

__all__ = ["PEAKS_PER_SEC", "RecordingPeaks"]

PEAKS_PER_SEC = 25
_FULL_SCALE = 32768


class RecordingPeaks:
    """Grows with a recording, on its clock. Any thread may call it.

    Args:
        sample_rate: Hz of the sound.
        max_seconds: How much of the latest sound is pictured.
    """

    def __init__(self, sample_rate: int, max_seconds: float) -> None:
        self._stretch = sample_rate // PEAKS_PER_SEC
        self._most = max(1, round(max_seconds * PEAKS_PER_SEC))
        self._lock = threading.Lock()
        self._values = bytearray()
        self._first = 0
        self._open: list[np.ndarray] = []
        self._open_samples = 0

    def write(self, pcm: bytes) -> None:
        """Add sound."""
        with self._lock:
            self._open.append(pcm16_to_array(pcm))
            self._open_samples += len(self._open[-1])
            whole = self._open_samples // self._stretch
            if not whole:
                return
            samples = np.concatenate(self._open).astype(np.int32)
            cut = whole * self._stretch
            loudest = np.abs(samples[:cut]).reshape(whole, self._stretch).max(axis=1)
            self._values += np.minimum(255, loudest * 256 // _FULL_SCALE).astype(np.uint8).tobytes()
            self._open, self._open_samples = [samples[cut:].astype(np.int16)], len(samples) - cut
            if len(self._values) > 2 * self._most:
                self._first += len(self._values) - self._most
                del self._values[: -self._most]

    def since(self, first: int) -> tuple[int, bytes]:
        """Return the values from a number on, and the number of the first of them."""
        with self._lock:
            first = min(max(first, self._first), self._first + len(self._values))
            return first, bytes(self._values[first - self._first :])

    def clear(self, *, restart: bool) -> None:
        """Forget the picture.

        Args:
            restart: Whether the clock starts again at 0.
        """
        with self._lock:
            self._first = 0 if restart else self._first + len(self._values)
            self._values.clear()
            if restart:
                self._open, self._open_samples = [], 0

    def copy(self) -> RecordingPeaks:
        """Return what is held as one of its own."""
        with self._lock:
            made = RecordingPeaks(self._stretch * PEAKS_PER_SEC, self._most / PEAKS_PER_SEC)
            made._values, made._first = bytearray(self._values), self._first
            made._open, made._open_samples = list(self._open), self._open_samples
            return made

    def put_back(self, former: RecordingPeaks) -> None:
        """Put back what was cleared, in front of what is held."""
        with self._lock:
            if not self._values and not self._first:
                self._values, self._first = bytearray(former._values), former._first
                self._open, self._open_samples = list(former._open), former._open_samples
            elif former._first + len(former._values) == self._first:
                self._values[:0] = former._values
                self._first = former._first
