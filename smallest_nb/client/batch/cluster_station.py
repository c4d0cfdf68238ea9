"""What a worker process of a cluster does for one run: its items, one after the other and some at once, on one loop.

The process that has the client talks to it in exchanges: each brings items and how many requests may be under way here,
and takes away what is done. An exchange waits for news; while it is away the station goes on with the items it has.
A station that hears nothing begins nothing new: the run may be over, or its units given to another worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

from smallest_nb.client import background_loop
from smallest_nb.client import target as targets
from smallest_nb.client.backoff import is_busy
from smallest_nb.client.batch.cluster_job import Job
from smallest_nb.client.batch.items import Item, Made
from smallest_nb.client.batch.places import Folder, open_folder
from smallest_nb.client.batch.runner import Work
from smallest_nb.client.batch.speaking import Speaking
from smallest_nb.client.batch.transcribing import Transcribing
from smallest_nb.client.cleanup import start_task, to_the_end
from smallest_nb.client.daemon_thread import run_in_daemon_thread
from smallest_nb.errors import ServiceError, SmallestError
from smallest_nb.results.transcript import Transcript

__all__ = ["Orders", "Report", "Station", "exchange"]

_WATCH_SECS = 0.5
_HOLD_SECS = 5.0
"""A station that heard nothing for so long begins no request: what is under way goes on, and its results are kept."""
_DROP_SECS = 120.0
"""Then it is closed: the run was killed, and would have to begin again anyway."""
_STOP_SECS = 3.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What the process with the client says.

    Attributes:
        number: Counts up; an older one that arrives later changes no share.
        share: How many requests may be under way here.
        items: To be done, after those that are here.
        pause_secs: Nothing new begins before.
        recall: How many items that have not begun are wanted back, for a worker that has none.
        wait_secs: How long to wait for news; 0 not to wait.
        low: News are wanted at once if no more than these are left to begin.
        linger_secs: Else how long to wait for more news after the first.
        is_first: Whether this opens the station.
        is_last: Whether the run is over: what is under way is given up.
    """

    number: int
    share: int
    items: tuple[Item, ...] = ()
    pause_secs: float = 0.0
    recall: int = 0
    wait_secs: float = 0.0
    low: int = 0
    linger_secs: float = 0.0
    is_first: bool = False
    is_last: bool = False


@dataclass(slots=True)
class Report:
    """What a station says.

    Attributes:
        done: Items by number, each with its figures and the temporary names of its files, or with a pickled error.
        returned: Numbers of items that were wanted back.
        refusals: Of the service: how many seconds ago the request began, and `Retry-After` or None.
        share: What it keeps to.
        in_use: Requests under way.
        highest: The most that were under way since the last report.
        waited_secs: How long it waited for news.
        is_unknown: There is no such station: the process was started again, or heard nothing for too long.
    """

    done: list[tuple[int, dict[str, Any] | bytes]] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    refusals: list[tuple[float, float | None]] = field(default_factory=list)
    share: int = 0
    in_use: int = 0
    highest: int = 0
    waited_secs: float = 0.0
    is_unknown: bool = False


