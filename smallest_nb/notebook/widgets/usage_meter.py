"""The Meter: what is spent, what is under way, and what the text at hand would cost."""

from __future__ import annotations

import ipywidgets

from smallest_nb.common.markup import text_html

__all__ = ["Meter"]

_CHARACTERS_PER_SECOND = 14.0
"""Of ordinary speech; for a forecast only."""


class Meter(ipywidgets.HTML):
    """One line under the text.

    Args:
        limit: Requests that the plan allows at once.

    Attributes:
        characters: Spoken so far.
        seconds: Of speech received so far.
        requests: Made so far.
        in_flight: Under way now.
    """

    def __init__(self, *, limit: int = 1) -> None:
        self._limit = limit
        self._text = ""
        self.characters = 0
        self.seconds = 0.0
        self.requests = 0
        self.in_flight = 0
        super().__init__()
        self.add_class("snb-meter")

    def show_text(self, text: str) -> None:
        """Show what a text would cost."""
        self._text = text
        self._show()

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

    def _show(self) -> None:
        count = len(self._text)
        parts = [f"{count:,} characters, about {forecast(count)} of speech"]
        if self.requests:
            parts.append(
                f"spoken so far: {self.characters:,} characters, {self.seconds:.1f} s, {self.requests} requests"
            )
        if self.in_flight:
            parts.append(f"{self.in_flight} of {self._limit} under way")
        self.value = f"<div style='font-size:85%;line-height:1.4;opacity:.8'>{text_html(' · '.join(parts))}</div>"


def forecast(characters: int) -> str:
    """Return about how long a text of that length takes to speak."""
    seconds = characters / _CHARACTERS_PER_SECOND
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
