"""How a transcript is written: numbers, capitals, punctuation.

What the rules cannot do, where the recogniser does not write it: commas, exclamations and quotations; sentence ends
without a pause; questions that only the voice makes ("you are coming?"); capitals of surnames, places and brands.
Numbers are written by numerals and normalize, whose limits apply. Languages other than English get a capital, an end
mark and text2num's numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from smallest_nb.simulator.text.foreign_numerals import read_foreign_numbers
from smallest_nb.simulator.text.given_names import GIVEN_NAMES
from smallest_nb.simulator.text.normalize import DATED, MONTHS, VERBS_TOO, normalize_at, read_ordinal
from smallest_nb.simulator.text.numerals import NUMBERED, Piece, merge_words, read_number
from smallest_nb.simulator.text.recognised_word import RecognisedWord

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


def _make_key(word: RecognisedWord) -> str:
    return word.text.strip(_MARKS).lower()


def _capitalize(text: str) -> str:
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

    def write_interim(self, text: str) -> str:
        """Write a hypothesis: capitals only, for numbers and ends may still change."""
        words = [RecognisedWord(t, 0.0, 0.0, 0.0) for t in text.split()]
        return " ".join(w.text for w in self._strip_format(self._write_capitals([words] if words else [])))

    def write_final(self, words: Sequence[RecognisedWord]) -> list[RecognisedWord]:
        """Write a final.

        Args:
            words: As heard, in lower case but for names, with or without marks behind them.

        Returns:
            The written words; joined by blanks they are the transcript. What several words became spans them all.
        """
        numbered = [w for run in _split_runs(words) for w in self._write_numbers(run)]
        sentences = list(_split_sentences(numbered))
        marks = [self._choose_mark([_make_key(w) for w in s]) for s in sentences]
        written = self._write_capitals(sentences)
        if self.punctuate:
            at = -1
            for sentence, mark in zip(sentences, marks, strict=True):
                at += len(sentence)
                if not written[at].text.endswith(_ENDS):
                    written[at] = replace(written[at], text=written[at].text.rstrip(",") + mark)
        return self._strip_format(written)

    def split_utterances(self, words: Sequence[RecognisedWord]) -> list[list[RecognisedWord]]:
        """Cut what `write_final` returned at its sentence ends; without punctuation, where it would have stood."""
        if not self.punctuate:
            return list(_split_sentences(words))
        cut: list[list[RecognisedWord]] = []
        for word in words:
            if not cut or cut[-1][-1].text.endswith(_ENDS):
                cut.append([])
            cut[-1].append(word)
        return cut

    @property
    def _base(self) -> str:
        return self.language.partition("-")[0].lower()

    def _write_numbers(self, words: Sequence[RecognisedWord]) -> list[RecognisedWord]:
        keys = [_make_key(w) for w in words]
        everything = self.itn or self.numerals == "true"
        if self.numerals not in {"true", "auto"} and not self.itn:
            return list(words)
        known = [] if self._base == "en" else read_foreign_numbers(keys, self._base, everything=everything)
        foreign = {p.start: p for p in known}
        written: list[RecognisedWord] = []
        i = 0
        while i < len(words):
            pieces: list[Piece | None]
            if self._base != "en":
                pieces = [foreign.get(i)]
            elif self.itn:
                pieces = [*normalize_at(keys, i)]
            else:
                pieces = [read_number(keys, i, everything=everything)]
            found = [p for p in pieces if p]
            written += [merge_words(words[p.start : p.end], p.text) for p in found] or [words[i]]
            i = found[-1].end if found else i + 1
        return written

    def _choose_mark(self, keys: Sequence[str]) -> str:
        if self._base in _DANDA:
            return "।"
        return "?" if self._base == "en" and _is_question(keys) else "."

    def _write_capitals(self, sentences: Sequence[Sequence[RecognisedWord]]) -> list[RecognisedWord]:
        written: list[RecognisedWord] = []
        for sentence in sentences:
            keys = [_make_key(w) for w in sentence]
            for i, word in enumerate(sentence):
                raised = i == 0 or (self._base == "en" and _is_proper(keys, i))
                written.append(replace(word, text=_capitalize(word.text)) if raised else word)
        return written

    def _strip_format(self, words: Sequence[RecognisedWord]) -> list[RecognisedWord]:
        """Take out what was not asked for; the point inside "3.5" or an address is no punctuation."""
        shown: list[RecognisedWord] = []
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


def _split_runs(words: Sequence[RecognisedWord]) -> Iterator[list[RecognisedWord]]:
    """Cut where no number may go on: at another speaker, and at a pause that does not stand between digits."""
    for _, group in groupby(words, key=lambda w: w.speaker):
        run: list[RecognisedWord] = []
        for word in group:
            if run and word.start - run[-1].end >= _PAUSE and not _reads_digits(run, word):
                yield run
                run = []
            run.append(word)
        if run:
            yield run


def _reads_digits(run: Sequence[RecognisedWord], word: RecognisedWord) -> bool:
    digit = read_ordinal([_make_key(run[-1])], 0) is None and read_number([_make_key(run[-1])], 0, everything=True)
    return _make_key(word) in NUMBERED and (
        bool(digit) and len(digit.text) == 1 if digit else _make_key(run[-1]) in {"oh", "o"}
    )


def _split_sentences(words: Sequence[RecognisedWord]) -> Iterator[list[RecognisedWord]]:
    """Cut behind end marks, and at pauses and changes of speaker, but neither inside a number nor near the ends."""
    sentence = list(words[:1])
    for at, (left, right) in enumerate(pairwise(words), start=1):
        pause = right.start - left.end >= _PAUSE or right.speaker != left.speaker
        numbers = all(_make_key(w) in NUMBERED or _make_key(w)[:1].isdigit() for w in (left, right))
        marked = left.text.endswith(_ENDS)
        if marked or (pause and not numbers and len(sentence) >= _LEAST_WORDS and len(words) - at >= _LEAST_WORDS):
            yield sentence
            sentence = []
        sentence.append(right)
    if sentence:
        yield sentence
