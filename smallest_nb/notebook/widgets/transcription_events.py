"""Programs that follow a transcription: handlers, and results to iterate over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from smallest_nb.results.transcript import Segment

__all__ = ["TranscriptionEvents"]

_log = logging.getLogger(__name__)
_BEHIND = 1000
_CHECK_SECS = 3.0

Handler = Callable[[Segment], None]


class TranscriptionEvents:
    """Passes results on. Runs on the background loop; `segments` in any.

    Args:
        check: Awaited when an iterator has waited for 3 s; raises if nothing can come any more.
    """

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        self._check = check
        self._handlers: dict[bool, list[Handler]] = {False: [], True: []}
        self._end_handlers: list[Callable[[], None]] = []

    def add(self, handler: Handler, *, interim: bool) -> None:
        """Call a handler with each interim or each final result."""
        self._handlers[interim].append(handler)

    @property
    def handlers(self) -> int:
        """How many handlers and iterators there are."""
        return sum(map(len, self._handlers.values()))

    def publish(self, segment: Segment) -> None:
        """Pass a result on."""
        for handler in list(self._handlers[not segment.is_final]):
            try:
                handler(segment)
            except Exception:
                _log.exception("a transcript handler failed")

    def end(self) -> None:
        """End the iterators: the recording is over, and all its words are there."""
        for handler in list(self._end_handlers):
            handler()

    async def segments(self, *, interim: bool) -> AsyncIterator[Segment]:
        """Yield results in whichever loop asks, until a recording is over."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[Segment | None] = asyncio.Queue(_BEHIND)

        def put(segment: Segment | None) -> None:
            if waiting.full():
                waiting.get_nowait()
                _log.warning("a reader of the transcript is %d results behind; the oldest was dropped", _BEHIND)
            waiting.put_nowait(segment)

        def pass_on(segment: Segment | None = None) -> None:
            with contextlib.suppress(RuntimeError):  # that loop is closed, and its iterator with it
                loop.call_soon_threadsafe(put, segment)

        kinds = (False, True) if interim else (False,)
        for kind in kinds:
            self._handlers[kind].append(pass_on)
        self._end_handlers.append(pass_on)
        try:
            while True:
                try:
                    async with asyncio.timeout(_CHECK_SECS):
                        segment = await waiting.get()
                except TimeoutError:
                    await self._check()
                    continue
                if segment is None:
                    return
                yield segment
        finally:
            for kind in kinds:
                self._handlers[kind].remove(pass_on)
            self._end_handlers.remove(pass_on)
