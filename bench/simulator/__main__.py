"""The simulator measured from outside, in a process of its own: how soon, how costly, how right, how many, how sturdy.

`python -m bench.simulator [--json] [--quick] [--only NAME,...]`; NAME is one of the sections below, or one of the parts
of `words`. It needs the extras `simulator` and `eval`. A row with a target says whether it was met (`ok`); the exit
code is 1 if one was missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from time import monotonic

from bench.simulator import hostile, latency, speed, streams, words
from bench.simulator.figures import Figures, log, table

SECTIONS: dict[str, Callable[..., Awaitable[None]]] = {
    "latency": latency.measure,
    "speed": speed.measure,
    "words": words.measure,
    "streams": streams.measure,
    "hostile": hostile.measure,
}
PARTS = words.PARTS


async def run(names: list[str], *, quick: bool) -> Figures:
    """Measure some sections; one that fails is reported and does not stop the others."""
    figures = Figures()
    for name in names:
        begun = monotonic()
        log(f"-- {name}, load {os.getloadavg()[0]:.1f}")
        try:
            await (SECTIONS | PARTS)[name](figures, quick=quick)
        except Exception as error:
            figures.said("section failed", name, repr(error), ok=False)
        log(f"-- {name} took {monotonic() - begun:.0f} s")
    return figures


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulator", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="a check of two minutes")
    parser.add_argument("--only", default="", metavar="NAME,...", help=f"of {', '.join((*SECTIONS, *PARTS))}")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name] or list(SECTIONS)
    if unknown := set(names) - set(SECTIONS) - set(PARTS):
        parser.error(f"unknown sections: {', '.join(sorted(unknown))}; known: {', '.join((*SECTIONS, *PARTS))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the servers would not be ended
    rows = asyncio.run(run(names, quick=options.quick)).rows()
    print(json.dumps({"rows": rows}, indent=1) if options.json else table(rows))
    if any(row["ok"] is False for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
