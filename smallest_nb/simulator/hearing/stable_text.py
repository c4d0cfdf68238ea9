"""Interim text whose beginning stays as it is once hypotheses in a row agreed on it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import takewhile

__all__ = ["StableText"]

_AGREEING, _SETTLING = 2, 3
"""Hypotheses in a row that agree on what is likely to stay, and on what is shown from then on whatever comes."""
_UNSURE = 1
"""Words at the end that may still be cut off."""


class StableText:
    """The interim text of one segment.

    Attributes:
        stable: Words that will be shown until the segment ends.
        agreed: How many words the last two hypotheses agree on.
    """

    def __init__(self) -> None:
        self._recent: list[list[str]] = []
        self.stable: list[str] = []
        self.agreed = 0

    def update(self, words: Sequence[str]) -> list[str]:
        """Take a new hypothesis and return what is to be shown."""
        shown = [*self.stable, *words[self._find_end(words) :]]
        self._recent = [*self._recent, shown][-_SETTLING:]
        self.agreed = self._count_agreed(_AGREEING)
        sure = self._count_agreed(_SETTLING)
        if sure > len(self.stable):
            self.stable = shown[:sure]
        return shown

    def clear(self) -> None:
        """Begin with the next segment."""
        self._recent, self.stable, self.agreed = [], [], 0

    def _count_agreed(self, count: int) -> int:
        recent = self._recent[-count:]
        if len(recent) < count:
            return 0
        same = len(list(takewhile(lambda words: len(set(words)) == 1, zip(*recent, strict=False))))
        return max(0, min(same, len(recent[-1]) - _UNSURE))

    def _find_end(self, words: Sequence[str]) -> int:
        """Return where a hypothesis goes on after what is stable."""
        if list(words[: len(self.stable)]) == self.stable:
            return len(self.stable)
        blocks = SequenceMatcher(a=self.stable, b=list(words), autojunk=False).get_matching_blocks()
        last = max((b for b in blocks if b.size), key=lambda b: b.a, default=None)
        if last is None:
            return min(len(self.stable), len(words))
        behind = len(self.stable) - (last.a + last.size)
        return min(last.b + last.size + behind, len(words))
