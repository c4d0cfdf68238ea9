"""Logging what went wrong in work that no caller waits for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

__all__ = ["log_failure"]


def log_failure(log: logging.Logger, what: str, *, expected: type[Exception] | None = None) -> Callable[[Any], None]:
    """Return a callback for `add_done_callback` of a task or future.

    Args:
        log: Of the module whose work it is.
        what: The beginning of the line, such as "an audition failed".
        expected: Errors that a person sees in the widget; they are logged as information, without a traceback.
    """

    def done(work: Any) -> None:
        if work.cancelled() or (error := work.exception()) is None:
            return
        if expected is not None and isinstance(error, expected):
            log.info("%s: %s", what, error)
        else:
            log.error(what, exc_info=error)

    return done
