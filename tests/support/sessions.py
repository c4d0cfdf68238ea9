"""What a simulator was asked to do, from the lines that it logs."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager

__all__ = ["counted_sessions"]

_END_SECS = 20.0


class _Counter(logging.Handler):
    def __init__(self):
        super().__init__(logging.INFO)
        self.sessions = []
        self._changed = threading.Condition()

    def emit(self, record):
        if (session := getattr(record, "session", None)) is not None:
            with self._changed:
                self.sessions.append(session)
                self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.sessions) >= count, _END_SECS), "a session did not end"

    def total(self, name):
        """Return a figure summed over all sessions that have ended."""
        return sum(session.get(name, 0) for session in self.sessions)


@contextmanager
def counted_sessions(simulator):
    """Give what counts the sessions of a simulator in the block; at its end all that were opened have ended."""
    logger, counter, before = logging.getLogger("smallest_nb.simulator"), _Counter(), simulator.sessions
    level = logger.level
    logger.addHandler(counter)
    logger.setLevel(logging.INFO)
    try:
        yield counter
        counter.wait_for(simulator.sessions - before)
    finally:
        logger.removeHandler(counter)
        logger.setLevel(level)
