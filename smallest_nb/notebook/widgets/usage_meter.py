"""The UsageMeter: what a tuner has spent, and what is under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["UsageMeter"]


class UsageMeter:
    """Counts what is spoken.

    Args:
        on_change: Called with the figures whenever they change.

    Attributes:
        characters: Spoken so far.
        seconds: Of speech received so far.
        requests: Made so far.
        in_flight: Under way now.
    """

    def __init__(self, on_change: Callable[[dict[str, Any]], None]) -> None:
        self._on_change = on_change
        self.characters = 0
        self.seconds = 0.0
        self.requests = 0
        self.in_flight = 0

    def begin(self, characters: int) -> None:
        """A request is under way."""
        self.requests += 1
        self.in_flight += 1
        self.characters += characters
        self._show()

    def end(self, seconds: float, *, unspoken: int = 0) -> None:
        """A request is over; characters that brought no sound are not counted."""
        self.in_flight -= 1
        self.characters -= unspoken
        self.requests -= bool(unspoken)
        self.seconds += seconds
        self._show()

    def to_dict(self) -> dict[str, Any]:
        """Return the figures."""
        seconds = round(self.seconds, 1)
        return {"characters": self.characters, "seconds": seconds, "requests": self.requests, "busy": self.in_flight}

    def _show(self) -> None:
        self._on_change(self.to_dict())
