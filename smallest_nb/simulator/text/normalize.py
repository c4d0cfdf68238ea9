"""Inverse text normalisation of English: what was said, as it is written.

Follows the classes of the vendor's page: money, telephone, date, time, decimal, measure, electronic, address, verbatim.
The rules look at words only. They distinguish the verbs "march" and "may" from the months only by the words around
them, pounds of money from pounds of weight (but for "pounds of"), a spelled "a i" from words, or a verb in front of
"at" from the name in an e-mail address (the common verbs are listed); ordinals under ten stay words outside of dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from smallest_nb.simulator.text.numerals import Piece, key_at, read_cardinal, read_digits, read_number

__all__ = ["DATED", "ENDINGS", "MONTHS", "NOT_MAILBOXES", "STREETS", "VERBS_TOO", "normalize_at", "read_ordinal"]

MONTHS = "january february march april may june july august september october november december".split()
VERBS_TOO = frozenset({"march", "may"})
DATED = frozenset("on in of by since until till before after from next last during early late through".split())
"""What stands before a month, and hardly before a verb."""
STREETS = frozenset("street avenue road lane boulevard drive court square terrace highway parkway".split())

_PRONOUNS = frozenset("i you he she it we they who this that".split())
_FIRSTS = dict(zip("first second third fourth fifth sixth seventh eighth ninth".split(), range(1, 10), strict=True))
_TENTHS = dict(
    zip(
        "tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth".split(),
        range(10, 20),
        strict=True,
    )
)
_TIETHS = "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth".split()
_ORDINALS = {**_FIRSTS, **_TENTHS, **{t: n * 10 for n, t in enumerate(_TIETHS, start=2)}}
_TENS = {t: n * 10 for n, t in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)}
_MONEY = {"dollar": "$", "buck": "$", "euro": "€", "pound": "£", "rupee": "₹"}
_BIG = frozenset("million billion trillion lakh crore".split())
_SIGNED = frozenset("point minus negative".split())
_CENTS = frozenset("cent cents penny pence paise paisa".split())
_UNITS = {
    "kilogram": "kg", "kilo": "kg", "gram": "g", "milligram": "mg", "kilometer": "km", "kilometre": "km",
    "centimeter": "cm", "centimetre": "cm", "millimeter": "mm", "millimetre": "mm", "megabyte": "MB", "gigabyte": "GB",
}  # fmt: skip
ENDINGS = frozenset("com org net edu gov io ai co in uk de us info dev me".split())
_SURE_ENDINGS = frozenset("com org net edu gov io ai".split())
_MOST_DOTTED = 24
"""Words of an address that are looked at."""
_JOINTS = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-"}
NOT_MAILBOXES = frozenset(
    "look looking looked looks find me us it him her them you is are was be available online website site page here "
    "there located work works working more arrive stop start shop buy order read up out back".split()
)
_CLOCKED = frozenset("at by until till around about before since it's".split())
"""What stands before a time of day, and hardly before two numbers."""
_NOT_STREETS = frozenset("the a an of in on to from down up and or by with at people cars blocks miles minutes".split())


def _ordinal_suffix(value: int) -> str:
    return "th" if value % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


def read_ordinal(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    """Read "third" or "twenty first": its value and its words."""
    tens = _TENS.get(key_at(keys, at))
    if tens and (unit := _FIRSTS.get(key_at(keys, at + 1))):
        return tens + unit, 2
    value = _ORDINALS.get(key_at(keys, at))
    return (value, 1) if value else None


def _read_amount(keys: Sequence[str], at: int) -> Piece | None:
    """Read an amount; "million" stays a word behind it."""
    read = read_cardinal(keys, at)
    found = read_number(keys, at, everything=True) if read or keys[at] in _SIGNED else None
    if read is None:
        return found
    scaled = key_at(keys, at + read[1] - 1) in _BIG
    return found if found and (found.end > at + read[1] or scaled) else Piece(str(read[0]), at, at + read[1])


def _write_money(keys: Sequence[str], at: int) -> list[Piece]:
    amount = _read_amount(keys, at)
    unit = key_at(keys, amount.end) if amount else ""
    sign = _MONEY.get(unit.removesuffix("s"))
    if amount and unit in _BIG and (big := _MONEY.get(key_at(keys, amount.end + 1).removesuffix("s"))):
        return [Piece(big + amount.text, at, amount.end), Piece(unit, amount.end, amount.end + 2)]
    if not amount or not sign or (sign == "£" and key_at(keys, amount.end + 1) == "of"):
        return []
    end = amount.end + 1
    cents = read_cardinal(keys, end + (key_at(keys, end) == "and"))
    after = end + (key_at(keys, end) == "and") + (cents[1] if cents else 0)
    if cents and cents[0] < 100 and "." not in amount.text and key_at(keys, after) in _CENTS:
        return [Piece(f"{sign}{amount.text}.{cents[0]:02d}", at, after + 1)]
    return [Piece(sign + amount.text, at, end)]


def _write_measure(keys: Sequence[str], at: int) -> list[Piece]:
    amount = _read_amount(keys, at)
    if not amount:
        return []
    unit, end = key_at(keys, amount.end), amount.end + 1
    if unit == "percent" or (unit == "per" and key_at(keys, end) == "cent"):
        return [Piece(amount.text + "%", at, end + (unit == "per"))]
    symbol = _UNITS.get(unit.removesuffix("s"))
    return [Piece(amount.text, at, amount.end), Piece(symbol, amount.end, end)] if symbol else []


def _read_year(keys: Sequence[str], at: int) -> Piece | None:
    found = read_number(keys, at, everything=True)
    return found if found and re.fullmatch(r"1[5-9]\d\d|20\d\d", found.text) else None


def _is_month(keys: Sequence[str], at: int, *, cardinal_follows: bool) -> bool:
    if keys[at] not in VERBS_TOO:
        return True
    before = key_at(keys, at - 1)
    if cardinal_follows:
        return before in DATED
    seconded = key_at(keys, at + 1) == "second" and key_at(keys, at + 2) in {"the", "that", "this", "your", "his"}
    return before not in _PRONOUNS and not seconded


def _write_date(keys: Sequence[str], at: int) -> list[Piece]:
    if keys[at] not in MONTHS:
        return []
    name = Piece(keys[at].capitalize(), at, at + 1)
    year = _read_year(keys, at + 1)
    if year:
        return [name, year] if _is_month(keys, at, cardinal_follows=True) else []
    skip = int(key_at(keys, at + 1) == "the")
    nth = read_ordinal(keys, at + 1 + skip)
    day = nth or (None if skip else read_cardinal(keys, at + 1))
    if not day or not 1 <= day[0] <= 31:
        return []
    end = at + 1 + skip + day[1]
    year = _read_year(keys, end)
    if not _is_month(keys, at, cardinal_follows=nth is None and year is None):
        return []
    written = f"{day[0]}{_ordinal_suffix(day[0])}" if nth else str(day[0])  # "January 15th, 2026" on the vendor's page
    return [name, Piece(written + ",", at + 1, end), year] if year else [name, Piece(written, at + 1, end)]


def _write_ordinal(keys: Sequence[str], at: int) -> list[Piece]:
    nth = read_ordinal(keys, at)
    if not nth:
        return []
    end = at + nth[1]
    dated = key_at(keys, end) == "of" and key_at(keys, end + 1) in MONTHS and nth[0] <= 31
    fraction = key_at(keys, at - 1) in {"a", "one"} and nth[1] == 1
    return [Piece(f"{nth[0]}{_ordinal_suffix(nth[0])}", at, end)] if dated or (nth[0] >= 10 and not fraction) else []


def _read_minutes(keys: Sequence[str], at: int) -> tuple[int, int] | None:
    if key_at(keys, at) in {"oh", "o"}:
        read = read_cardinal(keys, at + 1)
        return (read[0], 2) if read and 1 <= read[0] <= 9 and read[1] == 1 else None
    read = read_cardinal(keys, at)
    return read if read and 10 <= read[0] <= 59 else None


def _write_time(keys: Sequence[str], at: int) -> list[Piece]:
    past = {("half", "past"): 30, ("quarter", "past"): 15, ("quarter", "to"): -15}
    begin = at + (keys[at] == "a")
    shift = past.get((key_at(keys, begin), key_at(keys, begin + 1)))
    hour = read_cardinal(keys, begin + 2 if shift else at)
    if not hour or hour[1] != 1 or not 1 <= hour[0] <= 12:
        return []
    if shift:
        clock = (hour[0] * 60 + shift - 60) % 720 + 60
        return [Piece(f"{clock // 60}:{clock % 60:02d}", at, begin + 3)]
    minutes = _read_minutes(keys, at + 1)
    end = at + 1 + (minutes[1] if minutes else 0)
    text = f"{hour[0]}:{minutes[0]:02d}" if minutes else str(hour[0])
    half = key_at(keys, end).replace(".", "")
    width = 1 if half in {"am", "pm"} else 2 if half in {"a", "p"} and key_at(keys, end + 1) == "m" else 0
    if width:
        return [Piece(text, at, end), Piece(half[0].upper() + "M", end, end + width)]
    alone = minutes and key_at(keys, at - 1) in _CLOCKED and read_number(keys, end, everything=True) is None
    return [Piece(text, at, end)] if alone else []


def _read_dotted(keys: Sequence[str], at: int) -> tuple[str, int]:
    """Read "john dot smith"; returns the text and where it ends."""
    text, i = key_at(keys, at), at + 1
    while i < at + _MOST_DOTTED and (joint := _JOINTS.get(key_at(keys, i))) and key_at(keys, i + 1).isalnum():
        text, i = text + joint + key_at(keys, i + 1), i + 2
    return text, i


def _write_electronic(keys: Sequence[str], at: int) -> list[Piece]:
    if not keys[at].isalnum() or read_number(keys, at, everything=True):
        return []
    local, i = _read_dotted(keys, at)
    run = read_digits(keys, i)
    sign = i + sum(s.count for s in run)
    if key_at(keys, sign) == "at" and keys[at] not in NOT_MAILBOXES and sign + 1 < len(keys):
        domain, end = _read_dotted(keys, sign + 1)
        if "." in domain and domain.rpartition(".")[2] in ENDINGS:
            return [Piece(f"{local}{''.join(s.digits for s in run)}@{domain}", at, end)]
    return [Piece(local, at, i)] if "." in local and local.rpartition(".")[2] in _SURE_ENDINGS else []


def _write_telephone(keys: Sequence[str], at: int) -> list[Piece]:
    plus = int(keys[at] == "plus")
    found = read_number(keys, at + plus, everything=True) if at + plus < len(keys) else None
    if not found or (plus and not 8 <= len(found.text) <= 15):
        return []
    if len(found.text) == 10 and found.text.isdigit() and not plus and found.end - at >= 5:
        return [Piece(f"{found.text[:3]}-{found.text[3:6]}-{found.text[6:]}", at, found.end)]
    return [Piece("+" + found.text, at, found.end)] if plus else []


def _write_address(keys: Sequence[str], at: int) -> list[Piece]:
    found = read_number(keys, at, everything=True)
    if not found or key_at(keys, at - 1) not in {"", "at", "is", "to", "near", "address"}:
        return []
    for width in (1, 2, 3):
        names = keys[found.end : found.end + width]
        if key_at(keys, found.end + width) in STREETS and not _NOT_STREETS & set(names):
            street = range(found.end, found.end + width + 1)
            return [found, *(Piece(keys[i].capitalize(), i, i + 1) for i in street)]
    return []


def _write_letters(keys: Sequence[str], at: int) -> list[Piece]:
    end = at
    while len(key_at(keys, end)) == 1 and keys[end].isalpha():
        end += 1
    return [Piece("".join(keys[at:end]).upper(), at, end)] if end - at >= 3 else []


_RULES: tuple[Callable[[Sequence[str], int], list[Piece]], ...] = (
    _write_electronic, _write_date, _write_time, _write_money, _write_measure,
    _write_ordinal, _write_address, _write_telephone, _write_letters,
)  # fmt: skip


def normalize_at(keys: Sequence[str], at: int) -> list[Piece]:
    """Write what begins here; an empty list if the words stay as they are.

    Args:
        keys: One speaker's words in lower case.
        at: Where to look.

    Returns:
        Pieces that follow each other without gaps.
    """
    for rule in _RULES:
        if pieces := rule(keys, at):
            return pieces
    number = read_number(keys, at, everything=True)
    return [number] if number else []
