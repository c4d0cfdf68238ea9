"""The CodeView: code, where it is for, and a button that copies it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets

from smallest_nb.common.markup import text_html
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets.mime_bundle import with_static
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["CodeView"]


class CodeView(Unpicklable, anywidget.AnyWidget):
    """Shows what `write` returns for the chosen target.

    Args:
        targets: (target, its name for people) pairs.
        write: Returns the code for a target; a ConfigError is shown in its place.

    Attributes:
        target: The chosen one.
        code: What is shown.
    """

    _esm = assets.esm("code-view")
    _css = assets.css("code-view")

    targets: traitlets.List[Any] = traitlets.List().tag(sync=True)
    target = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)

    def __init__(self, targets: Sequence[tuple[str, str]], write: Callable[[str], str], **kwargs: Any) -> None:
        self._write = write
        super().__init__(targets=[list(t) for t in targets], target=targets[0][0], **kwargs)
        self.observe(lambda _c: self.refresh(), names="target")

    def refresh(self) -> None:
        """Write the code again."""
        try:
            self.code = self._write(self.target)
        except (ConfigError, TypeError, ValueError) as error:  # values in `extra` that no JSON can hold
            self.code = f"# {error}"

    def __repr__(self) -> str:
        return f"CodeView({self.target!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        return with_static(bundle, text=self.code, html=f"<pre>{text_html(self.code)}</pre>")
