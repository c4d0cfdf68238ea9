"""When the tuner speaks: at a press, or a moment after the last change; what costs much is asked back first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from smallest_nb.notebook.widgets.usage_meter import forecast

__all__ = ["Wishes"]

_DEBOUNCE_SECS = 0.25
_AGAIN_SECS = 10.0


class Wishes:
    """What a person wants to hear next. Runs on the background loop.

    Args:
        speak: Begins an audition; True asks the service even where the take is known.
        tell: Shows a line.
        warn_characters: More than this is asked back.
    """

    def __init__(self, speak: Callable[[bool], None], tell: Callable[[str], None], warn_characters: int) -> None:
        self._speak = speak
        self._tell = tell
        self._warn_characters = warn_characters
        self._warned: tuple[str, float] = ("", 0.0)
        self._coming: asyncio.TimerHandle | None = None

    def now(self, text: str, *, fresh: bool = False, free: bool = False) -> None:
        """Speak, unless it would spend much and was not asked back yet.

        Args:
            text: What would be spoken.
            fresh: Ask the service even where the take is known.
            free: It would be heard again and cost nothing.
        """
        warned, at = self._warned
        dear = len(text) > self._warn_characters and not free
        if dear and not (warned == text and monotonic() - at < _AGAIN_SECS):
            self._warned = (text, monotonic())
            count = len(text)
            self._tell(f"{count:,} characters, about {forecast(count)} of speech: press again to speak them.")
            return
        self._begin(fresh)

    def soon(self, text: str) -> None:
        """Speak once no other change has come for a moment; a long text waits for a press."""
        self.forget()
        if len(text) <= self._warn_characters:
            self._coming = asyncio.get_running_loop().call_later(_DEBOUNCE_SECS, self._begin, False)

    def forget(self) -> None:
        """Give up what would come."""
        if self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def _begin(self, fresh: bool) -> None:
        self._coming = None
        self._speak(fresh)
