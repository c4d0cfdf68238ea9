"""Hands out the items of a run to the workers of a cluster, in small batches, and takes back what is done.

Each worker has a share of the units that this run has leased, so many requests may be under way there, and a few items
more, so that a request that ends is followed by the next one without asking. The sum of all shares never exceeds the
leases: a share that is lowered binds until the worker has said that it keeps to it, and that of a lost worker for some
seconds more. A worker that is lost costs what it had in hand, which others get.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import pickle
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from smallest_nb.client.batch.cluster_job import Job
from smallest_nb.client.batch.cluster_leases import Leases
from smallest_nb.client.batch.cluster_station import Orders, Report, exchange
from smallest_nb.client.batch.items import Item
from smallest_nb.client.batch.units import UnitLimiter
from smallest_nb.client.cleanup import start_task
from smallest_nb.client.daemon_thread import run_in_daemon_thread
from smallest_nb.errors import ConfigError, ConnectionLost

__all__ = ["Hub", "SchedulerLost"]

_log = logging.getLogger(__name__)
_WATCH_SECS = 1.0
_ANSWER_SECS = 30.0
"""The scheduler and a worker's check answer within it."""
_NO_WORKER_SECS = 60.0
_WAIT_SECS = 2.0
_LINGER_SECS = 0.25
_FIRST_GUESS_SECS = 0.5
_MOST_SPARE = 2
"""Spare items of a worker at most, for each unit that it has."""
_SOON_SECS = 0.02
_GRACE_SECS = 2.0
"""The units of a lost worker are used by others after this time: its station sees within half a second that it was cut
off, if its process lives."""
_TURN_SECS = 10.0
_STOP_SECS = 5.0
_MOST_EXTRA = 2
_MOST_LOSSES = 3
"""An item that was in hand on so many workers that were lost has failed."""


class SchedulerLost(ConnectionLost):
    """The scheduler, or every worker of it, is gone."""


_AGAIN = "What is finished is in the manifest: the same call goes on from there."


@dataclass(slots=True, eq=False)
class _Order:
    item: Item
    done: asyncio.Future[dict[str, Any]]
    losses: int = 0


@dataclass(slots=True, eq=False)
class _Worker:
    """A worker as it is known here.

    Attributes:
        token: The name of its station.
        share: Units that it was last given.
        binding: Units that it may still be using.
        in_use: Requests that it said are under way.
        orders: Items in its hands, by number.
        is_open: Whether its station has answered.
    """

    address: str
    token: str
    share: int = 0
    binding: int = 0
    in_use: int = 0
    sent: int = 0
    recalls: int = 0
    orders: dict[int, _Order] = field(default_factory=dict)
    is_open: bool = False
    talking: asyncio.Task[None] | None = None
    extra: set[asyncio.Task[None]] = field(default_factory=set)


