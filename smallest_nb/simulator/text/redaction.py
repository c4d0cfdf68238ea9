"""Hides personal and card data of finals behind numbered placeholders. `entities` says what it misses.

A session's last words stay in mind, so that a question ("your card number?") in one final is the cue of the next one.
Digits and addresses that a final cuts in two are hidden in both. What was already sent cannot be taken back: up to five
digits that end a final without a cue are shown, and those that complete them in the next one hidden. Speakers do not
matter: a number that two speakers seem to share is one entity, for a wrong guess about the speaker must not show it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from smallest_nb.simulator.text.entities import (
    Entity,
    Token,
    find_addresses,
    find_codes,
    find_digit_runs,
    find_expiries,
    find_names,
    find_phones,
)
from smallest_nb.simulator.text.given_names import AMBIGUOUS_NAMES
from smallest_nb.simulator.text.numerals import merge_words
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.spoken_addresses import find_continued_email, find_emails, find_unfinished_email
from smallest_nb.simulator.text.unfinished import count_last_digits, find_continued, find_unfinished

__all__ = ["Redactor"]

_EFFECTIVE = frozenset({"en", "hi"})
_REMEMBERED = 8
"""Words of the last final that still introduce what comes next."""
_MOST_DIGITS = 24
"""Words of a number that still may go on."""
_NAMES = frozenset({"FIRSTNAME", "LASTNAME"})
_PASSES = 8


class Redactor:
    """Finds personal and card data in one session's finals and numbers the placeholders.

    Args:
        pii: Names, telephone numbers, addresses, e-mail addresses.
        pci: Card and account numbers, their codes and dates, postal codes.
        language: The session's code; only English and Hindi are redacted, as by the service.
    """

    def __init__(self, *, pii: bool, pci: bool, language: str) -> None:
        effective = language.partition("-")[0].lower() in _EFFECTIVE
        self._pii = pii and effective
        self._pci = pci and effective
        self._counts: Counter[str] = Counter()
        self._names: dict[str, tuple[str, str]] = {}
        self._last: list[Token] = []
        self._tail: Entity | None = None

    def redact(self, words: Sequence[RecognisedWord]) -> tuple[list[RecognisedWord], list[str]]:
        """Hide what must not be seen.

        Args:
            words: A final, in words or as written.

        Returns:
            The words, each entity as one of them, and the placeholders of this final in their order.
        """
        shown = list(words)
        if not words or not (self._pii or self._pci):
            return shown, []
        # Placeholders bring words nearer to a cue; a second look finds what that uncovers.
        made: dict[int, tuple[RecognisedWord, Entity]] = {}
        for _ in range(_PASSES):
            found = self._find(shown)
            if not found:
                break
            shown = self._hide(shown, found, made)
        self._remember(shown)
        self._tail = made[id(shown[-1])][1] if id(shown[-1]) in made else None
        return shown, [p for w in shown if id(w) in made for p in re.findall(r"\[\w+\]", w.text)]

    def _remember(self, shown: Sequence[RecognisedWord]) -> None:
        tokens = [*self._last, *(Token.of(w.text) for w in shown[-_REMEMBERED - _MOST_DIGITS :])]
        keys = [t.key for t in tokens]
        digits = min(_MOST_DIGITS, count_last_digits(keys, find_digit_runs(keys)))
        self._last = tokens[-_REMEMBERED - digits :]

    def _find(self, words: Sequence[RecognisedWord]) -> list[Entity]:
        tokens = [*self._last, *(Token.of(w.text) for w in words)]
        offset = len(self._last)
        keys = [t.key for t in tokens]
        runs = find_digit_runs(keys)
        found: list[Entity] = []
        if self._pii:
            if self._tail is not None and self._tail.kind in {"EMAIL", *_NAMES}:
                found += find_continued_email(keys, offset)
            found += [*find_emails(keys), *find_unfinished_email(keys, offset)]
        found += find_continued(keys, runs, offset, self._tail, pci=self._pci)
        if self._pci:
            found += [*find_expiries(keys, runs), *find_codes(keys, runs)]
        if self._pii:
            known = {name: kind for name, (kind, _) in self._names.items() if name not in AMBIGUOUS_NAMES}
            found += [*find_addresses(keys, runs), *find_phones(keys, runs), *find_names(tokens, known)]
        found += find_unfinished(keys, runs, offset, pii=self._pii, pci=self._pci)
        hidden = {e.value: e.kind for e in found if e.kind not in _NAMES}
        found += [Entity(r.start, r.end, hidden[r.value], r.value) for r in runs if r.value in hidden]
        taken: set[int] = set()
        kept: list[Entity] = []
        for entity in found:
            span = range(max(entity.start, offset), entity.end)
            if span and taken.isdisjoint(span):
                taken.update(span)
                kept.append(Entity(span.start - offset, entity.end - offset, entity.kind, entity.value))
        return sorted(kept, key=lambda e: e.start)

    def _hide(
        self, words: Sequence[RecognisedWord], found: Sequence[Entity], made: dict[int, tuple[RecognisedWord, Entity]]
    ) -> list[RecognisedWord]:
        shown: list[RecognisedWord] = []
        at = 0
        for entity in found:
            after = Token.of(words[entity.end - 1].text).after
            word = merge_words(words[entity.start : entity.end], self._make_placeholder(entity) + after)
            made[id(word)] = word, entity  # kept with it, so that no other word gets the same id
            shown += [*words[at : entity.start], word]
            at = entity.end
        return [*shown, *words[at:]]

    def _make_placeholder(self, entity: Entity) -> str:
        if entity.kind in _NAMES and entity.value in self._names and self._names[entity.value][0] == entity.kind:
            return self._names[entity.value][1]
        self._counts[entity.kind] += 1
        placeholder = f"[{entity.kind}_{self._counts[entity.kind]}]"
        if entity.kind in _NAMES:
            self._names[entity.value] = (entity.kind, placeholder)
        return placeholder
