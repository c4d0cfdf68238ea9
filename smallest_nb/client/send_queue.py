"""Audio and control frames on their way to the service, in order.

Bounded in bytes: when it is full, a caller who can wait does; for one who cannot, the oldest audio is dropped and
counted.
"""

from __future__ import annotations

from collections import deque

__all__ = ["SendQueue"]


class SendQueue:
    """A queue of audio (bytes) and control frames (str).

    Args:
        limit: Bytes of audio kept, beside what :meth:`put_front` returned.

    Attributes:
        items: What is in it, to be looked at only.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.items: deque[bytes | str] = deque()
        self._bytes = 0
        self._returned = 0

    def has_room(self, size: int) -> bool:
        """Say whether that many bytes fit."""
        return self._bytes + size <= self._limit + self._returned

    def put(self, item: bytes | str) -> int:
        """Append an item; return how many bytes of older audio were dropped, which a control frame never costs."""
        self.items.append(item)
        self._bytes += _size(item)
        controls: list[bytes | str] = []
        dropped = 0
        while self._bytes > self._limit + self._returned:
            oldest = self.items.popleft()
            if isinstance(oldest, str):
                controls.append(oldest)
            dropped += _size(oldest)
            self._bytes -= _size(oldest)
        self.items.extendleft(reversed(controls))
        return dropped

    def get(self) -> bytes | str:
        """Take the next item."""
        item = self.items.popleft()
        self._bytes -= _size(item)
        self._returned -= min(self._returned, _size(item))
        return item

    def put_front(self, items: list[bytes | str]) -> None:
        """Return items, in order, to the front; there is as much more room until as much was sent."""
        self.items.extendleft(reversed(items))
        size = sum(map(_size, items))
        self._bytes += size
        self._returned += size


def _size(item: bytes | str) -> int:
    return len(item) if isinstance(item, bytes) else 0
