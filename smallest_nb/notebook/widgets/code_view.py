"""The CodeView: the settings as code, and where it is for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import traitlets

from smallest_nb.common.markup import text_html
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget

__all__ = ["CodeView"]


class CodeView(SpeechWidget):
    """Shows what `write` returns for the chosen target; the page copies it.

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

    def __init__(
        self,
        targets: Sequence[tuple[str, str]],
        write: Callable[[str], str],
        *,
        within: PartChannel | None = None,
        **kwargs: Any,
    ) -> None:
        self._write = write
        super().__init__(within=within, targets=[list(t) for t in targets], target=targets[0][0], **kwargs)
        self.observe(lambda _c: self.refresh(), names="target")

    def refresh(self) -> None:
        """Write the code again."""
        try:
            self.code = self._write(self.target)
        except (ConfigError, TypeError, ValueError) as error:  # values in `extra` that no JSON can hold
            self.code = f"# {error}"

    def describe(self) -> str:
        """Return one line."""
        return f"CodeView({self.target!r})"

    def static_html(self) -> str:
        """Return the code as HTML."""
        return f"<pre>{text_html(self.code)}</pre>"
