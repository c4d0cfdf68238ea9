"""What a setting may hold: its specification, and each kind of value checked and converted to plain Python.

NumPy's scalars and zero-dimensional arrays, members of enumerations and anything else that is a real number are taken
by their value; whatever a caller passes, the only error is a ConfigError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final

from smallest_nb.errors import ConfigError

__all__ = ["Spec", "UnchosenDefault", "check_extra", "plain_value", "shorten"]

_MAX_ITEMS = 10_000
"""Words or names in a list: the vendor's own limit on keywords in its older documents; endless iterators end here."""
_MAX_DEPTH = 32
_MAX_SHOWN = 80
_DEFAULT_BOOST = 3.0
"""The lower end of the range that the vendor advises for keywords (3 to 6)."""


class UnchosenDefault(str):
    """The documented default of a setting that the caller did not name: equal to its text.

    The type travels with the value through merging, copying and pickling. A value that the caller names, the default's
    own text included, is a plain string.
    """

    __slots__ = ()


_REFUSED: Final = object()
"""What a check returns for a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class Spec:
    """The specification of one setting.

    Attributes:
        kind: "float", "int", "bool", "str", "choice", "keywords" or "names".
        label: Its name in the user interface.
        help: One sentence for the user interface.
        wire: Its name on the wire; None if it is not a field of its own.
        default: Its value in a complete snapshot.
        minimum: Smallest number taken.
        maximum: Largest number taken.
        step: A slider's step.
        choices: The values offered; `open_choice` says whether others are taken too.
        open_choice: Values outside `choices` are passed through.
        optional: None is taken and means the API's default.
        api_default: The API's own default, for texts and slider positions.
        models: The models that take it (hyphenated ids), or None for all.
    """

    kind: str
    label: str
    help: str
    wire: str | None
    default: Any
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] = ()
    open_choice: bool = False
    optional: bool = False
    api_default: Any = None
    models: frozenset[str] | None = None

    def check(self, name: str, value: Any) -> Any:
        """Return the value as it is kept, or raise.

        Raises:
            ConfigError: Wrong type or out of range, with what was expected.
        """
        if value is None:
            if self.optional:
                return None
            raise ConfigError(f"{name} cannot be None; {self._expected()}.")
        checked = _CHECKS[self.kind](self, plain_value(value))
        if checked is _REFUSED:
            raise ConfigError(f"{name}={shorten(value)} cannot be used; {self._expected()}.")
        return checked

    def describe(self, value: Any) -> str:
        """Return a value as people read it, such as "on" or "API default (1.0)"."""
        if value is None:
            return "API default" + ("" if self.api_default is None else f" ({self.describe(self.api_default)})")
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(value, float):
            return str(round(value, 4))
        return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)

    def _expected(self) -> str:
        if self.kind in ("float", "int"):
            what = "a number" if self.kind == "float" else "a whole number"
            expected = f"expected {what} from {self.minimum:g} to {self.maximum:g}"
        elif self.kind == "bool":
            expected = "expected True or False"
        elif self.choices and not self.open_choice:
            expected = f"expected one of {', '.join(repr(c) for c in self.choices)}"
        elif self.kind == "keywords":
            expected = "expected {'word': boost} with boosts from 0 to 20, a list of words, or 'word:boost,...'"
        elif self.kind == "names":
            expected = "expected a list of names, or 'one, two'"
        else:
            expected = "expected a non-empty string"
        return expected + (", or None for the API's default" if self.optional else "")


def plain_value(value: Any) -> Any:
    """Return the value of an enumeration's member, of a NumPy scalar or of a zero-dimensional array; others as is."""
    if isinstance(value, Enum):
        return plain_value(value.value)
    if isinstance(value, str):
        return value if type(value) in (str, UnchosenDefault) else str(value)
    if hasattr(value, "dtype") and getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    return value


def shorten(value: Any) -> str:
    """Return the repr of any value, short enough for a message."""
    try:
        text = repr(plain_value(value))
    except Exception:  # of a class whose __repr__ is broken
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _check_number(spec: Spec, value: Any) -> Any:
    number = _as_float(value)
    if not math.isfinite(number) or not (spec.minimum or 0) <= number <= (spec.maximum or 0):
        return _REFUSED
    if spec.kind == "float":
        return number
    return int(number) if number == int(number) else _REFUSED


