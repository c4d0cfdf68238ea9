"""A client's process: `python -m bench.faults.client CLIENT` does a row a line and answers what the caller saw."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from bench.clients.interface import load_adapter
from bench.faults.drive import drive
from bench.faults.table import ROWS


def main() -> None:
    """Do the rows that stdin brings until it ends."""
    answers = os.fdopen(os.dup(1), "w")  # some clients print: the real stdout is for answers only
    os.dup2(2, 1)
    make = load_adapter(sys.argv[1])
    print(json.dumps({"ready": True}), file=answers, flush=True)
    rows = {(row.side, row.fault): row for row in ROWS}
    for line in sys.stdin:
        order = json.loads(line)
        row = rows[order["side"], order["fault"]]
        print(json.dumps(asyncio.run(drive(make, row, order["url"]))), file=answers, flush=True)


if __name__ == "__main__":
    main()
