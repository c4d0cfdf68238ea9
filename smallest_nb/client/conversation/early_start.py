"""When an interim text is taken for the whole turn, learnt from how late the service's interim results are.

An interim result has the words that were said some time before it comes. One that comes long enough after the last
sound has all of them; one that comes sooner may lack the last, which the next interim result or the final brings. Where
the line is drawn is learnt from each final: an interim that was wrong moves it up, one that was right moves it down.
The interval between interim results says when another one would have come.
"""

from __future__ import annotations

import math

from smallest_nb.client.conversation.heard_text import same_words

__all__ = ["EarlyStart"]

_FIRST_SOON_SECS, _FIRST_LAG_SECS, _FIRST_GAP_SECS = -0.05, 0.2, 0.5
_LEAST_SOON_SECS, _MOST_LAG_SECS = -0.2, 2.0
_LEARNING = 0.3
_UP, _MARGIN_SECS, _DOWN = 0.3, 0.02, 0.6
"""How far a wrong interim moves the line above it, and how far a right one moves the line down to it."""
_GAP_JITTER = 0.15
"""Of the interval between two interim results."""
_GAPS_SECS = (0.08, 1.5)
"""Two interim results that follow each other in speech; what is more is a pause."""
_SHARE_OF_LATE = 0.6
"""Where the average is, at the least, if an interim that proves an early start wrong comes so late."""
_MOST_STARTS = 2
"""Early starts for one turn."""
_RISKED, _MOST_WASTED, _ALLOWANCE = 0.2, 1 / 3, 60
"""Shares of what was spoken that may be thrown away: beyond the first only what is likely to be right is begun, beyond
the second nothing. So many characters are thrown away before that."""
_MOST_CANDIDATES = 8


class EarlyStart:
    """Decides when an interim is stable.

    Attributes:
        due_at: When to begin if nothing else comes before, or None.
        starts: Early starts for the present turn.
        soon: Seconds after the last sound from which on an interim is taken to have all words, as learnt.
        lag: Seconds from the last sound of a turn to the interim that has its last words, on average, as learnt.
        gap: Seconds between two interim results, as learnt.
    """

    def __init__(self) -> None:
        self.due_at: float | None = None
        self.starts = 0
        self.soon = _FIRST_SOON_SECS
        self.lag = _FIRST_LAG_SECS
        self.gap = _FIRST_GAP_SECS
        self._interim_at = float("-inf")
        self._candidates: list[tuple[float, str]] = []
        """Interim texts of this pause, and how long after the last sound each came."""

    def interim_came(self, now: float, *, is_speaking: bool) -> None:
        """The interim text has changed."""
        gap = now - self._interim_at
        if is_speaking and _GAPS_SECS[0] <= gap <= _GAPS_SECS[1]:
            self.gap += _LEARNING * (gap - self.gap)
        self._interim_at = now
        self.due_at = None

    def is_stable(self, text: str, now: float, quiet_since: float, *, wasted: int, spoken: int) -> bool:
        """Say whether the text is likely to be all of the turn; if not yet, `due_at` says when it will be.

        Args:
            text: The interim text.
            now: The time.
            quiet_since: When the last sound of the person was heard.
            wasted: Characters that were thrown away so far in this conversation.
            spoken: Characters that were spoken.
        """
        if self.starts >= _MOST_STARTS or wasted > _MOST_WASTED * spoken + _ALLOWANCE:
            return False
        offset = self._interim_at - quiet_since
        if text and (not self._candidates or self._candidates[-1] != (offset, text)):
            self._candidates = [*self._candidates[1 - _MOST_CANDIDATES :], (offset, text)]
        if offset >= self.soon:
            return True
        if wasted > _RISKED * spoken + _ALLOWANCE:
            return False
        # An interim of what was heard at the very end would have come by then: it had no other words, and was not sent.
        intervals = max(1, math.ceil((self.soon - offset) / self.gap))
        due = self._interim_at + (intervals + _GAP_JITTER) * self.gap
        if now >= due:
            return True
        self.due_at = due
        return False

    def final_came(self, text: str) -> None:
        """Learn from a final: which of the interim texts before it had all its words, and how late they were."""
        for offset, interim in self._candidates if text else ():
            if same_words(interim, text):
                late = min(_MOST_LAG_SECS, max(0.0, offset))
                self.lag += _LEARNING * (late - self.lag)
                if offset < self.soon:
                    self.soon -= _DOWN * (self.soon - max(_LEAST_SOON_SECS, offset))
            elif offset >= self.soon:
                # No further than the average of those that were right: what is wrong after that was misheard.
                self.soon = max(self.soon, min(self.lag, offset + _UP * max(0.0, self.lag - offset) + _MARGIN_SECS))
        self._candidates = []

    def was_wrong(self, now: float, quiet_since: float) -> None:
        """Learn from an early start that another interim has made wrong: it would have been worth the wait."""
        self.lag = max(self.lag, min(_MOST_LAG_SECS, _SHARE_OF_LATE * (now - quiet_since)))

    def take(self) -> bool:
        """Count a start; return whether there is one left for this turn."""
        self.due_at = None
        if self.starts >= _MOST_STARTS:
            return False
        self.starts += 1
        return True

    def reset(self) -> None:
        """The person goes on speaking."""
        self.due_at = None
        self._candidates = []

    def new_turn(self) -> None:
        """The turn was answered."""
        self.starts = 0
