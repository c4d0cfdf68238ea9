"""The machinery under the settings: NOT_GIVEN, field metadata, validation, delta and snapshot. Imports errors only.

Metadata is the one source for validation, sliders, code export and documentation.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, Self, TypeVar

from smallest_nb.errors import ConfigError
from smallest_nb.secret import box_arguments

__all__ = ["NOT_GIVEN", "BaseSettings", "NotGiven", "Spec", "checked_names", "setting"]


class NotGiven:
    """The type of :data:`NOT_GIVEN`, the default of every setting: a delta does not touch this field."""

    _instance: ClassVar[NotGiven | None] = None

    def __new__(cls) -> Self:  # noqa: D102 - a magic method
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance  # type: ignore[return-value]

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"

    def __reduce__(self) -> tuple[type[NotGiven], tuple[()]]:
        return NotGiven, ()


NOT_GIVEN: Final = NotGiven()


@dataclass(frozen=True, slots=True)
class Spec:
    """What is known of one setting.

    Attributes:
        kind: "float", "int", "bool", "str", "choice", "keywords" or "names".
        label: Its name for people.
        help: One sentence for people.
        wire: Its name on the wire; None where it does not travel as a field of its own.
        default: Its value in a complete snapshot.
        minimum: Smallest number taken.
        maximum: Largest number taken.
        step: A slider's step.
        choices: The values offered; `open_choice` says whether others are taken too.
        open_choice: Values outside `choices` are passed through.
        optional: None is taken and means the API's default.
        api_default: What the API does when it is not sent, for people and slider positions.
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
        checked = _CHECKS[self.kind](self, value)
        if isinstance(checked, NotGiven):
            raise ConfigError(f"{name}={value!r} cannot be used; {self._expected()}.")
        return checked

    def _expected(self) -> str:
        if self.kind in ("float", "int"):
            what = "a number" if self.kind == "float" else "a whole number"
            told = f"expected {what} from {self.minimum:g} to {self.maximum:g}"
        elif self.kind == "bool":
            told = "expected True or False"
        elif self.choices and not self.open_choice:
            told = f"expected one of {', '.join(repr(c) for c in self.choices)}"
        elif self.kind == "keywords":
            told = "expected {'word': boost} with boosts from 0 to 20, a list of words, or 'word:boost,...'"
        elif self.kind == "names":
            told = "expected a list of names, or 'one, two'"
        else:
            told = "expected a non-empty string"
        return told + (", or None for the API's default" if self.optional else "")


def _check_number(spec: Spec, value: Any) -> Any:
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        return NOT_GIVEN
    number = float(value)
    inside = math.isfinite(number) and (spec.minimum or 0) <= number <= (spec.maximum or 0)
    if not inside or (spec.kind == "int" and number != int(number)):
        return NOT_GIVEN
    return int(number) if spec.kind == "int" else number


def _check_bool(_spec: Spec, value: Any) -> Any:
    return value if isinstance(value, bool) else NOT_GIVEN


def _check_str(_spec: Spec, value: Any) -> Any:
    return str(value) if isinstance(value, str) and value.strip() else NOT_GIVEN


def _check_choice(spec: Spec, value: Any) -> Any:
    if spec.open_choice:
        return _check_str(spec, value)
    return value if value in spec.choices and not isinstance(value, bool) else NOT_GIVEN


def _check_keywords(_spec: Spec, value: Any) -> Any:
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        pairs = value.items()
    else:
        words = value.split(",") if isinstance(value, str) else list(value) if isinstance(value, Iterable) else []
        pairs = [(w.rpartition(":")[0] or w, w.rpartition(":")[2] if ":" in w else 3) for w in words if str(w).strip()]
    try:
        kept = {str(word).strip(): float(boost) for word, boost in pairs}
    except ValueError:
        return NOT_GIVEN
    bad = any(not w or "," in w or ":" in w or not 0 <= b <= 20 for w, b in kept.items())
    return NOT_GIVEN if bad or (value and not kept) else kept


def _check_names(_spec: Spec, value: Any) -> Any:
    if not isinstance(value, Iterable):
        return NOT_GIVEN
    names = tuple(n.strip() for n in value.split(",") if n.strip()) if isinstance(value, str) else tuple(value)
    return names if names and all(isinstance(n, str) and n.strip() for n in names) else NOT_GIVEN


