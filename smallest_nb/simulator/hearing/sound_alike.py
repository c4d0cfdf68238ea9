"""Finds where listed words may have been said for what was recognised: by how both sound. Pure.

Whether they were is decided by the sound itself (`PieceDecoder`); here are the candidates, the likeliest first.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Candidate", "find_candidates", "measure_distance"]

_VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
_ALIKE = {
    frozenset(pair.split())
    for pair in ("P B", "T D", "K G", "F V", "S Z", "SH ZH", "CH JH", "TH DH", "TH F", "TH T", "DH D", "M N", "N NG",
                 "L R", "W V", "W L", "CH SH", "JH ZH", "S SH", "S TH", "Z DH", "T CH", "D JH", "R ER", "Y IY", "W UW",
                 "K T", "P T", "P K", "B D", "HH F", "B V", "D N", "D R", "T R")
}  # fmt: skip
_OTHER_VOWEL, _ALIKE_COST, _GONE, _WEAK_GONE = 0.35, 0.45, 0.8, 0.4
_WEAK = frozenset({"AH", "IH", "HH", "T", "D", "ER"})
_MOST_WORDS = 4
_LONGEST, _SHORTEST = 1.7, 0.5
_FARTHEST = 0.52
"""Distance a phone of the keyword beyond which one is not mistaken for the other."""
_KEPT = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A keyword that may have been said for the words from `start` up to `end`; 0 is the same sound."""

    keyword: int
    start: int
    end: int
    distance: float


@functools.lru_cache(maxsize=100_000)
def measure_distance(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Return what it costs to make one pronunciation of the other."""
    row = [0.0]
    for phone in other:
        row.append(row[-1] + _drop(phone))
    for phone in one:
        before, row = row, [row[0] + _drop(phone)]
        for at, wanted in enumerate(other):
            row.append(min(before[at] + _swap(phone, wanted), before[at + 1] + _drop(phone), row[at] + _drop(wanted)))
    return row[-1]


def find_candidates(
    words: Sequence[str], phones: Mapping[str, str], keywords: Sequence[Sequence[str]]
) -> list[Candidate]:
    """Return where keywords may have been said, a few for each.

    Args:
        words: As recognised, in lower case without marks.
        phones: Of each word and each word of a keyword.
        keywords: The words of each.
    """
    said = [phones.get(word, "").split() for word in words]
    found: list[Candidate] = []
    for number, keyword in enumerate(keywords):
        wanted = tuple(phone for word in keyword for phone in phones.get(word, "").split())
        if not wanted or not all(phones.get(word) for word in keyword):
            continue
        here: list[Candidate] = []
        for start in range(len(words)):
            for end in range(start + 1, min(start + max(_MOST_WORDS, len(keyword) + 1), len(words)) + 1):
                heard = tuple(phone for word in said[start:end] for phone in word)
                if not _SHORTEST * len(wanted) <= len(heard) <= _LONGEST * len(wanted) + 1:
                    continue
                if list(words[start:end]) == list(keyword):
                    continue
                distance = measure_distance(heard, wanted) / len(wanted)
                if distance <= _FARTHEST:
                    here.append(Candidate(number, start, end, distance))
        found += sorted(here, key=lambda c: c.distance)[:_KEPT]
    return sorted(found, key=lambda c: c.distance)


def _drop(phone: str) -> float:
    return _WEAK_GONE if phone in _WEAK else _GONE


def _swap(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if one in _VOWELS and other in _VOWELS:
        return _OTHER_VOWEL
    return _ALIKE_COST if frozenset((one, other)) in _ALIKE else 1.0
