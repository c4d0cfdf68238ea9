"""Whether a failed connection is tried again, and when: one policy for every place that reconnects."""

from __future__ import annotations

import random
from collections.abc import Callable

from smallest_nb.errors import ConnectionLost, RateLimitError, ServiceError, SmallestError

__all__ = ["RetryPolicy", "is_busy", "is_retryable"]

_FIRST_WAIT_SECS = 0.25
_FIRST_BUSY_WAIT_SECS = 0.5
"""The vendor's advice after 429 and 503: begin with 500 ms, double, at most 30 s, and obey Retry-After."""
_LONGEST_WAIT_SECS = 30.0
_LONGEST_RETRY_AFTER_SECS = 30.0
"""Beyond it the error is raised at once: the caller can use the time better."""
_BURST, _PER_SECOND = 3, 0.3
"""Reconnections at once, and regained per second. With the first socket and a spare one: at most 8 in 10 s."""
_MAX_DOUBLINGS = 16
_TOO_MANY_SESSIONS = 1008


def is_retryable(error: SmallestError) -> bool:
    """Say whether the same connection attempt may succeed later.

    Lost connections, 429 and 5xx may; a refused key, a retired model and other 4xx will not.
    Close code 1008 is the service's "too many sessions" and may.
    """
    if isinstance(error, ConnectionLost | RateLimitError):
        return True
    return isinstance(error, ServiceError) and error.status is not None and error.status >= 500


def is_busy(error: BaseException) -> bool:
    """Say whether the service refused for lack of capacity: 429, or close code 1008, its "too many sessions"."""
    return isinstance(error, RateLimitError) or (isinstance(error, ConnectionLost) and error.code == _TOO_MANY_SESSIONS)


class RetryPolicy:
    """The reconnect budget of one service, over all its sockets. Pure: the caller brings the clock, and waits.

    A socket that opens is no progress: a service may accept, answer a little and fail, again and again. What counts is
    the mark given to :meth:`progress`, such as seconds of audio transcribed or sentences completed, and only if it is
    beyond what any earlier socket reached. Without progress the waits double, spread at random, and after `max_retries`
    failures in a row the error is raised. With progress the session goes on, but never faster than a fixed rate.

    Args:
        max_retries: Failures in a row without progress that are followed by another attempt.
        outage_secs: If given, handshakes that fail after a socket was lost are repeated for this many seconds, however
            many they are; the first handshake is always counted against `max_retries`.
        stable_secs: If given, a socket that was open for this many seconds counts as progress too: a silent microphone
            has nothing transcribed.
        longest_wait: Seconds of the longest wait, unless the service's `Retry-After` is longer.
        uniform: Returns a random number between two.
        on_busy: If given, called with each refusal for lack of capacity (:func:`is_busy`). Before any progress nothing
            is then tried again here: who schedules many requests knows best which one is to wait.
    """

    def __init__(
        self,
        max_retries: int,
        *,
        outage_secs: float | None = None,
        stable_secs: float | None = None,
        longest_wait: float = _LONGEST_WAIT_SECS,
        uniform: Callable[[float, float], float] = random.uniform,
        on_busy: Callable[[SmallestError], None] | None = None,
    ) -> None:
        self._max_retries = max_retries
        self._outage_secs = outage_secs
        self._stable_secs = stable_secs
        self._longest_wait = longest_wait
        self._uniform = uniform
        self._on_busy = on_busy
        self._mark = 0.0
        self._failures = 0
        self._refusals = 0
        self._outage_ends: float | None = None
        self._opened_at: float | None = None
        self._allowance = float(_BURST)
        self._allowance_at: float | None = None

    @property
    def max_retries(self) -> int:
        """Failures in a row without progress that are followed by another attempt."""
        return self._max_retries

    @property
    def failures(self) -> int:
        """Failures in a row without progress."""
        return self._failures

    def begin(self) -> None:
        """Begin a new request: earlier failures and marks do not count against it. The rate still holds."""
        self._mark = 0.0
        self._failures = self._refusals = 0
        self._outage_ends = None

    def opened(self, now: float) -> None:
        """A handshake succeeded."""
        self._opened_at = now
        self._refusals = 0
        self._outage_ends = None

    def closed(self, now: float) -> None:
        """The open socket ended, by whichever side."""
        opened_at, self._opened_at = self._opened_at, None
        if opened_at is not None and self._stable_secs is not None and now - opened_at >= self._stable_secs:
            self._failures = 0

    def progress(self, mark: float) -> None:
        """Note how far the session has come; only a mark beyond all earlier ones counts."""
        if mark > self._mark:
            self._mark = mark
            self._failures = 0

    def next_delay(self, error: SmallestError, now: float, *, lost: bool) -> float | None:
        """Decide what follows a failure.

        Args:
            error: What happened.
            now: Seconds on a monotonic clock.
            lost: True if a socket that had been open failed, False if the handshake did.

        Returns:
            Seconds to wait before the next attempt, or None if there should be none: raise :meth:`final_error`.
        """
        if self._on_busy is not None and is_busy(error):
            self._on_busy(error)
            if not self._mark:
                return None
        in_outage = self._outage_ends is not None and not lost
        if in_outage:
            self._refusals += 1
        else:
            self._failures += 1
        if not is_retryable(error) or (not in_outage and self._failures > self._max_retries):
            return None
        if lost and self._outage_secs is not None:
            self._outage_ends = now + self._outage_secs
        wait = self._backoff(error, self._failures + self._refusals)
        asked = error.retry_after if isinstance(error, ServiceError) else None
        if asked is not None:
            if asked > _LONGEST_RETRY_AFTER_SECS:
                return None
            wait = max(wait, asked)
        if in_outage and self._outage_ends is not None:
            left = self._outage_ends - now
            if left <= 0 or (asked or 0.0) > left:
                return None
            return min(left, max(wait, self._rate_wait(now)))  # the last attempt is at the very end
        return max(wait, self._rate_wait(now))

    def _backoff(self, error: SmallestError, attempt: int) -> float:
        if isinstance(error, ServiceError):  # the service is busy or ill, and has said how it wants to be treated
            shortest = min(self._longest_wait, _FIRST_BUSY_WAIT_SECS * 2 ** min(attempt - 1, _MAX_DOUBLINGS))
            return self._uniform(shortest, 1.5 * shortest)
        if attempt == 1:
            return 0.0
        return self._uniform(0.0, min(self._longest_wait, _FIRST_WAIT_SECS * 2 ** min(attempt - 2, _MAX_DOUBLINGS)))

    def _rate_wait(self, now: float) -> float:
        """Take one reconnection from the allowance; return the seconds until it is there."""
        if self._allowance_at is not None:
            self._allowance = min(_BURST, self._allowance + (now - self._allowance_at) * _PER_SECOND)
        self._allowance_at = now
        self._allowance -= 1
        return max(0.0, -self._allowance / _PER_SECOND)

    def final_error(self, error: SmallestError) -> SmallestError:
        """Return what to raise after :meth:`next_delay` returned None: for repeated losses, with what to do."""
        if not isinstance(error, ConnectionLost) or self._failures + self._refusals < 2:
            return error
        closing = str(ConnectionLost("", code=error.code, reason=error.reason))
        return ConnectionLost(
            f"{self._failures + self._refusals} connection attempts in a row brought nothing new, so no further one is "
            "made. Check the network and the service's status, then try again; `max_retries` allows more attempts. "
            f"The last one: {str(error).removesuffix(closing)}",
            code=error.code,
            reason=error.reason,
        )
