"""The ModelNotice: says that a model is no longer served, and offers its replacement."""

from __future__ import annotations

from collections.abc import Callable

from smallest_nb.api.settings import SmallestTTSSettings, replacement_settings
from smallest_nb.errors import ModelRetiredError

__all__ = ["ModelNotice"]


class ModelNotice:
    """A line of the tuner with a button; absent while there is nothing to say.

    Args:
        show: Called with what the page draws: a text, and the button's text or an empty one.
        use: Called with the change of settings when a person presses the button.

    Attributes:
        offered: The change that a press makes, or None while none is offered.
    """

    def __init__(self, show: Callable[[dict[str, str]], None], use: Callable[[SmallestTTSSettings], None]) -> None:
        self.offered: SmallestTTSSettings | None = None
        self._draw = show
        self._use = use

    def show_replaced(self, former: SmallestTTSSettings, settings: SmallestTTSSettings) -> None:
        """Say that a default went on as its replacement."""
        if settings.model == former.model:
            self._show(f"{settings.model} has no voice {former.voice}. This is {settings.voice}.", None)
            return
        voice = f"and the voice {settings.voice}" if settings.voice != former.voice else f"with {settings.voice}"
        self._show(f"{former.model} is no longer served. This is {settings.model} {voice}.", None)

    def offer(self, settings: SmallestTTSSettings, error: ModelRetiredError) -> str:
        """Offer the replacement of a chosen model; return what happened, for the player."""
        delta = None if "model" in settings.extra else replacement_settings(settings)
        if delta is None:
            return str(error)
        self._show(f"Its replacement speaks with the voice {delta.voice}:", delta)
        return f"{settings.model} is no longer served."

    def clear(self) -> None:
        """Say nothing."""
        self._show("", None)

    def accept(self) -> None:
        """Take what is offered, as a press on the button does."""
        if (offered := self.offered) is not None:
            self.clear()
            self._use(offered)

    def _show(self, text: str, offered: SmallestTTSSettings | None) -> None:
        self.offered = offered
        self._draw({"text": text, "button": f"Use {offered.model}" if offered is not None else ""})
