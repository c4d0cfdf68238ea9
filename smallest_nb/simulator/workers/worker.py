"""One engine worker process, seen from the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

from smallest_nb.common.child_environment import child_environment
from smallest_nb.errors import SmallestError
from smallest_nb.simulator.workers import framing

__all__ = ["EngineError", "Worker", "WorkerPool"]

_START_SECS = 30.0
_END_SECS = 1.0
_MAX_WAITING = 64
_MEANINGS = {
    "SIGILL": ": this processor lacks an instruction that the engine needs, such as AVX2",
    "SIGKILL": ": it was killed, by someone or because memory ran out",
    "SIGSEGV": ": the engine crashed",
    "SIGABRT": ": the engine gave up, perhaps over a damaged model",
}


class EngineError(SmallestError):
    """A speech or hearing engine is missing or failed."""


class Worker:
    """A child process that speaks the framing protocol. Make it with :meth:`start`."""

    def __init__(self, process: asyncio.subprocess.Process, hello: dict[str, Any]) -> None:
        self._process = process
        self.hello = hello

    @classmethod
    async def start(cls, script: str, *arguments: str, limit: float = _START_SECS) -> Worker:
        """Start a worker and wait until its engine is loaded.

        Args:
            script: File name beside this one.
            arguments: Of its command line.
            limit: Seconds that loading may take.

        Raises:
            EngineError: The engine is missing, in its own words.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-u", str(Path(__file__).with_name(script)), *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=child_environment(),
        )  # fmt: skip
        worker = cls(process, {})
        try:
            async with asyncio.timeout(limit):
                kind, payload = await worker.receive()
        except TimeoutError:
            await worker.stop()
            raise EngineError(f"the engine was not ready within {limit:g} s") from None
        except BaseException:
            await worker.stop()  # waits for its end: a loop that is closed first would report its pipes
            raise
        if kind != b"R":
            await worker.stop()
            raise EngineError(payload.decode())
        worker.hello = json.loads(payload) if payload else {}
        return worker

    async def send(self, message: bytes) -> None:
        """Send one message, waiting while the pipe is full."""
        if self._process.stdin is None:
            raise EngineError("the engine has no stdin")
        try:
            self._process.stdin.write(message)
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise EngineError("the engine's process ended") from error

    async def receive(self) -> tuple[bytes, bytes]:
        """Return the next message."""
        if self._process.stdout is None:
            raise EngineError("the engine has no stdout")
        try:
            kind, size = framing.HEADER.unpack(await self._process.stdout.readexactly(framing.HEADER.size))
            return kind, await self._process.stdout.readexactly(size)
        except asyncio.IncompleteReadError as error:
            raise EngineError(f"the engine's process ended unexpectedly{await self._explain_end()}") from error

    async def _explain_end(self) -> str:
        """Return what the system says of a process that ended by itself."""
        try:
            async with asyncio.timeout(_END_SECS):
                code = await self._process.wait()
        except TimeoutError:  # it closed its output and goes on
            return ""
        try:
            name = signal.Signals(-code).name
        except ValueError:
            return f" (code {code})"
        return f" ({name}{_MEANINGS.get(name, '')})"

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.returncode is None

    def kill(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """End the process and wait for it."""
        self.kill()
        # Not wait(): with unread output the pipe is paused, its end is never seen, and wait() never returns.
        with contextlib.suppress(ConnectionError):
            await self._process.communicate()
        # asyncio closes the pipes in callbacks of their own; without this turn a closing loop would find them open.
        await asyncio.sleep(0)


class WorkerPool:
    """At most `limit` workers, started when needed, reused while healthy."""

    def __init__(self, script: str, limit: int, *arguments: str) -> None:
        self._command = (script, *arguments)
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(limit)
        self._waiting = 0
        self.limit = limit

    @property
    def full(self) -> bool:
        """Whether every worker is taken."""
        return self._slots.locked()

    async def take(self) -> Worker:
        """Borrow a worker, waiting for one if all are taken.

        Raises:
            EngineError: The engine is missing, or too many wait already.
        """
        if self._waiting >= _MAX_WAITING:
            raise EngineError(f"{self._waiting} requests wait for an engine already; try again later")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    break
            else:
                worker = await Worker.start(*self._command)
        except BaseException:
            self._slots.release()
            raise
        self._busy.add(worker)
        return worker

    def give_back(self, worker: Worker, *, healthy: bool) -> None:
        """Return a worker; one that was left in the middle of something is ended."""
        self._busy.discard(worker)
        if healthy and worker.alive:
            self._idle.append(worker)
        else:
            task = asyncio.ensure_future(worker.stop())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        self._slots.release()

    async def close(self) -> None:
        """End every worker."""
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        self._busy.clear()
        await asyncio.gather(*(w.stop() for w in workers), *self._ending)
