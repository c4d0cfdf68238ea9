"""A trait that holds complete settings and takes deltas."""

from __future__ import annotations

from typing import Any

import traitlets

from smallest_nb.errors import ConfigError

__all__ = ["SettingsTrait"]


class SettingsTrait(traitlets.Instance):  # type: ignore[type-arg]  # not generic in the traitlets that Colab ships
    """Always a complete, valid snapshot; assigning a delta or a mapping changes what it names.

    Args:
        klass: The settings class.
    """

    def validate(self, obj: Any, value: Any) -> Any:
        """Merge what is assigned into what is held.

        Raises:
            ConfigError: Settings of another service, an unknown name, or a value out of range.
        """
        held = getattr(obj, str(self.name)) if obj.trait_has_value(self.name) else None  # no default is made
        kind: Any = type(held) if held is not None else self.klass
        delta = kind.from_mapping(value) if isinstance(value, dict) else value
        if not isinstance(delta, kind):
            raise ConfigError(f"Expected {kind.__name__} or a mapping, got {type(value).__name__}.")
        merged, _ = (held if held is not None else type(delta).complete()).merged(delta)
        return merged
