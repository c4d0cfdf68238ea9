"""Many texts and recordings against the simulator: time over the ideal, CPU, memory, a cluster, faults.

`python -m bench.batch [--json] [--quick] [--only NAME,...]`; exit code 1 if a target is missed. The ideal is the time
that the service itself takes for each text, measured with a bare client and one socket, over the number of units.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

from bench.batch import faults
from bench.batch.client import KEY, sentences
from bench.batch.server import simulator
from bench.environments import ROOT, interpreter
from bench.stats import quantile

UNITS = 10
Row = dict[str, Any]


def row(metric: str, client: str, values: list[float], target: float | None = None) -> Row:
    """Return a row; without a target it stands for comparison only."""
    ordered = sorted(values)
    at = median(ordered)
    ok = None if target is None else at <= target
    return {"metric": metric, "client": client, "n": len(values), "median": round(at, 3),
            "p95": round(quantile(ordered, 0.95), 3), "target": target, "ok": ok}  # fmt: skip


def run_client(client: str, url: str, count: int, units: int, folder: Path) -> dict[str, Any]:
    """Have a client speak texts in a process of its own."""
    python = interpreter(client)
    if python is None:
        return {}
    command = [str(python), "-m", "bench.batch.client", client, url, str(count), str(units), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=900, check=False)
    if done.returncode:
        raise RuntimeError(f"{client} failed: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def service_seconds(url: str, folder: Path, count: int) -> float:
    """Return the mean time that the service takes for one text, with nothing else under way."""
    return mean(run_client("floor", url, count, 1, folder / "alone")["took"])


def local(folder: Path, count: int, rounds: int) -> list[Row]:
    """Time and CPU of one machine: this package, a bare asyncio client, and a loop over the SDK."""
    times: dict[str, list[float]] = {"smallest_nb": [], "floor": []}
    cpu: list[float] = []
    looped: list[float] = []
    with simulator(units=UNITS) as url:
        each = service_seconds(url, folder, 40)
        for turn in range(rounds):
            spent = {}
            for client, found in times.items():
                done = run_client(client, url, count, UNITS, folder / f"{client}{turn}")
                found.append(done["seconds"] / (each * count / UNITS))
                spent[client] = done["cpu"]
            cpu.append(spent["smallest_nb"] / spent["floor"])
        few = 10  # one after the other: what is left out would take as long for each
        if done := run_client("smallestai", url, few, 1, folder / "sdk"):
            looped.append(done["seconds"] / few * count / (each * count / UNITS))
    rows = [row("local_efficiency", "smallest_nb", times["smallest_nb"], 1.10)]
    rows.append(row("local_efficiency", "floor", times["floor"]))
    rows += [row("local_efficiency", "smallestai, a loop", looped)] if looped else []
    return [*rows, row("overhead_cpu", "smallest_nb", cpu, 1.3)]


def memory(folder: Path, count: int, _rounds: int) -> list[Row]:
    """Growth over many transcribed files; half a second of silence each, as only their number matters."""
    with simulator(latency="none", units=UNITS) as url:
        command = [sys.executable, "-m", "bench.batch.memory", url, str(count), str(folder / "memory")]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=3600, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        row("memory_mb", "smallest_nb", [found["mb"]], 50),
        row("memory_failed", "smallest_nb", [found["failed"]], 0),
    ]


def cluster(folder: Path, count: int, rounds: int) -> list[Row]:
    """Time on a cluster of three worker processes; what is beyond the units is refused, and so counted."""
    from distributed import Client, LocalCluster  # noqa: PLC0415 - an extra

    import smallest_nb as snb  # noqa: PLC0415

    os.environ["SMALLEST_API_KEY"] = KEY
    ratios: list[float] = []
    beyond: list[float] = []
    with simulator(units=UNITS) as url:
        each = service_seconds(url, folder, 40)
        with (
            LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as machines,
            Client(machines) as client,
        ):
            # The workers import what they need: that is the start of a cluster, not its pace.
            snb.speak_many(sentences(2 * UNITS), out=folder / "warm", units=UNITS, client=client, base_url=url)
            for turn in range(rounds):
                began = perf_counter()
                done = snb.speak_many(
                    sentences(count), out=folder / f"cluster{turn}", units=UNITS, client=client, base_url=url
                )
                ratios.append((perf_counter() - began) / (each * count / UNITS))
                beyond.append(done.throughput.refusals + len(done.failed))
    return [row("cluster_efficiency", "smallest_nb", ratios, 1.2), row("cluster_refused", "smallest_nb", beyond, 0)]


def losses(folder: Path, count: int, _rounds: int) -> list[Row]:
    """Items that faults cost."""
    kinds: dict[str, Callable[[str, int, Path], faults.Losses]] = {
        "process killed": faults.killed_processes,
        "worker killed": faults.killed_workers,
        "429 storm": faults.refusals,
    }
    rows = []
    for name, do in kinds.items():
        with simulator(units=UNITS) as url:
            target = folder / name.replace(" ", "-")
            target.mkdir()
            for what, number in do(url, count, target).items():
                rows.append(row(f"{name}: {what}", "smallest_nb", [number], 0))
    return rows


SECTIONS: dict[str, tuple[Callable[[Path, int, int], list[Row]], int, int]] = {
    "local": (local, 500, 120),
    "memory": (memory, 10_000, 1000),
    "cluster": (cluster, 500, 120),
    "faults": (losses, 300, 60),
}
"""What measures, over how many items, and over how many with `--quick`."""


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="fewer items, one round")
    parser.add_argument("--only", default="", metavar="NAME,...", help=f"of {', '.join(SECTIONS)}")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name] or list(SECTIONS)
    if unknown := set(names) - set(SECTIONS):
        parser.error(f"unknown sections: {', '.join(sorted(unknown))}; known: {', '.join(SECTIONS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exit unwinds, and so ends the children
    folder = Path(tempfile.mkdtemp(prefix="bench-batch-"))
    rows: list[Row] = []
    try:
        for name in names:
            measure, full, few = SECTIONS[name]
            print(f"-- {name}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
            rows += measure(folder, few if options.quick else full, 1 if options.quick else 3)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps({"rows": rows}, indent=1))
    else:
        for one in rows:
            target = "" if one["target"] is None else f"  target {one['target']:g} {'ok' if one['ok'] else 'MISSED'}"
            print(f"{one['metric']:<32} {one['client']:<20} {one['median']:>9.3f} {one['p95']:>9.3f}{target}")
    sys.exit(int(any(one["ok"] is False for one in rows)))


if __name__ == "__main__":
    main()
