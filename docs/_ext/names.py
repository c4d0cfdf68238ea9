"""Names in docstrings become links: by the module that holds them, or by the public name that users know.

Two things Sphinx does not do by itself. Single backticks (the role `named`) link where there is something to link to
and are plain code where there is not. And a reference to `smallest_nb.results.transcript.Transcript` finds the page
that documents it as `smallest_nb.Transcript`.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import typing
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole

import smallest_nb

_OURS = "smallest_nb"
_ALIASES = {"targets.Target": "smallest_nb.client.target.Target"}
"""Names that modules of ours have for what they import."""
_OTHERS = {"ArrayLike", "NDArray", "np", "numpy", "pd", "pandas", "ipywidgets"}


class Named(XRefRole):
    """A reference that may fail without a warning."""

    def process_link(
        self, env: BuildEnvironment, refnode: nodes.Element, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        """Carry the class and module it stands in, as the Python domain's own roles do."""
        del has_explicit_title
        refnode["py:module"] = env.ref_context.get("py:module")
        refnode["py:class"] = env.ref_context.get("py:class")
        refnode["refdomain"], refnode["reftype"], refnode["named"] = "py", "obj", True
        return title, target.strip(" ()")


def public_name(target: str) -> str | None:
    """Return the documented name of what `smallest_nb.some.module.Name.attribute` means, or None."""
    parts = target.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
            found = getattr(found, parts[cut])
        except (ImportError, AttributeError):
            continue
        rest = parts[cut + 1 :]
        for name in smallest_nb.__all__:
            if getattr(smallest_nb, name) is found:
                return ".".join([_OURS, name, *rest])
        home = getattr(found, "__module__", None)
        return ".".join([home, getattr(found, "__qualname__", parts[cut]), *rest]) if home else None
    return None


def _resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element) -> nodes.Element | None:
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py":
        return None
    target = _ALIASES.get(target, target)
    tried = [target] if target.startswith(f"{_OURS}.") else [f"{node.get('py:module') or _OURS}.{target}"]
    tried += [f"{_OURS}.{target}"] if target in smallest_nb.__all__ else []
    for name in filter(None, map(public_name, tried)):
        if name != node.get("reftarget"):
            found = env.domains["py"].resolve_xref(
                env, node["refdoc"], app.builder, node["reftype"], name, node, content
            )
            if found is not None:
                return found
    return None


def _quiet(_app: Sphinx, _domain: object, node: pending_xref) -> bool | None:
    """Be silent about a role that may fail, and about other people's types: no inventory is downloaded."""
    if node.get("named"):
        return True
    root = node["reftarget"].partition(".")[0]
    foreign = root in sys.stdlib_module_names or root in _OTHERS or hasattr(builtins, root) or hasattr(typing, root)
    return True if node.get("refdomain") == "py" and foreign else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.add_role("named", Named(nodeclass=pending_xref, innernodeclass=nodes.literal))
    app.connect("missing-reference", _resolve)
    app.connect("warn-missing-reference", _quiet)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"  # as the docstrings have it
    return {"parallel_read_safe": True, "parallel_write_safe": True}
