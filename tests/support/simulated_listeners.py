"""Listeners whose preferences are known, and what they answer."""

from __future__ import annotations

import numpy as np

from smallest_nb.results.listening.answer import Answer
from smallest_nb.results.listening.plan import Design, draw_trials
from smallest_nb.results.listening.results import ListeningResults

CALM = {"sophia": 0.0, "magnus": 0.0, "olivia": 0.0, "chloe": 0.0}


class SimulatedListener:
    """Hears qualities with an error of its own.

    Args:
        name: Its name.
        quality: What each system is worth, in units of the error.
        seed: Of the errors.
        attentive: Whether it hears a degraded sound and its trials at all; else it answers at random.
    """

    def __init__(self, name, quality, seed=0, *, attentive=True):
        self.name, self.quality, self.attentive = name, quality, attentive
        self._rng = np.random.default_rng([seed, 77])

    def hear(self, place) -> float:
        if not self.attentive:
            return float(self._rng.normal())
        lost = {"degraded": 50.0, "anchor": 4.0}.get(place.variant, 0.0)
        return self.quality[place.system] - lost + float(self._rng.normal())

    def answer(self, design: Design, trial) -> tuple[int, ...]:
        """Return what it says of a trial."""
        if design.kind == "ab":
            first, second = (self.hear(place) for place in trial.places)
            return (0 if first > second else 1,)
        if design.kind == "abx":
            a, b, x = (self.hear(place) for place in trial.places)
            return (0 if abs(a - x) < abs(b - x) else 1,)
        if design.kind == "mos":
            return (int(np.clip(round(3 + self.hear(trial.places[0])), 1, 5)),)
        reference = trial.places[0]
        return tuple(
            100 if self.attentive and place == reference else int(np.clip(60 + 10 * self.hear(place), 0, 100))
            for place in trial.places[1:]
        )

    def take(self, design: Design) -> list[Answer]:
        """Take a whole test."""
        return [
            Answer(self.name, trial, self.answer(design, trial), 3.0, 2, "2026-01-01T00:00:00+00:00")
            for trial in draw_trials(design, self.name)
        ]


def results_of(design: Design, *listeners: SimulatedListener) -> ListeningResults:
    """Let listeners take a test and return the results."""
    return ListeningResults(design, [answer for listener in listeners for answer in listener.take(design)])
