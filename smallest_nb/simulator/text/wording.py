"""How a transcript is written: numbers, capitals, punctuation. Imports normalize, numerals and the given names.

What the rules cannot do: commas, exclamations and quotations; sentence ends without a pause; questions that only the
voice makes ("you are coming?"); capitals of surnames, places and brands. Numbers are written by numerals and
normalize, whose limits apply. Languages other than English get a capital, an end mark and text2num's numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from smallest_nb.simulator.text.foreign_numerals import foreign_numbers
from smallest_nb.simulator.text.given_names import GIVEN_NAMES
from smallest_nb.simulator.text.normalize import DATED, MONTHS, VERBS_TOO, normalized_at, ordinal
from smallest_nb.simulator.text.numerals import NUMBERED, Piece, merged, number_at
from smallest_nb.simulator.text.words import HeardWord

__all__ = ["Wording"]

_PAUSE = 0.45
"""Seconds of silence between two words that may end a sentence."""
_LEAST_WORDS = 3
"""What must stand on both sides of a sentence end; shorter pieces are hesitations."""
_MARKS = ".,?!।"
_ENDS = (".", "?", "!", "।")
_DANDA = frozenset({"hi", "bn", "or", "pa"})
_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_OPENERS = frozenset("and so but well okay ok hello hi hey please".split())
_WHEN = frozenset("when where while".split())
_ASKING = frozenset("what who whom whose why how which what's who's where's how's when's why's".split())
_STATING = frozenset("a an to ever is means".split())
"""After "what", "how" or "which" these make no question ("how to", "what a day", "which is why") but for "what is"."""
_BE = frozenset("is are am was were isn't aren't wasn't weren't".split())
_MODAL = frozenset("can could will would should shall did does can't couldn't won't wouldn't didn't doesn't".split())
_WEAK = frozenset("do don't have has haven't hasn't may might must".split())
_PERSONS = frozenset("i you he she we they".split())
_SUBJECTS = _PERSONS | frozenset(
    "it there this that these those the a an my your his her our their any anyone anybody anything someone everyone "
    "everybody everything one".split()
)


def _key(word: HeardWord) -> str:
    return word.text.strip(_MARKS).lower()


def _capital(text: str) -> str:
    return text if "@" in text else text[:1].upper() + text[1:]


def _is_question(keys: Sequence[str]) -> bool:
    start = next((i for i, k in enumerate(keys) if k not in _OPENERS), 0)
    first, *rest = [*keys[start:], ""]
    second = rest[0] if rest else ""
    if first in _WHEN:
        return second in _BE | _MODAL | _WEAK
    if first in _ASKING:
        return bool(second) and (second not in _STATING or (first != "which" and second == "is"))
    if first in _WEAK:
        return second in _PERSONS
    return first in _BE | _MODAL and (second in _SUBJECTS or second in GIVEN_NAMES)


@dataclass(frozen=True, slots=True)
class Wording:
    """How a transcript is written.

    Attributes:
        language: The session's code; a region after it does not matter.
        punctuate: End marks.
        capitalize: Capitals; without it everything is lower case.
        numerals: `true`, `false` or `auto` (from ten up, and digits read out), as on the wire.
        itn: Also money, dates, times and the like; numbers as with `true`, whatever `numerals` says.
    """

    language: str = "en"
    punctuate: bool = True
    capitalize: bool = True
    numerals: str = "auto"
    itn: bool = False

    def interim(self, text: str) -> str:
        """Write a hypothesis: capitals only, for numbers and ends may still change."""
        words = [HeardWord(t, 0.0, 0.0, 0.0) for t in text.split()]
        return " ".join(w.text for w in self._plain(self._capitals([words] if words else [])))

    def final(self, words: Sequence[HeardWord]) -> list[HeardWord]:
        """Write a final.

        Args:
            words: As heard, in lower case.

        Returns:
            The written words; joined by blanks they are the transcript. What several words became spans them all.
        """
        numbered = [w for run in _runs(words) for w in self._numbers(run)]
        sentences = list(_sentences(numbered))
        marks = [self._mark([_key(w) for w in s]) for s in sentences]
        written = self._capitals(sentences)
        if self.punctuate:
            at = -1
            for sentence, mark in zip(sentences, marks, strict=True):
                at += len(sentence)
                if not written[at].text.endswith(_ENDS):
                    written[at] = replace(written[at], text=written[at].text.rstrip(",") + mark)
        return self._plain(written)

    def utterances(self, words: Sequence[HeardWord]) -> list[list[HeardWord]]:
        """Cut what `final` returned at its sentence ends; without punctuation, where it would have stood."""
        if not self.punctuate:
            return list(_sentences(words))
        cut: list[list[HeardWord]] = []
        for word in words:
            if not cut or cut[-1][-1].text.endswith(_ENDS):
                cut.append([])
            cut[-1].append(word)
        return cut

    @property
    def _base(self) -> str:
        return self.language.partition("-")[0].lower()

    def _numbers(self, words: Sequence[HeardWord]) -> list[HeardWord]:
        keys = [_key(w) for w in words]
        everything = self.itn or self.numerals == "true"
        if self.numerals not in {"true", "auto"} and not self.itn:
            return list(words)
        known = [] if self._base == "en" else foreign_numbers(keys, self._base, everything=everything)
        foreign = {p.start: p for p in known}
        written: list[HeardWord] = []
        i = 0
        while i < len(words):
            pieces: list[Piece | None]
            if self._base != "en":
                pieces = [foreign.get(i)]
            elif self.itn:
                pieces = [*normalized_at(keys, i)]
            else:
                pieces = [number_at(keys, i, everything=everything)]
            found = [p for p in pieces if p]
            written += [merged(words[p.start : p.end], p.text) for p in found] or [words[i]]
            i = found[-1].end if found else i + 1
        return written

    def _mark(self, keys: Sequence[str]) -> str:
        if self._base in _DANDA:
            return "।"
        return "?" if self._base == "en" and _is_question(keys) else "."

    def _capitals(self, sentences: Sequence[Sequence[HeardWord]]) -> list[HeardWord]:
        written: list[HeardWord] = []
        for sentence in sentences:
            keys = [_key(w) for w in sentence]
            for i, word in enumerate(sentence):
                raised = i == 0 or (self._base == "en" and _is_proper(keys, i))
                written.append(replace(word, text=_capital(word.text)) if raised else word)
        return written

    def _plain(self, words: Sequence[HeardWord]) -> list[HeardWord]:
        """Take out what was not asked for; the point inside "3.5" or an address is no punctuation."""
        shown: list[HeardWord] = []
        for word in words:
            text = word.text if self.capitalize else word.text.lower()
            text = text if self.punctuate else text.strip(_MARKS)
            if text:
                shown.append(replace(word, text=text))
        return shown


def _is_proper(keys: Sequence[str], at: int) -> bool:
    key, before = keys[at], keys[at - 1] if at else ""
    if key in VERBS_TOO:
        follower = keys[at + 1] if at + 1 < len(keys) else ""
        return before in DATED or (before == "of" and follower != "be")
    owner = key.removesuffix("'s")
    return key == "i" or key.startswith("i'") or owner in _DAYS or owner in MONTHS or owner in GIVEN_NAMES


def _runs(words: Sequence[HeardWord]) -> Iterator[list[HeardWord]]:
    """Cut where no number may go on: at another speaker, and at a pause that does not stand between digits."""
    for _, group in groupby(words, key=lambda w: w.speaker):
        run: list[HeardWord] = []
        for word in group:
            if run and word.start - run[-1].end >= _PAUSE and not _reads_digits(run, word):
                yield run
                run = []
            run.append(word)
        if run:
            yield run


def _reads_digits(run: Sequence[HeardWord], word: HeardWord) -> bool:
    digit = ordinal([_key(run[-1])], 0) is None and number_at([_key(run[-1])], 0, everything=True)
    return _key(word) in NUMBERED and (bool(digit) and len(digit.text) == 1 if digit else _key(run[-1]) in {"oh", "o"})


def _sentences(words: Sequence[HeardWord]) -> Iterator[list[HeardWord]]:
    """Cut at pauses and changes of speaker, but neither inside a number nor near the ends."""
    sentence = list(words[:1])
    for at, (left, right) in enumerate(pairwise(words), start=1):
        pause = right.start - left.end >= _PAUSE or right.speaker != left.speaker
        numbers = all(_key(w) in NUMBERED or _key(w)[:1].isdigit() for w in (left, right))
        if pause and not numbers and len(sentence) >= _LEAST_WORDS and len(words) - at >= _LEAST_WORDS:
            yield sentence
            sentence = []
        sentence.append(right)
    if sentence:
        yield sentence
