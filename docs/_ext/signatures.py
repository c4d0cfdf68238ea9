"""Shows what constructors really take.

Of a widget autodoc would show `*args, **kwargs`, from traitlets' `__new__`; of a dataclass `<factory>`, which Sphinx
cannot read and then leaves the whole signature without links.
"""

from __future__ import annotations

from typing import Any

import traitlets
from sphinx.application import Sphinx
from sphinx.util.inspect import signature, stringify_signature

_OF_PARTS = {"within"}
"""What a composite passes to its parts; a user has no use for it."""


def _own(
    _app: Sphinx, what: str, _name: str, obj: Any, _options: Any, shown: str | None, returned: str | None
) -> tuple[str, str | None] | None:
    if what == "class" and issubclass(obj, traitlets.HasTraits):
        # Taken from the function, so that the first parameter is `self`.
        taken = signature(obj.__init__)
        own = taken.replace(parameters=[p for p in list(taken.parameters.values())[1:] if p.name not in _OF_PARTS])
        shown = stringify_signature(own, show_return_annotation=False, unqualified_typehints=True)
        return shown, None
    return (shown.replace("<factory>", "..."), returned) if shown and "<factory>" in shown else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.connect("autodoc-process-signature", _own)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
