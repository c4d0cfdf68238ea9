"""The figures of a listening test as places on an axis: for the plot, the page and the report alike."""

from __future__ import annotations

import math
from typing import NamedTuple

from smallest_nb.results.listening.results import ListeningResults
from smallest_nb.results.listening.statistics import mean_interval

__all__ = ["Axis", "Bar", "axis_of", "bars_of"]


class Bar(NamedTuple):
    """A figure and its interval, NaN if there is none."""

    name: str
    value: float
    low: float
    high: float


class Axis(NamedTuple):
    """What the figures are, from where to where, and where chance is."""

    label: str
    low: float
    high: float
    chance: float | None


def axis_of(results: ListeningResults) -> Axis:
    """Return the axis of a test's figures."""
    kind = results.design.kind
    if kind == "mos":
        return Axis("mean opinion score and 95 % interval", 1.0, 5.0, None)
    if kind == "mushra":
        return Axis("mean rating and 95 % interval", 0.0, 100.0, None)
    if kind == "abx":
        return Axis("% of X recognised and 95 % interval; dotted: chance", 0.0, 100.0, 50.0)
    if len(results.design.names) == 2:
        return Axis("% of answers that prefer, and 95 % interval; dotted: chance", 0.0, 100.0, 50.0)
    return Axis("% of its comparisons won, and 95 % interval; dotted: chance", 0.0, 100.0, 50.0)


def bars_of(results: ListeningResults) -> list[Bar]:
    """Return a figure for each system, or for each pair; none before an answer counts."""
    kind, names = results.design.kind, results.design.names
    if not results.counted:
        return []
    if kind in ("mos", "mushra"):
        return [Bar(name, found.mean, found.low, found.high) for name, found in results.means().items()]
    if kind == "abx" or len(names) == 2:
        joined = " / " if kind == "abx" else " to "
        return [
            Bar(f"{p.first}{joined}{p.second}", 100 * p.result.share, 100 * p.result.low, 100 * p.result.high)
            for p in results.pairs()
        ]
    bars = []
    for name in names:
        groups: dict[str, list[float]] = {}
        for answer in results.counted:
            places = [place.system for place in answer.trial.places]
            if name in places:
                groups.setdefault(answer.listener, []).append(100.0 * (places[answer.given[0]] == name))
        if groups:
            found = mean_interval(list(groups.values()), seed=results.design.seed)
            bars.append(Bar(name, found.mean, found.low, found.high))
    return sorted(bars, key=lambda bar: -bar.value if math.isfinite(bar.value) else 0.0)
