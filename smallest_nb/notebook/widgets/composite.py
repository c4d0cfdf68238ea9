"""The Composite: a box of ipywidgets in hosts that show anywidgets only, such as marimo."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from smallest_nb.common.markup import text_html
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets.mime_bundle import with_static
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["Composite"]


class Composite(Unpicklable, anywidget.AnyWidget):
    """Draws a box, its boxes and ipywidgets' controls itself, and asks the host for the anywidgets among them.

    Args:
        root: The box; it lives and is closed on its own.
    """

    _esm = assets.esm("composite")
    _css = assets.css("composite")

    root = traitlets.Unicode().tag(sync=True)

    def __init__(self, root: Any, **kwargs: Any) -> None:
        self._described = repr(root)
        super().__init__(root=root.model_id, **kwargs)

    def __repr__(self) -> str:
        return self._described

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_static(bundle, text=repr(self), html=f"<p>{text_html(repr(self))}</p>")
