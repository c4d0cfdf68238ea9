"""A trait that holds complete settings and takes deltas."""

from __future__ import annotations

from typing import Any, TypeVar

import traitlets

from smallest_nb.errors import ConfigError
from smallest_nb.fields import BaseSettings

__all__ = ["SettingsTrait"]


_S = TypeVar("_S", bound=BaseSettings)


class SettingsTrait(traitlets.Instance[_S]):
    """Always a complete, valid snapshot; assigning a delta or a mapping changes what it names.

    Args:
        klass: The settings class.
    """

    def validate(self, obj: Any, value: Any) -> _S:
        """Merge what is assigned into what is held.

        Raises:
            ConfigError: Settings of another service, an unknown name, or a value out of range.
        """
        held = obj._trait_values.get(self.name)  # noqa: SLF001 - the raw value, without triggering a default
        kind: Any = type(held) if held is not None else self.klass
        delta = kind.from_mapping(value) if isinstance(value, dict) else value
        if not isinstance(delta, kind):
            raise ConfigError(f"Expected {kind.__name__} or a mapping, got {type(value).__name__}.")
        merged: _S = (held if held is not None else type(delta).complete()).merged(delta)[0]
        return merged
