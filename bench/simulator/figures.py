"""What was measured: rows of quantiles or single values, each beside its floor and its target, as a table or as JSON.

A ratio is median over the floor's median of the same metric; both were taken in turns, so that noise is on both sides.
`client` is `smallest_nb`, or `before` for what heard before, which has no target. `ok` says whether a target was met,
and is empty for a row without one.
"""

from __future__ import annotations

import sys
from typing import Any

from bench.stats import FLOOR, quantile

__all__ = ["OURS", "Figures", "log", "table"]

_COLUMNS = ("median", "p95", "p99", "max")
_SHARES = (0.5, 0.95, 0.99, 1.0)
OURS = "smallest_nb"

Target = float | dict[str, float] | None


def log(message: str) -> None:
    """Say something that is not a figure."""
    print(message, file=sys.stderr, flush=True)


class Figures:
    """Collects rows, in the order in which they were measured."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def add(
        self, metric: str, case: str, unit: str, values: list[float], *, target: Target = None, note: str = "",
        client: str = OURS,
    ) -> None:  # fmt: skip
        """Keep samples.

        Args:
            metric: What was measured.
            case: Of what; "floor" is what the metric's other cases are divided by.
            unit: Of the values.
            values: One for each time.
            target: The largest that is allowed of the maximum, or of each quantile that is named.
            note: What else is to be said.
            client: Whose figure it is.
        """
        ordered = sorted(values)
        row: dict[str, Any] = {"metric": metric, "case": case, "client": client, "n": len(ordered), "unit": unit}
        if ordered:
            row |= {name: quantile(ordered, share) for name, share in zip(_COLUMNS, _SHARES, strict=True)}
        wanted = target if isinstance(target, dict) else {"max": target}
        ok = None if target is None else bool(ordered) and all(row[name] <= most for name, most in wanted.items())
        self._rows.append({**row, "target": target, "ok": ok, "note": note})
        log(_line(self._rows[-1], ""))

    def one(
        self, metric: str, case: str, unit: str, value: float, *, target: Target = None, note: str = "",
        client: str = OURS,
    ) -> None:  # fmt: skip
        """Keep one value."""
        self.add(metric, case, unit, [float(value)], target=target, note=note, client=client)

    def said(self, metric: str, case: str, note: str, *, ok: bool | None = None) -> None:
        """Keep what has no number."""
        row: dict[str, Any] = {"metric": metric, "case": case, "client": OURS, "n": 0, "unit": "", "median": None,
                               "p95": None, "target": None, "ok": ok, "note": note}  # fmt: skip
        self._rows.append(row)
        log(_line(self._rows[-1], ""))

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows, with ratios."""
        floors = {row["metric"]: row["median"] for row in self._rows if row["case"] == FLOOR and row.get("median")}
        return [
            {**row, "ratio_to_floor": round(row["median"] / floors[row["metric"]], 3)
             if row["metric"] in floors and row.get("median") is not None else None}
            for row in self._rows
        ]  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as text."""
    heads = " ".join(f"{name:>9}" for name in _COLUMNS)
    lines = [
        f"{'metric':26} {'case':34} {'client':11} {'n':>6} {heads} {'unit':11} {'x floor':>7} {'target':>9} ok     note"
    ]
    before = ""
    for row in rows:
        lines.append(_line(row, before))
        before = row["metric"]
    return "\n".join(lines)


def _line(row: dict[str, Any], before: str) -> str:
    name = "" if row["metric"] == before else row["metric"]
    single = row["n"] == 1
    figures = " ".join(
        " " * 9 if row.get(c) is None or (single and c != "median") else f"{row[c]:>9.4g}" for c in _COLUMNS
    )
    ratio = "" if row.get("ratio_to_floor") is None else f"{row['ratio_to_floor']:.2f}"
    wanted = row["target"].values() if isinstance(row["target"], dict) else [row["target"]]
    target = "/".join(f"{w:.4g}" for w in wanted if w is not None)
    verdict = {None: "", True: "ok", False: "MISSED"}[row["ok"]]
    head = f"{name:26} {row['case']:34} {row['client']:11} {row['n']:>6} {figures} {row['unit']:11}"
    return f"{head} {ratio:>7} {target:>9} {verdict:6} {row['note']}".rstrip()
