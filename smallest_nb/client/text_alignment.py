"""Where two sockets heard the same audio: finds which words of the new one are written already. Pure.

After a loss, audio that was sent but perhaps not transcribed is sent again. Results with times say exactly how far they
go. Without times the words themselves decide: what the new socket says first must be the end of what the old one said.
"""

from __future__ import annotations

from collections.abc import Sequence

from smallest_nb.results.transcript.folding import fold_word

__all__ = ["TextAlignment"]

_ENOUGH = 2
"""Words in a row that have to agree before one that was heard differently beside them is taken for the same."""


class TextAlignment:
    """Removes repeated words from the first results of a new socket.

    Args:
        written: The words, in order, that may be heard again; the sound of each was sent again, or that of none before
            some place that is not known.

    Attributes:
        resolved: Whether the place was found, or is not there: nothing more has to be looked at.
    """

    def __init__(self, written: Sequence[str]) -> None:
        self._written = [folded for word in written if (folded := fold_word(word))]
        self._next: int | None = None
        self.resolved = not self._written

    def repeated(self, text: str, *, is_final: bool) -> int:
        """Return how many of the first words of a result are written already.

        Args:
            text: The result.
            is_final: Whether it is final: only then is the place kept, because an interim is replaced by the next.
        """
        if self.resolved:
            return 0
        tokens = text.split()
        spoken = [(fold_word(token), number) for number, token in enumerate(tokens)]
        spoken = [(word, number) for word, number in spoken if word]  # punctuation alone is no word
        if not spoken:
            return 0
        count, reached = self._match([word for word, _ in spoken])
        if is_final:
            self._next = reached
            self.resolved = reached in (None, len(self._written))
        if not count:
            return 0
        return spoken[count][1] if count < len(spoken) else len(tokens)

    def _match(self, spoken: list[str]) -> tuple[int, int | None]:
        """Return how many words are repeated, and the place in what was written that they reach; None if none are."""
        if self._next is not None:  # the words before went up to here, so these go on from here
            count = self._run(spoken, 0, self._next)
            if count == len(spoken) or self._next + count == len(self._written):
                return count, self._next + count
        return self._across_the_end(spoken) or self._within(spoken) or (0, None)

    def _run(self, spoken: list[str], at: int, place: int) -> int:
        count = 0
        while at + count < len(spoken) and place + count < len(self._written):
            if spoken[at + count] != self._written[place + count]:
                break
            count += 1
        return count

    def _across_the_end(self, spoken: list[str]) -> tuple[int, int] | None:
        """Find the longest run from (nearly) the first word spoken to (nearly) the last one written."""
        size = len(self._written)
        for place in range(self._next or 0, size):
            for skipped in (0, 1):  # the sound may have begun within a word, which was then heard as another one
                count = self._run(spoken, skipped, place)
                if skipped and (count < _ENOUGH or place == 0):
                    continue
                if count and place + count == size:
                    return skipped + count, size
                is_last = place + count == size - 1 and skipped + count < len(spoken)
                if count >= _ENOUGH and is_last and _is_cut(self._written[-1], spoken[skipped + count]):
                    return skipped + count + 1, size
        return None

    def _within(self, spoken: list[str]) -> tuple[int, int] | None:
        """Find all that was spoken in the midst of what was written: more of that is still to come."""
        for place in range(self._next or 0, len(self._written)):
            for skipped in (0, 1):
                count = self._run(spoken, skipped, place)
                if count and skipped + count == len(spoken) and not (skipped and (count < _ENOUGH or place == 0)):
                    return len(spoken), place + count
        return None


def _is_cut(one: str, other: str) -> bool:
    """Say whether two words may be one, of which the end was not yet heard."""
    return one.startswith(other) or other.startswith(one)
