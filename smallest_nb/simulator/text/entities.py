"""Where personal and card data stand in a transcript, in words or in digits.

What the rules cannot find: names outside the lists that no cue introduces, surnames without a cue, places and cities,
spelled words, digits that no cue introduces and that are neither a valid card nor a valid telephone number (US, IN).
They rather take too much than too little: a run of digits after a cue is one entity, whatever else was said in it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from smallest_nb.simulator.text.given_names import AMBIGUOUS_NAMES, GIVEN_NAMES, NOT_NAMES
from smallest_nb.simulator.text.normalize import MONTHS, STREETS
from smallest_nb.simulator.text.numerals import key_at, read_digits

__all__ = [
    "ALL_STREETS",
    "COUNTED",
    "EXPIRY_CUES",
    "EXPIRY_WORDS",
    "NOT_STREETS",
    "Entity",
    "Token",
    "find_addresses",
    "find_codes",
    "find_cue",
    "find_digit_runs",
    "find_expiries",
    "find_names",
    "find_phones",
    "is_card",
    "is_valid_phone",
]

_MARKS = ".,?!।"
_WINDOW = 8
"""Words, a run of digits being one, between a cue and its digits."""
_HINDI = {
    "शून्य": "0", "ज़ीरो": "0", "जीरो": "0", "एक": "1", "दो": "2", "तीन": "3", "चार": "4", "पाँच": "5", "पांच": "5",
    "छह": "6", "छः": "6", "छे": "6", "सात": "7", "आठ": "8", "नौ": "9",
}  # fmt: skip
_DASHES = frozenset({"dash", "hyphen"})
COUNTED = frozenset(
    "dollar dollars euro euros rupee rupees percent cents day days week weeks hour hours minute minutes second seconds "
    "month months year years people times miles kilometers am pm o'clock".split()
)
EXPIRY_CUES = frozenset({"expiry", "expires", "expiration", "expire", "exp", "valid", "एक्सपायरी"})
EXPIRY_WORDS = frozenset("date is on in month the of thru through until till".split())
_NAME_CUES = (
    "my name is", "my name's", "my names", "my first name is", "my full name is", "the name is", "name's", "call me",
    "मेरा नाम", "मेरा पूरा नाम",
)  # fmt: skip
_LAST_CUES = ("my last name is", "my surname is", "my family name is", "last name is", "surname is")
_INTRODUCED = frozenset("speaking calling here".split())
_TITLES = frozenset("mr mister mrs missus ms miss dr doctor श्री श्रीमती".split())
_UNTITLED = frozenset(
    "the a an my your his her our their this that to i you we they he she will would can could don't won't and".split()
)
_NUMBERED_HOMES = frozenset("apartment apt flat suite".split())
NOT_STREETS = frozenset(
    "the a an of in on at to from down up and or by with people cars blocks block mile miles minute minutes hour hours "
    "day days year years way i we you they is are was".split()
)
_DOUBTFUL_STREETS = frozenset("way place drive court circle square terrace lane".split())
ALL_STREETS = STREETS | _DOUBTFUL_STREETS | frozenset("nagar marg chowk colony".split())
_CARD, _LONG, _SHORT = ("ACCOUNTNUMBER", 4, 99), ("ACCOUNTNUMBER", 6, 99), ("ACCOUNTNUMBER", 12, 99)
_CVV, _ZIP, _PHONE, _OTHER = ("CREDITCARDCVV", 3, 6), ("ZIPCODE", 5, 9), ("PHONENUMBER", 7, 15), ("", 1, 99)
_CUES: dict[str, tuple[str, int, int]] = {
    **dict.fromkeys(("cvv", "cvc", "cvv2", "c v v", "c v c", "security code", "verification value", "सीवीवी"), _CVV),
    **dict.fromkeys(("zip", "zip code", "zipcode", "postal code", "postcode", "post code"), _ZIP),
    **dict.fromkeys(("pin code", "pincode", "पिन कोड", "पिनकोड"), _ZIP),
    **dict.fromkeys(("account number", "account no", "account", "routing number", "iban"), _LONG),
    **dict.fromkeys(("खाता", "खाता नंबर", "खाता संख्या"), _LONG),
    **dict.fromkeys(("card number", "card no", "कार्ड नंबर"), _CARD),
    **dict.fromkeys(("card", "कार्ड"), _SHORT),
    **dict.fromkeys("phone telephone mobile cell call reach dial text whatsapp contact number fax".split(), _PHONE),
    **dict.fromkeys(("फोन", "फ़ोन", "मोबाइल", "नंबर", "नम्बर"), _PHONE),
    **{
        f"{what} number": _OTHER
        for what in "order tracking reference serial flight policy case ticket confirmation model part invoice "
        "registration licence license employee customer member transaction booking batch version".split()
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A word without its marks; `after` is what follows it: "'s", an end mark, both."""

    key: str
    after: str = ""

    @classmethod
    def of(cls, text: str) -> Token:
        """Take a written word apart."""
        core = text.strip(_MARKS)
        ending = text[len(text.rstrip(_MARKS)) :]
        owner = core.removesuffix("'s")
        known = owner != core and f"{core.lower()}" not in NOT_NAMES and core.lower() != "name's"
        return cls((owner if known else core).lower(), ("'s" if known else "") + ending)


