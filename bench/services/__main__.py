"""Runs the bench: each round, each measurement, each client in turn, so that the machine's noise hits all alike.

`python -m bench.services [--json] [--quick] [--rounds N] [--only METRIC,...] [--clients a,b]`
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from bench.child import Child, ChildError
from bench.environments import PEERS, ROOT, interpreter
from bench.services.imports import UNITS as IMPORT_UNITS
from bench.services.imports import figures as import_figures
from bench.services.metrics import QUICK, Measurement, Size, measurements
from bench.stats import FLOOR, Samples, table

OURS = "smallest_nb"
NOTHING = "nothing"
CLIENTS = (FLOOR, OURS, *PEERS, NOTHING)
_ON_DEMAND = ("pipecat_defaults",)
_LOGS = ROOT / ".bench" / "logs"
_SERVER_SECS = 10.0


def log(message: str) -> None:
    """Say something that is not a figure."""
    print(message, file=sys.stderr, flush=True)


class Round:
    """One round's processes: a server, and each client's from its first task on."""

    def __init__(self, turn: int, pythons: dict[str, Path], samples: Samples) -> None:
        self._turn = turn
        self._pythons = pythons
        self._samples = samples
        self._clients: dict[str, Child] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._server = self._stack.enter_context(
            Child(Path(sys.executable), "bench.services.server", _LOGS / "server.log")
        )
        return self

    def __exit__(self, *exc: object) -> None:
        for client in self._clients.values():
            self._stack.callback(client.close)
        self._stack.close()

    def imports(self, wanted: Callable[[str], bool], times: int) -> None:
        """Measure what the imports cost."""
        for number in range(times + (self._turn == 0)):
            for client, python in self._pythons.items():
                try:
                    found = import_figures(client, python)
                except ChildError as error:
                    log(f"round {self._turn + 1}: {client} has no import figures: {error}")
                    continue
                if self._turn == 0 and number == 0:
                    continue  # it filled the caches
                for metric, value in found.items():
                    if wanted(metric):
                        self._samples.add(metric, IMPORT_UNITS[metric], client, self._turn, [value])

    def measure(self, measurement: Measurement, wanted: Callable[[str], bool]) -> None:
        """Let each client do one measurement."""
        for client in self._pythons:
            if client == NOTHING and measurement.task != "hear_many":
                continue
            try:
                found = self._one(client, measurement)
            except (ChildError, ValueError, OSError) as error:
                log(f"round {self._turn + 1}: {client} has no {', '.join(measurement.units)}: {error}")
                self._end(client)  # a process that failed may be busy with it still
                continue
            for metric, values in found.items():
                if wanted(metric):
                    self._samples.add(metric, measurement.units[metric], client, self._turn, values)

    def _one(self, client: str, measurement: Measurement) -> dict[str, list[float]]:
        self._server.call({"do": "plan", "plan": measurement.plan}, _SERVER_SECS)
        order = {
            "task": measurement.task,
            "url": f"ws://127.0.0.1:{self._server.hello['port']}",
            "limit": measurement.limit,
            "with": measurement.arguments,
        }
        answer = self._process(client).call(order, measurement.limit + 20)
        window = {"begin": answer.get("begin", 0.0), "end": answer.get("end", 0.0)}
        found = measurement.read(answer, self._server.call({"do": "report", **window}, _SERVER_SECS))
        return {name: values for name, values in found.items() if client != NOTHING or "_cpu_" in name}

    def _process(self, client: str) -> Child:
        if client not in self._clients:
            log = _LOGS / f"{client}.log"
            self._clients[client] = Child(self._pythons[client], "bench.services.client", log, client)
        return self._clients[client]

    def _end(self, client: str) -> None:
        process = self._clients.pop(client, None)
        if process:
            process.close()


def run(pythons: dict[str, Path], *, rounds: int, size: Size, only: set[str]) -> Samples:
    """Run the bench and return what was measured.

    Args:
        pythons: Each client's interpreter.
        rounds: How often.
        size: How much in each.
        only: Metrics, with or without `@streams`; empty for all.
    """

    def wanted(metric: str) -> bool:
        return not only or metric in only or metric.partition("@")[0] in only

    samples = Samples()
    for turn in range(rounds):
        with Round(turn, pythons, samples) as this:
            log(f"round {turn + 1} of {rounds}, load {os.getloadavg()[0]:.1f}")
            if any(map(wanted, IMPORT_UNITS)):
                this.imports(wanted, size.imports)
            for measurement in measurements(size):
                if any(map(wanted, measurement.units)):
                    this.measure(measurement, wanted)
    return samples


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.services", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="one small round, for a check")
    parser.add_argument("--rounds", type=int, help="default 5, with --quick 1")
    parser.add_argument("--only", default="", metavar="METRIC,...", help="with or without @streams")
    parser.add_argument("--clients", default=",".join(CLIENTS), help="default %(default)s")
    options = parser.parse_args()
    asked = options.clients.split(",")
    known = (*CLIENTS, *_ON_DEMAND)
    if unknown := set(asked) - set(known):
        parser.error(f"unknown clients: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    found = {client: interpreter(client) for client in known if client in asked}
    for client, python in found.items():
        if python is None:
            log(f"{client} is left out: no environment; `python -m bench.environments` makes it")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the children would not be ended
    size = QUICK if options.quick else Size()
    samples = run(
        {client: python for client, python in found.items() if python},
        rounds=options.rounds or (1 if options.quick else 5),
        size=size,
        only={name for name in options.only.split(",") if name},
    )
    rows: list[dict[str, Any]] = samples.rows()
    print(json.dumps({"rows": rows}, indent=1) if options.json else table(rows))


if __name__ == "__main__":
    main()
