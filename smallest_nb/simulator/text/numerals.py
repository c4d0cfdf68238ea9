"""Numbers of English in words, written in digits.

English has a grammar of its own here, as text2num knows neither years ("nineteen eighty four"), nor digits spoken one
by one, "oh" or "double five". What the rules cannot distinguish: two neighbouring numbers from one that is said in
pieces ("five six" is 56 if every number is written in digits, unless "or seven" or a unit follows), and a lone "one"
that counts from the pronoun (it becomes a digit next to a unit or after a word such as "page" only).

Each rule looks at a bounded number of words, so that the time grows with the length of a text and no faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from smallest_nb.simulator.text.recognised_word import RecognisedWord

__all__ = ["NUMBERED", "Piece", "Spoken", "key_at", "merge_words", "read_cardinal", "read_digits", "read_number"]

_LONGEST = 24
"""Numbers in a row that are looked at together; no telephone, card or account number is longer."""
_NOUGHTS = frozenset("zero nought naught".split())
_UNITS = {w: n for n, w in enumerate("zero one two three four five six seven eight nine".split())}
_UNITS |= dict.fromkeys(_NOUGHTS, 0)
_TEENS = {
    w: n
    for n, w in enumerate(
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(), start=10
    )
}
_TENS = {w: n * 10 for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_HYPHENED = {f"{t}-{u}": tens + unit for t, tens in _TENS.items() for u, unit in _UNITS.items() if unit}
_SMALL = {**_UNITS, **_TEENS, **_TENS, **_HYPHENED}
_SCALES = {"thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7, "billion": 10**9, "trillion": 10**12}
_FIRSTS = set("first second third fourth fifth sixth seventh eighth ninth".split())
_OH = {"oh", "o"}
_REPEATS = {"double": 2, "triple": 3}
_EXCLAIMED = set("no my yes well god yeah okay dear".split())
_COUNTERS = set("page chapter room number option step line gate level channel version part press dial platform".split())
_MEASURES = set(
    "dollar dollars euro euros rupee rupees cent cents percent per hour hours minute minutes second seconds day days "
    "week weeks month months year years people times "
    "kilogram kilograms kilometer kilometers meter meters mile miles".split()
)
_DECADES = {f"{t[:-1]}ies": tens for t, tens in _TENS.items()} | {"tens": 10, "hundreds": 0}
_HALVES = {"half": ".5", "quarter": ".25"}
_PARTS = dict(
    zip("half third quarter fifth sixth seventh eighth ninth tenth hundredth thousandth".split(),
        (2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 1000), strict=True)
)  # fmt: skip
_PARTS |= {"fourth": 4, "halve": 2}
_BEGINNINGS = frozenset({*_SMALL, *_OH, *_REPEATS, "a", "point", "minus", "negative"})
_BIG = frozenset(w for w, n in _SCALES.items() if n >= 10**5)
"""Written as words behind their number: "2 million"."""
_JOINING = frozenset({"or", "and", "to"})
_MEASURED = _MEASURES | frozenset({"percent", "percents", "degrees", "seconds", *_SCALES})
_POINTED_AT = frozenset(
    "this that the a an one what which no to some any every each first second last main my your his her our their "
    "whole good starting turning tipping boiling melting selling talking power".split()
)
"""In front of "point" it is a place, not a decimal mark."""

NUMBERED = frozenset({*_SMALL, *_SCALES, *_OH, *_REPEATS, "hundred", "point"})
"""The words that numbers are made of."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What the words from `start` up to `end` are written as."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """One number as it was said: its digits, how many words it took, and whether it was a digit read out."""

    digits: str
    count: int
    single: bool


def merge_words(words: Sequence[RecognisedWord], text: str) -> RecognisedWord:
    """Make one word of several: the first one's speaker, the highest confidence, as the vendor's page says."""
    first = words[0]
    sure = max(w.confidence for w in words)
    return RecognisedWord(text, first.start, words[-1].end, sure, first.speaker, first.speaker_confidence)


def key_at(keys: Sequence[str], at: int) -> str:
    """Return a key, or nothing outside the sentence."""
    return keys[at] if 0 <= at < len(keys) else ""


