"""One control per setting, made from its metadata, and how boxes are closed with all that is in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from smallest_nb.api.setting_values import Spec
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["Control", "close_all", "make_control"]


class Control(Unpicklable, ipywidgets.HBox):
    """A labelled control, and beside it the reason why it is disabled.

    Args:
        name: The setting.
        spec: Its metadata.
        body: The widget that holds the value.
        changed: Called with the value a person chose.
    """

    def __init__(self, name: str, spec: Spec, body: Any, changed: Callable[[str, Any], None]) -> None:
        self.name = name
        self.spec = spec
        self.body = body
        self._changed = changed
        self._showing = False
        label = ipywidgets.Label(spec.label, layout=ipywidgets.Layout(width="150px"), tooltip=spec.help)
        self.reset: Any = None
        if spec.optional:
            self.reset = ipywidgets.Button(
                description="API default",
                disabled=True,
                tooltip=f"Use the API's default, {spec.api_default}.",
                layout=ipywidgets.Layout(width="96px", flex="0 0 auto"),
            )
            self.reset.on_click(lambda _b: self._changed(self.name, None))
        self.why = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 200px", min_width="0"))
        children = [label, body, *([self.reset] if spec.optional else []), self.why]
        super().__init__(children, layout=ipywidgets.Layout(align_items="center", flex_flow="row wrap", width="100%"))
        self.add_class("snb-control")  # the page gives the control its label's name
        body.observe(self._moved, names="value")

    def show(self, value: Any) -> None:
        """Show a value without calling `changed`."""
        self._showing = True
        try:
            if self.reset is not None:
                self.reset.disabled = value is None
            shown = self.spec.api_default if value is None else value
            if isinstance(self.body, ipywidgets.Dropdown):
                known = [v for _, v in self.body.options]
                if shown not in known:
                    self.body.options = [*self.body.options, (str(shown), shown)]
            if isinstance(self.body, ipywidgets.Text):
                shown = _as_text(shown)
            self.body.value = shown
        finally:
            self._showing = False

    def set_options(self, options: list[tuple[str, Any]]) -> None:
        """Offer other choices without calling `changed`: they change the value."""
        self._showing = True
        try:
            self.body.options = options
        finally:
            self._showing = False

    def disable(self, reason: str | None) -> None:
        """Disable with a reason, or enable if there is none; a set value can still be reset."""
        self.body.disabled = reason is not None
        self.hint(reason or "")

    def hint(self, text: str) -> None:
        """Show a remark beside the control."""
        self.why.value = f'<div style="opacity:.75;font-size:85%;line-height:1.3">{text}</div>' if text else ""

    def _moved(self, change: dict[str, Any]) -> None:
        if not self._showing:
            self._changed(self.name, change["new"])


def close_all(widget: Any) -> None:
    """Close a box with everything in it; ipywidgets closes the box only."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    for part in (getattr(widget, "layout", None), getattr(widget, "style", None)):
        if isinstance(part, ipywidgets.Widget):
            part.close()
    widget.close()


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{word}:{boost:g}" for word, boost in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value or "")


def make_control(name: str, spec: Spec, changed: Callable[[str, Any], None], options: list[tuple[str, Any]]) -> Control:
    """Make the control that suits a setting.

    Args:
        name: The setting.
        spec: Its metadata.
        changed: Called with the value a person chose.
        options: For choices: (label, value) pairs.
    """
    kind = spec.kind
    # Layouts are widgets: one for each control, never one for all.
    layout = ipywidgets.Layout(flex="1 1 220px", min_width="160px", max_width="420px")
    if kind == "float":
        body: Any = ipywidgets.FloatSlider(
            value=spec.api_default, min=spec.minimum, max=spec.maximum, step=spec.step, continuous_update=False,
            layout=layout, readout_format=".2f",
        )  # fmt: skip
    elif kind == "int":
        body = ipywidgets.IntSlider(
            value=spec.default if spec.api_default is None else spec.api_default,
            min=int(spec.minimum or 0), max=int(spec.maximum or 0), step=int(spec.step or 1),
            continuous_update=False, layout=layout,
        )  # fmt: skip
    elif kind == "bool":
        body = ipywidgets.Checkbox(value=bool(spec.default), indent=False, description=spec.help, layout=layout)
        body.add_class("snb-wraps")
    elif kind == "choice":
        body = ipywidgets.Dropdown(options=options, value=options[0][1], layout=layout)
    else:
        body = ipywidgets.Text(continuous_update=False, layout=layout)
    return Control(name, spec, body, changed)
