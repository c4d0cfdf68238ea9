"""One listener's way through a test: what their page shows, and what it sends. No page, clock or file is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smallest_nb.common.numbers import is_number
from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.answer import Answer, check_value
from smallest_nb.results.listening.plan import Design, Trial

__all__ = ["PLACE_NAMES", "Session", "as_listener"]

PLACE_NAMES: Mapping[str, Sequence[str]] = {
    "ab": ("A", "B"), "abx": ("A", "B", "X"), "mos": ("Sound",), "mushra": ("Reference", *"ABCDEFGHIJKL"),
}  # fmt: skip
_LONGEST_NAME = 60


def as_listener(name: Any) -> str:
    """Return a listener's name as it is kept.

    Raises:
        ConfigError: No text, or an empty or long one.
    """
    kept = " ".join("".join(c for c in name if c.isprintable()).split()) if isinstance(name, str) else ""
    if not kept or len(kept) > _LONGEST_NAME:
        raise ConfigError(f"A listener is called by a name of 1 to {_LONGEST_NAME} characters; got {name!r}.")
    return kept


class Session:
    """One listener's trials and what was answered; several pages may show it.

    Args:
        design: What the trials were drawn from.
        listener: Their name.
        trials: Theirs.
        answered: What they have answered before.
        keep: Takes each answer before it counts; what it raises refuses the answer.

    Attributes:
        listener: As given.
        begun: Whether the instructions were read.
    """

    def __init__(
        self, design: Design, listener: str, trials: Sequence[Trial], answered: Sequence[int],
        keep: Callable[[Answer], None],
    ) -> None:  # fmt: skip
        self.design = design
        self.listener = listener
        self.trials = list(trials)
        self._answered = set(answered)
        self._keep = keep
        self.begun = bool(self._answered)

    @property
    def current(self) -> Trial | None:
        """The trial that is asked now, or None at the end."""
        return next((trial for trial in self.trials if trial.number not in self._answered), None)

    @property
    def done(self) -> bool:
        """Whether every trial is answered."""
        return self.current is None

    def begin(self) -> None:
        """Go on from the instructions to the first trial."""
        self.begun = True

    def state(self) -> dict[str, Any]:
        """Return what a page shows: numbers and the names of places, and nothing of what is heard there."""
        trial = self.current
        counted = [t for t in self.trials if t.role != "training"]
        training = len(self.trials) - len(counted)
        shared = {
            "kind": self.design.kind, "listener": self.listener, "training": training, "total": len(counted),
        }  # fmt: skip
        if trial is None:
            return {**shared, "phase": "done", "trial": -1, "place": len(counted), "places": []}
        names = PLACE_NAMES[self.design.kind][: len(trial.places)]
        practice = trial.role == "training"
        return {
            **shared, "phase": "training" if practice else "test", "trial": trial.number,
            "place": trial.number + 1 - (0 if practice else training), "places": list(names),
            **({} if self.begun else {"phase": "start"}),
        }  # fmt: skip

    def answer(self, data: Mapping[str, Any], made: str) -> bool:
        """Take what a page says of a trial; return False if that one is answered already.

        Args:
            data: `trial`, `values`, `heard` (whether each place was heard whole), `seconds` and `switches`.
            made: When, ISO 8601.

        Raises:
            ConfigError: It cannot be an answer to the trial, or something was not heard whole.
        """
        number = data.get("trial")
        if number in self._answered:
            return False  # a second page, or a press that was sent twice
        trial = self.current
        if trial is None or number != trial.number:
            raise ConfigError(f"Trial {number!r} is not the one that is asked; load the page again.")
        heard = data.get("heard")
        if not isinstance(heard, list) or len(heard) != len(trial.places) or not all(one is True for one in heard):
            raise ConfigError("Hear every sound to its end first; then answer.")
        seconds, switches = data.get("seconds"), data.get("switches")
        if not is_number(seconds) or not is_number(switches) or not 0 <= seconds < 1e6 or not 0 <= switches < 1e6:
            raise ConfigError("The page said no time for the answer; load it again.")
        values = check_value(self.design, trial, data.get("values"))
        self._keep(Answer(self.listener, trial, values, float(seconds), int(switches), made))
        self._answered.add(trial.number)
        return True
