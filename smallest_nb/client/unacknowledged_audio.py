"""Audio that was sent but not yet transcribed, kept to be sent again on another socket. Imports audio only."""

from __future__ import annotations

from collections import deque

from smallest_nb.audio.clip import BYTES_PER_SAMPLE

__all__ = ["ReplayBuffer"]


class ReplayBuffer:
    """Keeps what was sent since the last final, bounded; positions are bytes of the caller's audio.

    Args:
        limit: Bytes kept; the oldest is forgotten first and counted by `take`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._forgotten = 0

    def __len__(self) -> int:
        return self._bytes

    def sent(self, position: int, data: bytes) -> None:
        """Keep a piece that begins at `position`."""
        self._pieces.append((position, data))
        self._bytes += len(data)
        while self._bytes > self._limit:
            _, oldest = self._pieces.popleft()
            self._bytes -= len(oldest)
            self._forgotten += len(oldest)

    def confirm(self, position: int) -> None:
        """Forget everything before `position`: it was transcribed."""
        self._forgotten = 0
        while self._pieces and self._pieces[0][0] < position:
            start, data = self._pieces.popleft()
            self._bytes -= len(data)
            keep = data[(position - start) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE :]
            if keep:
                self._pieces.appendleft((start + len(data) - len(keep), keep))
                self._bytes += len(keep)
                break

    def take(self) -> tuple[list[bytes], int]:
        """Give everything back, oldest first, and how many bytes cannot be given back any more."""
        pieces, forgotten = [data for _, data in self._pieces], self._forgotten
        self._pieces.clear()
        self._bytes = self._forgotten = 0
        return pieces, forgotten
