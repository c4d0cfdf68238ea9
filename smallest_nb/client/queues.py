"""What was received and is not yet taken by the caller.

Bounded in bytes: when it is full, :meth:`ResultQueue.put` returns a wait, so that the socket is read no further and
TCP slows the service down. The end, and the error that is the end, come after everything received before them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Generic, TypeVar

from smallest_nb.common.tracebacks import shorten

__all__ = ["ResultQueue"]

_T = TypeVar("_T")


class ResultQueue(Generic[_T]):
    """A queue for one reader.

    Args:
        limit: Bytes kept before the writer has to wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[tuple[_T, int]] = deque()
        self._bytes = 0
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._error: BaseException | None = None
        self.ended = False

    @property
    def full(self) -> bool:
        """Whether the writer has to wait for the reader."""
        return self._bytes >= self._limit

    def put(self, item: _T, size: int) -> Awaitable[None] | None:
        """Add an item; return a wait where the reader is too far behind."""
        if self.ended:
            return None
        self._items.append((item, size))
        self._bytes += size
        self._ready.set()
        return self._wait_for_room() if self.full else None

    async def _wait_for_room(self) -> None:
        while self.full and not self.ended:
            self._room.clear()
            await self._room.wait()

    def end(self, error: BaseException | None = None, *, discard: bool = False) -> None:
        """Let the reader come to an end after what is left, or at once. Only the first call counts.

        Args:
            error: What the reader gets raised at the end.
            discard: Throw away what was not taken: an interruption.
        """
        if not self.ended:
            self.ended = True
            self._error = error
        if discard:
            self._items.clear()
            self._bytes = 0
        self._ready.set()
        self._room.set()

    async def get(self) -> _T | None:
        """Return the next item, or None at the end.

        Raises:
            BaseException: The error that was the end.
        """
        while not self._items:
            if self.ended:
                if self._error is not None:
                    raise shorten(self._error)
                return None
            self._ready.clear()
            await self._ready.wait()
        item, size = self._items.popleft()
        self._bytes -= size
        self._room.set()
        return item
