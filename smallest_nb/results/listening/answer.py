"""One answer of a listener, as it is kept: what was heard at which place, and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smallest_nb.common.numbers import is_integer, is_number
from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.plan import Design, Place, Trial, expected_answer

__all__ = ["Answer", "check_value"]


@dataclass(frozen=True)
class Answer:
    """What a listener answered in a trial.

    Attributes:
        listener: The name that was typed or given.
        trial: What was asked.
        given: The number of the place that was chosen (0 for A, 1 for B), or the ratings of the places in order,
            without MUSHRA's open reference: 1 to 5, or 0 to 100.
        seconds: How long it took.
        switches: How often the listener changed from one sound to another.
        made: When, ISO 8601 in UTC.
    """

    listener: str
    trial: Trial
    given: tuple[int, ...]
    seconds: float
    switches: int
    made: str

    def passed(self, design: Design) -> bool | None:
        """Say whether it is right: an ABX answer, a check; None if there is no right answer."""
        right = expected_answer(design, self.trial)
        if right is None:
            return None
        return self.given[0] <= right if design.kind == "mos" else self.given[0] == right

    def rated(self) -> list[tuple[Place, int]]:
        """Return each rated place with its rating."""
        return list(zip(self.trial.places[-len(self.given) :], self.given, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return it as a line of the answers' file."""
        return {
            "listener": self.listener, "trial": self.trial.number, "role": self.trial.role, "text": self.trial.text,
            "places": [list(place) for place in self.trial.places], "values": list(self.given),
            "seconds": round(self.seconds, 2), "switches": self.switches, "made": self.made,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Any) -> Answer:
        """Read a line of the answers' file.

        Raises:
            ConfigError: It is not one.
        """
        if not isinstance(data, Mapping):
            raise ConfigError(f"Expected an answer as an object, got {type(data).__name__}.")
        try:
            places = tuple(Place(str(system), variant) for system, variant in data["places"])
            trial = Trial(int(data["trial"]), data["role"], str(data["text"]), places)
            return cls(
                str(data["listener"]), trial, tuple(int(v) for v in data["values"]), float(data["seconds"]),
                int(data["switches"]), str(data["made"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"An answer cannot be read ({error}).") from error


def check_value(design: Design, trial: Trial, values: Any) -> tuple[int, ...]:
    """Return an answer of a page as it is kept.

    Raises:
        ConfigError: Not what this kind asks for.
    """
    count, low, high = {
        "ab": (1, 0, 1), "abx": (1, 0, 1), "mos": (1, 1, 5), "mushra": (len(trial.places) - 1, 0, 100),
    }[design.kind]  # fmt: skip
    given = list(values) if isinstance(values, list | tuple) else []
    if len(given) != count or not all(is_number(v) and low <= v <= high for v in given):
        raise ConfigError(f"The answer {values!r} cannot be used; expected {count} of {low} to {high}.")
    if not all(is_integer(v) or float(v).is_integer() for v in given):
        raise ConfigError(f"The answer {values!r} cannot be used; expected whole numbers.")
    return tuple(int(v) for v in given)
