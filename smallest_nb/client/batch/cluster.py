"""A batch on the workers of a Dask cluster.

The runner of this process stays the one that keeps the manifest, counts attempts and orders results. What it sends is
an item as a row or a path; what it gets back are figures and the temporary names of files that the worker wrote. No
sound passes the scheduler, and no key: each worker finds its own, as a program there would.

A worker process has one set of services, on one event loop, for as long as it has items. How many requests are under
way over all workers is a `distributed.Semaphore`: leases of a worker that dies come back. A few more items than units
are on their way to the workers, so that a unit that becomes free is used at once.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import platform
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from time import monotonic
from typing import Any

from smallest_nb.client import background_loop
from smallest_nb.client import target as targets
from smallest_nb.client.batch.items import Item, Made
from smallest_nb.client.batch.places import Folder, open_folder
from smallest_nb.client.batch.runner import Work
from smallest_nb.client.batch.services import OnBusy
from smallest_nb.client.batch.speaking import Speaking
from smallest_nb.client.batch.transcribing import Transcribing
from smallest_nb.client.batch.units import MOST_UNITS, UnitLimiter
from smallest_nb.client.daemon_thread import run_in_daemon_thread
from smallest_nb.errors import ConfigError, ConnectionLost, SmallestError
from smallest_nb.results.transcript import Transcript

__all__ = ["ClusterWork", "Job", "SchedulerLost", "check_cluster", "close_stations", "cluster_limiter"]

_PACKAGES = ("smallest-nb", "distributed", "numpy", "websockets")
"""What has to be the same everywhere: it is on both ends of what is sent, or decides what is made."""
_WATCH_SECS = 2.0
_NO_WORKER_SECS = 60.0
_FIRST_UNITS = 4
_LEASE_SECS = 600.0
_STOP_SECS = 5.0


class SchedulerLost(ConnectionLost):
    """The scheduler, or every worker of it, is gone."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for all items: plain values, which every process may see.

    Attributes:
        kind: "speak" or "transcribe".
        base_url: Where the workers connect, with keys of their own.
        out: The folder, or None to have transcripts sent back.
        units: Leases of the semaphore.
        run: Distinguishes this run from others.
        sample_rate: Hz, or None.
        channel: Which channel is transcribed, or None.
        timeout: Seconds for one attempt, or None.
    """

    kind: str
    base_url: str
    out: str | None
    units: int
    run: str
    sample_rate: int | None = None
    channel: int | None = None
    timeout: float | None = None

    @property
    def semaphore(self) -> str:
        """The name of the account's budget on the cluster; runs with the same number of units share it."""
        return f"smallest-nb units of {self.base_url}: {self.units}"

    @property
    def stop_event(self) -> str:
        """The name of the event that ends this run on all workers."""
        return f"smallest-nb stop {self.run}"


def cluster_limiter(units: int | None, workers: int) -> UnitLimiter:
    """Return how many items may be on their way: those with a unit, and as many that wait for one or are written."""
    return UnitLimiter(MOST_UNITS, _FIRST_UNITS) if units is None else UnitLimiter(2 * units + workers)


# On a worker.


class _Station:
    """What a worker process keeps from item to item."""

    def __init__(self, job: Job) -> None:
        from distributed import Event, Semaphore  # noqa: PLC0415 - an extra

        self.folder: Folder | None = None if job.out is None else open_folder(job.out)
        self.work = _work_of(job, targets.resolve(None, job.base_url))
        # Set by the process that has the client: what is under way is given up, rather than spoken and paid for.
        self._stop: Any = Event(job.stop_event)  # type: ignore[no-untyped-call]
        self._stopped = self.is_over = False
        self._running: set[concurrent.futures.Future[Any]] = set()
        threading.Thread(target=self._watch, name="smallest_nb stop", daemon=True).start()
        self.semaphore: Any = Semaphore(  # type: ignore[no-untyped-call]
            max_leases=job.units, name=job.semaphore
        )

    def _watch(self) -> None:
        with contextlib.suppress(Exception):  # the worker ends, or has lost the scheduler
            while not (self.is_over or self._stop.wait(timeout=_WATCH_SECS)):
                pass
            self._stopped = True
            for future in list(self._running):
                future.cancel()

    def request(self, item: Item, prepared: Any) -> Any:
        """Have the service do an item, while a unit of the plan is held.

        Raises:
            ConnectionLost: No unit became free, or the run was stopped.
        """
        if not self.semaphore.acquire(timeout=_LEASE_SECS):
            raise ConnectionLost(f"No unit of the plan became free for {_LEASE_SECS:g} s.")
        future = None
        try:
            future = background_loop.submit(self.work.request(item, prepared, _ignore))
            self._running.add(future)
            if self._stopped:
                future.cancel()
            return future.result()
        except concurrent.futures.CancelledError:
            raise ConnectionLost("The run was stopped.") from None
        finally:
            self._running.discard(future)
            self.semaphore.release()


