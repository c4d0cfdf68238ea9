"""A trait for one setting, so that a control of the user's own can be linked to it."""

from __future__ import annotations

from typing import Any

import traitlets

from smallest_nb.api.fields import BaseSettings
from smallest_nb.errors import ConfigError

__all__ = ["SettingValueTrait", "follow_settings", "setting_values"]


class SettingValueTrait(traitlets.Any):
    """The value of one setting of the same name in `settings`; a slider has the API's own default while it is not set.

    Args:
        kind: The settings class.
    """

    allow_none = False  # the constructor's argument cannot say so where the class allows it

    def __init__(self, kind: type[BaseSettings], **kwargs: Any) -> None:
        self._kind = kind
        super().__init__(None, **kwargs)
        self.tag(sync=True)

    def validate(self, _obj: Any, value: Any) -> Any:
        """Check the value as the setting's own check does.

        Raises:
            ConfigError: It cannot be used.
        """
        name = str(self.name)
        spec = self._kind.specs()[name]
        if value is None and spec.kind in ("float", "int"):
            raise ConfigError(
                f"{name}=None cannot be shown by a slider; expected a number. For the API's own default set "
                f"`settings = {{'{name}': None}}`."
            )
        return _plain(spec.check(name, value))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


def setting_values(settings: BaseSettings, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what the traits of these settings hold."""
    specs, values = type(settings).specs(), {name: getattr(settings, name) for name in names}
    return {name: specs[name].api_default if value is None else _plain(value) for name, value in values.items()}


def follow_settings(widget: Any, names: tuple[str, ...]) -> None:
    """Keep these traits of a widget and its `settings` the same, from now on."""

    def from_settings(_change: Any = None) -> None:
        for name, value in setting_values(widget.settings, names).items():
            widget.set_trait(name, value)

    def to_settings(change: Any) -> None:
        name = change["name"]
        if change["new"] != setting_values(widget.settings, names)[name]:
            widget.settings = {name: change["new"]}

    widget.observe(from_settings, names="settings")
    widget.observe(to_settings, names=list(names))
