"""Joins speech that is synthesized a second time onto what the caller has of the first time.

After a loss the sentence that broke off is synthesized again, and its beginning was already heard. If a voice says the
same thing twice in the same way, the place to go on is the number of samples already heard; if not, the place is sought
nearby, by correlation with the last samples heard.
"""

from __future__ import annotations

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, pcm16_to_array

__all__ = ["AudioStitcher"]

_WINDOW_SECS = 0.02
_REACH_SECS = 0.12
_ALIKE = 0.6
"""Below this correlation there is no better place than the expected one."""
_SAME = 0.98
"""A place is as good as the best one when it correlates this well relative to it; then the expected place wins."""


class AudioStitcher:
    """Skips the beginning of a sentence that is synthesized again, up to the place at which the first try broke off.

    Args:
        heard: The PCM16 of the sentence that was handed over.
        sample_rate: Hz.

    Attributes:
        skipped: Samples skipped, or None while the place is not decided.
    """

    def __init__(self, heard: bytes, sample_rate: int) -> None:
        self._heard = len(heard) // BYTES_PER_SAMPLE
        self._window = min(int(_WINDOW_SECS * sample_rate), self._heard)
        self._reach = int(_REACH_SECS * sample_rate)
        self._tail = heard[len(heard) - self._window * BYTES_PER_SAMPLE :]
        self._fresh = bytearray()
        self.skipped: int | None = None

    @property
    def shift(self) -> int:
        """How many samples the fresh sentence runs behind the one that was heard."""
        return self._heard - (self._heard if self.skipped is None else self.skipped)

    def push(self, pcm: bytes) -> bytes:
        """Return what is to be handed over now."""
        if self.skipped is not None:
            return pcm
        self._fresh += pcm
        if len(self._fresh) < (self._heard + self._reach) * BYTES_PER_SAMPLE:
            return b""
        return self.flush()

    def flush(self) -> bytes:
        """Decide with what there is: the sentence is over."""
        if self.skipped is not None:
            return b""
        fresh = bytes(self._fresh)
        self._fresh.clear()
        self.skipped = min(self._place(fresh), len(fresh) // BYTES_PER_SAMPLE)
        return fresh[self.skipped * BYTES_PER_SAMPLE :]

    def _place(self, fresh: bytes) -> int:
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        low = max(self._window, self._heard - self._reach)
        samples = pcm16_to_array(fresh)[low - self._window : self._heard + self._reach].astype(np.float64)
        tail = pcm16_to_array(self._tail).astype(np.float64)
        if not self._window or len(samples) < self._window or not tail.any():
            return self._heard
        likeness = np.correlate(samples, tail, "valid")
        squares = np.concatenate(([0.0], np.cumsum(samples**2)))
        energy = np.sqrt(np.maximum(squares[self._window :] - squares[: -self._window], 1.0))
        score = likeness / (energy * np.linalg.norm(tail))
        if score.max() < _ALIKE:
            return self._heard
        expected = self._heard - low
        if expected < len(score) and score[expected] >= _SAME * score.max():
            return self._heard
        good = np.flatnonzero(score >= _SAME * score.max())
        return low + int(good[np.argmin(np.abs(good - expected))])