_stations: dict[Job, _Station] = {}
_lock = threading.Lock()


def _work_of(job: Job, target: targets.Target) -> Work:
    if job.kind == "speak":
        return Speaking(target, job.sample_rate, timeout=job.timeout, keeps_values=False)
    return Transcribing(
        target, channel=job.channel, sample_rate=job.sample_rate, timeout=job.timeout, keeps_values=job.out is None
    )


def _station(job: Job) -> _Station:
    with _lock:
        if job not in _stations:
            for other in [j for j in _stations if j.run != job.run]:  # of a run before; its sockets close when idle
                former = _stations.pop(other)
                former.is_over = True
                background_loop.post(_close_later, former.work)
            _stations[job] = _Station(job)
        return _stations[job]


def _close_later(work: Work) -> None:
    _closing.add(task := asyncio.ensure_future(work.close()))
    task.add_done_callback(_closing.discard)


_closing: set[asyncio.Future[None]] = set()


async def close_stations() -> None:
    """Close what this worker process keeps open, rather than when it has been idle; for the background loop."""
    with _lock:
        stations = list(_stations.values())
        _stations.clear()
    await asyncio.gather(*(station.work.close() for station in stations))


def do_item(job: Job, item: Item) -> dict[str, Any]:
    """Do one item on a worker; return its figures and the temporary names of its files.

    Raises:
        SmallestError: What the service said, or how it was lost.
    """
    from distributed import secede  # noqa: PLC0415

    # It waits for the service nearly all of the time: the thread's place is for the next item.
    secede()  # type: ignore[no-untyped-call]
    station = _station(job)
    prepared = background_loop.call(station.work.prepare(item))
    answer = station.request(item, prepared)
    made: Made = background_loop.call(station.work.finish(item, prepared, answer))
    pending: dict[str, str] = {}
    try:
        for name, data in made.files.items():
            if station.folder is not None:
                pending[name] = station.folder.put(name, data)
    except BaseException:
        for temporary in filter(None, pending.values()):
            if station.folder is not None:
                station.folder.drop(temporary)
        raise
    return {
        "pending": pending,
        "duration": made.duration,
        "characters": made.characters,
        "ttfb_s": made.ttfb_s,
        "fingerprint": made.fingerprint,
        "value": made.value.to_json() if isinstance(made.value, Transcript) else None,
    }


def _ignore(_error: SmallestError) -> None:
    """The runner hears of a refusal when the item comes back with it."""


def describe_worker(base_url: str, out: str | None, probe: str) -> dict[str, Any]:
    """Return what a worker is, whether it has a key, and whether it sees the folder; never the key."""
    found: dict[str, Any] = {**describe_process(), "problem": ""}
    try:
        targets.resolve(None, base_url)
        if out is not None and probe and not open_folder(out).has(probe):
            found["problem"] = f"does not see the folder {out}: expected a folder that all machines share, or a URL"
    except Exception as error:
        found["problem"] = f"cannot work ({type(error).__name__}: {error})"
    return found


def describe_process() -> dict[str, str]:
    """Return the versions of Python and of the packages that have to be the same everywhere."""
    major, minor, _ = platform.python_version_tuple()
    found = {"python": f"{major}.{minor}"}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


# In the process that has the client.


def check_cluster(client: Any, base_url: str, out: str | None) -> int:
    """Check, before anything is spent, that every worker can do its part.

    Returns:
        How many workers there are.

    Raises:
        ConfigError: This is no client, no worker comes, versions differ, or a worker has no key or no folder.
    """
    if not all(hasattr(client, name) for name in ("submit", "run", "wait_for_workers")):
        raise ConfigError(f"client is {type(client).__name__}; expected a dask.distributed.Client.")
    if getattr(client, "asynchronous", False):
        raise ConfigError("The client is asynchronous, and this call blocks: make one with Client(address).")
    try:
        client.wait_for_workers(1, timeout=_NO_WORKER_SECS)
    except Exception as error:
        raise ConfigError(f"The cluster has no worker ({type(error).__name__}: {error}).") from error
    folder = None if out is None else open_folder(out)
    probe = "" if folder is None else folder.put(f"probe-{secrets.token_hex(4)}", b"")
    try:
        workers: Mapping[str, Any] = client.run(describe_worker, base_url, out, probe, on_error="return")
    finally:
        if folder is not None and probe:
            folder.drop(probe)
    here = describe_process()
    for address, found in workers.items():
        if isinstance(found, BaseException):
            raise ConfigError(
                f"Worker {address} cannot run this package ({type(found).__name__}: {found}). Install smallest-nb "
                f"{here['smallest-nb']} there, with Python {here['python']}."
            )
        other = [f"{name} {found[name]} instead of {here[name]}" for name in here if found[name] != here[name]]
        if other:
            raise ConfigError(f"Worker {address} has {', '.join(other)}; expected the same versions as here.")
        if found["problem"]:
            raise ConfigError(
                f"Worker {address} {found['problem']}. Workers find their own keys: set {targets.ENV_KEY} in their "
                "environment, or a keyring or .env file there."
            )
    return len(workers)


