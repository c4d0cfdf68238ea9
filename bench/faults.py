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
from pathlib import Path
from typing import Any

from bench.child import Child, ChildError
from bench.environments import PEERS, ROOT, interpreter
from bench.fault_judge import Result, judge
from bench.fault_table import ROWS, Row

OURS = "smallest_nb"
CLIENTS = (OURS, *PEERS)
KEYS = ("fault", "side", "client", "outcome", "seconds", "bytes_lost", "text_lost", "leaks", "connections")
MOST_CONNECTIONS = 8
"""Within 10 s: a service that fails again and again is not to be flooded."""
_MODULES = {OURS: "ours"}
_LOGS = ROOT / ".bench" / "logs"
_SERVER_SECS = 10.0
_GRACE_SECS = 15.0
"""Beyond a row's limit, in which a client may still close."""


class Pair:
    """A client's process and a server's for it, started when needed, always ended.

    Args:
        client: Its name.
        python: Its interpreter.
        tag: Tells the logs of pairs that run side by side apart.
    """

    def __init__(self, client: str, python: Path, tag: str = "") -> None:
        self._client = client
        self._python = python
        self._tag = tag
        self._children: dict[str, Child] = {}

    def _child(self, module: str) -> Child:
        if module not in self._children:
            python = Path(sys.executable) if module == "fault_server" else self._python
            log = _LOGS / f"{module.removeprefix('fault_clients.')}-faults{self._tag}.log"
            self._children[module] = Child(python, f"bench.{module}", log)
        return self._children[module]

    def run(self, row: Row) -> Result:
        """Do one row."""
        module = f"fault_clients.{_MODULES.get(self._client, self._client)}"
        url = self._child("fault_server").call({"do": "plan", "plan": row.plan.to_json()}, _SERVER_SECS)["url"]
        order = {"fault": row.fault, "side": row.side, "url": url}
        try:
            seen = self._child(module).call(order, row.limit + _GRACE_SECS)
            ledger = self._child("fault_server").call({"do": "report"}, _SERVER_SECS)
        except ChildError as error:
            self.close()
            outcome = "hung" if "no answer" in str(error) else "crashed"
            return Result(row.fault, row.side, self._client, outcome, row.limit, says=str(error))
        return judge(row, self._client, seen, ledger)

    def close(self) -> None:
        """End both processes."""
        while self._children:
            self._children.popitem()[1].close()


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
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
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