@dataclass(frozen=True, slots=True)
class Entity:
    """Something to hide: the tokens from `start` up to `end`."""

    start: int
    end: int
    kind: str
    value: str


def _read_digits(key: str) -> str:
    if key in _HINDI:
        return _HINDI[key]
    return re.sub(r"\D", "", key) if re.fullmatch(r"\+?\(?\d[\d()-]*", key) else ""


def find_digit_runs(keys: Sequence[str]) -> list[Entity]:
    """Find neighbouring digits, in words or not; their kind is still open."""
    runs: list[Entity] = []
    i = 0
    while i < len(keys):
        start, value = i, []
        while i < len(keys):
            if digits := _read_digits(keys[i]):
                value.append(digits)
                i += 1
            elif said := read_digits(keys, i):
                value += [s.digits for s in said]
                i += sum(s.count for s in said)
            elif value and keys[i] in _DASHES and (_read_digits(key_at(keys, i + 1)) or read_digits(keys, i + 1)):
                i += 1
            else:
                break
        if value:
            runs.append(Entity(start, i, "", "".join(str(int(d)) for d in "".join(value))))
        else:
            i += 1
    return runs


def is_card(digits: str) -> bool:
    """Say whether digits are as long as a card's number and pass Luhn's check."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = (sum(divmod(int(d) * (1 + i % 2), 10)) for i, d in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def find_cue(keys: Sequence[str], ends: Mapping[int, int], run: Entity, *, open_end: bool = False) -> str | None:
    """Find the kind that the nearest fitting cue in front names; earlier digits have taken the cues before them.

    Args:
        keys: Words.
        ends: Where each run of digits ends, and begins.
        run: Some digits.
        open_end: More digits may follow, so that a cue fits however few there are.

    Returns:
        The kind, "" for numbers that are no secret, None without a cue.
    """
    i, steps, joined = run.start, 0, True
    while i > 0 and steps < _WINDOW:
        taken = ends.get(i, i - 1 if keys[i - 1].startswith("[") else None)
        if taken is not None:
            last_four = keys[max(0, taken - 2) : taken]
            if not joined and not {"ending", "ends"} & set(last_four):
                break
            i, steps = taken, steps + 1
            continue
        for width in (3, 2, 1):
            kind, least, most = _CUES.get(" ".join(keys[max(0, i - width) : i]), ("", 1, 0))
            whole = open_end or (least <= len(run.value) and (kind != "ZIPCODE" or len(run.value) in {5, 6, 9}))
            if whole and len(run.value) <= most:
                return kind
            if most:
                break
        joined = joined and keys[i - 1] in {"or", "and", "then"}
        i, steps = i - 1, steps + 1
    return None


def find_codes(keys: Sequence[str], runs: Sequence[Entity]) -> Iterator[Entity]:
    """Find what is of a card or an account: by its check digit, else by the words in front."""
    ends = {r.end: r.start for r in runs}
    for run in runs:
        kind = find_cue(keys, ends, run) or ""
        if _holds_card(keys, run):
            yield Entity(run.start, run.end, "ACCOUNTNUMBER", run.value)
        elif kind not in {"", "PHONENUMBER"} and key_at(keys, run.end) not in COUNTED:
            yield Entity(run.start, run.end, kind, run.value)


def _holds_card(keys: Sequence[str], run: Entity) -> bool:
    """Look for a card's number inside longer runs too: the expiry or the code often follows at once."""
    if is_card(run.value):
        return True
    parts = [r.value for i in range(run.start, run.end) for r in find_digit_runs([keys[i]])]
    if len(run.value) <= 16 or "".join(parts) != run.value:
        return False
    edges = [0, *accumulate(map(len, parts))]
    starts = set(edges)
    return any(at + size in starts and is_card(run.value[at : at + size]) for at in edges for size in (15, 16))


