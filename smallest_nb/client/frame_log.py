"""Log lines about frames that were dropped: the first at once, the others as a number now and then."""

from __future__ import annotations

import logging
from time import monotonic

__all__ = ["FrameLog"]

_EVERY_SECS = 60.0
_MAX_CHARS = 300


class FrameLog:
    """Reports frames that could not be read or handled. A service may send them without end; the log stays short.

    Args:
        log: Where to.
        kind: "TTS" or "STT".
    """

    def __init__(self, log: logging.Logger, kind: str) -> None:
        self._log = log
        self._kind = kind
        self._count = 0
        self._next_at = 0.0

    def ignored(self, why: str) -> None:
        """A frame was not understood."""
        if self._is_due():
            self._log.warning("ignored a frame of %s: %s%s", self._kind, why[:_MAX_CHARS], self._others())

    def failed(self, error: Exception) -> None:
        """Handling a frame raised."""
        if self._is_due():
            what = f"{type(error).__name__}: {error}"[:_MAX_CHARS]
            self._log.warning(
                "dropped a frame of %s that could not be handled (%s)%s",
                self._kind, what, self._others(), exc_info=error,
            )  # fmt: skip

    def close(self) -> None:
        """Report how many there were since the last line."""
        if self._count:
            self._log.warning("ignored %d further frames of %s", self._count, self._kind)
            self._count = 0

    def _is_due(self) -> bool:
        if monotonic() < self._next_at:
            self._count += 1
            return False
        self._next_at = monotonic() + _EVERY_SECS
        return True

    def _others(self) -> str:
        count, self._count = self._count, 0
        return f" (and {count} others since the last such line)" if count else ""
