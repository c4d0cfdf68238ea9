"""What turns the sound of one segment into words; the recogniser decides where segments begin and end."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from smallest_nb.simulator.text.recognised_word import RecognisedWord

__all__ = ["Decoder", "Hypothesis", "end_loops", "end_repetition"]

_LONGEST_REPEATED = 6
_REPEATS = 3
_PHRASE = 3
"""So many words are not said twice without a word between."""
_FASTEST = 5.5
"""Words a second that a person says; more of them, repeated, are a loop of the model and were not said."""
_MARKS = re.compile(r"[.,?!]")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What was said so far, as it seems; the first `settled` words will hardly change."""

    words: list[str]
    settled: int


class Decoder(Protocol):
    """Decodes one segment after the other; PCM16 at 16 kHz."""

    async def start(self) -> None:
        """Take what it needs.

        Raises:
            EngineError: The engine is missing, in its own words.
        """

    async def add(self, pcm: bytes, *, quiet: int) -> None:
        """Take a piece of the segment; the last `quiet` bytes so far hold no voice."""

    async def guess(self) -> Hypothesis | None:
        """Return the words so far, without marks; None if now is no time to ask."""

    async def finish(self) -> list[RecognisedWord]:
        """End the segment and return its words, in seconds from its beginning."""

    async def close(self) -> None:
        """Return what was taken."""


def end_loops(words: Sequence[str], seconds: float) -> list[str]:
    """Return words without the repetitions for which there was no time.

    Args:
        words: As a model wrote them.
        seconds: How long the voice was.
    """
    kept = list(words)
    while len(kept) > _FASTEST * max(seconds, 0.3):
        loop = _find_loop(kept)
        if loop is None:
            break
        start, size, count = loop
        del kept[start + size : start + size * count]
    return kept


def end_repetition(words: Sequence[str]) -> list[str]:
    """Return a hypothesis without what its end repeats: a model goes in circles where a sentence is cut off."""
    kept = list(words)
    for size in range(_LONGEST_REPEATED, 0, -1):
        most = 1 if size >= _PHRASE else _REPEATS
        while len(kept) > size * most and _count_last(kept, size) > most:
            del kept[-size:]
    return kept


def _count_last(words: Sequence[str], size: int) -> int:
    count = 1
    while words[-size * (count + 1) : -size * count] == words[-size:]:
        count += 1
    return count


def _find_loop(words: Sequence[str]) -> tuple[int, int, int] | None:
    """Return where words repeat at once, how many, and how often."""
    keys = [_MARKS.sub("", w).lower() for w in words]
    for size, start in itertools.product(range(1, _LONGEST_REPEATED + 1), range(len(keys))):
        count = 1
        while keys[start + size * count : start + size * (count + 1)] == keys[start : start + size]:
            count += 1
        if count >= _REPEATS and start + size * count <= len(keys):
            return start, size, count
    return None
