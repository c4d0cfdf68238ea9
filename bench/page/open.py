"""What it costs to open a widget in a real JupyterLab and a real Chromium: models, messages, bytes, time, memory.

`python -m bench.open [--json] [--rounds N]`; needs what `make test` installs. Times are ratios to a bare
`ipywidgets.FloatSlider` of the same round, so that the machine is on both sides of the division; each is from the
cell's request until its output stays as it is. `@50ms` adds 50 ms to each message between browser and server.
`--before CHECKOUT` measures another checkout of this project, with its own environment, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from bench.page import open_cells as cells
from bench.page.delaying_proxy import DelayingProxy
from bench.venvs import ROOT
from tests.support.lab import Lab, NotebookPage

OURS, BEFORE = "smallest_nb", "before"
WIDGETS = ("tuner", "transcriber", "player", "microphone")
DELAY_MS = 50
QUIET_MS = 400
MOST_MS = 60_000
CELLS, TIMES = 20, 5
TARGETS: dict[str, float] = {"models": 2, "messages": 25, "kilobytes": 110, "settled_ratio": 2.0}
BEFORE_MS = {"tuner": 2452.0, "transcriber": 2141.0}
"""With 50 ms added to each message, before a widget was one model; of two processors. `--before` measures it here."""
SECOND_KILOBYTES = 30
GROWTH_MEGABYTES = 0.5
"""Of 60 tuners; one front end each would be 5."""
LEFT_MS = 4000
"""What has left the page is let go two seconds later."""


class Rows:
    """Figures by metric, and whether ours meet their targets."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.taken: dict[str, list[float]] = {}
        self.targets: dict[str, float | None] = {}

    def add(self, metric: str, value: float, target: float | None = None) -> None:
        """Keep a figure."""
        print(f"{metric} {self.client}: {value:.4g}", file=sys.stderr, flush=True)
        self.taken.setdefault(metric, []).append(value)
        self.targets[metric] = target

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each metric."""
        return [self._row(metric, sorted(values)) for metric, values in self.taken.items()]

    def _row(self, metric: str, values: list[float]) -> dict[str, Any]:
        target = self.targets[metric]
        middle = round(median(values), 3)
        p95 = values[min(len(values) - 1, int(0.95 * len(values)))]
        ok = None if target is None else middle <= target
        return {"metric": metric, "client": self.client, "median": middle, "p95": round(p95, 3), "target": target,
                "ok": ok}  # fmt: skip


@contextmanager
def notebook(delay_ms: int) -> Iterator[NotebookPage]:
    """A JupyterLab with an empty notebook, its kernel ready and the package imported."""
    with tempfile.TemporaryDirectory() as name:
        lab = Lab(Path(name))
        direct = lab.url
        try:
            with DelayingProxy(direct, delay_ms / 1000) if delay_ms else nullcontext() as proxy:
                lab.url = direct if proxy is None else proxy.url
                book = lab.write_notebook("open.ipynb", cells.IMPORTS)
                with lab.browse(book) as notes:
                    notes.run_all()
                    yield notes
        finally:
            lab.url = direct
            lab.close()


def open_one(notes: NotebookPage, name: str) -> dict[str, float]:
    """Run a cell of its own for a widget and return what it cost."""
    notes.page.evaluate(cells.PAGE["add cell"])
    return notes.page.evaluate(cells.PAGE["open"], [cells.CELLS[name], QUIET_MS, MOST_MS])


def measure_opening(rows: Rows, rounds: int, delay_ms: int) -> dict[str, list[float]]:
    """Open each widget as the first of its kind in a notebook of its own, beside a slider; return the times in ms."""
    suffix = f"@{delay_ms}ms" if delay_ms else ""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        with notebook(delay_ms) as notes:
            # The page loads ipywidgets' and anywidget's own modules, and with its first HTML or Markdown MathJax.
            for module in ("slider", "bare anywidget", "html"):
                open_one(notes, module)
            for name in WIDGETS:
                sliders = [open_one(notes, "slider")["settled"] for _ in range(2)]
                figures = open_one(notes, name)
                floor = median([*sliders, open_one(notes, "slider")["settled"]])
                times.setdefault(name, []).append(figures["settled"])
                if not delay_ms:
                    for metric in ("models", "messages"):
                        rows.add(f"{metric}:{name}", figures[metric], TARGETS[metric])
                    rows.add(f"kilobytes:{name}", figures["bytes"] / 1000, TARGETS["kilobytes"])
                target = None if delay_ms else TARGETS["settled_ratio"]
                rows.add(f"settled_ratio{suffix}:{name}", figures["settled"] / floor, target)
                quarter = BEFORE_MS[name] / 4 if delay_ms and name in BEFORE_MS else None
                rows.add(f"settled_ms{suffix}:{name}", figures["settled"], quarter)
                if name == "tuner" and not delay_ms:
                    second = open_one(notes, name)
                    rows.add("kilobytes:second tuner", second["bytes"] / 1000, SECOND_KILOBYTES)
    return times


def measure_memory(rows: Rows) -> None:
    """Run 20 cells five times and compare the page's heap after the second run and after the last.

    JupyterLab's own page grows with each cell that is run, so that of bare sliders is taken off.
    """
    tuner, slider = (heap_growth(cells.CELLS[name]) for name in ("tuner", "slider"))
    rows.add("megabytes_grown", tuner[0])
    rows.add("megabytes_grown_beyond_sliders", tuner[0] - slider[0], GROWTH_MEGABYTES)
    rows.add("nodes_grown_beyond_sliders", tuner[1] - slider[1], 0)


def heap_growth(code: str) -> tuple[float, int]:
    """Return by how many MB and nodes the page has grown from the second run of such cells to the last."""
    heaps, nodes = [], []
    with notebook(0) as notes:
        session = notes.page.context.new_cdp_session(notes.page)
        for _ in range(CELLS):
            notes.page.evaluate(cells.PAGE["add cell"])
            notes.page.evaluate(cells.PAGE["set source"], code)
        for _ in range(TIMES):
            notes.run_all()
            notes.page.wait_for_timeout(LEFT_MS)
            notes.do("import gc; gc.collect()")
            for _ in range(3):
                session.send("HeapProfiler.collectGarbage")
            heaps.append(session.send("Runtime.getHeapUsage")["usedSize"] / 1e6)
            nodes.append(session.send("Memory.getDOMCounters")["nodes"])
    return heaps[-1] - heaps[1], nodes[-1] - nodes[1]


def former(checkout: Path, rounds: int) -> list[dict[str, Any]]:
    """Measure another checkout: this bench, and that checkout's environment for server and kernel."""
    env = {**os.environ, "SNB_OPEN_CLIENT": BEFORE}
    program = [str(checkout / ".venv" / "bin" / "python"), "-m", "bench.open"]
    runs = [*program, "--json", "--no-memory", f"--rounds={rounds}"]
    done = subprocess.run(runs, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return list(json.loads(done.stdout)["rows"])


def compare(rows: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    """With a distance: at most a quarter of the time of before."""
    known = {row["metric"]: row["median"] for row in before}
    for row in rows:
        metric = row["metric"]
        if metric.startswith(f"settled_ms@{DELAY_MS}ms:") and metric.partition(":")[2] in ("tuner", "transcriber"):
            row["target"] = round(known[metric] / 4, 3)
            row["ok"] = row["median"] <= row["target"]


def print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print rows with targets."""
    if as_json:
        print(json.dumps({"rows": rows}, indent=1))
        return
    for row in rows:
        verdict = {True: "ok", False: "MISSED", None: ""}[row["ok"]]
        target = "" if row["target"] is None else f"<= {row['target']:g}"
        print(
            f"{row['metric']:36} {row['client']:12} {row['median']:>10.4g} {row['p95']:>10.4g} {target:>12} {verdict}"
        )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.open", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--rounds", type=int, default=3, help="how often each widget is opened")
    parser.add_argument("--no-memory", action="store_true", help="leave the memory of the page out")
    parser.add_argument(
        "--before", type=Path, metavar="CHECKOUT", help="another checkout with a .venv, to compare with"
    )
    options = parser.parse_args()
    found = Rows(os.environ.get("SNB_OPEN_CLIENT", OURS))
    measure_opening(found, options.rounds, 0)
    measure_opening(found, options.rounds, DELAY_MS)
    if not options.no_memory:
        measure_memory(found)
    rows = found.rows()
    if options.before is not None:
        before = former(options.before.resolve(), options.rounds)
        compare(rows, before)
        rows += [{**row, "target": None, "ok": None} for row in before]
    print_rows(rows, as_json=options.json)
    sys.exit(any(row["ok"] is False for row in rows))


if __name__ == "__main__":
    main()
