"""Decides from what was seen whether anything was lost, doubled, late or kept."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.stats import quantile

__all__ = ["Heard", "count_errors", "slope_per_hour"]

Word = tuple[str, float, float, float | None]


@dataclass
class Errors:
    """Words that are not as they were said."""

    right: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def count_errors(said: list[str], heard: list[str]) -> Errors:
    """Compare what was heard with words that are said again and again in one order, all of them different.

    Args:
        said: One round of the words.
        heard: What was transcribed; it begins anywhere in a round.
    """
    place = {word: n for n, word in enumerate(said)}
    found, expected = Errors(), None
    for n, word in enumerate(heard):
        at = place.get(word)
        if at is None:
            found.wrong.append(f"{word!r} as word {n}")
            expected = None if expected is None else (expected + 1) % len(said)
            continue
        if expected is not None and at != expected:
            ahead = (at - expected) % len(said)
            if ahead > len(said) // 2:
                found.doubled.append(f"{word!r} as word {n}")
                continue
            found.lost += [f"{said[(expected + i) % len(said)]!r} before word {n}" for i in range(ahead)]
        found.right += 1
        expected = (at + 1) % len(said)
    return found


def slope_per_hour(times: list[float], values: list[float]) -> float:
    """Return how much a figure grows in an hour, by Theil and Sen: single peaks do not count.

    Args:
        times: Seconds.
        values: The figure at these times.
    """
    t, v = np.asarray(times), np.asarray(values)
    first, second = np.triu_indices(len(t), 1)
    return float(np.median((v[second] - v[first]) / (t[second] - t[first]))) * 3600 if len(t) > 1 else 0.0


@dataclass
class Heard:
    """What the transcriber gave, and how its costs went."""

    words: list[Word] = field(default_factory=list)
    states: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"listen": [], "play": [], "page": []})

    def drift_ms(self) -> list[float]:
        """Distances between the words' times and their sound, sorted; 1000 for a word whose sound is not there."""
        return sorted(1000 * away for *_, away in self.words if away is not None)

    def growth(self, process: str, key: str, settled_secs: float) -> float:
        """Growth of a figure in an hour, from when buffers of `settled_secs` are full."""
        states = self.states[process]
        later = [s for s in states if s["time"] - states[0]["time"] >= settled_secs] or states
        return slope_per_hour([s["time"] for s in later], [s[key] for s in later])

    def cpu_ratio(self, process: str) -> float:
        """CPU of the last quarter over that of the second one."""
        states = self.states[process]
        quarter = len(states) // 4
        if not quarter:
            return 1.0
        used = [b["cpu_s"] - a["cpu_s"] for a, b in itertools.pairwise(states)]
        early, late = sorted(used[quarter : 2 * quarter]), sorted(used[-quarter:])
        return quantile(late, 0.5) / max(quantile(early, 0.5), 1e-9)
