"""The simulator as a process of its own, with the test signal and the latency of the region."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.environments import ROOT

__all__ = ["simulator"]

_ADDRESS = re.compile(r"ws://[0-9.]+:\d+")


@contextmanager
def simulator(*options: str, latency: str = "in-region", units: int = 10) -> Iterator[str]:
    """Start one and give its address; an eleventh request at once is refused, and so counted."""
    command = [
        sys.executable,
        "-m",
        "smallest_nb.cli",
        "simulate",
        "--port",
        "0",
        "--engine",
        "signal",
        "--log",
        "none",
    ]
    command += ["--latency", latency, "--concurrency", str(units), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = _ADDRESS.search(line)
            if found is None:
                raise RuntimeError(f"the simulator did not start: {line!r}")
            yield found[0]
        finally:
            process.terminate()
            process.wait(10)
