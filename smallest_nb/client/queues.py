"""What was received and is not yet taken by the caller.

The end, and the error that is the end, come after everything received before them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Generic, TypeVar

from smallest_nb.common.tracebacks import shorten

__all__ = ["ClosableQueue", "ResultQueue"]

_T = TypeVar("_T")


class ClosableQueue(Generic[_T]):
    """A queue for one reader, with an end; how it is bounded, the classes below decide."""

    def __init__(self) -> None:
        self._items: deque[_T] = deque()
        self._ready = asyncio.Event()
        self._error: BaseException | None = None
        self.ended = False

    def _append(self, item: _T) -> None:
        self._items.append(item)
        self._ready.set()

    def end(self, error: BaseException | None = None) -> None:
        """Let the reader come to an end after what is left. Only the first call counts.

        Args:
            error: What the reader gets raised at the end.
        """
        if not self.ended:
            self.ended = True
            self._error = error
        self._ready.set()

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
        return self._items.popleft()


class ResultQueue(ClosableQueue[_T]):
    """A queue bounded in bytes.

    When it is full, :meth:`put` returns a wait, so that the socket is read no further and TCP slows the service down.

    Args:
        limit: Bytes kept before the writer has to wait.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._sizes: deque[int] = deque()
        self._bytes = 0
        self._room = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the writer has to wait for the reader."""
        return self._bytes >= self._limit

    def put(self, item: _T, size: int) -> Awaitable[None] | None:
        """Add an item; return a wait if the reader is too far behind."""
        if self.ended:
            return None
        self._sizes.append(size)
        self._bytes += size
        self._append(item)
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
        if discard:
            self._items.clear()
            self._sizes.clear()
            self._bytes = 0
        super().end(error)
        self._room.set()

    async def get(self) -> _T | None:
        """Return the next item, or None at the end.

        Raises:
            BaseException: The error that was the end.
        """
        item = await super().get()
        if item is not None:
            self._bytes -= self._sizes.popleft()
            self._room.set()
        return item
