"""Which written words the groups of phonemes are that a synthesizer says. Standard library only, for Piper's worker."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["WordGroups"]

_ENDS = ("^", "$")
_UNCOUNTED = frozenset("ˈˌ ʲ")
"""Marks that come and go with the words around."""
_MOST_JOINED = 6
_JOINING = 0.6
"""What it costs to match more than one word with one group, in phonemes."""


class WordGroups:
    """Which written word each group of phonemes between spaces belongs to.

    Piper says what was said, not of what: short words grow together ("on the"), others fall apart. A word said by
    itself has nearly as many phonemes as in its sentence, so the groups are matched with the words by their sizes.

    Args:
        text: What is said.
        sentences: The phonemes of each of its sentences, a space between two groups.
        phonemize: Returns such sentences of a text.
    """

    def __init__(self, text: str, sentences: Sequence[Sequence[str]], phonemize: Callable[[str], Any]) -> None:
        words = [(m.start(), m.end() - m.start(), m.group()) for m in re.finditer(r"\S+", text)]
        said = [sum(map(_count, phonemize(word))) for _, _, word in words]
        sizes = [_count(group) for sentence in sentences for group in _split(sentence)]
        self._places = [(at, size) for at, size, _ in words]
        self._firsts = iter(_match(sizes, said))

    def place(self, lengths: Sequence[tuple[str, int]]) -> list[tuple[int, tuple[int, int]]]:
        """Return the words that begin in one sentence: samples from its start, and start and length in the text."""
        placed, at, is_new = [], 0, True
        for phoneme, samples in lengths:
            if phoneme == " ":
                is_new = True
            elif is_new and phoneme not in _ENDS:
                is_new = False
                index = next(self._firsts, None)
                if index is not None:
                    placed.append((at, self._places[index]))
            at += samples
        return placed


def _split(sentence: Sequence[str]) -> list[list[str]]:
    """Return the groups of phonemes between spaces."""
    return [list(group) for is_space, group in itertools.groupby(sentence, key=lambda p: p == " ") if not is_space]


def _count(phonemes: Sequence[str]) -> int:
    return sum(p not in _UNCOUNTED for p in phonemes)


def _match(groups: Sequence[int], words: Sequence[int]) -> list[int | None]:
    """Return the word that begins with each group, None for those that go on with a word, at the least difference.

    Args:
        groups: Their phonemes.
        words: Their phonemes, each said by itself.
    """
    best: dict[tuple[int, int], tuple[float, int, int]] = {(0, 0): (0.0, 0, 0)}
    joins = [(1, k) for k in range(1, _MOST_JOINED + 1)] + [(k, 1) for k in range(2, _MOST_JOINED + 1)]
    for i, j in itertools.product(range(len(groups)), range(len(words))):
        if (i, j) not in best:
            continue
        cost = best[i, j][0]
        for g, w in joins:
            to = (i + g, j + w)
            if to[0] > len(groups) or to[1] > len(words):
                continue
            apart = abs(sum(groups[i : to[0]]) - sum(words[j : to[1]])) + (g + w - 2) * _JOINING
            if to not in best or cost + apart < best[to][0]:
                best[to] = (cost + apart, g, w)
    firsts: list[int | None] = []
    at = (len(groups), len(words))
    if at not in best:  # more fell apart than can be matched
        return [None] * len(groups)
    while at != (0, 0):
        _, g, w = best[at]
        at = (at[0] - g, at[1] - w)
        firsts = [at[1], *[None] * (g - 1), *firsts]
    return firsts
