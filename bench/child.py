"""A child process that answers JSON lines with JSON lines; the process that started it always ends it."""

from __future__ import annotations

import json
import os
import select
import subprocess
from pathlib import Path
from time import monotonic
from typing import Any, Self

from bench.environments import ROOT

_START_SECS = 60.0
_END_SECS = 3.0
_LAST_WORDS = 600
# glibc learns from what was freed before whether asyncio's 256 kB reads are mapped again each time; the floor costs a
# third more where it has not learnt it. With fixed thresholds a figure does not depend on what was measured before.
_HEAP = {"MALLOC_MMAP_THRESHOLD_": str(4 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20)}


class ChildError(Exception):
    """The child is gone, silent or says that it could not do it."""


class Child:
    """One child process.

    Args:
        python: Its interpreter.
        module: What it runs.
        log: Where its stderr goes.
        arguments: Of its command line.
    """

    def __init__(self, python: Path, module: str, log: Path, *arguments: str) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        self._rest = b""
        # A session of its own: Ctrl-C reaches the runner alone, which then ends its children in order.
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [str(python), "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=ROOT,
                env=environment(),
                start_new_session=True,
            )
        try:
            self.hello = self._read(_START_SECS)
        except BaseException:
            self.close()
            raise

    def call(self, order: dict[str, Any], limit: float) -> dict[str, Any]:
        """Give an order and return the answer.

        Raises:
            ChildError: No answer within `limit` seconds, or an answer that tells an error.
        """
        stdin = self._process.stdin
        if stdin is None or self._process.poll() is not None:
            raise ChildError(f"the process ended with {self._process.returncode}: {self._last_words()}")
        stdin.write(json.dumps(order).encode() + b"\n")
        stdin.flush()
        answer = self._read(limit)
        if "error" in answer:
            raise ChildError(answer["error"])
        return answer

    def _read(self, limit: float) -> dict[str, Any]:
        stdout, until = self._process.stdout, monotonic() + limit
        if stdout is None:
            raise ChildError("no stdout")
        while b"\n" not in self._rest:
            if not select.select([stdout], [], [], max(0.0, until - monotonic()))[0]:
                raise ChildError(f"no answer within {limit:g} s")
            data = os.read(stdout.fileno(), 2**20)
            if not data:
                raise ChildError(f"the process ended: {self._last_words()}")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-_LAST_WORDS:].strip()

    def close(self) -> None:
        """End the process: it leaves when its stdin ends, else it is killed."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(_END_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_END_SECS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def environment() -> dict[str, str]:
    """Return the environment of all children: no proxy between them, no key of the user's in a peer's hands."""
    kept = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and k != "SMALLEST_API_KEY"}
    return kept | _HEAP | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
