"""When an interim text is taken for the whole turn, learnt from how late the service's interim results are."""

from __future__ import annotations

__all__ = ["EarlyStart"]

_FIRST_LAG_SECS = 0.2
_MOST_LAG_SECS = 2.0
_LEARNING = 0.3
_SOON, _LATE = 0.7, 1.6
"""Shares of the lag: an interim after the first is likely to have the last words, after the second none is coming."""
_MOST_STARTS = 2
"""Early starts for one turn: what is thrown away is paid for."""


class EarlyStart:
    """Decides when an interim is stable.

    Attributes:
        due_at: When to begin if nothing else comes before, or None.
        starts: Early starts for the present turn.
        lag: Seconds from the last sound of a turn to the interim that has its last words, as learnt.
    """

    def __init__(self) -> None:
        self.due_at: float | None = None
        self.starts = 0
        self.lag = _FIRST_LAG_SECS
        self._interim_at = float("-inf")

    def interim_came(self, now: float) -> None:
        """The interim text has changed."""
        self._interim_at = now
        self.due_at = None

    def is_stable(self, now: float, quiet_since: float) -> bool:
        """Say whether the text is likely to be all of the turn; if not yet, `due_at` says when it will be.

        Args:
            now: The time.
            quiet_since: When the last sound of the person was heard.
        """
        if self.starts >= _MOST_STARTS:
            return False
        late = max(quiet_since + _LATE * self.lag, self._interim_at)
        if self._interim_at >= quiet_since + _SOON * self.lag or now >= late:
            return True
        self.due_at = late
        return False

    def final_came(self, text: str, interim: str, quiet_since: float) -> None:
        """Learn from a final: how late the interim with the same text was."""
        if text and text == interim:
            lag = min(_MOST_LAG_SECS, max(0.0, self._interim_at - quiet_since))
            self.lag += _LEARNING * (lag - self.lag)

    def was_wrong(self, now: float, quiet_since: float) -> None:
        """Learn from an early start that another interim has made wrong: it would have been worth the wait."""
        self.lag = max(self.lag, min(_MOST_LAG_SECS, (now - quiet_since) / _LATE))

    def take(self) -> bool:
        """Count a start; return whether there is one left for this turn."""
        self.due_at = None
        if self.starts >= _MOST_STARTS:
            return False
        self.starts += 1
        return True

    def reset_timer(self) -> None:
        """The person goes on speaking."""
        self.due_at = None

    def new_turn(self) -> None:
        """The turn was answered."""
        self.starts = 0
