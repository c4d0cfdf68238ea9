"""One readable line for each session and call, or one line of JSON for machines."""

from __future__ import annotations

import json
import logging
from time import monotonic
from typing import Any

__all__ = ["JSONLines", "Report"]

_log = logging.getLogger("smallest_nb.simulator")


class Report:
    """Collects what happened in a session; `add` counts, `note` keeps, `done` logs it once.

    Args:
        kind: "tts", "stt" or "rest".
        path: The path without its query, which may carry a key.
    """

    def __init__(self, kind: str, path: str) -> None:
        self._kind = kind
        self._path = path
        self._started = monotonic()
        self._facts: dict[str, Any] = {}
        self._done = False

    def add(self, **counts: float) -> None:
        """Count something."""
        for name, number in counts.items():
            self._facts[name] = round(self._facts.get(name, 0) + number, 3)

    def note(self, **facts: Any) -> None:
        """Keep something; None is left out, the first of a name wins."""
        for name, value in facts.items():
            if value is not None:
                self._facts.setdefault(name, value)

    def done(self, **facts: Any) -> None:
        """Log the session."""
        if self._done:
            return
        self._done = True
        self.note(**facts)
        seconds = round(monotonic() - self._started, 3)
        summary = "  ".join(f"{name.replace('_', ' ')} {value}" for name, value in self._facts.items())
        session = {"kind": self._kind, "path": self._path, "seconds": seconds, **self._facts}
        _log.info("%-4s %s  %.2f s  %s", self._kind, self._path, seconds, summary, extra={"session": session})


class JSONLines(logging.Formatter):
    """Writes records as JSON, one a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"time": self.formatTime(record), "level": record.levelname.lower()}
        session = getattr(record, "session", None)
        return json.dumps(line | (session if session is not None else {"message": record.getMessage()}))
