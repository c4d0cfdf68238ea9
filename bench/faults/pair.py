"""A client's process and a server's, which do rows of the table together."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.child import Child, ChildError
from bench.environments import ROOT
from bench.faults.judge import Result, judge
from bench.faults.table import Row

OURS = "smallest_nb"
MOST_CONNECTIONS = 8
"""Within 10 s: a service that fails again and again is not to be flooded."""
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

    def _child(self, module: str, python: Path, name: str, *arguments: str) -> Child:
        if module not in self._children:
            log = _LOGS / f"{name}-faults{self._tag}.log"
            self._children[module] = Child(python, f"bench.faults.{module}", log, *arguments)
        return self._children[module]

    def run(self, row: Row) -> Result:
        """Do one row."""
        server = self._child("server", Path(sys.executable), "server")
        url = server.call({"do": "plan", "plan": row.plan.to_json()}, _SERVER_SECS)["url"]
        order = {"fault": row.fault, "side": row.side, "url": url}
        try:
            client = self._child("client", self._python, self._client, self._client)
            seen = client.call(order, row.limit + _GRACE_SECS)
            ledger = server.call({"do": "report"}, _SERVER_SECS)
        except ChildError as error:
            self.close()
            outcome = "hung" if "no answer" in str(error) else "crashed"
            return Result(row.fault, row.side, self._client, outcome, row.limit, says=str(error))
        return judge(row, self._client, seen, ledger)

    def close(self) -> None:
        """End both processes."""
        while self._children:
            self._children.popitem()[1].close()
