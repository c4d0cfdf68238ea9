"""The figures of a listening test with their intervals, drawn by matplotlib."""

from __future__ import annotations

import math
from typing import Any

from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.bars import axis_of, bars_of
from smallest_nb.results.listening.results import ListeningResults

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
    bars, scale = bars_of(results), axis_of(results)
    if axis is None:
        try:
            from matplotlib import pyplot as plt  # noqa: PLC0415 - slow to import
        except ModuleNotFoundError as error:
            raise ConfigError("A plot needs matplotlib: pip install 'smallest-nb[eval]'.") from error
        _, axis = plt.subplots(figsize=(7, 0.9 + 0.45 * max(1, len(bars))), layout="constrained")
    for place, bar in enumerate(bars):
        if not math.isnan(bar.low):
            axis.plot([bar.low, bar.high], [place, place], color=_COLOUR, linewidth=3, alpha=0.4)
        axis.plot([bar.value], [place], "o", color=_COLOUR)
    if scale.chance is not None:
        axis.axvline(scale.chance, color="grey", linestyle=":", linewidth=1)
    margin = 0.02 * (scale.high - scale.low)
    axis.set(ylim=(max(1, len(bars)) - 0.5, -0.5), xlim=(scale.low - margin, scale.high + margin), xlabel=scale.label)
    # matplotlib would set what is between two dollar signs as a formula
    axis.set_yticks(range(len(bars)), [bar.name.replace("$", r"\$") for bar in bars])
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    return axis
