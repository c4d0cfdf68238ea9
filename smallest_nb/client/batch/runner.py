"""All items of a batch: which are done already, attempts, refusals, errors, and the order of the results.

Twice as many items are in hand as there are units: while some wait for the service, the next ones are read, and the
last ones written. A refusal for lack of capacity is no attempt: the item waits, with all others, until there is room.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from time import monotonic, time
from typing import Any, Protocol

from smallest_nb.client.backoff import is_busy, is_retryable
from smallest_nb.client.batch.items import Item, Made
from smallest_nb.client.batch.meter import Meter
from smallest_nb.client.batch.results import BatchResult, Throughput
from smallest_nb.client.batch.services import OnBusy
from smallest_nb.client.batch.store import Store, is_full_disk
from smallest_nb.client.batch.units import UnitLimiter
from smallest_nb.client.cleanup import to_the_end
from smallest_nb.common.secret import hide_keys
from smallest_nb.errors import AuthError, IncompleteError, ServiceError, SmallestError

__all__ = ["Run", "Work"]

_log = logging.getLogger(__name__)
_LOOKAHEAD, _LOOKAHEAD_FAR = 2, 5
"""Items in hand for each unit: one for which the service works, one that is read or written; and if workers of a
cluster do it, those that are spare there, and one to be handed out next."""
_FIRST_WAIT_SECS, _LONGEST_WAIT_SECS = 0.5, 30.0
_MOST_REFUSED_SECS = 600.0
"""An item that the service refuses for so long, while it serves no other one, has failed."""
_MOST_FAILURES_IN_A_ROW = 50
"""As many items that fail one after the other because the service cannot be reached end the run."""
_MOST_BYTES_KEPT = 2**30
_ERROR_CHARS = 500


class Work(Protocol):
    """What is done with each item, in three steps; only the second one takes a unit of the plan.

    Attributes:
        limits_itself: Whether it keeps to the units, counts requests and hears of refusals itself.
    """

    limits_itself: bool

    async def prepare(self, item: Item) -> Any:
        """Read what is needed."""

    async def request(self, item: Item, prepared: Any, on_busy: OnBusy) -> Any:
        """Have the service do it."""

    async def finish(self, item: Item, prepared: Any, answer: Any) -> Made:
        """Make the files."""

    def ends_run(self, error: BaseException) -> bool:
        """Whether every other item would end with this error too."""

    async def close(self) -> None:
        """Close what is kept open."""


class _Stopped(Exception):  # noqa: N818 - it carries the error
    """The run ends with an error that concerns all items."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__()