def find_phones(keys: Sequence[str], runs: Sequence[Entity]) -> Iterator[Entity]:
    """Find telephone numbers: valid ones anywhere, other runs by the words around."""
    ends = {r.end: r.start for r in runs}
    for run in runs:
        kind = find_cue(keys, ends, run) or ""
        named = keys[run.end : run.end + 2] in (["is", "my"], ["is", "the"]) and bool(
            {"number", "phone", "mobile", "cell"} & set(keys[run.end + 2 : run.end + 6])
        )
        cued = (kind == "PHONENUMBER" or named) and 7 <= len(run.value) <= 15
        shaped = bool(re.fullmatch(r"(\+\d{8,15}|\d{3}-\d{3}-\d{4})", keys[run.start])) and run.end == run.start + 1
        counted = key_at(keys, run.end) in COUNTED
        if not counted and (cued or (kind in {"", "PHONENUMBER"} and (shaped or is_valid_phone(run.value)))):
            start = run.start - (key_at(keys, run.start - 1) == "plus")
            yield Entity(start, run.end, "PHONENUMBER", run.value)


def is_valid_phone(digits: str) -> bool:
    """Say whether digits are a telephone number of the US or of India; never, without the package phonenumbers."""
    if not 10 <= len(digits) <= 13:
        return False
    try:
        library: Any = importlib.import_module("phonenumbers")
    except ImportError:
        return False
    texts = (digits, "+" + digits)
    found = (m.raw_string for t in texts for r in ("US", "IN") for m in library.PhoneNumberMatcher(t, r))
    return any(re.sub(r"\D", "", f) == digits for f in found)


def find_expiries(keys: Sequence[str], runs: Sequence[Entity]) -> Iterator[Entity]:
    """Find month and year after "expires", "expiry", "valid until"."""
    starts = {r.start: r for r in runs}
    for i, key in enumerate(keys):
        if key not in EXPIRY_CUES:
            continue
        at = i + 1
        while key_at(keys, at) in EXPIRY_WORDS:
            at += 1
        month = int(key_at(keys, at) in MONTHS)
        oh = int(key_at(keys, at) in {"oh", "o"})
        run = starts.get(at + month + oh)
        if month and run and len(run.value) in {2, 4}:
            yield Entity(at, run.end, "TIME", run.value)
        elif re.fullmatch(r"\d{1,2}[/-]\d{2,4}", key_at(keys, at)):
            yield Entity(at, at + 1, "TIME", keys[at])
        elif run and key_at(keys, run.end) in {"slash", "stroke"} and run.end + 1 in starts:
            yield Entity(at, starts[run.end + 1].end, "TIME", run.value)
        elif run and len(run.value) in {3, 4, 5, 6} and 1 <= int(run.value[: 2 - len(run.value) % 2]) <= 12:
            yield Entity(at, run.end, "TIME", run.value)


