"""The figures of a listening test with their intervals, drawn by matplotlib."""

from __future__ import annotations

import math
from typing import Any

from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.results import ListeningResults
from smallest_nb.results.listening.statistics import mean_interval

__all__ = ["draw"]

_COLOUR = "#0b6e6e"


def draw(results: ListeningResults, axis: Any = None) -> Any:
    """Draw a line for each system, or pair of systems, and return the axes.

    Args:
        results: What to draw.
        axis: Where; None makes a figure.

    Raises:
        ConfigError: matplotlib is missing.
    """
    rows, label, limits, chance = _rows(results)
    if axis is None:
        try:
            from matplotlib import pyplot as plt  # noqa: PLC0415 - slow to import
        except ModuleNotFoundError as error:
            raise ConfigError("A plot needs matplotlib: pip install 'smallest-nb[eval]'.") from error
        _, axis = plt.subplots(figsize=(7, 0.9 + 0.45 * max(1, len(rows))), layout="constrained")
    places = list(range(len(rows)))
    for place, (_, value, low, high) in zip(places, rows, strict=True):
        if not math.isnan(low):
            axis.plot([low, high], [place, place], color=_COLOUR, linewidth=2, alpha=0.5, solid_capstyle="butt")
        axis.plot([value], [place], "o", color=_COLOUR)
    if chance is not None:
        axis.axvline(chance, color="grey", linestyle=":", linewidth=1)
    axis.set(yticks=places, ylim=(len(rows) - 0.5, -0.5), xlim=limits, xlabel=label)
    axis.set_yticklabels([_plain(name) for name, *_ in rows])
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    return axis


def _rows(
    results: ListeningResults,
) -> tuple[list[tuple[str, float, float, float]], str, tuple[float, float], float | None]:
    kind = results.design.kind
    if kind in ("mos", "mushra"):
        means = results.means() if results.counted else {}
        high = 5.0 if kind == "mos" else 100.0
        rows = [(name, found.mean, found.low, found.high) for name, found in means.items()]
        return (
            rows,
            f"mean rating and 95 % interval, {len(results.counted)} answers",
            (1 if high == 5 else 0, high),
            None,
        )
    if kind == "abx":
        rows = [
            (f"{p.first} / {p.second}", 100 * p.result.share, 100 * p.result.low, 100 * p.result.high)
            for p in results.pairs()
        ]
        return rows, "% of X recognised and 95 % interval; dotted: chance", (0, 100), 50
    if len(results.design.names) == 2:
        rows = [
            (f"{p.first} to {p.second}", 100 * p.result.share, 100 * p.result.low, 100 * p.result.high)
            for p in results.pairs()
        ]
        return rows, "% of answers that prefer, and 95 % interval; dotted: chance", (0, 100), 50
    rows = []
    for name in results.design.names:
        groups: dict[str, list[float]] = {}
        for answer in results.counted:
            places = [place.system for place in answer.trial.places]
            if name in places:
                groups.setdefault(answer.listener, []).append(100.0 * (places[answer.given[0]] == name))
        if groups:
            found = mean_interval(list(groups.values()), seed=results.design.seed)
            rows.append((name, found.mean, found.low, found.high))
    rows.sort(key=lambda row: -row[1])
    return rows, "% of its comparisons won, and 95 % interval; dotted: chance", (0, 100), 50


def _plain(text: str) -> str:
    return text.replace("$", r"\$")  # matplotlib would set what is between two of them as a formula
