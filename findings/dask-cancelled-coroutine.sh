#!/usr/bin/env bash
# distributed 2026.8.0: cancelling the future of a coroutine that runs on a worker does not cancel the coroutine. It
# runs to its end, and whatever it opened stays open and is billed.
# Observed 2026-11-29: 3 s after `future.cancel()` the task had counted to its end and never received CancelledError.
# Unexpected because threads cannot be cancelled but coroutines can, and Dask runs coroutines as tasks on the worker's
# own event loop; the future's status is "cancelled" at once.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'distributed==2026.8.0' 'dask==2026.8.0'
cd "$work"
cat > cancel.py <<'PY'
import asyncio
import time
from pathlib import Path

from distributed import Client, LocalCluster


async def stream(path):
    """Stands for a session with a service: writes down each beat and how it ended."""
    with Path(path).open("w") as log:
        try:
            for beat in range(30):
                log.write(f"{beat}\n")
                log.flush()
                await asyncio.sleep(0.1)
            log.write("whole\n")
        except asyncio.CancelledError:
            log.write("cancelled\n")
            raise


if __name__ == "__main__":
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        log = Path("beats.txt").absolute()
        future = client.submit(stream, str(log))
        while not (log.exists() and log.read_text().count("\n") >= 5):
            time.sleep(0.05)
        future.cancel()
        before = log.read_text().count("\n")
        time.sleep(4)
        lines = log.read_text().split()
        print(f"future is {future.status}; beats when cancelled: {before}; afterwards: {len(lines) - 1}, {lines[-1]}")
        assert future.status == "cancelled"
        assert lines[-1] == "whole", "changed: the coroutine is cancelled"
PY
venv/bin/python cancel.py 2>"$work/workers.log"
