"""The figures of the bench and their targets."""

from __future__ import annotations

import sys
from statistics import median
from typing import Any

from bench.stats import quantile

__all__ = ["Rows"]

CLIENT = "smallest_nb"
TARGETS = {
    "peak_ratio:tuner 10 min": 1.6, "kept_ratio:tuner 10 min": 1.1, "peak_mb:tuner 1 h": 250.0,
    "peak_ratio:transcribe 2 h": 1.2, "peak_beyond_bound_mb:live 3 h": 40.0,
    "cost_of_a_minute_to_first_hour:live 3 h": 1.2,
    "seek_ms:page": 300.0, "held_mb:page 10 min": 8.0,
}  # fmt: skip


class Rows:
    """Figures by metric, with their targets."""

    def __init__(self) -> None:
        self._taken: dict[str, list[float]] = {}

    def add(self, metric: str, value: float) -> None:
        """Keep a figure, and print it at once."""
        print(f"{metric}: {value:.4g}", file=sys.stderr, flush=True)
        self._taken.setdefault(metric, []).append(value)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each metric; a target is met if the median meets it."""
        return [self._row(metric, sorted(values)) for metric, values in self._taken.items()]

    def _row(self, metric: str, values: list[float]) -> dict[str, Any]:
        middle, target = round(median(values), 3), TARGETS.get(metric)
        return {"metric": metric, "client": CLIENT, "median": middle, "p95": round(quantile(values, 0.95), 3),
                "target": target, "ok": None if target is None else middle <= target}  # fmt: skip
