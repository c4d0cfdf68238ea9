"""Two builds side by side: a commit and the working tree, in turn, and the ratio of their figures with its spread.

`python -m bench.compare [--rounds 3] [--same-bench] COMMIT BENCH [ARGUMENT ...]`, for example
`python -m bench.compare HEAD~5 bench.services --quick`. The commit is checked out and set up under `.bench/compare/`.
Each round runs both, the commit first in every second one, so that what the machine does besides falls on both. A row
is the same row in both if all its texts are; a ratio above 1 says that the working tree's figure is larger.

With `--same-bench` the commit is measured with the working tree's bench, which may be newer than the commit.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench.venvs import ROOT

_SETUP_SECS = 1200
_RUN_SECS = 3600
_FIGURES = ("median", "value", "seconds", "ms")
"""Names of the figure of a row; the first that it has counts."""


def set_up(commit: str, *, same_bench: bool) -> Path:
    """Check a commit out and install it; return its folder.

    Raises:
        subprocess.CalledProcessError: There is no such commit, or it cannot be installed.
    """
    asked = ["git", "rev-parse", "--short=12", f"{commit}^{{commit}}"]
    name = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    folder = ROOT / ".bench" / "compare" / name
    if not folder.exists():
        subprocess.run(["git", "worktree", "prune"], cwd=ROOT, check=True)
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(folder), name], cwd=ROOT, check=True)
    if same_bench:
        shutil.copytree(ROOT / "bench", folder / "bench", dirs_exist_ok=True)
    subprocess.run(["make", "-C", str(folder), "setup"], check=True, stdout=sys.stderr, timeout=_SETUP_SECS)
    return folder


def run_bench(folder: Path, command: list[str]) -> dict[tuple[str, ...], float]:
    """Run a bench of a build and return its figures by their rows' texts.

    Raises:
        RuntimeError: It printed no rows.
    """
    python = folder / ".venv" / "bin" / "python"
    run = subprocess.run(
        [str(python), "-m", *command, "--json"],
        cwd=folder, stdout=subprocess.PIPE, text=True, check=False, timeout=_RUN_SECS,
    )  # fmt: skip
    try:
        return figures_of(json.loads(run.stdout)["rows"])
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f"{' '.join(command)} in {folder} ended with {run.returncode} and without rows.") from error


def figures_of(rows: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    """Return each row's figure by the row's texts; rows without a figure are left out."""
    found = {}
    for row in rows:
        figure = next((row[name] for name in _FIGURES if isinstance(row.get(name), int | float)), None)
        if figure is not None:
            found[tuple(value for value in row.values() if isinstance(value, str))] = float(figure)
    return found


def ratios(rounds: list[tuple[dict[tuple[str, ...], float], dict[tuple[str, ...], float]]]) -> list[dict[str, Any]]:
    """Return a row for each figure that both builds have: the medians of both, and the ratio round by round.

    Args:
        rounds: The figures of the commit and of the working tree, for each round.
    """
    pairs: dict[tuple[str, ...], list[tuple[float, float]]] = defaultdict(list)
    for former, present in rounds:
        for name in former.keys() & present.keys():
            pairs[name].append((former[name], present[name]))
    rows = []
    for name, taken in pairs.items():
        found = sorted(new / old for old, new in taken if old)
        rows.append({
            "metric": " · ".join(name),
            "before": statistics.median(old for old, _ in taken),
            "now": statistics.median(new for _, new in taken),
            "ratio": statistics.median(found) if found else None,
            "lowest": found[0] if found else None,
            "highest": found[-1] if found else None,
            "rounds": len(taken),
        })  # fmt: skip
    return sorted(rows, key=lambda row: row["metric"])


def _line(row: dict[str, Any]) -> str:
    spread = "" if row["ratio"] is None else f"{row['ratio']:8.2f}  {row['lowest']:.2f} to {row['highest']:.2f}"
    return f"{row['metric'][:70]:70} {row['before']:12.4g} {row['now']:12.4g} {spread}"


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, run both builds in turn, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("commit", help="what the working tree is compared with")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (3)")
    parser.add_argument("--same-bench", action="store_true", help="measure the commit with the working tree's bench")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the bench and its arguments")
    options = parser.parse_args(arguments)
    if not options.command or options.rounds < 1:
        parser.error("a bench, such as `bench.services --quick`, and at least one round are needed")
    former = set_up(options.commit, same_bench=options.same_bench)
    rounds = []
    for turn in range(options.rounds):
        order = [former, ROOT] if turn % 2 else [ROOT, former]
        found = {folder: run_bench(folder, options.command) for folder in order}
        rounds.append((found[former], found[ROOT]))
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
    rows = ratios(rounds)
    if options.json:
        print(json.dumps({"rows": rows}, indent=1))
    else:
        print(f"{'figure':70} {'before':>12} {'now':>12} {'ratio':>8}  spread")
        print("\n".join(map(_line, rows)))


if __name__ == "__main__":
    main()
