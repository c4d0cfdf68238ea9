"""When the tuner speaks: at a press, or a moment after the last change; a long text needs a second press."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["AuditionScheduler"]

_DEBOUNCE_SECS = 0.25


class AuditionScheduler:
    """Begins auditions for a person. Runs on the background loop.

    Args:
        speak: Begins an audition; True asks the service even if the take is known.
        confirm: Called with the number of characters that the next press speaks, or 0 when none needs a second one.
        warn_characters: A longer text needs a second press.
    """

    def __init__(self, speak: Callable[[bool], None], confirm: Callable[[int], None], warn_characters: int) -> None:
        self._speak = speak
        self._confirm = confirm
        self._warn_characters = warn_characters
        self._warned: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def speak_now(self, text: str, *, fresh: bool = False, free: bool = False) -> None:
        """Speak, unless it would cost much and was not confirmed yet.

        Args:
            text: What would be spoken.
            fresh: Ask the service even if the take is known.
            free: It would be played again and cost nothing.
        """
        if len(text) > self._warn_characters and not free and self._warned != text:
            self._warned = text
            self._confirm(len(text))
            return
        self.forget_warning()
        self._begin(fresh)

    def forget_warning(self) -> None:
        """The text is another one, or was spoken: a long one needs a second press again."""
        self._warned = None
        self._confirm(0)

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
