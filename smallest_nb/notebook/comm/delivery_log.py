"""What a widget sent and a page may still want: numbered, bounded, oldest dropped first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any

__all__ = ["MAX_BYTES", "MAX_MESSAGES", "Entry", "Outbox"]

MAX_MESSAGES = 400
MAX_BYTES = 8 * 2**20
_BATCH = 50
_BATCH_BYTES = 512 * 2**10


@dataclass(frozen=True)
class Entry:
    """A message on its way.

    Attributes:
        seq: Its number.
        content: What it says.
        buffers: The bytes beside it.
        sure: It was sent inside a cell or a handler, which every host delivers.
        at: When it was posted, seconds of the monotonic clock.
    """

    seq: int
    content: dict[str, Any]
    buffers: list[bytes]
    sure: bool
    at: float

    @property
    def size(self) -> int:
        """Bytes beside it."""
        return sum(len(b) for b in self.buffers)


class Outbox:
    """Keeps at most MAX_MESSAGES or MAX_BYTES; its owner locks.

    Attributes:
        newest: Number of the last message, 0 before the first.
    """

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self.newest = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def oldest(self) -> int:
        """Number of the first message that is kept; one more than the newest where none is."""
        return self._entries[0].seq if self._entries else self.newest + 1

    def add(self, content: dict[str, Any], buffers: list[bytes], *, sure: bool) -> Entry:
        """Number a message and keep it."""
        self.newest += 1
        entry = Entry(self.newest, {**content, "seq": self.newest}, buffers, sure, monotonic())
        self._entries.append(entry)
        self._bytes += entry.size
        while len(self._entries) > MAX_MESSAGES or self._bytes > MAX_BYTES:
            self._drop()
        return entry

    def after(self, seq: int, *, unsure: bool = False) -> list[Entry]:
        """Return the messages behind a number, as many as one answer may hold.

        Args:
            seq: The last one that is not wanted.
            unsure: Only those that a host may have lost.
        """
        return list(_limited(e for e in self._entries if e.seq > seq and not (unsure and e.sure)))

    def forget(self, seq: int) -> None:
        """Drop everything up to a number."""
        while self._entries and self._entries[0].seq <= seq:
            self._drop()

    def _drop(self) -> None:
        self._bytes -= self._entries.popleft().size


def _limited(entries: Iterable[Entry]) -> Iterable[Entry]:
    size = 0
    for count, entry in enumerate(entries):
        size += entry.size
        if count and (count >= _BATCH or size > _BATCH_BYTES):
            return
        yield entry
