"""Numbers and addresses that a final cuts in two: what may go on in the next one, and what goes on from the last.

The service ends a final after ten words at the latest, in the middle of a telephone number too. What was sent cannot
be taken back, so digits that end a final are hidden where they may be the beginning of something: behind a cue from
the second or third on, without one from the sixth on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from smallest_nb.simulator.text.entities import (
    ALL_STREETS,
    COUNTED,
    EXPIRY_CUES,
    EXPIRY_WORDS,
    NOT_STREETS,
    Entity,
    find_cue,
    is_card,
    is_valid_phone,
)
from smallest_nb.simulator.text.normalize import MONTHS
from smallest_nb.simulator.text.numerals import key_at, read_digits

__all__ = ["count_last_digits", "find_continued", "find_unfinished"]

_MOST_DIGITS = {"PHONENUMBER": 15, "ACCOUNTNUMBER": 19, "CREDITCARDCVV": 4, "ZIPCODE": 9, "TIME": 6}
"""More than these do not belong together."""
_LEAST_CUED, _CARD_CUED = 3, 2
_PART_OF_PHONE, _PART_OF_CARD = range(6, 10), range(8, 16)
"""Digits without a cue; whole numbers are known by their check."""
_CARDS_BEGIN = frozenset("3456")
_SURE_PHONES = frozenset({"phone", "telephone", "mobile", "cell", "whatsapp", "फोन", "फ़ोन", "मोबाइल"})
_YEAR = re.compile(r"1[5-9]\d\d|20\d\d")
_LIVING = frozenset(
    tuple(words.split())
    for words in (
        "live at", "lives at", "living at", "stay at", "staying at", "reside at", "located at", "address is",
        "house is", "deliver to",
    )
)  # fmt: skip


def find_continued(
    keys: Sequence[str], runs: Sequence[Entity], offset: int, tail: Entity | None, *, pci: bool
) -> Iterator[Entity]:
    """Find what goes on from the last final.

    Args:
        keys: Words, of this final from `offset` on.
        runs: Its digits.
        offset: Where it begins.
        tail: What was hidden at the very end of the last one, or None.
        pci: Whether card numbers are hidden.
    """
    if tail is None or offset >= len(keys):
        return
    first = next((r for r in runs if r.start == offset), None)
    if first is not None and tail.kind in _MOST_DIGITS and key_at(keys, first.end) not in COUNTED:
        whole = tail.value + first.value
        if pci and tail.kind == "PHONENUMBER" and is_card(whole):
            yield Entity(first.start, first.end, "ACCOUNTNUMBER", whole)
            return
        complete = len(first.value) == 1 and (tail.kind != "PHONENUMBER" or is_valid_phone(tail.value))
        short = tail.kind in {"PHONENUMBER", "TIME"} and complete  # "one more thing" behind a whole number
        if len(whole) <= _MOST_DIGITS[tail.kind] and not short:
            yield Entity(first.start, first.end, tail.kind, whole)
    if tail.kind in {"BUILDINGNUMBER", "ADDRESS"}:
        for width in range(1 if tail.kind == "BUILDINGNUMBER" else 0, 4):
            names = keys[offset : offset + width]
            if key_at(keys, offset + width) in ALL_STREETS and not NOT_STREETS & set(names):
                yield Entity(offset, offset + width + 1, "ADDRESS", " ".join(names))
                return


def find_unfinished(
    keys: Sequence[str], runs: Sequence[Entity], offset: int, *, pii: bool, pci: bool
) -> Iterator[Entity]:
    """Find what may go on in the next final: digits at the very end, and a house whose street is to come."""
    if not runs:
        return
    run = runs[-1]
    if pii and len(run.value) <= 5 and tuple(keys[max(0, run.start - 2) : run.start]) in _LIVING:
        names = keys[run.end :]
        if len(names) <= 3 and not (NOT_STREETS | COUNTED) & set(names):
            yield Entity(run.start, run.end, "BUILDINGNUMBER", run.value)
            if names:
                yield Entity(run.end, len(keys), "ADDRESS", " ".join(names))
            return
    if run.end < len(keys) or run.end <= offset:
        return
    kind = _find_kind(keys, {r.end: r.start for r in runs}, run, pii=pii, pci=pci)
    if kind:
        yield Entity(run.start, run.end, kind, run.value)


def count_last_digits(keys: Sequence[str], runs: Sequence[Entity]) -> int:
    """Return how many words at the end are digits."""
    return len(keys) - runs[-1].start if runs and runs[-1].end == len(keys) else 0


def _find_kind(keys: Sequence[str], ends: Mapping[int, int], run: Entity, *, pii: bool, pci: bool) -> str:
    size = len(run.value)
    if pci and size <= 2 and _is_expiry(keys, run):
        return "TIME"
    kind = find_cue(keys, ends, run, open_end=True)
    if kind == "PHONENUMBER" and pii:
        sure = _SURE_PHONES & set(keys[max(0, run.start - 4) : run.start]) and key_at(keys, run.start - 1) == "is"
        return kind if sure or (size >= _LEAST_CUED and _is_read_out(keys, run)) else ""
    if kind and kind != "PHONENUMBER":
        least = 1 if key_at(keys, run.start - 1) == "is" else _CARD_CUED
        return kind if pci and _is_read_out(keys, run, least=least) else ""
    if kind is not None or not _is_read_out(keys, run):
        return ""
    if pii and size in _PART_OF_PHONE:
        return "PHONENUMBER"
    begins_card = run.value[0] in _CARDS_BEGIN and not is_valid_phone(run.value)
    return "ACCOUNTNUMBER" if pci and size in _PART_OF_CARD and begins_card else ""


def _is_expiry(keys: Sequence[str], run: Entity) -> bool:
    i = run.start - 1
    while i >= 0 and run.start - i <= 6 and (keys[i] in EXPIRY_WORDS or keys[i] in MONTHS):
        i -= 1
    return key_at(keys, i) in EXPIRY_CUES


def _is_read_out(keys: Sequence[str], run: Entity, *, least: int = 3) -> bool:
    """Whether digits were said or written one by one: neither a year nor an amount."""
    single, i = 0, run.start
    while i < run.end:
        if said := read_digits(keys, i):
            single += sum(len(s.digits) for s in said if s.single)
            i += sum(s.count for s in said)
        else:
            digits = sum(c.isdigit() for c in keys[i])
            if digits == 2 and run.end - run.start > 1:
                digits = 0  # "3 30" is a time
            single += digits if run.end - run.start > 1 or not _YEAR.fullmatch(keys[i]) else 0
            single += keys[i] in _SPELLED
            i += 1
    return single >= least


_SPELLED = frozenset("शून्य ज़ीरो जीरो एक दो तीन चार पाँच पांच छह छः छे सात आठ नौ".split())
