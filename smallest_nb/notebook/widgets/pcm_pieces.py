"""Sound as the pieces in which it came: none is copied, and the oldest can be dropped."""

from __future__ import annotations

import bisect

from smallest_nb.audio.clip import BYTES_PER_SAMPLE

__all__ = ["PCMPieces"]


class PCMPieces:
    """PCM16 that grows at its end and is dropped at its beginning; its owner locks.

    Attributes:
        first: The first sample that is kept.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._starts: list[int] = []
        """The sample with which each piece begins."""
        self._length = 0

    def __len__(self) -> int:
        """How many samples were written, dropped or not."""
        return self._length

    @property
    def first(self) -> int:
        """The first sample that is kept."""
        return self._starts[0] if self._starts else 0

    def write(self, pcm: bytes) -> None:
        """Append PCM16."""
        if pcm:
            self._pieces.append(pcm)
            self._starts.append(self._length)
            self._length += len(pcm) // BYTES_PER_SAMPLE

    def read(self, first: int, last: int) -> bytes:
        """Return the PCM16 from one sample to before another one, as far as it is there."""
        parts = []
        for place in range(max(0, bisect.bisect_right(self._starts, first) - 1), len(self._starts)):
            begin = self._starts[place]
            if begin >= last:
                break
            skipped = max(0, first - begin)
            parts.append(self._pieces[place][skipped * BYTES_PER_SAMPLE : (last - begin) * BYTES_PER_SAMPLE])
        return b"".join(parts)

    def drop(self, most: int, *, before: int) -> None:
        """Drop the oldest pieces as long as more than so many bytes stay.

        Args:
            most: Bytes.
            before: The first sample that is needed.
        """
        gone = 0
        while gone + 1 < len(self._starts):
            behind = self._starts[gone + 1]
            if (self._length - behind) * BYTES_PER_SAMPLE <= most or behind > before:
                break
            gone += 1
        del self._starts[:gone], self._pieces[:gone]

    def cut(self, end: int) -> None:
        """Drop the pieces that begin at a sample or behind it; no more is written.

        Args:
            end: The first sample that is not needed.
        """
        keep = bisect.bisect_left(self._starts, end)
        del self._starts[keep:], self._pieces[keep:]
