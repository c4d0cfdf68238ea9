"""The account's units on a cluster, as leases of a `distributed.Semaphore`.

Several runs, of several processes, share them. The process with the client holds the leases of its run and hands the
units out to its workers, for many items each: those of a worker that dies are given to another one at once, and those
of a process that dies come back when Dask's lease time has passed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from smallest_nb.client.batch.cluster_job import Job
from smallest_nb.client.cleanup import start_task

__all__ = ["Leases"]

_T = TypeVar("_T")
_ACQUIRE_SECS = 1.0
_AGAIN_SECS = 0.5


class Leases:
    """Acquires as many leases as are wanted, and gives them back. Belongs to one event loop, not the client's.

    Args:
        client: A `dask.distributed.Client`.
        job: The run.
        wanted: Says how many are wanted now.
        on_change: Called when there are more.

    Attributes:
        held: Leases that are held.
    """

    def __init__(self, client: Any, job: Job, wanted: Callable[[], int], on_change: Callable[[], None]) -> None:
        from distributed import Semaphore  # noqa: PLC0415 - an extra

        self.held = 0
        self._client, self._wanted, self._on_change = client, wanted, on_change
        self._semaphore: Any = Semaphore(  # type: ignore[no-untyped-call]
            max_leases=job.units, name=job.semaphore, scheduler_rpc=client.scheduler, loop=client.loop
        )
        self._is_closed = False
        self._more = asyncio.Event()
        self._releasing: set[asyncio.Task[None]] = set()
        self._task = start_task(self._keep())

    def look(self) -> None:
        """Look again how many are wanted."""
        self._more.set()

    async def _keep(self) -> None:
        while not self._is_closed:
            if self.held >= self._wanted():
                self._more.clear()
                await self._more.wait()
                continue
            try:
                obtained = await self._on_client(lambda: self._semaphore.acquire(timeout=_ACQUIRE_SECS))
            except Exception:  # the scheduler is away; whether it comes back is for the run to say
                await asyncio.sleep(_AGAIN_SECS)
                continue
            if obtained:
                self.held += 1
                self._on_change()

    def give_back(self, count: int) -> None:
        """Give some back, which are not used any more; they count as given from now on."""
        self.held -= count
        self._releasing.add(task := start_task(self._release(count)))
        task.add_done_callback(self._releasing.discard)

    async def _release(self, count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(Exception):
                await self._on_client(self._semaphore.release)
        self._more.set()

    async def close(self) -> None:
        """Give all back, and one that is being acquired too."""
        self._is_closed = True
        self._more.set()
        await self._task
        self.give_back(self.held)
        await asyncio.gather(*self._releasing)
        with contextlib.suppress(Exception):
            await self._on_client(self._stop_refreshing)

    async def _stop_refreshing(self) -> None:
        callback = getattr(self._semaphore, "refresh_callback", None)  # none if leases never expire
        if callback is not None:
            callback.stop()

    async def _on_client(self, call: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Await something of Dask on the client's own loop, where its calls are coroutines."""

        async def run() -> _T:
            return await call()

        coroutine = run()
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._client.loop.asyncio_loop)
        except RuntimeError:  # the client was closed
            coroutine.close()
            raise
        return await asyncio.wrap_future(future)