def find_addresses(keys: Sequence[str], runs: Sequence[Entity]) -> Iterator[Entity]:
    """Find house numbers with the street that follows, and numbered homes."""
    for run in runs:
        before = key_at(keys, run.start - 1)
        if before in _NUMBERED_HOMES or keys[max(0, run.start - 2) : run.start] in (
            ["house", "number"],
            ["house", "no"],
        ):
            yield Entity(run.start, run.end, "BUILDINGNUMBER", run.value)
        if len(run.value) > 5:
            continue
        for width in (1, 2, 3):
            names, street = keys[run.end : run.end + width], key_at(keys, run.end + width)
            doubtful = street in _DOUBTFUL_STREETS and len(run.value) < 2
            if street in ALL_STREETS and not doubtful and not (NOT_STREETS | COUNTED) & set(names):
                yield Entity(run.start, run.end, "BUILDINGNUMBER", run.value)
                yield Entity(run.end, run.end + width + 1, "ADDRESS", " ".join(names))
                break


def _may_be_name(key: str) -> bool:
    return key in AMBIGUOUS_NAMES or (key[:1].isalpha() and key not in NOT_NAMES and not re.search(r"[\d@.\[]", key))


def _find_full_name(tokens: Sequence[Token], at: int, kind: str = "FIRSTNAME") -> Iterator[Entity]:
    if at >= len(tokens) or not _may_be_name(tokens[at].key):
        return
    yield Entity(at, at + 1, kind, tokens[at].key)
    for i in range(at + 1, min(at + 4, len(tokens))):
        key = tokens[i].key
        if tokens[i - 1].after or not _may_be_name(key) or (key in AMBIGUOUS_NAMES and key in NOT_NAMES):
            return
        yield Entity(i, i + 1, "FIRSTNAME" if key in GIVEN_NAMES else "LASTNAME", key)
        if key not in GIVEN_NAMES:
            return


def _find_introduced(tokens: Sequence[Token], keys: Sequence[str], i: int) -> Iterator[Entity]:
    """Read the name that the words in front of `i` introduce."""
    ahead = {w: " ".join(keys[max(0, i - w) : i]) for w in (1, 2, 3, 4)}
    if any(a in _LAST_CUES for a in ahead.values()):
        yield from _find_full_name(tokens, i, "LASTNAME")
    elif any(a in _NAME_CUES for a in ahead.values()):
        yield from _find_full_name(tokens, i)
    elif ahead[2] == "this is" or ahead[1] == "मैं":
        found = list(_find_full_name(tokens, i))
        after = keys[found[-1].end : found[-1].end + 2] if found else []
        if found and ((after and after[0] in _INTRODUCED) or after[:1] == ["बोल"] or keys[i] in GIVEN_NAMES):
            yield from found
    elif (ahead[2] == "i am" or ahead[1] == "i'm") and keys[i] in GIVEN_NAMES:
        yield from _find_full_name(tokens, i)
    elif ahead[1] in _TITLES and (ahead[1] not in {"miss", "doctor"} or key_at(keys, i - 2) not in _UNTITLED):
        given = keys[i] in GIVEN_NAMES
        yield from list(_find_full_name(tokens, i, "FIRSTNAME" if given else "LASTNAME"))[: None if given else 1]


def find_names(tokens: Sequence[Token], known: Mapping[str, str]) -> Iterator[Entity]:
    """Find names: by the words that introduce them, by the lists, and those of `known` (name to kind) again."""
    keys = [t.key for t in tokens]
    cued = {e.start: e for i in range(len(tokens) - 1, -1, -1) for e in _find_introduced(tokens, keys, i)}
    heard = {e.value: e.kind for e in cued.values() if e.value not in AMBIGUOUS_NAMES}
    kinds = {**dict.fromkeys(GIVEN_NAMES, "FIRSTNAME"), **known, **heard}
    for i, key in enumerate(keys):
        if i in cued:
            yield cued[i]
        elif key in kinds:
            yield Entity(i, i + 1, kinds[key], key)
