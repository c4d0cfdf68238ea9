"""Cuts speech into the service's irregular chunks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

__all__ = ["Chunks"]

# The service's chunks vary around 7 kB and split samples now and then; the first is small so that sound starts early.
_SIZES = (2400, 7001, 6399, 7680, 6811, 7169)


class Chunks:
    """Collects pieces and cuts chunks.

    Args:
        largest: Bytes in a chunk at most, or None for the service's own sizes.

    Attributes:
        held: What is too little for a chunk.
        sent: Bytes of the chunks so far.
    """

    def __init__(self, largest: int | None = None) -> None:
        sizes = itertools.chain(_SIZES, itertools.cycle(_SIZES[1:]))
        self._sizes = (min(size, largest or size) for size in sizes)
        self._size = next(self._sizes)
        self.held = b""
        self.sent = 0

    def push(self, pcm: bytes) -> Iterator[bytes]:
        """Take a piece and yield the chunks that are full."""
        self.held += pcm
        while len(self.held) >= self._size:
            chunk, self.held = self.held[: self._size], self.held[self._size :]
            self._size = next(self._sizes)
            self.sent += len(chunk)
            yield chunk
