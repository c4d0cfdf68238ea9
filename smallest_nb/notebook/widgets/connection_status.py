"""What a transcriber's connection does, in words: what is waited for, and how long."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from time import monotonic

from smallest_nb.client.cleanup import start_task
from smallest_nb.client.tts_events import RetryWait
from smallest_nb.errors import ConnectionLost, RateLimitError, SmallestError

__all__ = ["ConnectionStatus"]

_SILENT_SECS = 2.0
"""A connection that takes no longer needs no clock beside it."""


class ConnectionStatus:
    """Keeps one sentence true. Runs on the background loop.

    Args:
        show: Takes the sentence; empty between recordings, unless finals have come.
        to_final: Returns the seconds from the end of speech to its final, or None while they are not known.
    """

    def __init__(self, show: Callable[[str], None], to_final: Callable[[], float | None]) -> None:
        self._show = show
        self._to_final = to_final
        self._sentence: Callable[[], str] = lambda: ""
        self._waiting_secs: float | None = None
        self._clock: asyncio.Task[None] | None = None
        self._is_open = False

    def connecting(self) -> None:
        """A connection is being made."""
        began = monotonic()

        def sentence() -> str:
            took = monotonic() - began
            return "Connecting…" if took < _SILENT_SECS else f"Connecting for {took:.0f} s…"

        self._waiting_secs = None
        self._say_each_second(sentence)

    def retrying(self, wait: RetryWait) -> None:
        """An attempt failed, or a connection was lost; another one comes."""
        due, why = monotonic() + wait.seconds, "The connection was lost" if self._is_open else _reason(wait.error)
        self._is_open = False

        def sentence() -> str:
            left = math.ceil(due - monotonic())
            count = f" ({wait.attempt} of {wait.most})" if wait.attempt <= wait.most else ""
            return f"{why}; next try in {left} s{count}" if left > 0 else f"{why}; trying again…"

        self._say_each_second(sentence)

    def stopped(self, seconds: float) -> None:
        """The recording was stopped before there was a connection; so much sound waits for it."""
        self._waiting_secs = seconds
        self._say()

    def connected(self) -> None:
        """The connection is there; call it again when a final has come."""
        self._waiting_secs = None
        self._is_open = True
        self._say_once("Connected" + self._figures(" · finals {} s after speech ends"))

    def ended(self) -> None:
        """Nothing is transcribed any more."""
        self._waiting_secs = None
        self._is_open = False
        self._say_once(self._figures("Finals came {} s after speech ended"))

    def _figures(self, text: str) -> str:
        seconds = self._to_final()
        return "" if seconds is None else text.format(f"{max(0.0, seconds):.1f}")

    def _say_once(self, text: str) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        self._sentence = lambda: text
        self._say()

    def _say_each_second(self, sentence: Callable[[], str]) -> None:
        self._say_once("")
        self._sentence = sentence
        self._say()
        self._clock = start_task(self._tick())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._say()

    def _say(self) -> None:
        text = self._sentence()
        if self._waiting_secs is not None and text:
            text = f"{text} · {self._waiting_secs:.1f} s of sound wait"
        self._show(text)


def _reason(error: SmallestError) -> str:
    if isinstance(error, RateLimitError):
        return "The service is busy"
    if isinstance(error, ConnectionLost):
        return "The service cannot be reached"
    return "The service has answered with an error"
