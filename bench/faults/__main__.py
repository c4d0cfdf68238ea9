"""Does every row of the fault table to every client and says what became of it.

`python -m bench.faults [--json] [--clients a,b] [--only TEXT]`; exit code 1 if this package loses, hangs, leaks, or
asks for more than 8 connections within 10 s.
A client is a process of its own, killed where it overstays a row's limit; a peer takes part where `bench.environments`
made its environment.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

from bench.environments import PEERS, interpreter
from bench.faults.judge import Result
from bench.faults.pair import MOST_CONNECTIONS, OURS, Pair
from bench.faults.table import ROWS

CLIENTS = (OURS, *PEERS)
KEYS = ("fault", "side", "client", "outcome", "seconds", "bytes_lost", "text_lost", "leaks", "connections")


def results(clients: list[str], only: str) -> Iterator[Result]:
    """Do the rows one after another."""
    for client in clients:
        python = interpreter(client)
        if python is None:
            print(f"{client}: no environment, see python -m bench.environments", file=sys.stderr)
            continue
        pair = Pair(client, python)
        try:
            for row in ROWS:
                if only in str(row):
                    yield pair.run(row)
        finally:
            pair.close()


def is_bad(result: Result) -> bool:
    """Say whether something was lost, hung or left behind, or the server was flooded."""
    hung = result.outcome in ("hung", "crashed")
    flooded = result.connections > MOST_CONNECTIONS
    return bool(hung or flooded or result.bytes_lost or result.text_lost or result.leaks)


def as_row(result: Result) -> dict[str, Any]:
    """Return what `--json` tells of a result."""
    return {key: getattr(result, key) for key in KEYS}


def as_line(result: Result) -> str:
    """Return a result for the eye."""
    mark = "!" if is_bad(result) else " "
    lost = f"{result.bytes_lost:>8} B {result.text_lost:>4} w {result.leaks:>2} l {result.connections:>4} c"
    return (
        f"{mark} {result.client:<11} {result.side} {result.fault:<58} {result.seconds:>7.2f} s {lost}  {result.outcome}"
    )


def main() -> int:
    """Run, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--clients", default=",".join(CLIENTS), help="which, separated by commas")
    parser.add_argument("--only", default="", help="rows whose name (`tts: tcp reset, mid-audio`) holds this text")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exit unwinds, and so ends the children
    found = []
    for result in results(asked.clients.split(","), asked.only):
        found.append(result)
        if not asked.json:
            print(as_line(result), flush=True)
    if asked.json:
        print(json.dumps({"rows": [as_row(result) for result in found]}, indent=1))
    return int(any(is_bad(result) and result.client == OURS for result in found))


if __name__ == "__main__":
    sys.exit(main())
