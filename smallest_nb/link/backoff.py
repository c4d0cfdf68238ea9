"""Which failures are worth another try, and when. Imports errors only."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

from smallest_nb.errors import ConnectionLost, RateLimitError, ServiceError, SmallestError

__all__ = ["delays", "is_retryable"]


def is_retryable(error: SmallestError) -> bool:
    """Say whether the same connection attempt may succeed later.

    Lost connections, 429 and 5xx may; a refused key, a retired model and other 4xx will not.
    Close code 1008 is the service's "too many sessions" and may.
    """
    if isinstance(error, ConnectionLost | RateLimitError):
        return True
    return isinstance(error, ServiceError) and error.status is not None and error.status >= 500


def delays(retries: int | None, *, base: float = 0.25, cap: float = 30.0) -> Iterator[float]:
    """Yield the waits before each retry: none, then 0.25 s doubling with full jitter, capped.

    Args:
        retries: How many; None for no end.
        base: Seconds of the first wait that is not zero.
        cap: Seconds of the longest.
    """
    for attempt in count() if retries is None else range(retries):
        yield 0.0 if attempt == 0 else random.uniform(0, min(cap, base * 2 ** min(attempt - 1, 16)))  # noqa: S311 - jitter
