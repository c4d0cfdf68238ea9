"""Writes listed keywords where they were said and something that sounds like them was recognised.

The sound decides: a keyword is taken where its alignment with the sound scores better than that of what was
recognised. Without alignment (interims, pocketsphinx) only what sounds nearly the same is taken.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from smallest_nb.simulator.hearing.keywords import Keyword
from smallest_nb.simulator.hearing.pronunciations import Pronunciations
from smallest_nb.simulator.hearing.sound_alike import Candidate, find_candidates
from smallest_nb.simulator.text.recognised_word import RecognisedWord

__all__ = ["KeywordReplacer", "make_key", "strip_marks"]

_MARKS = re.compile(r"[.,?!]+$")
_EDGES = re.compile(r"^'+|'+$")
# A keyword is taken where the log score of the alignment rises by so much; more where it sounds less alike. Measured on
# 48 names in six voices and 1,034 places where none was said.
_MARGINS = ((0.3, -5.0), (0.42, 8.0), (float("inf"), 30.0))
_MARGIN_PER_BOOST, _MOST_BOOST = 3.0, 5.0
_LEAST_SURE = 0.25
_MOST_TRIED = 8
_CERTAIN = 0.2
"""Distance at which a keyword is taken without alignment."""

Align = Callable[[list[str]], Awaitable[dict[str, Any]]]


def strip_marks(word: str) -> str:
    """Return a word without the marks behind it."""
    return _MARKS.sub("", word)


def make_key(word: str) -> str:
    """Return a word as dictionaries have it."""
    return _EDGES.sub("", strip_marks(word).lower()) or "a"


class KeywordReplacer:
    """The keywords of one session; falsy if there are none.

    Args:
        keywords: What is to be expected.
        pronunciations: How words are said.
    """

    def __init__(self, keywords: Sequence[Keyword], pronunciations: Pronunciations) -> None:
        self._keywords = keywords
        self._pronunciations = pronunciations
        self._wanted = [[make_key(word) for word in keyword.text.split()] for keyword in keywords]

    def __bool__(self) -> bool:
        return bool(self._keywords)

    async def find_phones(self, keys: Iterable[str]) -> dict[str, tuple[str, bool]]:
        """Return the phones of words and of all keywords, and whether the dictionary has each."""
        return await self._pronunciations.find([*keys, *(key for wanted in self._wanted for key in wanted)])

    async def replace_certain(self, words: Sequence[str]) -> list[str]:
        """Return an interim's words, those that sound nearly like a keyword replaced by it."""
        kept = [RecognisedWord(word, 0.0, 0.0, 0.0) for word in words]
        return [word.text for word in await self.replace_timed(kept)]

    async def replace_timed(self, words: Sequence[RecognisedWord]) -> list[RecognisedWord]:
        """Return a final's words likewise; the words of a keyword share the time of what they replace."""
        kept = list(words)
        if not self or not kept:
            return kept
        found = await self.find_phones(make_key(w.text) for w in kept)
        phones = {key: how for key, (how, _) in found.items()}
        for _ in range(_MOST_TRIED):
            keys = [make_key(w.text) for w in kept]
            certain = [c for c in find_candidates(keys, phones, self._wanted) if c.distance <= _CERTAIN]
            if not certain:
                break
            place = certain[0]
            said = kept[place.start : place.end]
            texts = self._write(place, said[-1].text)
            share = (said[-1].end - said[0].start) / len(texts)
            begin = said[0].start
            kept[place.start : place.end] = [
                replace(said[0], text=text, start=round(begin + i * share, 3), end=round(begin + (i + 1) * share, 3))
                for i, text in enumerate(texts)
            ]
        return kept

    async def choose(
        self, words: list[str], phones: Mapping[str, str], align: Align
    ) -> tuple[list[str], dict[str, Any]]:
        """Return the words that fit the sound best, and their alignment.

        Args:
            words: As recognised, with marks.
            phones: Of these and of all keywords.
            align: Returns the places and the score of words.
        """
        keys = [make_key(w) for w in words]
        now = await align(keys)
        refused: set[tuple[int, str]] = set()
        for _ in range(_MOST_TRIED if self else 0):
            found = find_candidates(keys, phones, self._wanted)
            place = next((c for c in found if (c.keyword, " ".join(keys[c.start : c.end])) not in refused), None)
            if place is None:
                break
            named = [*keys[: place.start], *self._wanted[place.keyword], *keys[place.end :]]
            then = await align(named)
            if self._is_better(place, now, then):
                words = [*words[: place.start], *self._write(place, words[place.end - 1]), *words[place.end :]]
                keys, now = named, then
            else:
                refused.add((place.keyword, " ".join(keys[place.start : place.end])))
        return words, now

    def _is_better(self, found: Candidate, now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
        if not now["words"] or not then["words"]:
            return not now["words"] and found.distance <= _CERTAIN
        places = then["words"][found.start : found.start + len(self._wanted[found.keyword])]
        if None in places or sum(p[2] for p in places) / len(places) < _LEAST_SURE:
            return False
        boost = min(self._keywords[found.keyword].boost, _MOST_BOOST)
        margin = next(m for farthest, m in _MARGINS if found.distance <= farthest)
        return bool(then["score"] - now["score"] >= margin - _MARGIN_PER_BOOST * (boost - 1))

    def _write(self, found: Candidate, last: str) -> list[str]:
        """Return the keyword as it is listed, with the mark that stood behind what it replaces."""
        texts = self._keywords[found.keyword].text.split()
        mark = _MARKS.search(last)
        return [*texts[:-1], texts[-1] + (mark.group() if mark else "")]
