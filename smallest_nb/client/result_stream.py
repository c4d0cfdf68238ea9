"""One reader's queue of results."""

from __future__ import annotations

from typing import Self

from smallest_nb.client.queues import ClosableQueue
from smallest_nb.results.transcript import Segment

__all__ = ["MAX_RESULTS", "ResultStream"]

MAX_RESULTS = 2000


class ResultStream(ClosableQueue[Segment]):
    """An async iterator of results; if it is full the oldest interim is dropped, a final never."""

    def put(self, segment: Segment) -> None:
        """Add a result."""
        if len(self._items) >= MAX_RESULTS:
            interim = next((s for s in self._items if not s.is_final), None)
            if interim is not None:
                self._items.remove(interim)
        self._append(segment)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Segment:
        segment = self._items.popleft() if self._items else await self.get()
        if segment is None:
            raise StopAsyncIteration
        return segment
