#!/usr/bin/env bash
# distributed 2026.8.0: a Semaphore admits a second task while the first one still runs, if the first holds the
# interpreter lock (a decoder or recogniser in C): the same process renews its lease, which expires meanwhile.
# Observed 2026-11-29, max_leases=1, lease-timeout 3 s (30 s by default), tasks of 8 s: sleeping 0-8 and 8-16 s; holding
# the lock 0-8 and 3-12 s.
# Unexpected because the holder is alive and responds before and after; the documentation mentions lost leases for
# workers that die. The limit of a paid service is then exceeded.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'distributed==2026.8.0' 'dask==2026.8.0'
cd "$work"
cat > lease.py <<'PY'
import ctypes
import time

import dask
from distributed import Client, LocalCluster, Semaphore

SECS = 8


def hold(name, keeps_the_lock):
    with Semaphore(max_leases=1, name=name):
        start = time.time()
        if keeps_the_lock:
            ctypes.PyDLL(None).usleep(SECS * 1_000_000)  # PyDLL calls C without releasing the interpreter lock
        else:
            time.sleep(SECS)
        return start, time.time()


if __name__ == "__main__":
    dask.config.set(
        {
            "distributed.scheduler.locks.lease-timeout": "3s",
            "distributed.scheduler.locks.lease-validation-interval": "500ms",
        }
    )
    overlaps = {}
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        for keeps_the_lock in (False, True):
            tasks = [
                client.submit(hold, f"plan-{keeps_the_lock}", keeps_the_lock, pure=False, workers=[worker])
                for worker in client.scheduler_info()["workers"]
            ]
            first, second = sorted(client.gather(tasks))
            overlaps[keeps_the_lock] = first[1] - second[0]
            times = [f"{start - first[0]:.1f} to {end - first[0]:.1f} s" for start, end in (first, second)]
            print("holds the interpreter lock:" if keeps_the_lock else "sleeps:", *times)
    assert overlaps[False] < 0.5, "the control run failed"
    assert overlaps[True] > 2, "changed: the second task waits for the first"
PY
venv/bin/python lease.py 2>"$work/workers.log"
