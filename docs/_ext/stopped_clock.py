"""A clock for a process that plays recordings: it stands while there is work, and leaps where everything waits.

So a recording keeps its own times to the millisecond, however busy the machine is, and takes no longer than its work.
`install` comes before whatever is to follow the clock is imported.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Clock", "install"]

_real = time.monotonic


class Clock:
    """Stands where `time.monotonic` was.

    Attributes:
        now: Seconds; set by the thread of the event loop only.
    """

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now

    def strike(self) -> None:
        """Go on to a whole second: what follows is then reckoned alike in every run."""
        self.now = float(math.floor(self.now) + 1)

    def until(self, over: Callable[[], object], most_secs: float) -> None:
        """Wait, in another thread than the event loop's, until something is over.

        Args:
            over: Says whether it is.
            most_secs: Real seconds.

        Raises:
            TimeoutError: It took longer.
        """
        deadline = _real() + most_secs
        while not over():
            if _real() > deadline:
                raise TimeoutError(f"The recording was not over after {most_secs:g} s.")
            time.sleep(0.005)


def install() -> Clock:
    """Put a clock in the place of the process's own, and of each event loop's that is made from now on."""
    clock = Clock()

    class Selector(selectors.DefaultSelector):
        """Where nothing is ready, the time that would be waited is over at once."""

        def select(self, timeout: float | None = None) -> Any:
            found = super().select(None if timeout is None else 0)
            if timeout is not None and not found:
                clock.now += max(0.0, timeout)
            return found

    time.monotonic = clock
    asyncio.new_event_loop = lambda: asyncio.SelectorEventLoop(Selector())
    return clock
