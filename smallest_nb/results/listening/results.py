"""The answers to a listening test: as a table, as figures for each system, in words, as a picture."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from smallest_nb.results.listening.answer import Answer
from smallest_nb.results.listening.plan import Design, Place
from smallest_nb.results.listening.session import PLACE_NAMES
from smallest_nb.results.listening.statistics import (
    BinomialResult,
    Comparison,
    Interval,
    binomial_result,
    compare_ratings,
    holm,
    mean_interval,
    preference_strengths,
)
from smallest_nb.results.table import make_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ANCHOR", "ListeningResults", "PairResult"]

ANCHOR = "anchor"
_REFERENCE_AT_LEAST = 90
_REFERENCE_MISSES = 0.15
"""ITU-R BS.1534-3, 4.1.2: who rates the hidden reference below 90 in more than 15 % of the trials is left out."""
_CHECKS_FAILED = 0.5


class PairResult(NamedTuple):
    """Two systems against each other: how often the first was preferred, or X was found among them.

    `p` is corrected for the number of pairs.
    """

    first: str
    second: str
    result: BinomialResult
    p: float


class ListeningResults(Sequence[Answer]):
    """The answers to a listening test. Training, checks, and listeners who failed these do not count in figures.

    Args:
        design: Of the test.
        answers: All of them.
    """

    def __init__(self, design: Design, answers: Sequence[Answer]) -> None:
        self.design = design
        self._answers = tuple(answers)

    @property
    def listeners(self) -> list[str]:
        """All who answered."""
        return list(dict.fromkeys(answer.listener for answer in self._answers))

    @property
    def left_out(self) -> list[str]:
        """Those who failed half of the attention checks or more, or often did not find MUSHRA's hidden reference."""
        return [name for name in self.listeners if self._failed(name)]

    @property
    def counted(self) -> list[Answer]:
        """The answers that count."""
        without = set(self.left_out)
        return [a for a in self._answers if a.trial.role == "test" and a.listener not in without]

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row for each answer, or for each rated sound; `counts` says which of them count.

        Raises:
            ConfigError: pandas is missing.
        """
        columns, rows = self.table()
        return make_table(rows, columns)

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Return the columns and the rows of :meth:`to_dataframe`."""
        counted = set(map(id, self.counted))
        rows = [row for answer in self._answers for row in self._rows(answer, counts=id(answer) in counted)]
        return self._columns(), rows

    def pairs(self) -> list[PairResult]:
        """Return each pair of systems that was compared (kinds ab and abx)."""
        abx = self.design.kind == "abx"
        found: list[tuple[str, str, BinomialResult]] = []
        for first, second in itertools.combinations(self.design.names, 2):
            answers = [a for a in self.counted if {p.system for p in a.trial.places} == {first, second}]
            if abx:
                good = sum(bool(a.passed(self.design)) for a in answers)
            else:
                good = sum(a.trial.places[a.given[0]].system == first for a in answers)
            if answers:
                found.append((first, second, binomial_result(good, len(answers), two_sided=not abx)))
        corrected = holm([count.p for _, _, count in found])
        return [PairResult(a, b, count, p) for (a, b, count), p in zip(found, corrected, strict=True)]

    def strengths(self) -> dict[str, float]:
        """Return the Bradley-Terry strength of each system (kind ab), the highest first.

        Raises:
            ConfigError: Not enough comparisons to rank them.
        """
        names = self.design.names
        wins = [[0.0] * len(names) for _ in names]
        for answer in self.counted:
            chosen = answer.trial.places[answer.given[0]].system
            other = answer.trial.places[1 - answer.given[0]].system
            wins[names.index(chosen)][names.index(other)] += 1
        return dict(sorted(zip(names, preference_strengths(wins), strict=True), key=lambda item: -item[1]))

    def means(self) -> dict[str, Interval]:
        """Return the mean rating of each system and its interval (kinds mos and mushra), the highest first."""
        ratings = self._ratings()
        means = {}
        for name in dict.fromkeys(system for _, _, system, _ in ratings):
            groups: dict[str, list[float]] = {}
            for listener, _, system, value in ratings:
                if system == name:
                    groups.setdefault(listener, []).append(value)
            means[name] = mean_interval(list(groups.values()), seed=self.design.seed)
        return dict(sorted(means.items(), key=lambda item: -item[1].mean))

    def comparison(self, systems: Sequence[str] | None = None) -> Comparison:
        """Test whether systems were rated differently (kinds mos and mushra).

        Args:
            systems: Which; None for all but the anchor.
        """
        names = list(self.design.names if systems is None else systems)
        blocks: dict[tuple[str, str], dict[str, list[float]]] = {}
        for listener, text, system, value in self._ratings():
            blocks.setdefault((listener, text), {}).setdefault(system, []).append(value)
        whole = [b for b in blocks.values() if all(name in b for name in names)]
        return compare_ratings([[sum(b[name]) / len(b[name]) for name in names] for b in whole])

    def _failed(self, listener: str) -> bool:
        mine = [a for a in self._answers if a.listener == listener]
        if self.design.kind == "mushra":
            hidden = Place(str(self.design.reference))
            rated = [value for a in mine if a.trial.role == "test" for place, value in a.rated() if place == hidden]
            missed = sum(value < _REFERENCE_AT_LEAST for value in rated)
            return len(rated) > 0 and missed / len(rated) > _REFERENCE_MISSES
        checks = [a.passed(self.design) for a in mine if a.trial.role == "check"]
        return len(checks) > 0 and checks.count(False) / len(checks) >= _CHECKS_FAILED

    def _ratings(self) -> list[tuple[str, str, str, float]]:
        return [
            (a.listener, a.trial.text, ANCHOR if place.variant == "anchor" else place.system, float(value))
            for a in self.counted for place, value in a.rated()
        ]  # fmt: skip

    def _columns(self) -> list[str]:
        middle = {
            "ab": ["a", "b", "preferred"], "abx": ["a", "b", "x", "answer", "right"],
            "mos": ["system", "variant", "rating"], "mushra": ["system", "variant", "rating"],
        }[self.design.kind]  # fmt: skip
        return ["listener", "trial", "role", "text", *middle, "counts", "seconds", "switches", "made"]

    def _rows(self, answer: Answer, *, counts: bool) -> list[list[Any]]:
        trial = answer.trial
        before: list[Any] = [answer.listener, trial.number, trial.role, trial.text]
        after: list[Any] = [counts, answer.seconds, answer.switches, answer.made]
        names = [f"{p.system} ({p.variant})" if p.variant else p.system for p in trial.places]
        if self.design.kind == "ab":
            return [[*before, *names, names[answer.given[0]], *after]]
        if self.design.kind == "abx":
            said = PLACE_NAMES["abx"][answer.given[0]]
            return [[*before, *names, said, answer.passed(self.design), *after]]
        return [[*before, place.system, place.variant, value, *after] for place, value in answer.rated()]

    def __getitem__(self, index: Any) -> Any:
        return self._answers[index]

    def __len__(self) -> int:
        return len(self._answers)

    def __repr__(self) -> str:
        who = f"{len(self.listeners)} listener{'' if len(self.listeners) == 1 else 's'}"
        return f"ListeningResults({self.design.kind}, {len(self)} answers, {who})"