class Run:
    """One run over items.

    Args:
        items: What is to be done.
        work: How.
        store: Where it is written.
        limiter: How many requests may be under way.
        attempts: How often an item is tried at most.
        stops_at_error: Whether the first item that fails ends the run.
        meter: Shows how far it is.
    """

    def __init__(
        self,
        items: Sequence[Item],
        work: Work,
        store: Store,
        limiter: UnitLimiter,
        *,
        attempts: int = 3,
        stops_at_error: bool = False,
        meter: Meter,
    ) -> None:
        self._items = items
        self._work, self._store, self._limiter, self._meter = work, store, limiter, meter
        self._attempts = attempts
        self._stops_at_error = stops_at_error
        self._results: dict[str, BatchResult] = {}
        self._served_at = monotonic()
        self._failures_in_a_row = 0
        self._bytes_kept = 0
        self._requests = self._characters = 0
        self._audio_s = 0.0
        self._began = monotonic()
        self._ended: float | None = None
        self._refusals_before = limiter.refusals
        limiter.highest = limiter.in_use

    def results(self) -> list[BatchResult]:
        """Return what became of each item so far, in order; those that were not begun are not ok."""
        return [self._results.get(item.id) or self._result(item, error="not done") for item in self._items]

    @property
    def throughput(self) -> Throughput:
        """How fast it was so far."""
        return Throughput(
            seconds=(self._ended or monotonic()) - self._began,
            audio_s=self._audio_s,
            characters=self._characters,
            requests=self._requests,
            refusals=self._limiter.refusals - self._refusals_before,
            units=self._limiter.highest if self._requests else 0,
        )

    async def run(self) -> None:
        """Do all items that are not done.

        Raises:
            ConfigError: Another run writes to the folder, or it holds something else.
            AuthError: The key was refused.
            OSError: The disk is full.
            SmallestError: The service cannot be reached; or any item's error, if that is to stop the run.
        """
        await self._store.open()
        try:
            remaining = await self._skip_done()
            await self._do_all(iter(remaining))
        finally:
            self._ended = monotonic()
            await to_the_end(self._close())

    async def _close(self) -> None:
        try:
            await self._work.close()
        finally:
            await self._store.close()

    async def _skip_done(self) -> list[Item]:
        done = await self._store.done(list(self._items))
        for item in self._items:
            if (record := done.get(item.id)) is not None:
                self._results[item.id] = self._from_record(item, record)
        if done:
            self._meter.add(ok=True, count=len(done))
        return [item for item in self._items if item.id not in done]

    async def _do_all(self, remaining: Iterator[Item]) -> None:
        running: set[asyncio.Task[None]] = set()
        failures: list[BaseException] = []
        changed = asyncio.Event()
        lookahead = _LOOKAHEAD_FAR if self._work.limits_itself else _LOOKAHEAD

        def on_done(task: asyncio.Task[None]) -> None:  # costs the same however many are running
            running.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                failures.append(error)
            changed.set()

        try:
            while not failures:
                while len(running) < lookahead * self._limiter.limit and (item := next(remaining, None)) is not None:
                    task = asyncio.create_task(self._do(item))
                    running.add(task)
                    task.add_done_callback(on_done)
                if not running:
                    return
                await changed.wait()
                changed.clear()
            first = failures[0]
            raise first.error if isinstance(first, _Stopped) else first
        finally:
            for task in list(running):
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _do(self, item: Item) -> None:
        """Do one item to its end, good or bad."""
        for attempt in range(1, self._attempts + 1):
            began = monotonic()
            try:
                made = await self._attempt(item)
                result = self._result(
                    item, ok=True, attempts=attempt, duration=made.duration, characters=made.characters,
                    ttfb_s=made.ttfb_s, seconds=monotonic() - began, value=made.value,
                )  # fmt: skip
                await self._store.keep(_as_record(result, item, made), made, partial(self._kept, item, result, made))
            except Exception as error:
                self._stop_if_hopeless(error)
                if attempt < self._attempts and _may_help(error):
                    longest = min(_LONGEST_WAIT_SECS, _FIRST_WAIT_SECS * 2 ** (attempt - 1))
                    await asyncio.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - a delay
                    continue
                await self._fail(item, error, attempt)
            else:
                self._succeed(made)
            return

    async def _attempt(self, item: Item) -> Made:
        prepared = await self._work.prepare(item)
        first_refused: float | None = None
        while True:
            reported = False
            async with self._unit() as began:

                def on_busy(error: SmallestError, began: float = began) -> None:
                    nonlocal reported
                    reported = True
                    self._limiter.refused(began, _retry_after(error))

                self._requests += 1
                try:
                    answer = await self._work.request(item, prepared, on_busy)
                except Exception as error:
                    if not is_busy(error):
                        raise
                    if not reported and not self._work.limits_itself:
                        self._limiter.refused(began, _retry_after(error))
                    first_refused = monotonic() if first_refused is None else first_refused
                    if monotonic() - max(first_refused, self._served_at) > _MOST_REFUSED_SECS:
                        raise
                    continue
                self._served_at = monotonic()
                if not self._work.limits_itself:
                    self._limiter.succeeded()
            return await self._work.finish(item, prepared, answer)

    @contextlib.asynccontextmanager
    async def _unit(self) -> AsyncIterator[float]:
        if self._work.limits_itself:
            yield monotonic()
        else:
            async with self._limiter.unit() as began:
                yield began

    def _stop_if_hopeless(self, error: Exception) -> None:
        """End the run for what would happen to every other item as well."""
        if isinstance(error, AuthError) or is_full_disk(error) or self._work.ends_run(error):
            raise _Stopped(error)

    async def _fail(self, item: Item, error: Exception, attempts: int) -> None:
        result = self._result(item, error=_in_words(error), attempts=attempts)
        result.exception = error
        self._results[item.id] = result
        self._meter.add(ok=False)
        _log.info("%s failed after %d attempts: %s", item.id, attempts, result.error)
        await self._note_failure(item, result)
        if self._stops_at_error:
            raise _Stopped(error)
        self._failures_in_a_row = self._failures_in_a_row + 1 if _may_help(error) else 0
        if self._failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
            error.add_note(f"{self._failures_in_a_row} items failed one after the other, so the run was ended.")
            raise _Stopped(error)

    async def _note_failure(self, item: Item, result: BatchResult) -> None:
        try:
            await self._store.keep(_as_record(result, item, None), Made())
        except OSError as error:
            raise _Stopped(error) from None

    def _kept(self, item: Item, result: BatchResult, made: Made) -> None:
        """Note an item that was written, even if the run was interrupted meanwhile."""
        self._results[item.id] = result
        self._audio_s += made.duration
        self._characters += made.characters

    def _succeed(self, made: Made) -> None:
        self._failures_in_a_row = 0
        self._meter.add(ok=True, seconds=made.duration, characters=made.characters)
        self._bytes_kept += len(getattr(made.value, "pcm", b""))
        if self._bytes_kept > _MOST_BYTES_KEPT:
            raise _Stopped(
                MemoryError(
                    f"The sound of {len(self._results)} items takes {_MOST_BYTES_KEPT / 2**30:g} GiB of memory, the "
                    "most that is kept. Pass out= with a folder: then it is written there as it comes."
                )
            )

    def _result(self, item: Item, **fields: Any) -> BatchResult:
        return BatchResult(
            item.id, input=item.input, outputs=self._paths(item) if fields.get("ok") else (), columns=item.columns,
            **fields,
        )  # fmt: skip

    def _paths(self, item: Item) -> tuple[str, ...]:
        folder = self._store.folder
        return tuple(f"{folder.name.rstrip('/')}/{name}" for name in item.outputs) if folder is not None else ()

    def _from_record(self, item: Item, record: dict[str, Any]) -> BatchResult:
        return self._result(
            item, ok=True, duration=record.get("duration"), characters=record.get("characters") or 0,
            attempts=record.get("attempts") or 0, ttfb_s=record.get("ttfb_s"), is_earlier=True,
        )  # fmt: skip


def _as_record(result: BatchResult, item: Item, made: Made | None) -> dict[str, Any]:
    """Return the line of the manifest."""
    record: dict[str, Any] = {
        "id": item.id,
        "input": item.input,
        "hash": item.hash,
        "outputs": list(item.outputs) if result.ok else [],
        "duration": result.duration,
        "characters": result.characters,
        "ttfb_s": result.ttfb_s,
        "attempts": result.attempts,
        "error": result.error,
        "at": round(time(), 3),
    }
    if made is not None and made.fingerprint is not None:
        record["fingerprint"] = made.fingerprint
    return record


def _may_help(error: Exception) -> bool:
    """Whether another attempt may end otherwise."""
    if isinstance(error, TimeoutError | IncompleteError):
        return True
    return isinstance(error, SmallestError) and is_retryable(error)


def _retry_after(error: Exception) -> float | None:
    return error.retry_after if isinstance(error, ServiceError) else None


def _in_words(error: Exception) -> str:
    text = str(error) or "no answer in time"
    return hide_keys(f"{type(error).__name__}: {text}")[:_ERROR_CHARS]