def _read_below_hundred(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    key = key_at(keys, at)
    value = _SMALL.get(key)
    if not value:
        return None
    if key in _TENS and key_at(keys, at + 1) in _FIRSTS:
        return None
    unit = _UNITS.get(key_at(keys, at + 1), 0) if key in _TENS else 0
    return (value + unit, 2) if unit else (value, 1)


def _read_group(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    below = _read_below_hundred(keys, at)
    if below is None and key_at(keys, at) == "a" and (key_at(keys, at + 1) in {"hundred", *_SCALES}):
        below = (1, 1)
    if below is None or key_at(keys, at + below[1]) != "hundred":
        return below
    value, count = below[0] * 100, below[1] + 1
    skip = int(key_at(keys, at + count) == "and")
    rest = _read_below_hundred(keys, at + count + skip)
    # "between one hundred and two hundred" is two numbers.
    if rest and key_at(keys, at + count + skip + rest[1]) != "hundred":
        return value + rest[0], count + skip + rest[1]
    return value, count


def read_cardinal(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    """Read a number such as "two thousand and five": its value and its words."""
    if key_at(keys, at) in _NOUGHTS:
        return 0, 1
    total, i, ceiling = 0, at, 10**15
    while True:
        skip = int(i > at and key_at(keys, i) == "and")
        group = _read_group(keys, i + skip)
        if group is None:
            break
        after = i + skip + group[1]
        scale = _SCALES.get(key_at(keys, after), 0)
        if 0 < scale < ceiling:
            total, i, ceiling = total + group[0] * scale, after + 1, scale
            continue
        if group[0] < ceiling and not scale:
            total, i = total + group[0], after
        break
    return (total, i - at) if i > at else None


def _read_item(keys: Sequence[str], at: int) -> Spoken | None:
    key = key_at(keys, at)
    if key in _OH:
        return Spoken("0", 1, single=True)
    if key in _REPEATS:
        again = key_at(keys, at + 1)
        digit = 0 if again in _OH else _UNITS.get(again)
        return None if digit is None else Spoken(str(digit) * _REPEATS[key], 2, single=True)
    read = read_cardinal(keys, at)
    return Spoken(str(read[0]), read[1], single=read[0] < 10 and read[1] == 1) if read else None


def read_digits(keys: Sequence[str], at: int) -> list[Spoken]:
    """Read neighbouring numbers, 24 at most; an "oh" that nothing follows, or that exclaims, is none of them."""
    run: list[Spoken] = []
    i = at
    while len(run) < _LONGEST and (item := _read_item(keys, i)):
        run.append(item)
        i += item.count
    while len(run) < _LONGEST and run and key_at(keys, i - 1) in _OH and run[-1].count == 1:
        if key_at(keys, i) not in _EXCLAIMED and len("".join(s.digits for s in run)) >= 3:
            break
        i -= run.pop().count
    # "Oh five people came": an "oh" in front is a digit only before several others.
    if run and key_at(keys, at) in _OH and sum(len(s.digits) for s in takewhile(lambda s: s.single, run)) < 4:
        return []
    return run


def _read_decimals(keys: Sequence[str], at: int) -> tuple[str, int]:
    if key_at(keys, at) != "point":
        return "", 0
    read = list(takewhile(lambda k: k in _UNITS or k in _OH, keys[at + 1 : at + 1 + _LONGEST]))
    pair = None if read else _read_below_hundred(keys, at + 1)
    return (str(pair[0]), pair[1]) if pair else ("".join(str(_UNITS.get(k, 0)) for k in read), len(read))


def _write_year(keys: Sequence[str], at: int, run: Sequence[Spoken]) -> Piece | None:
    if len(run) < 2 or run[0].count != 1 or run[0].digits not in {"17", "18", "19", "20"}:
        return None
    tail = run[1:3] if run[1].digits == "0" else run[1:2]
    digits = "".join(s.digits for s in tail)
    end = at + 1 + sum(s.count for s in tail)
    fits = len(digits) == 2 and key_at(keys, end) not in _MEASURES
    return Piece(run[0].digits + digits, at, end) if fits else None


def _write_below_one(keys: Sequence[str], at: int) -> Piece | None:
    """Read "point five percent"; "at that point five people left" is none."""
    decimals, count = _read_decimals(keys, at)
    end = at + 1 + count
    before, unit = key_at(keys, at - 1), key_at(keys, end)
    measured = unit in _MEASURED - {"people", "times"} or (not unit and before not in {"at", "on"})
    if not decimals or before in _POINTED_AT or before in NUMBERED or not measured:
        return None
    return Piece(f"0.{decimals}", at, end)


def _write_negative(keys: Sequence[str], at: int, *, everything: bool) -> Piece | None:
    before = key_at(keys, at - 1)
    if before in NUMBERED or before in {"a", "the"} or at + 1 >= len(keys):
        return None
    found = read_number(keys, at + 1, everything=everything) if keys[at + 1] not in {"minus", "negative"} else None
    return Piece(f"-{found.text}", at, found.end) if found else None


def _write_decade(keys: Sequence[str], at: int, run: Sequence[Spoken]) -> Piece | None:
    """Read "nineteen eighties" and "two thousands"."""
    first, after = run[0], at + run[0].count
    decade = _DECADES.get(key_at(keys, after))
    if decade is not None and len(run) == 1 and first.count == 1 and 15 <= int(first.digits) <= 20:
        return Piece(f"{first.digits}{decade:02d}s", at, after + 1)
    early = key_at(keys, at - 1) in {"the", "early", "late", "mid"}
    if keys[at] == "two" and key_at(keys, at + 1) == "thousands" and early:
        return Piece("2000s", at, at + 2)
    return None


def _count_lone(keys: Sequence[str], at: int) -> int:
    """Return a number that has no neighbour, or -1."""
    run = read_digits(keys, at)
    return int(run[0].digits) if len(run) == 1 and key_at(keys, at) not in _REPEATS else -1


def _write_listed(keys: Sequence[str], at: int, run: Sequence[Spoken], *, everything: bool) -> Piece | None:
    """Write numbers that are counted up, not digits that are read out: "seven, eight or nine", "two-three days"."""
    end = at + sum(s.count for s in run)
    if not 2 <= len(run) <= 4 or any(key in _OH or key in _REPEATS for key in keys[at:end]):
        return None
    values = [int(s.digits) for s in run]
    steps = {b - a for a, b in pairwise(values)}
    spans = len(values) == 2 and (0 < values[1] - values[0] < 2 if run[1].single else 0 < values[1] <= 3 * values[0])
    apart = spans and values[1] > values[0] and (run[0].single is run[1].single or values[1] % 5 == 0)
    if apart and key_at(keys, end) in _MEASURES and not (run[0].count == 1 and values[0] in {17, 18, 19}):
        return Piece(f"{values[0]}-{values[1]}", at, end) if everything or min(values) >= 10 else None
    last = _count_lone(keys, end + 1) if key_at(keys, end) in _JOINING else -1
    steps.add(last - values[-1])
    counted = max(steps) < 0 or min(steps) > 0
    if last < 0 or not counted or (len(steps) > 1 and max(*values, last) >= 10):
        return None
    digits = everything or max(*values, last) >= 10
    words = " ".join(keys[at : at + run[0].count])
    return Piece((run[0].digits if digits else words) + ",", at, at + run[0].count)


def _write_fraction(keys: Sequence[str], at: int, first: Spoken) -> Piece | None:
    """Read "two thirds", "one half" and "two and a half"; a lone "third" or "quarter" is a word."""
    after = at + first.count
    name = key_at(keys, after)
    part = _PARTS.get(name.removesuffix("s"), 0)
    certain = name.endswith("s") or name == "half" or key_at(keys, after + 1) in {"", "of"}
    if part and int(first.digits) < 100 and (keys[at] == "one") != name.endswith("s") and certain:
        return Piece(f"{first.digits}/{part}", at, after + 1)
    if name != "and":
        return None
    if key_at(keys, after + 1) in {"a", "one"} and (rest := _HALVES.get(key_at(keys, after + 2))):
        return Piece(first.digits + rest, at, after + 3)
    if list(keys[after + 1 : after + 3]) == ["three", "quarters"]:
        return Piece(f"{first.digits}.75", at, after + 3)
    return None


def _write_big(keys: Sequence[str], at: int, first: Spoken) -> Piece | None:
    """Leave "million" a word behind a number without a rest."""
    scale = key_at(keys, at + first.count - 1)
    if first.count < 2 or scale not in _BIG or int(first.digits) // _SCALES[scale] >= 1000:
        return None
    return Piece(str(int(first.digits) // _SCALES[scale]), at, at + first.count - 1)


def read_number(keys: Sequence[str], at: int, *, everything: bool) -> Piece | None:
    """Write the number that begins here, or leave it in words.

    Args:
        keys: Words in lower case.
        at: Where to look.
        everything: Also numbers under ten and pairs of digits.
    """
    key = key_at(keys, at)
    if key not in _BEGINNINGS:
        return None
    if key == "point":
        return _write_below_one(keys, at)
    if key in {"minus", "negative"}:
        return _write_negative(keys, at, everything=everything)
    run = read_digits(keys, at)
    if not run:
        return None
    return (
        _write_decade(keys, at, run)
        or _write_listed(keys, at, run, everything=everything)
        or _write_read_out(keys, at, run, everything=everything)
        or _write_year(keys, at, run)
        or _write_amount(keys, at, run, everything=everything)
    )


def _write_read_out(keys: Sequence[str], at: int, run: Sequence[Spoken], *, everything: bool) -> Piece | None:
    """Read digits that were said one by one."""
    total = "".join(s.digits for s in run)
    # Telephone and card numbers mix digits and pairs: "five five five twelve thirty four".
    if sum(s.single for s in run) >= 3 and (len(total) == 7 or len(total) >= 10):
        return Piece(total, at, at + sum(s.count for s in run))
    head = list(takewhile(lambda s: s.single, run))
    digits = "".join(s.digits for s in head)
    after = at + sum(s.count for s in head)
    long_enough = len(digits) >= (2 if everything else 3) and key_at(keys, after) != "point"
    return Piece(digits, at, after) if long_enough else None


def _find_shared_scale(keys: Sequence[str], at: int, second: int) -> int:
    """Return what "three" counts in "three or four hundred", given where the two begin; 1 if it counts by itself."""
    scale = {"hundred": 100, "thousand": 1000}.get(key_at(keys, second + 1), 1)
    shared = _UNITS.get(keys[at], 0) < _UNITS.get(key_at(keys, second), 0) and key_at(keys, at - 1) not in _COUNTERS
    return scale if shared and read_digits(keys, second)[0].count == 2 else 1


def _write_amount(keys: Sequence[str], at: int, run: Sequence[Spoken], *, everything: bool) -> Piece | None:
    """Read the first number of a run by itself."""
    first, after = run[0], at + run[0].count
    # "Three thirty" is a time: if the three stays a word, so does the thirty.
    part = key_at(keys, at - 1) == "point" or (key_at(keys, at - 1) in _UNITS and len(run) == 1)
    small = not everything and (first.single or part)
    decimals, count = _read_decimals(keys, after)
    if decimals:
        # "At one point five people came."
        place = part or (keys[at] == "one" and key_at(keys, at - 1) == "at")
        return None if place else Piece(f"{first.digits}.{decimals}", at, after + 1 + count)
    if len(run) == 1 and everything and (fraction := _write_fraction(keys, at, first)):
        return fraction
    if big := _write_big(keys, at, first):
        return big if keys[at] != "a" else None
    if (
        first.single
        and len(run) == 1
        and key_at(keys, after) in {"or", "to"}
        and key_at(keys, at - 1) != "point"
        and _count_lone(keys, after + 1) >= 10
    ):
        # "9 or 10", not "nine or 10"; "300 or 400", not "3 or 400".
        return Piece(str(int(first.digits) * _find_shared_scale(keys, at, after + 1)), at, after)
    counts = key_at(keys, at - 1) in _COUNTERS or key_at(keys, after) in _MEASURES
    return None if small or (keys[at] == "one" and first.single and not counts) else Piece(first.digits, at, after)
