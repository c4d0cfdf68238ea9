"""What was played, on the clock of what is heard: for the echo gate, and for the second channel of the recording."""

from __future__ import annotations

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, StreamResampler, pcm16_to_array

__all__ = ["PlayedSound", "VoicedBlocks"]

_MOST_BEHIND_SECS = 0.5
"""A sink that reports seldom says so much at once; what is more is laid on time again by leaving some out."""


class PlayedSound:
    """Gives out what was played while a piece of the person's sound was heard.

    Args:
        sample_rate: Hz of the person's sound.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._resampler = StreamResampler(sample_rate, sample_rate)
        self._written = bytearray()  # of the present answer, from `_first` on
        self._first = 0
        self._ready = bytearray()

    def begin(self, sample_rate: int) -> None:
        """An answer begins, at so many Hz."""
        self._resampler = StreamResampler(sample_rate, self._rate)
        self._written.clear()
        self._first = 0

    def write(self, pcm: bytes) -> None:
        """The sink takes a piece of the answer."""
        self._written += self._resampler.push(pcm)

    def end(self) -> None:
        """The sink has all of the answer."""
        self._written += self._resampler.push(b"", last=True)

    def take(self, position: float, samples: int) -> bytes:
        """Return that many samples of what was played, silence where there was none.

        Args:
            position: Seconds of the answer that were played so far.
            samples: How many are heard.
        """
        self._advance(position)
        size = samples * BYTES_PER_SAMPLE
        piece = bytes(self._ready[:size])
        del self._ready[:size]
        most = round(_MOST_BEHIND_SECS * self._rate) * BYTES_PER_SAMPLE
        if len(self._ready) > most:
            del self._ready[: len(self._ready) - most]
        return piece + bytes(size - len(piece))

    def _advance(self, position: float) -> None:
        until = max(0, round(position * self._rate) - self._first) * BYTES_PER_SAMPLE
        piece = self._written[:until]
        del self._written[:until]
        self._first += len(piece) // BYTES_PER_SAMPLE
        self._ready += piece

    def flush(self, position: float) -> None:
        """The answer has ended or was stopped there."""
        self._advance(position)
        self._written.clear()


class VoicedBlocks:
    """Says of each 20 ms of a stream whether there is a voice in it.

    Args:
        sample_rate: Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._size = round(0.02 * sample_rate) * BYTES_PER_SAMPLE
        self._held = b""

    def push(self, pcm: bytes) -> list[int]:
        """Take PCM16; return 1 or 0 for each block that it completes."""
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        data = self._held + pcm
        whole = len(data) // self._size * self._size
        self._held = data[whole:]
        if not whole:
            return []
        blocks = pcm16_to_array(data[:whole]).astype(np.float64).reshape(-1, self._size // BYTES_PER_SAMPLE)
        return [int(level > _VOICED_RMS) for level in np.sqrt(np.mean(blocks**2, axis=1))]


_VOICED_RMS = 160.0
"""-46 dBFS."""
