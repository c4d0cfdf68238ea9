"""What was said for what a recogniser wrote: "Mr. Hill owes $12.50." becomes "mister hill owes twelve dollars fifty".

Neural recognisers write numbers, abbreviations and addresses as they learned them. How they are written here is the
query's decision (`Wording`), and the sound is aligned with what was said, so both begin with the spoken words. Capitals
inside a sentence stay, for they are names; so do the marks `.,?!` behind a word. English; of other languages only the
marks are put in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["read_spoken_form"]

_UNITS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
          "seventeen eighteen nineteen").split()  # fmt: skip
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
             "twelve": "twelfth"}  # fmt: skip
_MONEY = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny"), "₹": ("rupee", "paisa")}
_PLURALS = {"penny": "pence", "paisa": "paise"}
_SIGNS = {"%": "percent", "&": "and", "+": "plus", "=": "equals", "@": "at", "°": "degrees"}
_SHORT = {"mr": "mister", "mrs": "missus", "dr": "doctor", "etc": "et cetera", "vs": "versus"}
_ENDS = ".?!"
_MARKS = ".,?!"
_MOST_DIGITS = 15
"""Longer numbers are read digit by digit."""
_FROM_YEAR, _TO_YEAR = 1100, 2099
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'"})
_INITIALS = re.compile(r"(?<![\w.])((?:[A-Za-z]\. ?){2,})(?=\s|$)")
_CORE = re.compile(r"^[^\w$€£₹%&+=@°]*(.*?)([^\w%°]*)$", re.DOTALL)
_NUMBER = re.compile(
    r"([$€£₹]?)(\d{1,3}(?:,\d{3})+|\d+)(?:([.:])(\d+))?(st|nd|rd|th|s|%|am|pm|a\.m|p\.m)?", re.IGNORECASE
)
_PHONE = re.compile(r"\d{3,4}(?:[-.]\d{3,4})+")
_ADDRESS = re.compile(r"[\w-]+(?:[.@][\w-]+)+")
_PIECES = re.compile(r"[\w']+|[%&+=@°]")


def read_spoken_form(text: str, language: str = "en") -> list[str]:
    """Return the words that were said, each with the mark `.,?!` that was written behind it, if any.

    Args:
        text: As a recogniser wrote it.
        language: Code of its language; a region after it does not matter.
    """
    words: list[str] = []
    begins = True
    english = language.partition("-")[0].lower() in ("en", "")
    text = text.translate(_APOSTROPHES)
    if english:
        text = _INITIALS.sub(lambda m: m.group(1).replace(".", "") + " ", text)
    for token in re.sub(
        r"(?<=\w)[-–—/](?=[^\W\d])|(?<=[^\W\d])[-–—/](?=\w)|(?<!\d)[–—]|[…]|\.{2,}" if english else r"[–—…]", " ", text
    ).split():
        match = _CORE.match(token)
        core, tail = match.groups() if match else (token, "")
        said = [*_read_core(core)] if english else [core]
        said = [word for word in said if word]
        short = english and core.lower() in _SHORT
        mark = "" if short else _choose_mark(tail)
        if not said:
            if words and mark and words[-1][-1] not in _MARKS:
                words[-1] += mark
            continue
        if begins and not _stays_capital(said[0]):
            said[0] = said[0][:1].lower() + said[0][1:]
        said[-1] += mark
        words += said
        begins = mark[-1:] in _ENDS and mark != ""
    return words


def _choose_mark(tail: str) -> str:
    found = [c for c in tail if c in "?!.,;:।。"]
    ends = [c for c in found if c in "?!.।。"]
    return ends[-1] if ends else "," if found else ""


def _stays_capital(word: str) -> bool:
    return word == "I" or word.startswith("I'") or (len(word) > 1 and word.isupper())


def _read_core(core: str) -> Iterator[str]:
    short = _SHORT.get(core.lower())
    if short:
        yield short
    elif number := _NUMBER.fullmatch(core):
        yield from _read_number(*number.groups(default=""))
    elif _PHONE.fullmatch(core):
        yield from (_UNITS[int(d)] for d in core if d.isdigit())
    elif _ADDRESS.fullmatch(core):
        yield from _read_address(core)
    elif core.isalpha() or not re.search(r"[\d%&+=@°$€£₹_.,]", core):
        yield core
    else:
        for piece in _PIECES.findall(core):
            number = _NUMBER.fullmatch(piece)
            yield from _read_number(*number.groups(default="")) if number else [_SIGNS.get(piece, piece)]


def _read_number(sign: str, whole: str, point: str, fraction: str, suffix: str) -> Iterator[str]:
    plain, suffix = whole.replace(",", ""), suffix.lower().replace(".", "")
    if sign and len(fraction) in (0, 2) and len(plain) <= _MOST_DIGITS:
        yield from _read_money(sign, int(plain), int(fraction or 0))
        return
    time = point == ":" or (point == "." and suffix in ("am", "pm"))
    if time and len(fraction) == 2:
        yield from _read_cardinal(int(plain))
        minutes = int(fraction)
        yield from ("oh", *_read_cardinal(minutes)) if 0 < minutes < 10 else _read_cardinal(minutes) if minutes else ()
    elif fraction:
        yield from [*_read_whole(plain, grouped="," in whole), "point", *(_UNITS[int(d)] for d in fraction)]
    elif suffix in ("st", "nd", "rd", "th"):
        *before, last = _read_cardinal(int(plain[:_MOST_DIGITS]))
        yield from [*before, _make_ordinal(last)]
    elif suffix == "s":
        *before, last = _read_whole(plain, grouped="," in whole)
        yield from [*before, last[:-1] + "ies" if last.endswith("y") else last + "s"]
    else:
        yield from _read_whole(plain, grouped="," in whole)
    if suffix == "%":
        yield "percent"
    elif suffix in ("am", "pm"):
        yield from suffix
    if sign:
        yield _MONEY[sign][0] + "s"


def _read_money(sign: str, whole: int, cents: int) -> Iterator[str]:
    unit, part = _MONEY[sign]
    if whole or not cents:
        yield from _read_cardinal(whole)
        yield unit if whole == 1 else unit + "s"
    if whole and cents:
        yield "and"
    if cents:
        yield from _read_cardinal(cents)
        yield part if cents == 1 else _PLURALS.get(part, part + "s")


def _read_whole(digits: str, *, grouped: bool) -> list[str]:
    """Read a whole number: a year by its halves, what is no amount digit by digit."""
    value = int(digits[: _MOST_DIGITS + 1])
    if (not grouped and (len(digits) > 4 or (len(digits) > 1 and digits[0] == "0"))) or len(digits) > _MOST_DIGITS:
        return [_UNITS[int(d)] for d in digits]
    if len(digits) == 4 and not grouped and _FROM_YEAR <= value <= _TO_YEAR and not 2000 <= value < 2010:
        high, low = divmod(value, 100)
        rest = ["hundred"] if not low else ["oh", _UNITS[low]] if low < 10 else [*_read_cardinal(low)]
        return [*_read_cardinal(high), *rest]
    return [*_read_cardinal(value)]


def _read_cardinal(value: int) -> Iterator[str]:
    if value < 20:
        yield _UNITS[value]
        return
    if value < 100:
        yield _TENS[value // 10]
        if value % 10:
            yield _UNITS[value % 10]
        return
    scale, name = next((s, n) for s, n in _SCALES if value >= s)
    yield from _read_cardinal(value // scale)
    yield name
    if value % scale:
        if scale == 100:
            yield "and"
        yield from _read_cardinal(value % scale)


def _make_ordinal(word: str) -> str:
    return _ORDINALS.get(word) or (word[:-1] + "ieth" if word.endswith("y") else word + "th")


def _read_address(core: str) -> Iterator[str]:
    for piece in re.findall(r"[\w-]+|[.@]", core):
        if piece in ".@":
            yield "dot" if piece == "." else "at"
        elif number := _NUMBER.fullmatch(piece):
            yield from _read_number(*number.groups(default=""))
        else:
            yield piece.lower()