class Station:
    """Does items. Belongs to the background loop of its process.

    Args:
        job: What is the same for all items.
        is_alive: Says whether the worker still belongs to its cluster.
    """

    def __init__(self, job: Job, is_alive: Callable[[], bool]) -> None:
        self._folder: Folder | None = None if job.out is None else open_folder(job.out)
        self._work = _work_of(job, targets.resolve(None, job.base_url))
        self._is_alive = is_alive
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._report = Report()
        self._news = asyncio.Event()
        self._latest = -1
        self._share = self._in_use = 0
        self._paused_until = 0.0
        self._was_refused = False
        self._heard_at = monotonic()
        self.is_over = False
        self._watching = start_task(self._watch())

    async def exchange(self, orders: Orders) -> Report:
        """Do as ordered, wait for news if that is ordered too, and return them."""
        if self.is_over:
            return Report(is_unknown=True)
        self._heard_at = monotonic()
        if orders.number > self._latest:
            self._latest, self._share, self._was_refused = orders.number, orders.share, False
            self._paused_until = monotonic() + orders.pause_secs
        for item in orders.items:
            self._tasks[item.number] = asyncio.create_task(self._do(item))
        await asyncio.sleep(0)  # texts have their place in the queue then, and can be given back
        self._give_back(orders.recall)
        if orders.is_last:
            await self.close()
        self._begin_more()
        arrived = monotonic()
        if orders.wait_secs and not self.is_over:
            await self._wait_for_news(orders)
            self._heard_at = monotonic()
        report, self._report = self._report, Report()
        self._news.clear()
        report.share, report.in_use, report.waited_secs = self._share, self._in_use, monotonic() - arrived
        report.highest = max(report.highest, self._in_use)
        return report

    async def _wait_for_news(self, orders: Orders) -> None:
        deadline = monotonic() + orders.wait_secs
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(orders.wait_secs):
                await self._news.wait()
        deadline = min(deadline, monotonic() + orders.linger_secs)
        while (left := deadline - monotonic()) > 0 and not self.is_over:
            if self._report.refusals or self._report.returned or len(self._waiting) <= orders.low:
                return
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()

    def _give_back(self, count: int) -> None:
        for _ in range(min(count, len(self._waiting))):
            number, _ = self._waiting.pop()
            self._tasks.pop(number).cancel()
            self._report.returned.append(number)
            self._news.set()

    async def _do(self, item: Item) -> None:
        try:
            prepared = await self._work.prepare(item)
            async with self._unit(item) as began:
                reported = False

                def on_busy(error: SmallestError) -> None:
                    nonlocal reported
                    reported = True
                    self._refused(began, error)

                try:
                    answer = await self._work.request(item, prepared, on_busy)
                except Exception as error:
                    if is_busy(error) and not reported:
                        self._refused(began, error)
                    raise
                seconds = monotonic() - began
            made = await self._work.finish(item, prepared, answer)
            outcome: dict[str, Any] | bytes = {**await self._write(made), "seconds": seconds}
        except Exception as error:
            outcome = _as_bytes(error)
        if self._tasks.pop(item.number, None) is not None:
            self._report.done.append((item.number, outcome))
            self._news.set()

    @contextlib.asynccontextmanager
    async def _unit(self, item: Item) -> AsyncIterator[float]:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((item.number, turn))
        self._begin_more()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given a unit in the same moment
                self._in_use -= 1
                self._begin_more()
            raise
        try:
            yield monotonic()
        finally:
            self._in_use -= 1
            self._begin_more()

    def _begin_more(self) -> None:
        now = monotonic()
        if self._was_refused or now < self._paused_until or now - self._heard_at > _HOLD_SECS:
            return
        while self._waiting and self._in_use < self._share:
            _, turn = self._waiting.popleft()
            if not turn.done():
                self._in_use += 1
                self._report.highest = max(self._report.highest, self._in_use)
                turn.set_result(None)

    def _refused(self, began: float, error: BaseException) -> None:
        """Begin nothing until the process with the client, which knows of all workers, has said how to go on."""
        self._was_refused = True
        after = error.retry_after if isinstance(error, ServiceError) else None
        self._report.refusals.append((monotonic() - began, after))
        self._news.set()

    async def _write(self, made: Made) -> dict[str, Any]:
        pending: dict[str, str] = {}
        try:
            # Not given up half-way: a thread that goes on would leave a file after the run's end.
            await to_the_end(run_in_daemon_thread(self._put, made, pending))
        except BaseException:
            for temporary in filter(None, pending.values()):
                if self._folder is not None:
                    self._folder.drop(temporary)
            raise
        return {
            "pending": pending,
            "duration": made.duration,
            "characters": made.characters,
            "ttfb_s": made.ttfb_s,
            "fingerprint": made.fingerprint,
            "value": made.value.to_json() if isinstance(made.value, Transcript) else None,
        }

    def _put(self, made: Made, pending: dict[str, str]) -> None:
        if self._folder is not None:
            for name, data in made.files.items():
                pending[name] = self._folder.put(name, data)

    async def _watch(self) -> None:
        while not self.is_over:
            await asyncio.sleep(_WATCH_SECS)
            self._begin_more()  # a pause may have ended
            if not self._is_alive() or monotonic() - self._heard_at > _DROP_SECS:
                await self.close()

    async def close(self) -> None:
        """Give up what is under way, and close the sockets. Idempotent."""
        if self.is_over:
            return
        self.is_over = True
        self._share = 0
        self._news.set()
        tasks = list(self._tasks.values())
        self._tasks.clear()
        self._waiting.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_STOP_SECS)
        await self._work.close()


def _work_of(job: Job, target: targets.Target) -> Work:
    if job.kind == "speak":
        return Speaking(target, job.sample_rate, timeout=job.timeout, keeps_values=False)
    return Transcribing(
        target, channel=job.channel, sample_rate=job.sample_rate, timeout=job.timeout, keeps_values=job.out is None
    )


def _as_bytes(error: BaseException) -> bytes:
    """Pickle an error without what may not survive it: frames, and another package's error behind it.

    `distributed` has errors pickled by tblib, with all that is attached to them, whatever they say themselves.
    """
    error = error.with_traceback(None)
    error.__context__ = None
    for drop in (False, True):
        if drop:
            error.__cause__ = None
        with contextlib.suppress(Exception):
            pickle.loads(data := pickle.dumps(error))  # noqa: S301 - our own
            return data
    return pickle.dumps(SmallestError(f"{type(error).__name__}: {error}"))


_stations: dict[str, Station] = {}
_lock = threading.Lock()


async def _open(job: Job, token: str, is_alive: Callable[[], bool]) -> None:
    station = Station(job, is_alive)
    with _lock:
        for known in [name for name, other in _stations.items() if other.is_over]:
            del _stations[known]
        _stations[token] = station


def exchange(job: Job, token: str, orders: Orders) -> Report:
    """Have the station of this worker do as ordered; return its news.

    Args:
        job: What is the same for all items.
        token: The station's name.
        orders: What is to be done.

    Raises:
        SmallestError: The station cannot be opened: no key, or no folder.
    """
    from distributed import get_worker, secede  # noqa: PLC0415 - an extra

    worker = get_worker()
    # It waits nearly all of the time: the thread's place is for others.
    secede()  # type: ignore[no-untyped-call]
    if orders.is_first:
        background_loop.call(_open(job, token, partial(_is_alive, worker)))
    with _lock:
        station = _stations.get(token)
    if station is None or (station.is_over and not orders.is_last):
        return Report(is_unknown=True)
    return background_loop.call(station.exchange(orders))


def _is_alive(worker: Any) -> bool:
    return str(worker.status.name) in ("init", "running", "paused")
