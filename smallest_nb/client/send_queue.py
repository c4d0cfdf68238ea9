"""Audio and control frames on their way to the service, in order. Imports nothing of ours.

Bounded in bytes: a full outbox makes those wait who can; for those who cannot the oldest audio is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["SendQueue"]


class SendQueue:
    """A queue of audio (bytes) and control frames (str).

    Args:
        limit: Bytes of audio kept, beside what :meth:`put_front` returned.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[bytes | str] = deque()
        self._bytes = 0
        self._returned = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    def has_room(self, size: int) -> bool:
        """Say whether that many bytes fit."""
        return self._bytes + size <= self._limit + self._returned

    async def wait_for_room(self, timeout: float) -> None:
        """Wait until something was sent or :meth:`wake` is called."""
        self._room.clear()
        async with asyncio.timeout(timeout):
            await self._room.wait()

    def put(self, item: bytes | str) -> int:
        """Append an item; return how many bytes of older audio had to go, which a control frame never costs."""
        self._items.append(item)
        self._bytes += _size(item)
        lost = 0
        while self._bytes > self._limit + self._returned:
            oldest = self._items.popleft()
            lost += _size(oldest)
            self._bytes -= _size(oldest)
        self._filled.set()
        return lost

    async def wait_for_item(self) -> None:
        """Wait until there is something to send."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()

    def get(self) -> bytes | str:
        """Take the next item."""
        item = self._items.popleft()
        self._bytes -= _size(item)
        self._returned -= min(self._returned, _size(item))
        return item

    def put_front(self, items: list[bytes | str]) -> None:
        """Return items, in order, to the front; there is as much more room until as much was sent."""
        self._items.extendleft(reversed(items))
        size = sum(map(_size, items))
        self._bytes += size
        self._returned += size
        if items:
            self._filled.set()

    def wake(self) -> None:
        """Let those who wait for room look again."""
        self._room.set()


def _size(item: bytes | str) -> int:
    return len(item) if isinstance(item, bytes) else 0
