"""Which trials a listener gets, in which order and on which sides: drawn from a seed, the same each time. Pure."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from smallest_nb.common.numbers import is_integer
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["CHECKED", "KINDS", "Design", "Kind", "Place", "Trial", "draw_trials", "expected_answer"]

Kind = Literal["ab", "abx", "mos", "mushra"]
Role = Literal["training", "check", "test"]
Variant = Literal["", "anchor", "degraded"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CHECKED = ("ab", "abx", "mos")
"""Kinds with attention checks; MUSHRA has its hidden reference for that."""
_MOST_TRIALS = 120
_MOST_PLACES = 12
"""ITU-R BS.1534-3, 5.3: sounds in a trial, with the hidden reference and the anchor."""
_FEWEST_CHOICES = 16
"""Below it a preference has to be nearly unanimous to be more than chance."""


class Place(NamedTuple):
    """What is heard at one place of a trial."""

    system: str
    variant: Variant = ""


@dataclass(frozen=True)
class Trial:
    """One question.

    Attributes:
        number: From 0, in the order in which they are asked.
        role: Training is not counted, a check has a known answer.
        text: Which text is heard.
        places: What is heard: A and B; A, B and X; the one sound to be rated; or the open reference and, in random
            order, the sounds to be rated against it.
    """

    number: int
    role: Role
    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Design:
    """What a plan is drawn from.

    Attributes:
        kind: The method.
        systems: The systems that each text is said by; the texts in order.
        seed: Of everything random.
        trials: How many trials that count each listener gets; None for a number that suits the kind.
        training: How many come before.
        checks: How many attention checks are among them.
        reference: MUSHRA's reference, one of the systems.

    Raises:
        ConfigError: A kind, number or reference that cannot be used; too many trials for a listener.
    """

    kind: Kind
    systems: Mapping[str, Sequence[str]]
    seed: int
    trials: int | None = None
    training: int = 2
    checks: int = 2
    reference: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"kind={self.kind!r} is unknown; expected one of {', '.join(KINDS)}.")
        for name, low, high in (("seed", 0, 2**53), ("training", 0, 20), ("checks", 0, 20)):
            value = getattr(self, name)
            if not is_integer(value) or not low <= value <= high:
                raise ConfigError(f"{name}={value!r} cannot be used; expected a whole number from {low} to {high}.")
        if self.trials is not None and (not is_integer(self.trials) or not 1 <= self.trials <= _MOST_TRIALS):
            raise ConfigError(f"trials={self.trials!r} cannot be used; expected 1 to {_MOST_TRIALS} for a listener.")
        if self.kind == "mushra":
            self._check_mushra()
        elif self.reference is not None:
            raise ConfigError(f"kind={self.kind!r} has no reference; leave out reference={self.reference!r}.")
        count = len(self.candidates())
        if self.trials is None and count > _MOST_TRIALS:
            raise ConfigError(
                f"{count:,} trials are too many for a listener (at most {_MOST_TRIALS}). Compare fewer systems, or "
                "pass trials=60: each listener then gets a random part, in which every system comes up equally often."
            )

    @property
    def names(self) -> list[str]:
        """All systems, in order."""
        return list(dict.fromkeys(name for systems in self.systems.values() for name in systems))

    def candidates(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return what there is to ask: a text and the systems that are heard."""
        asked: list[tuple[str, tuple[str, ...]]] = []
        for text, systems in self.systems.items():
            if self.kind in ("ab", "abx"):
                asked += [(text, pair) for pair in itertools.combinations(systems, 2)]
            elif self.kind == "mos":
                asked += [(text, (system,)) for system in systems]
            else:
                asked.append((text, tuple(systems)))
        return asked

    @property
    def count(self) -> int:
        """How many trials that count each listener gets."""
        possible = len(self.candidates())
        if self.trials is not None:
            return self.trials
        return possible * max(1, -(-_FEWEST_CHOICES // possible)) if self.kind in ("ab", "abx") else possible

    def _check_mushra(self) -> None:
        if self.reference is None:
            raise ConfigError(
                "kind='mushra' rates sounds against a reference that is heard openly: pass reference=, one of "
                f"{', '.join(self.names)}, or a recording of a person as a Clip or file."
            )
        for text, systems in self.systems.items():
            if self.reference not in systems:
                raise ConfigError(
                    f"reference={self.reference!r} is not there{f' for the text {text!r}' if text else ''}; expected "
                    f"one of {', '.join(systems)}."
                )
            if len(systems) + 1 > _MOST_PLACES:
                raise ConfigError(
                    f"{len(systems) + 1} sounds in a MUSHRA trial are too many; BS.1534 allows {_MOST_PLACES}, with "
                    "the reference and the anchor. Compare fewer systems, or use kind='mos'."
                )


def draw_trials(design: Design, listener: str) -> list[Trial]:
    """Return a listener's trials: training, then the others with the checks among them.

    Args:
        design: What to draw from.
        listener: Their name; each has an order of their own.
    """
    import numpy as np  # noqa: PLC0415

    digest = hashlib.sha256(listener.encode("utf-8", "surrogatepass")).digest()[:8]
    rng = np.random.default_rng([design.seed, int.from_bytes(digest)])
    counted = _chosen(design.candidates(), design.count, rng)
    asked: list[tuple[Role, str, tuple[Place, ...]]] = [
        ("test", text, places) for text, places in _with_sides(design, counted, rng)
    ]
    asked = [asked[n] for n in rng.permutation(len(asked))]
    if design.kind in CHECKED:
        for place in sorted(rng.integers(1, len(asked) + 1, design.checks).tolist(), reverse=True):
            asked.insert(place, ("check", *_check(design, rng)))
    training = _chosen(design.candidates(), design.training, rng) if design.training else []
    drawn: list[tuple[Role, str, tuple[Place, ...]]] = [
        ("training", text, places) for text, places in _with_sides(design, training, rng)
    ]
    return [Trial(n, role, text, places) for n, (role, text, places) in enumerate([*drawn, *asked])]


def expected_answer(design: Design, trial: Trial) -> int | None:
    """Return the right answer of an ABX trial or a check: the place, or the highest rating; None if there is none."""
    if design.kind == "abx":
        return 0 if trial.places[0] == trial.places[2] else 1
    if trial.role != "check":
        return None
    if design.kind == "ab":
        return 0 if trial.places[1].variant == "degraded" else 1
    return 2  # a category of P.800: poor


def _chosen(
    candidates: list[tuple[str, tuple[str, ...]]], count: int, rng: np.random.Generator
) -> list[tuple[str, tuple[str, ...]]]:
    """Return that many candidates: all of them as often as possible, then a part in which systems come up equally."""
    rounds, rest = divmod(count, len(candidates))
    chosen = candidates * rounds
    left = [candidates[n] for n in rng.permutation(len(candidates))]
    used: Counter[str] = Counter()
    for _ in range(rest):
        place = min(
            range(len(left)), key=lambda n: (sum(used[s] for s in left[n][1]), max(used[s] for s in left[n][1]))
        )
        text, systems = left.pop(place)
        used.update(systems)
        chosen.append((text, systems))
    return chosen


def _with_sides(
    design: Design, chosen: list[tuple[str, tuple[str, ...]]], rng: np.random.Generator
) -> list[tuple[str, tuple[Place, ...]]]:
    """Put the systems at their places, each side equally often."""
    times: Counter[tuple[str, tuple[str, ...]]] = Counter()
    orders: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    placed = []
    for candidate in chosen:
        text, systems = candidate
        if design.kind == "mushra":
            rated = [*(Place(s) for s in systems), Place(str(design.reference), "anchor")]
            mixed = [rated[n] for n in rng.permutation(len(rated))]
            placed.append((text, (Place(str(design.reference)), *mixed)))
            continue
        ways = 4 if design.kind == "abx" else 2
        order = orders.setdefault(candidate, rng.permutation(ways).tolist())
        way = order[times[candidate] % ways]
        times[candidate] += 1
        sides = [Place(s) for s in (systems[::-1] if way % 2 else systems)]
        if design.kind == "abx":
            sides.append(sides[way // 2])
        placed.append((text, tuple(sides)))
    return placed


def _check(design: Design, rng: np.random.Generator) -> tuple[str, tuple[Place, ...]]:
    """Return a question that everybody who listens answers alike: a sound and the same one in noise."""
    texts = list(design.systems)
    text = texts[int(rng.integers(len(texts)))]
    systems = design.systems[text]
    system = systems[int(rng.integers(len(systems)))]
    if design.kind == "mos":
        return text, (Place(system, "degraded"),)
    sides = [Place(system), Place(system, "degraded")]
    if rng.integers(2):
        sides.reverse()
    if design.kind == "abx":
        sides.append(sides[rng.integers(2)])
    return text, tuple(sides)
