"""Waking those who wait for a condition on the background loop, without asking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["ChangeSignal"]


class ChangeSignal:
    """Belongs to one event loop.

    Each condition is looked at inside `notify`, and not when the waiting task runs next: a state that lasts for no
    time at all, such as a recording of an empty clip, is seen too.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def notify(self) -> None:
        """Wake the tasks whose condition holds now. Call it after each change that a condition may be about."""
        for condition, future in list(self._waiting):
            if not future.done() and condition():
                future.set_result(None)

    async def wait_for(self, condition: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until a condition holds.

        Args:
            condition: Must be cheap and must not raise.
            seconds: For how long, or None for no limit of its own.

        Returns:
            Whether it held in that time.
        """
        if condition():
            return True
        entry = condition, asyncio.get_running_loop().create_future()
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(seconds) as limit:
                await entry[1]
        except TimeoutError:
            if not limit.expired():
                raise
            return False
        finally:
            self._waiting.remove(entry)
        return True