class Hub:
    """The workers of a run, and what each has in hand. Belongs to one event loop, not the client's.

    Args:
        client: A `dask.distributed.Client`.
        job: What is the same for all items.
        limiter: How many requests the account may have under way, as far as it is known.
        workers: Addresses of workers that were checked.
        check: Checks others, which come while the run is on; blocks, and raises for one that cannot do its part.
    """

    def __init__(
        self,
        client: Any,
        job: Job,
        limiter: UnitLimiter,
        workers: Sequence[str],
        check: Callable[[list[str]], object],
    ) -> None:
        self._client, self._job, self._limiter, self._check = client, job, limiter, check
        self._queue: deque[_Order] = deque()
        self._workers: dict[str, _Worker] = {}
        self._unfit: dict[str, BaseException] = {}
        self._withheld: list[tuple[float, int]] = []
        self._tokens = self._giving = 0
        self._request_secs = self._exchange_secs = _FIRST_GUESS_SECS  # means of the latest
        self._seen_worker_at = self._turned_at = monotonic()
        self._lost: SchedulerLost | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._first = list(workers)
        self._watching: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None

    def _start(self) -> None:
        """Begin with the first item: a run that has nothing to do, or not the folder, leases nothing."""
        if self._watching is None:
            self._seen_worker_at = self._turned_at = monotonic()
            self._leases = Leases(self._client, self._job, lambda: self._limiter.limit, self._change_soon)
            for address in self._first:
                self._add(address)
            self._watching = start_task(self._watch())

    async def do(self, item: Item) -> dict[str, Any]:
        """Have an item done; return its figures and the temporary names of its files.

        Raises:
            SchedulerLost: No item can be done any more.
            SmallestError: What the worker raised.
        """
        if self._lost is not None:
            raise self._lost
        self._start()
        order = _Order(item, asyncio.get_running_loop().create_future())
        self._queue.append(order)
        self._change_soon()
        try:
            return await order.done
        finally:
            with contextlib.suppress(ValueError):
                self._queue.remove(order)  # given up

    # Who may use how many units.

    def _change_soon(self) -> None:
        if self._soon is None and not self._is_closed:
            self._soon = asyncio.get_running_loop().call_later(_SOON_SECS, self._change)

    def _change(self) -> None:
        """Give out units and items, and tell the workers that it concerns."""
        self._soon = None
        if self._is_closed:
            return
        before = {worker.token: worker.share for worker in self._workers.values()}
        self._share_out()
        self._recall()
        for worker in self._workers.values():
            is_short = len(worker.orders) < worker.share + self._low(worker) and self._has_items()
            if worker.is_open and (before[worker.token] != worker.share or is_short or worker.recalls):
                self._send_extra(worker)

    def _budget(self) -> int:
        return min(self._limiter.limit, self._leases.held - self._giving)

    def _share_out(self) -> None:
        now = monotonic()
        self._withheld = [(until, units) for until, units in self._withheld if until > now]
        workers = [worker for worker in self._workers.values() if worker.is_open]
        budget = self._budget()
        for place, worker in enumerate(workers):
            target = budget // len(workers) + (place < budget % len(workers))
            worker.share = min(worker.share, target)
        free = budget - sum(worker.binding for worker in workers) - sum(units for _, units in self._withheld)
        for place, worker in enumerate(workers):
            target = budget // len(workers) + (place < budget % len(workers))
            if (more := min(target - worker.share, free)) > 0:
                free -= max(0, worker.share + more - worker.binding)
                worker.share += more
                worker.binding = max(worker.binding, worker.share)
        self._give_back()
        self._leases.look()

    def _bound(self) -> int:
        return sum(w.binding for w in self._workers.values()) + sum(units for _, units in self._withheld)

    def _give_back(self) -> None:
        """Give leases back that another run may want, once they are not used here."""
        if self._giving and self._bound() <= self._leases.held - self._giving:
            giving, self._giving = self._giving, 0
            self._leases.give_back(giving)

    def _turn_over(self) -> None:
        """Give some leases back and acquire them again: a run that waits for them comes first."""
        if not self._giving and monotonic() - self._turned_at > _TURN_SECS:
            self._turned_at = monotonic()
            self._giving = max(-(-self._leases.held // 4), self._leases.held - self._limiter.limit)
            self._change_soon()

    # Who has which items.

    def _spare(self, worker: _Worker) -> int:
        """How many items it has beyond those that may be under way: for as long as two exchanges take."""
        if not worker.share:
            return 0
        rounds = min(_MOST_SPARE, 2 * (self._exchange_secs + _LINGER_SECS) / max(self._request_secs, 1e-3))
        return max(1, math.ceil(worker.share * rounds))

    def _low(self, worker: _Worker) -> int:
        return self._spare(worker) // 2

    def _has_items(self) -> bool:
        while self._queue and self._queue[0].done.done():
            self._queue.popleft()
        return bool(self._queue)

    def _recall(self) -> None:
        """Ask for items back, if a worker has units and nothing to do while others have some that have not begun."""
        for worker in self._workers.values():
            worker.recalls = 0
        idle = sum(max(0, worker.share - len(worker.orders)) for worker in self._workers.values())
        if not idle or self._has_items():
            return
        for worker in sorted(self._workers.values(), key=lambda w: w.share - len(w.orders)):
            worker.recalls = min(idle, max(0, len(worker.orders) - worker.share))
            idle -= worker.recalls

    def _orders_for(self, worker: _Worker, wait_secs: float, *, is_last: bool = False) -> Orders:
        items = []
        while not is_last and len(worker.orders) < worker.share + self._spare(worker) and self._has_items():
            order = self._queue.popleft()
            worker.orders[order.item.number] = order
            items.append(order.item)
        worker.sent += 1
        recall, worker.recalls = worker.recalls, 0
        return Orders(
            worker.sent, worker.share, tuple(items), self._limiter.paused_secs, recall, wait_secs,
            low=self._low(worker), linger_secs=_LINGER_SECS if self._has_items() else 0.0,
            is_first=worker.sent == 1, is_last=is_last,
        )  # fmt: skip

    # Talking to a worker.

    def _add(self, address: str) -> None:
        self._tokens += 1
        worker = _Worker(address, f"{self._job.run}-{self._tokens}")
        self._workers[address] = worker
        worker.talking = start_task(self._talk(worker))

    async def _talk(self, worker: _Worker) -> None:
        """Exchange orders and news with a worker for as long as the run, and it, are there."""
        await self._exchange(worker, 0.0)  # opens the station; then it gets a share
        while self._workers.get(worker.address) is worker and not self._is_closed:
            await self._exchange(worker, _WAIT_SECS)

    def _send_extra(self, worker: _Worker) -> None:
        if worker.is_open and len(worker.extra) < _MOST_EXTRA:  # else the next ones take it along
            task = start_task(self._exchange(worker, 0.0))
            worker.extra.add(task)
            task.add_done_callback(worker.extra.discard)

    async def _exchange(self, worker: _Worker, wait_secs: float) -> None:
        orders, began = self._orders_for(worker, wait_secs), monotonic()
        try:
            report = await self._submit(worker, orders)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._lose(worker, error)
        else:
            if report.is_unknown:
                self._lose(worker)
            elif self._workers.get(worker.address) is worker:
                self._exchange_secs += (monotonic() - began - report.waited_secs - self._exchange_secs) / 8
                self._take(worker, report)

    async def _submit(self, worker: _Worker, orders: Orders) -> Report:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[Report] = loop.create_future()

        def on_done(done: Any) -> None:  # in a thread of the client
            with contextlib.suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(_deliver, arrived, *_outcome(done))

        key = f"smallest-nb-{self._job.kind}-{worker.token}-{orders.number}"
        future = self._client.submit(
            exchange, self._job, worker.token, orders, key=key, pure=False, retries=0, workers=[worker.address],
            allow_other_workers=False, priority=10,
        )  # fmt: skip
        try:
            future.add_done_callback(on_done)
            return await arrived
        finally:
            with contextlib.suppress(Exception):
                if not arrived.done():
                    future.cancel()
                future.release()

    def _take(self, worker: _Worker, report: Report) -> None:
        """Note what a worker says."""
        is_new, worker.is_open = not worker.is_open, True
        worker.in_use = report.in_use
        worker.binding = max(worker.share, report.share, report.in_use)
        others = sum(w.in_use for w in self._workers.values() if w is not worker)
        self._limiter.count(min(others + report.highest, self._limiter.most))
        for age, retry_after in report.refusals:
            self._limiter.refused(monotonic() - age, retry_after)
        for number in report.returned:
            if (order := worker.orders.pop(number, None)) is not None:
                self._queue.appendleft(order)
        for number, outcome in report.done:
            if (order := worker.orders.pop(number, None)) is not None:
                self._finish(order, outcome)
        self._limiter.count(min(others + report.in_use, self._limiter.most))
        if report.refusals:
            for other in self._workers.values():  # all wait as long as the service asks
                if other is not worker:
                    self._send_extra(other)
        self._give_back()
        is_idle = len(worker.orders) < worker.share and not self._has_items()
        shares = sum(w.share for w in self._workers.values())
        if is_new or is_idle or report.refusals or report.returned or shares != self._budget():
            self._change_soon()

    def _finish(self, order: _Order, outcome: dict[str, Any] | bytes) -> None:
        if isinstance(outcome, bytes):
            _settle(order, error=pickle.loads(outcome))  # noqa: S301 - of our own worker
            return
        self._request_secs += (outcome.pop("seconds") - self._request_secs) / 8
        self._limiter.succeeded()
        _settle(order, outcome)

    def _lose(self, worker: _Worker, error: BaseException | None = None) -> None:
        """A worker is gone, or its station is: others do what it had in hand."""
        if self._workers.get(worker.address) is not worker:
            return
        del self._workers[worker.address]
        if not worker.is_open and error is not None:
            self._unfit[worker.address] = error
        _log.info("Worker %s was lost with %d items in hand (%r).", worker.address, len(worker.orders), error)
        if worker.binding:
            self._withheld.append((monotonic() + _GRACE_SECS, worker.binding))
            asyncio.get_running_loop().call_later(_GRACE_SECS + _SOON_SECS, self._change_soon)
        for order in worker.orders.values():
            order.losses += 1
            if order.losses > _MOST_LOSSES:
                _settle(order, error=ConnectionLost("The workers that had the item were lost, one after the other."))
            else:
                self._queue.appendleft(order)
        worker.orders.clear()
        for task in (worker.talking, *worker.extra):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        self._change_soon()

    # What comes and goes.

    async def _watch(self) -> None:
        try:
            while not self._is_closed:
                await asyncio.sleep(_WATCH_SECS)
                await self._look_at_cluster()
                self._turn_over()
        except SchedulerLost as error:
            self._lost = error
            waiting = [*self._queue, *(order for w in self._workers.values() for order in w.orders.values())]
            self._queue.clear()
            for order in waiting:
                _settle(order, error=error)

    async def _look_at_cluster(self) -> None:
        status = self._client.status
        if status not in ("running", "connecting"):
            raise SchedulerLost(f"The connection to the Dask scheduler was lost. {_AGAIN}")
        there: dict[str, Any] = {}
        if status == "running":
            with contextlib.suppress(Exception):
                async with asyncio.timeout(_ANSWER_SECS):
                    there = await run_in_daemon_thread(self._client.nthreads)
        if there:
            for worker in [w for w in self._workers.values() if w.address not in there]:
                self._lose(worker)
            self._unfit = {address: why for address, why in self._unfit.items() if address in there}
            if self._checking is None or self._checking.done():  # one that is gone again takes its time to say so
                known = {*self._workers, *self._unfit}
                if new := [name for name in there if name not in known]:
                    self._checking = start_task(self._check_new(new))
        if self._workers:
            self._seen_worker_at = monotonic()
        elif monotonic() - self._seen_worker_at > _NO_WORKER_SECS:
            why = next((f" ({error})" for error in self._unfit.values()), "")
            raise SchedulerLost(f"The cluster had no worker for {_NO_WORKER_SECS:g} s{why}. {_AGAIN}")

    async def _check_new(self, addresses: list[str]) -> None:
        await asyncio.gather(*map(self._check_one, addresses))

    async def _check_one(self, address: str) -> None:
        try:
            async with asyncio.timeout(_ANSWER_SECS):
                await run_in_daemon_thread(self._check, [address])
        except ConfigError as error:
            self._unfit[address] = error
            _log.warning("A worker that came during the run is not used: %s", error)
        except Exception as error:  # it may be gone again
            _log.info("Worker %s, which came during the run, could not be asked: %r", address, error)
        else:
            self._add(address)

    async def close(self) -> None:
        """Have the workers give up what is under way, and give the units back. The client is its owner's."""
        self._is_closed = True
        if self._watching is None:
            return
        if self._soon is not None:
            self._soon.cancel()
        workers = list(self._workers.values())
        stopping: list[Any] = []
        if self._client.status == "running":
            stopping = [start_task(self._stop(worker)) for worker in workers if worker.is_open]
        talking = [task for w in workers for task in (w.talking, *w.extra) if task is not None]
        talking += [task for task in (self._watching, self._checking) if task is not None]
        for task in talking:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECS):
                await asyncio.gather(*stopping, *talking, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_SECS):
                await self._leases.close()

    async def _stop(self, worker: _Worker) -> None:
        with contextlib.suppress(Exception):
            await self._submit(worker, self._orders_for(worker, 0.0, is_last=True))


def _settle(order: _Order, result: dict[str, Any] | None = None, *, error: BaseException | None = None) -> None:
    if order.done.done():
        return
    if error is None:
        order.done.set_result(result or {})
    else:
        order.done.set_exception(error)
        order.done.exception()  # it may have been given up meanwhile, and asyncio would report what no one retrieved


def _outcome(done: Any) -> tuple[Any, BaseException | None]:
    """Return the result of a future of Dask, or what is raised for it."""
    try:
        return done.result(timeout=_ANSWER_SECS), None
    except Exception as error:
        return None, error
    except BaseException as error:  # such as CancelledError
        return None, OSError(f"The exchange ended with {type(error).__name__}.")


def _deliver(arrived: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if arrived.done():
        return
    if error is None:
        arrived.set_result(result)
    else:
        arrived.set_exception(error)
        arrived.exception()
