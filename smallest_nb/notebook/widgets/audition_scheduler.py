"""When the tuner speaks: at a press, or a moment after the last change; a long text needs a second press."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from smallest_nb.notebook.widgets.usage_meter import forecast

__all__ = ["AuditionScheduler"]

_DEBOUNCE_SECS = 0.25
_CONFIRM_SECS = 10.0


class AuditionScheduler:
    """Begins auditions for a person. Runs on the background loop.

    Args:
        speak: Begins an audition; True asks the service even if the take is known.
        show: Shows a line.
        warn_characters: A longer text needs a second press.
    """

    def __init__(self, speak: Callable[[bool], None], show: Callable[[str], None], warn_characters: int) -> None:
        self._speak = speak
        self._show = show
        self._warn_characters = warn_characters
        self._warned: tuple[str, float] = ("", 0.0)
        self._timer: asyncio.TimerHandle | None = None

    def speak_now(self, text: str, *, fresh: bool = False, free: bool = False) -> None:
        """Speak, unless it would cost much and was not confirmed yet.

        Args:
            text: What would be spoken.
            fresh: Ask the service even if the take is known.
            free: It would be played again and cost nothing.
        """
        warned, at = self._warned
        expensive = len(text) > self._warn_characters and not free
        if expensive and not (warned == text and monotonic() - at < _CONFIRM_SECS):
            self._warned = (text, monotonic())
            count = len(text)
            self._show(f"{count:,} characters, about {forecast(count)} of speech: press again to speak them.")
            return
        self._begin(fresh)

    def speak_soon(self, text: str) -> None:
        """Speak once no other change has come for a moment; a long text waits for a press."""
        self.cancel()
        if len(text) <= self._warn_characters:
            self._timer = asyncio.get_running_loop().call_later(_DEBOUNCE_SECS, self._begin, False)

    def cancel(self) -> None:
        """Cancel what would be spoken soon."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self, fresh: bool) -> None:
        self._timer = None
        self._speak(fresh)
