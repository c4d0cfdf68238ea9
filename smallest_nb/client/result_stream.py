"""One reader's queue of results. Imports errors and transcript."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Self

from smallest_nb.common.tracebacks import shorten
from smallest_nb.errors import SmallestError
from smallest_nb.results.transcript import Segment

__all__ = ["MAX_RESULTS", "ResultStream"]

MAX_RESULTS = 2000


class ResultStream:
    """An async iterator of results; when full the oldest interim goes, finals never."""

    def __init__(self) -> None:
        self._items: deque[Segment] = deque()
        self._ready = asyncio.Event()
        self._ended = False
        self._error: SmallestError | None = None

    def put(self, segment: Segment) -> None:
        """Add a result."""
        if len(self._items) >= MAX_RESULTS:
            interim = next((s for s in self._items if not s.is_final), None)
            if interim is not None:
                self._items.remove(interim)
        self._items.append(segment)
        self._ready.set()

    def end(self, error: SmallestError | None) -> None:
        """Let the iteration end after what is left, with an error where there is one."""
        self._ended = True
        self._error = self._error or error
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
