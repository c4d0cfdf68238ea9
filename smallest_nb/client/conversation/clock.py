"""The clock of a conversation: real time, or faster for a recording that is pushed and a sink that only counts."""

from __future__ import annotations

import asyncio
from time import monotonic

from smallest_nb.common.numbers import is_number
from smallest_nb.errors import ConfigError

__all__ = ["ConversationClock"]


class ConversationClock:
    """Seconds of the conversation, which sources and sinks share.

    Args:
        speed: Seconds of the conversation for one second; 1 with people and devices. What the service takes counts as
            so many times longer.

    Raises:
        ConfigError: `speed` is not a number from 0.1 to 100.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not is_number(speed) or not 0.1 <= speed <= 100:
            raise ConfigError(f"speed={speed!r} cannot be used; expected a number from 0.1 to 100.")
        self.speed = float(speed)
        self._began = monotonic()

    def now(self) -> float:
        """Return the time."""
        return (monotonic() - self._began) * self.speed

    def real_seconds(self, until: float) -> float:
        """Return how long it takes until then, in seconds of the machine."""
        return max(0.0, (until - self.now()) / self.speed)

    async def sleep_until(self, time: float) -> None:
        """Wait until then."""
        await asyncio.sleep(self.real_seconds(time))
