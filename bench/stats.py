"""Samples to rows: quantiles over everything, ratios round by round.

A ratio is the median over the rounds of (client's median / floor's median) within one round: the floor's figure was
taken seconds before, on the same busy or quiet machine, so that the noise is on both sides of the division.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import Any

FLOOR = "floor"


@dataclass
class Samples:
    """Everything measured, by metric, client and round."""

    units: dict[str, str] = field(default_factory=dict)
    taken: dict[str, dict[str, dict[int, list[float]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    )

    def add(self, metric: str, unit: str, client: str, turn: int, values: list[float]) -> None:
        """Add what one client's turn in one round gave."""
        if values:
            self.units.setdefault(metric, unit)
            self.taken[metric][client][turn].extend(values)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per metric and client, in the order in which they were first measured."""
        return [
            self._row(metric, client)
            for metric, by_client in self.taken.items()
            for client in by_client
        ]  # fmt: skip

    def _row(self, metric: str, client: str) -> dict[str, Any]:
        rounds = self.taken[metric][client]
        values = sorted(value for taken in rounds.values() for value in taken)
        return {
            "metric": metric,
            "client": client,
            "n": len(values),
            "median": quantile(values, 0.5),
            "p10": quantile(values, 0.1),
            "p90": quantile(values, 0.9),
            "unit": self.units[metric],
            "ratio_to_floor": self._ratio(metric, client),
        }

    def _ratio(self, metric: str, client: str) -> float | None:
        floor = self.taken[metric].get(FLOOR, {})
        ratios = [
            median(values) / median(floor[turn])
            for turn, values in self.taken[metric][client].items()
            if floor.get(turn) and median(floor[turn])
        ]
        return round(median(ratios), 4) if ratios else None


def quantile(values: list[float], share: float) -> float:
    """Return a quantile of sorted values, interpolated."""
    at = share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return round(values[low] + (values[high] - values[low]) * (at - low), 9)


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as text."""
    lines = [f"{'metric':26} {'client':12} {'n':>6} {'median':>10} {'p10':>10} {'p90':>10} {'unit':18} {'x floor':>8}"]
    before = ""
    for row in rows:
        name = "" if row["metric"] == before else row["metric"]
        before = row["metric"]
        ratio = "" if row["ratio_to_floor"] is None else f"{row['ratio_to_floor']:.2f}"
        figures = " ".join(f"{row[key]:>10.4g}" for key in ("median", "p10", "p90"))
        lines.append(f"{name:26} {row['client']:12} {row['n']:>6} {figures} {row['unit']:18} {ratio:>8}")
    return "\n".join(lines)
