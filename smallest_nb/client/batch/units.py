"""How many requests an account has under way at once.

The plan's number of units is not served by any endpoint, so that it is learned as TCP learns a path's capacity:
additive increase and halving. Every refusal (429, close code 1008) halves the limit and lets all requests wait, as long
as `Retry-After` says. Until the first refusal each success adds one; after it a whole round of successes does.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from time import monotonic
from weakref import WeakKeyDictionary

from smallest_nb.client.target import Target
from smallest_nb.common.numbers import is_integer
from smallest_nb.common.secret import Secret
from smallest_nb.errors import ConfigError

__all__ = ["MOST_UNITS", "UnitLimiter", "account_limiter", "checked_units"]

MOST_UNITS = 100
"""What is tried at most if no number is given: the standard plan's transcriptions at once."""
_FIRST = 4
_FIRST_PAUSE_SECS = 0.5
_LONGEST_PAUSE_SECS = 30.0
_LONGEST_RETRY_AFTER_SECS = 300.0
_MOST_DOUBLINGS = 16
_MOST_ACCOUNTS = 64


def checked_units(units: int | None) -> int | None:
    """Return a number of units, or None for one that is to be learned.

    Raises:
        ConfigError: Not a whole number from 1 to 1000.
    """
    if units is None:
        return None
    if not is_integer(units) or not 1 <= units <= 1000:
        raise ConfigError(
            f"units={units!r} cannot be used; expected a whole number from 1 to 1000, or None to learn it."
        )
    return units


class UnitLimiter:
    """Lets as many requests run at once as the account has units. Belongs to one event loop.

    Args:
        most: More are never under way.
        first: How many are tried at first; None for `most`.
        clock: Returns seconds.
        uniform: Returns a random number between two.

    Attributes:
        most: As given; may be changed.
        in_use: Requests under way.
        highest: The most that were under way at once.
        refusals: How often the service refused.
    """

    def __init__(
        self,
        most: int = MOST_UNITS,
        first: int | None = None,
        *,
        clock: Callable[[], float] = monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.most = most
        self.in_use = self.highest = self.refusals = 0
        self._limit = float(min(most, most if first is None else first))
        self._clock, self._uniform = clock, uniform
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._paused_until = self._cut_at = 0.0
        self._refused_in_a_row = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return max(1, min(int(self._limit), self.most))

    def count(self, in_use: int) -> None:
        """Note how many requests are under way, where others let them run, as on the workers of a cluster."""
        self.in_use = in_use
        self.highest = max(self.highest, in_use)

    @property
    def paused_secs(self) -> float:
        """Seconds until the next request may begin, as the service asked."""
        return max(0.0, self._paused_until - self._clock())

    @contextlib.asynccontextmanager
    async def unit(self) -> AsyncIterator[float]:
        """Wait for a unit and hold it; gives the time at which it was obtained, for :meth:`refused`."""
        await self._acquire()
        try:
            yield self._clock()
        finally:
            self.in_use -= 1
            self._wake()

    async def _acquire(self) -> None:
        if not self._waiting and self._is_free():
            self._take()
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._wake()  # while requests are paused, this sets the timer
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # it was given a unit in the same moment
                self.in_use -= 1
                self._wake()
            raise

    def _is_free(self) -> bool:
        return self.in_use < self.limit and not self.paused_secs

    def _take(self) -> None:
        self.in_use += 1
        self.highest = max(self.highest, self.in_use)

    def _wake(self) -> None:
        while self._waiting and self._waiting[0].cancelled():
            self._waiting.popleft()
        while self._waiting and self._is_free():
            waiter = self._waiting.popleft()
            if not waiter.cancelled():
                self._take()
                waiter.set_result(None)
        if self._waiting and (pause := self.paused_secs):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._waiting[0].get_loop().call_later(pause, self._wake)

    def expect(self, units: int | None) -> None:
        """Begin another run: with the plan's number if it is known, else with what was learned."""
        self.most = units or MOST_UNITS
        if units is not None and not self.in_use:
            self._limit = float(units)
            self.refusals = 0

    def succeeded(self) -> None:
        """A request was served: the limit may grow, if it was what held others back."""
        self._refused_in_a_row = 0
        if self._limit < self.most and self.in_use >= self.limit:
            self._limit = min(float(self.most), self._limit + (1.0 / self._limit if self.refusals else 1.0))
            self._wake()

    def refused(self, began: float, retry_after: float | None = None) -> None:
        """The service refused a request for lack of capacity.

        Args:
            began: When the request got its unit. Of several that were under way together only one halves the limit.
            retry_after: Seconds that the service asks to wait, or None.
        """
        self.refusals += 1
        now = self._clock()
        if began >= self._cut_at:
            self._cut_at = now
            self._limit = max(1.0, min(self._limit, float(self.in_use)) / 2)
            self._refused_in_a_row += 1
        doublings = min(self._refused_in_a_row - 1, _MOST_DOUBLINGS)
        shortest = min(_LONGEST_PAUSE_SECS, _FIRST_PAUSE_SECS * 2**doublings)
        wait = self._uniform(shortest, 1.5 * shortest)
        if retry_after is not None:
            wait = max(wait, min(retry_after, _LONGEST_RETRY_AFTER_SECS))
        self._paused_until = max(self._paused_until, now + wait)


_accounts: WeakKeyDictionary[asyncio.AbstractEventLoop, list[tuple[str, Secret, UnitLimiter]]] = WeakKeyDictionary()


def account_limiter(target: Target, units: int | None) -> UnitLimiter:
    """Return the limiter of an account, which all runs of the running event loop share: what one learns the next knows.

    Args:
        target: The account.
        units: The plan's number, or None to learn it.
    """
    known = _accounts.setdefault(asyncio.get_running_loop(), [])
    for place, (base_url, key, limiter) in enumerate(known):
        if base_url == target.base_url and key.matches(target.key):
            known.append(known.pop(place))
            limiter.expect(units)
            return limiter
    limiter = UnitLimiter(units) if units is not None else UnitLimiter(MOST_UNITS, _FIRST)
    known.append((target.base_url, target.key, limiter))
    del known[:-_MOST_ACCOUNTS]
    return limiter