class ClusterWork:
    """Has items done by workers; see :class:`~smallest_nb.client.batch.runner.Work`.

    Args:
        client: A `dask.distributed.Client`.
        job: What is the same for all items.
    """

    def __init__(self, client: Any, job: Job) -> None:
        self._client, self._job = client, job
        self._tries = 0
        self._seen_worker_at = monotonic()

    async def prepare(self, item: Item) -> None:
        """Nothing is read here."""

    async def request(self, item: Item, prepared: None, on_busy: OnBusy) -> dict[str, Any]:  # noqa: ARG002 - the protocol
        """Have a worker do it, and wait for what it says."""
        self._tries += 1
        key = f"smallest-nb-{self._job.kind}-{self._job.run}-{item.number}-{self._tries}"
        loop = asyncio.get_running_loop()
        arrived = loop.create_future()

        def on_done(done: Any) -> None:  # in a thread of the client
            with contextlib.suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(_settle, arrived, *_outcome(done))

        self._refuse_if_lost()
        future = self._client.submit(do_item, self._job, item, key=key, pure=False, retries=0)
        try:
            future.add_done_callback(on_done)
            while not arrived.done():
                await asyncio.wait({arrived}, timeout=_WATCH_SECS)
                if not arrived.done():
                    self._refuse_if_lost()
        finally:
            with contextlib.suppress(Exception):
                if not arrived.done():  # given up here: a worker that has not begun it never will
                    future.cancel()
                future.release()
        found: dict[str, Any] = arrived.result()
        return found

    def _refuse_if_lost(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise SchedulerLost(_LOST)
        info = self._client.scheduler_info(n_workers=1) if self._client.status == "running" else {}
        if info.get("workers"):
            self._seen_worker_at = monotonic()
        elif monotonic() - self._seen_worker_at > _NO_WORKER_SECS:
            raise SchedulerLost(f"The cluster had no worker for {_NO_WORKER_SECS:g} s. {_AGAIN}")

    async def finish(self, item: Item, prepared: None, answer: dict[str, Any]) -> Made:  # noqa: ARG002 - the protocol
        """Return what the worker made."""
        value = answer["value"]
        return Made(
            None if value is None else Transcript.from_json(value),
            pending=answer["pending"],
            duration=answer["duration"],
            characters=answer["characters"],
            ttfb_s=answer["ttfb_s"],
            fingerprint=answer["fingerprint"],
        )

    def ends_run(self, error: BaseException) -> bool:
        """Whether every other item would end with this error too."""
        return isinstance(error, SchedulerLost)

    async def close(self) -> None:
        """End the run on the workers, and with it what is still under way; the client is its owner's."""
        if self._client.status == "running":
            from distributed import Event  # noqa: PLC0415 - an extra

            def stop() -> None:
                Event(self._job.stop_event, client=self._client).set()  # type: ignore[no-untyped-call]

            with contextlib.suppress(Exception):
                async with asyncio.timeout(_STOP_SECS):
                    await run_in_daemon_thread(stop)


_AGAIN = "What is finished is in the manifest: the same call goes on from there."
_LOST = f"The connection to the Dask scheduler was lost. {_AGAIN}"


def _outcome(done: Any) -> tuple[Any, BaseException | None]:
    """Return the result of a future of Dask, or what is raised for it."""
    try:
        return done.result(timeout=_NO_WORKER_SECS), None
    except SmallestError as error:
        return None, error
    except (TimeoutError, OSError) as error:
        if type(error).__name__ in ("CommClosedError", "FutureCancelledError"):
            return None, SchedulerLost(_LOST)
        return None, error
    except BaseException as error:
        kind = type(error).__name__
        if kind in ("CancelledError", "FutureCancelledError", "CommClosedError"):
            return None, SchedulerLost(_LOST)
        if kind == "KilledWorker":
            return None, ConnectionLost("The workers that had the item were killed, one after the other.")
        return None, error if isinstance(error, Exception) else ConnectionLost(f"The worker ended with {kind}.")


def _settle(arrived: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if arrived.done():
        return
    if error is None:
        arrived.set_result(result)
    else:
        arrived.set_exception(error)
        arrived.exception()  # it may have been given up meanwhile, and asyncio would report what no one retrieved