_CHECKS: dict[str, Callable[[Spec, Any], Any]] = {
    "float": _check_number,
    "int": _check_number,
    "bool": _check_bool,
    "str": _check_str,
    "choice": _check_choice,
    "keywords": _check_keywords,
    "names": _check_names,
}


def setting(spec: Spec) -> Any:
    """Make a dataclass field that defaults to NOT_GIVEN and carries its spec."""
    return field(default=NOT_GIVEN, metadata={"spec": spec})


_C = TypeVar("_C", bound="type[BaseSettings]")


def checked_names(cls: _C) -> _C:
    """Make a settings class answer an unknown name with the nearest known one."""
    generated = cls.__init__

    @functools.wraps(generated)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs = box_arguments(kwargs)  # a key that was given as a setting by mistake
        cls.check_names(kwargs)
        generated(self, *args, **kwargs)

    cls.__init__ = checked  # type: ignore[method-assign]
    return cls


@dataclass(frozen=True, kw_only=True, repr=False)
class BaseSettings:
    """A sparse delta or a complete snapshot of a service's settings; immutable."""

    extra: Mapping[str, Any] = field(default_factory=dict)
    """Wire fields this package does not know, sent as they are."""

    aliases: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        for name, spec in self.specs().items():
            value = getattr(self, name)
            if not isinstance(value, NotGiven):
                object.__setattr__(self, name, spec.check(name, value))
        object.__setattr__(self, "extra", dict(self.extra))

    @classmethod
    @functools.cache
    def specs(cls) -> dict[str, Spec]:
        """Return the spec of each setting by name, in order."""
        return {f.name: f.metadata["spec"] for f in dataclasses.fields(cls) if "spec" in f.metadata}

    @classmethod
    def check_names(cls, names: Iterable[str]) -> None:
        """Raise for a name that is no setting.

        Raises:
            ConfigError: With the nearest known name.
        """
        known = [*cls.specs(), "extra"]
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ConfigError(
                    f"{cls.__name__} has no setting {name!r}.{hint} Known: {', '.join(known)}. "
                    "A wire field that is newer than this package goes into extra={...}."
                )

    @classmethod
    def complete(cls, **changes: Any) -> Self:
        """Return a complete snapshot: every default, then the changes."""
        changes = box_arguments(changes)
        return cls(**{**{name: spec.default for name, spec in cls.specs().items()}, **changes})

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Build a delta from a mapping such as parsed JSON; aliases (`voice_id`) are understood.

        Raises:
            ConfigError: An unknown name, or a value out of range.
        """
        values = box_arguments(values)
        renamed = {cls.aliases.get(k, k): v for k, v in values.items()}
        cls.check_names(renamed)
        return cls(**renamed)

    def given_fields(self) -> dict[str, Any]:
        """Return the fields that are given, `extra` last and only where it holds something."""
        given = {n: v for n in self.specs() if not isinstance(v := getattr(self, n), NotGiven)}
        extra = getattr(self, "extra", None)  # missing while a debugger draws one that is just being made
        return {**given, "extra": dict(extra)} if extra else given

    def merged(self, delta: BaseSettings) -> tuple[Self, dict[str, Any]]:
        """Apply a delta; its `extra` is added, that of a complete snapshot replaces what there was.

        Returns:
            The new settings, and the former value of each field that changed.
        """
        if not isinstance(delta, type(self)):
            raise ConfigError(f"Expected {type(self).__name__}, got {type(delta).__name__}.")
        given = delta.given_fields()
        if set(self.specs()) <= set(given):
            given["extra"] = dict(delta.extra)  # a snapshot says all there is
        elif "extra" in given:
            given["extra"] = {**self.extra, **given["extra"]}
        changed = {n: getattr(self, n) for n, v in given.items() if getattr(self, n) != v}
        return dataclasses.replace(self, **{n: given[n] for n in changed}), changed

    def changed_from_default(self) -> dict[str, Any]:
        """Return what differs from the documented defaults, for code export."""
        specs = self.specs()
        return {n: v for n, v in self.given_fields().items() if n == "extra" or v != specs[n].default}

    def __repr__(self) -> str:
        given = self.given_fields()
        if set(self.specs()) <= set(given):  # a snapshot: only what tells it apart
            given = self.changed_from_default()
        told = ", ".join(f"{n}={_plain(v)!r}" for n, v in given.items())
        return f"{type(self).__name__}({told})"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
