"""The clock of a conversation: real time, or time that passes as the sound of the person is pushed."""

from __future__ import annotations

import asyncio
from time import monotonic

from smallest_nb.common.numbers import is_number
from smallest_nb.errors import ConfigError

__all__ = ["ConversationClock"]


class ConversationClock:
    """Seconds of the conversation, which its source and its sink share.

    Args:
        speed: Seconds of the conversation for one second; 1 with people and devices. What the service takes counts as
            so many times longer.
        is_simulated: Whether time passes only while a source waits for it, so that a busy machine makes a conversation
            slower and changes nothing else in it. For recordings and for sinks that only count.

    Raises:
        ConfigError: `speed` is not a number from 0.1 to 100.
    """

    def __init__(self, speed: float = 1.0, *, is_simulated: bool = False) -> None:
        if not is_number(speed) or not 0.1 <= speed <= 100:
            raise ConfigError(f"speed={speed!r} cannot be used; expected a number from 0.1 to 100.")
        self.speed = float(speed)
        self.is_simulated = is_simulated
        self._began = monotonic()
        self._passed = 0.0

    def now(self) -> float:
        """Return the time."""
        return self._passed if self.is_simulated else (monotonic() - self._began) * self.speed

    def real_seconds(self, until: float) -> float:
        """Return how long it takes until then at the earliest, in seconds of the machine."""
        return max(0.0, (until - self.now()) / self.speed)

    async def sleep_until(self, time: float) -> None:
        """Wait until then; of a simulated clock this is what lets time pass, so only its source calls it."""
        await asyncio.sleep(self.real_seconds(time))
        self._passed = max(self._passed, time)
