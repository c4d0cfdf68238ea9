"""A simulator in a process of its own, as `smallest-nb simulate` starts it, and what its process tree uses."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import psutil

from bench.child import environment
from bench.environments import ROOT

__all__ = ["Growth", "Server", "plain_environment"]

_END_SECS = 10.0
_WATCH_SECS = 0.05
_SETTLE_SECS = 15.0
_ADDRESS = re.compile(r"ws://([\d.]+):(\d+)")


def plain_environment() -> dict[str, str]:
    """Return the children's environment, with malloc as users have it: what is freed may go back to the system."""
    return {name: value for name, value in environment().items() if not name.startswith("MALLOC_")}


class Server:
    """One server, as a context manager.

    Args:
        engine: "speech" or "signal".
        concurrency: Units of an account.
        options: Further arguments of the command.
        single: Keep numpy's BLAS to one thread, whatever the simulator does about it.

    Attributes:
        port: Where it listens.
        log: What it wrote to stderr.
    """

    def __init__(self, engine: str, *options: str, concurrency: int = 1000, single: bool = False) -> None:
        self.engine = engine
        self.log = ROOT / ".bench" / "logs" / f"simulator-{engine}-{os.getpid()}-{time.monotonic_ns()}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "smallest_nb.cli", "simulate", "--port", "0", "--engine", engine,
                   "--concurrency", str(concurrency), "--log", "none", *options]  # fmt: skip
        with self.log.open("wb") as stderr:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=ROOT,
                env=plain_environment() | ({"OPENBLAS_NUM_THREADS": "1"} if single else {}),
                start_new_session=True,
            )
        line = self._process.stdout.readline().decode() if self._process.stdout else ""
        found = _ADDRESS.search(line)
        if not found:
            self.close()
            raise RuntimeError(f"the simulator did not start: {line} {self.log.read_text(errors='replace')[-600:]}")
        self.port = int(found[2])
        self._root = psutil.Process(self._process.pid)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the server's own process."""
        return self._process.pid

    def cpu(self) -> float:
        """Return the CPU seconds of its process tree, ended workers included."""
        own = self._root.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in self._root.children(recursive=True):
            try:
                times = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return float(total)

    def rss(self) -> float:
        """Return the resident memory of its process tree, MB."""
        total = 0
        for process in (self._root, *self._root.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return float(total) / 2**20

    def descriptors(self) -> int:
        """Return how many files and sockets the server itself has open."""
        return int(self._root.num_fds())

    async def left_over(self, files: int) -> int:
        """Return how many more than so many stay open, once what is being worked off is."""
        until = time.monotonic() + _SETTLE_SECS
        while self.descriptors() > files and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return max(0, self.descriptors() - files)

    def complaints(self) -> list[str]:
        """Return the last lines of the tracebacks that it wrote."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if re.match(r"[A-Za-z_.]*(Error|Exception|Warning)\b", line)]

    def close(self) -> None:
        """End it as Ctrl+C would, and what it started."""
        self._process.terminate()
        try:
            self._process.wait(_END_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if self.log.stat().st_size == 0:
            Path(self.log).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Growth:
    """Watches how much a server's memory grows, in a thread, while the body runs.

    Attributes:
        before: MB at the beginning.
        most: The largest growth since, MB.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.before = server.rss()
        self.most = 0.0

    @property
    def now(self) -> float:
        """Return the growth at present."""
        return self._server.rss() - self.before

    def _watch(self) -> None:
        while not self._over.wait(_WATCH_SECS):
            self.most = max(self.most, self.now)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()
