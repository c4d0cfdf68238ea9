"""What was measured: rows of quantiles or single values, each beside its floor and its bound, as a table or as JSON.

A ratio is median over the floor's median of the same metric; both were taken in turns, so that noise is on both sides.
A bound is what the row had to keep to; `kept` says whether it did, and is empty for a row without a bound.
"""

from __future__ import annotations

import sys
from typing import Any

from bench.stats import FLOOR, quantile

__all__ = ["Figures", "log", "table"]

_COLUMNS = ("median", "p90", "p99", "max")


def log(message: str) -> None:
    """Say something that is not a figure."""
    print(message, file=sys.stderr, flush=True)


class Figures:
    """Collects rows, in the order in which they were measured."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []

    def add(
        self, metric: str, case: str, unit: str, values: list[float], *, bound: float | None = None, note: str = ""
    ) -> None:
        """Keep samples.

        Args:
            metric: What was measured.
            case: Of what; "floor" is what the metric's other cases are divided by.
            unit: Of the values.
            values: One for each time.
            bound: The largest that is allowed, held against the maximum.
            note: What else is to be said.
        """
        ordered = sorted(values)
        row: dict[str, Any] = {"metric": metric, "case": case, "n": len(ordered), "unit": unit}
        if ordered:
            row |= {name: quantile(ordered, share) for name, share in zip(_COLUMNS, (0.5, 0.9, 0.99, 1.0), strict=True)}
        kept = None if bound is None else bool(ordered) and ordered[-1] <= bound
        self._rows.append({**row, "bound": bound, "kept": kept, "note": note})
        log(_line(self._rows[-1], ""))

    def one(
        self, metric: str, case: str, unit: str, value: float, *, bound: float | None = None, note: str = ""
    ) -> None:
        """Keep one value."""
        self.add(metric, case, unit, [float(value)], bound=bound, note=note)

    def said(self, metric: str, case: str, note: str, *, kept: bool | None = None) -> None:
        """Keep what has no number."""
        self._rows.append(
            {"metric": metric, "case": case, "n": 0, "unit": "", "bound": None, "kept": kept, "note": note}
        )
        log(_line(self._rows[-1], ""))

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows, with ratios."""
        floors = {row["metric"]: row["median"] for row in self._rows if row["case"] == FLOOR and row.get("median")}
        return [
            {**row, "ratio_to_floor": round(row["median"] / floors[row["metric"]], 3)
             if row["metric"] in floors and "median" in row else None}
            for row in self._rows
        ]  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as text."""
    heads = " ".join(f"{name:>9}" for name in _COLUMNS)
    lines = [f"{'metric':26} {'case':34} {'n':>6} {heads} {'unit':11} {'x floor':>7} {'bound':>7} kept  note"]
    before = ""
    for row in rows:
        lines.append(_line(row, before))
        before = row["metric"]
    return "\n".join(lines)


def _line(row: dict[str, Any], before: str) -> str:
    name = "" if row["metric"] == before else row["metric"]
    single = row["n"] == 1
    figures = " ".join(" " * 9 if c not in row or (single and c != "median") else f"{row[c]:>9.4g}" for c in _COLUMNS)
    ratio = "" if row.get("ratio_to_floor") is None else f"{row['ratio_to_floor']:.2f}"
    bound = "" if row["bound"] is None else f"{row['bound']:.4g}"
    kept = {None: "", True: "yes", False: "NO"}[row["kept"]]
    return f"{name:26} {row['case']:34} {row['n']:>6} {figures} {row['unit']:11} {ratio:>7} {bound:>7} {kept:5} {row['note']}".rstrip()  # noqa: E501 - a table
