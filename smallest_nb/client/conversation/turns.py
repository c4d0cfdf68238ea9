"""Turns out of the results of a transcription."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, AsyncIterable

from smallest_nb.api.segment import Segment
from smallest_nb.common.numbers import is_number
from smallest_nb.errors import ConfigError

__all__ = ["turns"]


async def turns(segments: AsyncIterable[Segment], *, stop_secs: float = 0.8) -> AsyncGenerator[Segment, None]:
    """Yield what a person said turn by turn: finals that follow one another without a pause are one.

    Args:
        segments: Results, interim and final, such as `service.segments()`.
        stop_secs: Seconds after a final without any other result after which the turn is over.

    Yields:
        One final segment per turn, with the times and words of all it was made of. Text that never became final is
        yielded at the end.

    Raises:
        ConfigError: `stop_secs` is not a number from 0 to 60.
        Exception: What the iterator raises, after the turn that was begun.
    """
    if not is_number(stop_secs) or not 0 <= stop_secs <= 60:
        raise ConfigError(f"stop_secs={stop_secs!r} cannot be used; expected seconds from 0 to 60.")
    reader = _Reader(segments)
    finals: list[Segment] = []
    interim: Segment | None = None
    try:
        while True:
            if not await reader.is_ready(stop_secs if finals and interim is None else None):
                yield _joined(finals)
                finals = []
            elif (segment := reader.take()) is None:
                break
            elif segment.is_final:
                interim = None
                finals += [segment] if segment.text else []
            else:
                interim = segment if segment.text else None
        if interim is not None:
            finals.append(dataclasses.replace(interim, is_final=True))
        if finals:
            yield _joined(finals)
    finally:
        await reader.close()
    if reader.failure is not None:
        raise reader.failure


class _Reader:
    """Waits for the next result, and no longer than is asked for; what it waits for is not lost."""

    def __init__(self, segments: AsyncIterable[Segment]) -> None:
        self.failure: Exception | None = None
        self._iterator = aiter(segments)
        self._pending: asyncio.Task[Segment | None] | None = None

    async def is_ready(self, timeout: float | None) -> bool:
        """Wait for the next result, or the end, for so many seconds; return whether it came."""
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._next())
        return bool((await asyncio.wait({self._pending}, timeout=timeout))[0])

    async def _next(self) -> Segment | None:
        return await anext(self._iterator, None)

    def take(self) -> Segment | None:
        """Return it; None is the end, with its `failure` if it is one: the turn that was begun comes first."""
        pending, self._pending = self._pending, None
        try:
            return pending.result() if pending is not None else None
        except Exception as error:
            self.failure = error
            return None

    async def close(self) -> None:
        """Close the iterator, so that nothing waits for results that are not read any more."""
        if self._pending is not None:
            self._pending.cancel()
            await asyncio.gather(self._pending, return_exceptions=True)
        if (close := getattr(self._iterator, "aclose", None)) is not None:
            await close()


def _joined(finals: list[Segment]) -> Segment:
    first, last = finals[0], finals[-1]
    if first is last:
        return first
    return dataclasses.replace(
        first,
        text=" ".join(segment.text for segment in finals),
        end=last.end,
        words=tuple(word for segment in finals for word in segment.words),
        sentences=tuple(sentence for segment in finals for sentence in segment.sentences),
    )
