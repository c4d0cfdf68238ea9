"""What both settings classes share: NOT_GIVEN, delta and snapshot, merging.

The `Spec` in each field's metadata is the one source for validation, sliders, code export and documentation.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, Self, TypeVar

from smallest_nb.api.setting_values import Spec, UnchosenDefault, check_extra, shorten
from smallest_nb.common.secret import box_arguments
from smallest_nb.errors import ConfigError

__all__ = ["NOT_GIVEN", "BaseSettings", "NotGiven", "checked_names", "setting"]


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


def setting(spec: Spec) -> Any:
    """Make a dataclass field that defaults to NOT_GIVEN and carries its spec."""
    return field(default=NOT_GIVEN, metadata={"spec": spec})


_C = TypeVar("_C", bound="type[BaseSettings]")


def checked_names(cls: _C) -> _C:
    """Make the constructor of a settings class raise for an unknown name, with the nearest known one."""
    generated = cls.__init__

    @functools.wraps(generated)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs = box_arguments(kwargs)  # a key that was passed as a setting by mistake
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
        object.__setattr__(self, "extra", check_extra(self.extra))

    @classmethod
    @functools.cache
    def specs(cls) -> dict[str, Spec]:
        """Return the spec of each setting by name, in order."""
        return {f.name: f.metadata["spec"] for f in dataclasses.fields(cls) if "spec" in f.metadata}

    @classmethod
    def check_names(cls, names: Iterable[str]) -> None:
        """Raise for a name that is not a setting.

        Raises:
            ConfigError: With the nearest known name.
        """
        known = [*cls.specs(), "extra"]
        for name in names:
            if name not in known:
                if not isinstance(name, str):
                    raise ConfigError(f"The name of a setting must be text; got {shorten(name)}.")
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
            ConfigError: Not a mapping, an unknown name, one setting under two names, or a value out of range.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"Expected a mapping of settings; got {type(values).__name__}.")
        values = box_arguments(values)
        renamed: dict[str, Any] = {}
        for given, value in values.items():
            name = cls.aliases.get(given, given)
            if name in renamed and renamed[name] is not value and renamed[name] != value:
                first, second = shorten(renamed[name]), shorten(value)
                raise ConfigError(f"{name} is given twice, as {first} and as {given}={second}; leave one out.")
            renamed[name] = value
        cls.check_names(renamed)
        return cls(**renamed)

    def given_fields(self) -> dict[str, Any]:
        """Return the fields that are given, `extra` last and only if it holds something."""
        given = {n: v for n in self.specs() if not isinstance(v := getattr(self, n), NotGiven)}
        extra = getattr(self, "extra", None)  # missing while a debugger shows one under construction
        return {**given, "extra": dict(extra)} if extra else given

    def merged(self, delta: BaseSettings) -> tuple[Self, dict[str, Any]]:
        """Apply a delta; its `extra` is added, that of a complete snapshot replaces the former one.

        Returns:
            The new settings, and the former value of each field that changed.
        """
        if not isinstance(delta, type(self)):
            raise ConfigError(f"Expected {type(self).__name__}; got {type(delta).__name__}.")
        given = delta.given_fields()
        if set(self.specs()) <= set(given):
            given["extra"] = dict(delta.extra)  # a snapshot is complete
        elif "extra" in given:
            given["extra"] = {**self.extra, **given["extra"]}
        changed = {n: getattr(self, n) for n, v in given.items() if getattr(self, n) != v}
        # A default that the delta names keeps its value, but counts as chosen from here on.
        named = [n for n, v in given.items() if _unchosen(getattr(self, n)) and not _unchosen(v)]
        return dataclasses.replace(self, **{n: given[n] for n in {*changed, *named}}), changed

    def changed_from_default(self) -> dict[str, Any]:
        """Return what differs from the documented defaults, for code export."""
        specs = self.specs()
        return {n: v for n, v in self.given_fields().items() if n == "extra" or v != specs[n].default}

    def __repr__(self) -> str:
        given = self.given_fields()
        if set(self.specs()) <= set(given):  # a snapshot: only what differs from the defaults
            given = self.changed_from_default()
        shown = ", ".join(f"{n}={v!r}" for n, v in given.items())
        return f"{type(self).__name__}({shown})"


def _unchosen(value: Any) -> bool:
    return isinstance(value, UnchosenDefault)
