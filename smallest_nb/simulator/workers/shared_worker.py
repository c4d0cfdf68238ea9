"""One engine process that many sessions use in turn, one exchange at a time, first come first served."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from smallest_nb.simulator.workers import framing
from smallest_nb.simulator.workers.worker import EngineError, Worker

__all__ = ["Exchange", "SharedWorker"]

_ANSWER_SECS = 30.0
_LOAD_SECS = 30.0
_DOWNLOAD_SECS = 600.0
_STARTS = 2
"""Processes that one piece of work is given: the second one if the first was killed over it."""
_Made = TypeVar("_Made")


class Exchange:
    """What may be asked while the worker is one's own."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def tell(self, kind: bytes, payload: bytes) -> None:
        """Send what has no answer."""
        await self._worker.send(framing.pack(kind, payload))

    async def ask(self, kind: bytes, value: Any) -> Any:
        """Return the answer to a question, both JSON.

        Raises:
            EngineError: The engine's own words, its end, or its silence.
        """
        await self._worker.send(framing.pack_json(kind, value))
        try:
            async with asyncio.timeout(_ANSWER_SECS):
                got, answer = await self._worker.receive()
        except TimeoutError:
            raise EngineError(f"the engine was silent for {_ANSWER_SECS:g} s") from None
        if got != kind:
            raise EngineError(answer.decode(errors="replace"))
        return json.loads(answer)


class SharedWorker:
    """Starts the process when it is first needed, and a new one where it ended.

    A session has at most one piece of work in the queue, so that none can crowd out the others.

    Args:
        script: File name of the worker.
        arguments: Of its command line.
        downloads: Whether loading may include a download.
    """

    def __init__(self, script: str, *arguments: str, downloads: bool = False) -> None:
        self._command = (script, *arguments)
        self._limit = _DOWNLOAD_SECS if downloads else _LOAD_SECS
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self.waiting = 0
        """Pieces of work that are in the queue or being done."""

    async def start(self) -> dict[str, Any]:
        """Return what the worker says of itself, started if need be.

        Raises:
            EngineError: It cannot be started.
        """
        hello: dict[str, Any] = await self._run(self._ensure, hello=True)
        return hello

    async def use(self, work: Callable[[Exchange], Awaitable[_Made]]) -> _Made:
        """Return what one piece of work makes; it is done twice if the process ends over it.

        Who is cancelled leaves at once; the work is done all the same, for its answers would else be the next one's.

        Raises:
            EngineError: The worker cannot be started, or failed twice.
        """
        made: _Made = await self._run(self._do, work)
        return made

    async def close(self) -> None:
        """End the process and what waits for it."""
        self._closed = True
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._drop()

    async def _run(self, function: Callable[..., Awaitable[Any]], *args: Any, hello: bool = False) -> Any:
        async def take_turn() -> Any:
            async with self._turn:
                made = await function(*args)
                return made.hello if hello else made

        self.waiting += 1
        task = asyncio.ensure_future(take_turn())
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.waiting -= 1
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left

    async def _do(self, work: Callable[[Exchange], Awaitable[Any]]) -> Any:
        for attempt in range(1, _STARTS + 1):
            worker = await self._ensure()
            try:
                return await work(Exchange(worker))
            except EngineError:
                await self._drop()
                if attempt == _STARTS:
                    raise
            except BaseException:
                await self._drop()
                raise
        raise AssertionError

    async def _ensure(self) -> Worker:
        if self._closed:
            raise EngineError("the simulator is being stopped")
        if self._worker is None or not self._worker.alive:
            await self._drop()
            script, *arguments = self._command
            self._worker = await Worker.start(script, *arguments, limit=self._limit)
        return self._worker

    async def _drop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            with contextlib.suppress(EngineError):
                await worker.stop()
