"""The ModelNotice: says that a model is no longer served, and offers its replacement."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from smallest_nb.api.settings import SmallestTTSSettings, replacement_settings
from smallest_nb.common.markup import text_html
from smallest_nb.errors import ModelRetiredError

__all__ = ["ModelNotice"]


class ModelNotice(ipywidgets.HBox):
    """A line below the player; hidden while there is nothing to say.

    Args:
        use: Called with the change of settings when a person presses the button.

    Attributes:
        offered: The change that a press makes, or None while none is offered.
    """

    def __init__(self, use: Callable[[SmallestTTSSettings], None]) -> None:
        self.offered: SmallestTTSSettings | None = None
        self._use = use
        self.text = ipywidgets.HTML(layout=ipywidgets.Layout(min_width="0"))
        self.button = ipywidgets.Button(
            tooltip="Choose this model and one of its voices, and speak.",
            layout=ipywidgets.Layout(width="auto", display="none"),
        )
        self.button.on_click(lambda _b: self._pressed())
        layout = ipywidgets.Layout(align_items="center", flex_flow="row wrap", display="none")
        super().__init__([self.text, self.button], layout=layout)

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

    def _show(self, text: str, offered: SmallestTTSSettings | None) -> None:
        self.offered = offered
        self.text.value = f"<small>{text_html(text)}</small>" if text else ""
        self.button.description = f"Use {offered.model}" if offered is not None else ""
        self.button.layout.display = "none" if offered is None else ""
        self.layout.display = "" if text else "none"

    def _pressed(self) -> None:
        if (offered := self.offered) is not None:
            self.clear()
            self._use(offered)

    def __repr__(self) -> str:
        return f"ModelNotice({self.offered!r})"