def _as_float(value: Any) -> float:
    """Return a real number, or NaN for anything else, bools and text included."""
    if isinstance(value, bool | str | complex) or not hasattr(value, "__float__") or getattr(value, "shape", ()) != ():
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _check_bool(_spec: Spec, value: Any) -> Any:
    return value if isinstance(value, bool) else _REFUSED


def _check_text(_spec: Spec, value: Any) -> Any:
    return value if isinstance(value, str) and value.strip() else _REFUSED


def _check_choice(spec: Spec, value: Any) -> Any:
    text = _check_text(spec, value)
    return text if text is _REFUSED or spec.open_choice or text in spec.choices else _REFUSED


def _check_keywords(_spec: Spec, value: Any) -> Any:
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        pairs = value.items()
    elif (words := _texts(value)) is not None:
        pairs = [_word_and_boost(word) for word in words if word.strip()]
    else:
        return _REFUSED
    kept: dict[str, float] = {}
    for given_word, given_boost in pairs:
        word, boost = plain_value(given_word), plain_value(given_boost)
        try:
            weight = float(boost) if isinstance(boost, str) else _as_float(boost)
        except ValueError:
            return _REFUSED
        if not isinstance(word, str) or not word.strip() or "," in word or ":" in word or not 0 <= weight <= 20:
            return _REFUSED
        kept[word.strip()] = weight
    return kept


def _word_and_boost(text: str) -> tuple[str, Any]:
    word, colon, boost = text.rpartition(":")
    return (word, boost) if colon and word else (text, _DEFAULT_BOOST)


def _check_names(_spec: Spec, value: Any) -> Any:
    names = _texts(value)
    if not names or (not isinstance(value, str) and not all(n.strip() for n in names)):
        return _REFUSED
    return tuple(n.strip() for n in names if n.strip()) or _REFUSED


def _texts(value: Any) -> list[str] | None:
    """Return the texts of a list, or of 'one, two'; None for anything else."""
    if isinstance(value, str):
        return value.split(",")
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes | bytearray | memoryview):
        return None
    try:
        items = [plain_value(item) for item in islice(value, _MAX_ITEMS + 1)]
    except TypeError:  # a zero-dimensional thing that only looks iterable
        return None
    if len(items) > _MAX_ITEMS or not all(isinstance(item, str) for item in items):
        return None
    return sorted(items) if isinstance(value, AbstractSet) else items  # a set has another order in each process


_CHECKS: dict[str, Callable[[Spec, Any], Any]] = {
    "float": _check_number,
    "int": _check_number,
    "bool": _check_bool,
    "str": _check_text,
    "choice": _check_choice,
    "keywords": _check_keywords,
    "names": _check_names,
}


def check_extra(extra: Any) -> dict[str, Any]:
    """Return `extra` as plain JSON values.

    Raises:
        ConfigError: Not a mapping from text, or a value that JSON cannot hold.
    """
    if not isinstance(extra, Mapping):
        raise ConfigError(f"extra={shorten(extra)} cannot be used; expected {{'wire field': value}}, or {{}} for none.")
    return {_field_name(name): _json_value(value, f"extra[{name!r}]", _MAX_DEPTH) for name, value in extra.items()}


def _field_name(name: Any) -> str:
    if not isinstance(plain_value(name), str) or not name:
        raise ConfigError(f"The names in extra must be text; got {shorten(name)}.")
    return str(plain_value(name))


def _json_value(value: Any, place: str, depth: int) -> Any:
    value = plain_value(value)
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if depth and isinstance(value, Mapping):
        return {_field_name(k): _json_value(v, f"{place}[{k!r}]", depth - 1) for k, v in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_json_value(v, f"{place}[{i}]", depth - 1) for i, v in enumerate(value)]
    raise ConfigError(
        f"{place}={shorten(value)} cannot be sent; expected text, finite numbers, True, False, None, lists and dicts."
    )
