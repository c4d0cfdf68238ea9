"""One reader's queue of results."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Self

from smallest_nb.common.tracebacks import shorten
from smallest_nb.results.transcript import Segment

__all__ = ["MAX_RESULTS", "ResultStream"]

MAX_RESULTS = 2000


class ResultStream:
    """An async iterator of results; if it is full the oldest interim is dropped, a final never.

    The end, and the error that is the end, come after everything received before them.
    """

    def __init__(self) -> None:
        self._items: deque[Segment] = deque()
        self._ready = asyncio.Event()
        self._error: BaseException | None = None
        self._ended = False

    def put(self, segment: Segment) -> None:
        """Add a result."""
        if len(self._items) >= MAX_RESULTS:
            interim = next((s for s in self._items if not s.is_final), None)
            if interim is not None:
                self._items.remove(interim)
        self._items.append(segment)
        self._ready.set()

    def end(self, error: BaseException | None = None) -> None:
        """Let the iteration end after what is left, with an error if there is one. Only the first call counts."""
        if not self._ended:
            self._ended, self._error = True, error
        self._ready.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Segment:
        while not self._items:
            if self._ended:
                if self._error is not None:
                    raise shorten(self._error)
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._items.popleft()
