"""An event loop whose clock jumps to the next thing that happens: an outage of minutes takes milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

BEGIN = 1000.0


class _JumpingSelector(selectors.SelectSelector):
    """Lets the time pass instead of waiting for it."""

    loop: SimulatedLoop

    def select(self, timeout=None):
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("nothing more will happen, and somebody waits for it")
            self.loop.advance(timeout)
        return found


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Has a clock of its own, in seconds."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        selector.loop = self
        self._seconds = BEGIN
        super().__init__(selector)

    def time(self) -> float:
        """Return the simulated time."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Let time pass, as it does while a program is blocked or suspended."""
        self._seconds += max(0.0, seconds)


def run(coroutine: Coroutine[Any, Any, Any], loop: SimulatedLoop) -> Any:
    """Run to the end in simulated time."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(coroutine)
