"""Finds the built front end. Standard library only."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

__all__ = ["MISSING", "build_hash", "css", "esm"]

STATIC = Path(__file__).resolve().parent.parent / "static"

MISSING = (
    "The front end of smallest_nb is not built. In a clone run `make frontend` (Node 20), restart the kernel and run "
    "this cell again; an installed wheel has it built in."
)

_FALLBACK = f"""export default {{ render({{ el }}) {{
  const p = document.createElement("p");
  p.textContent = {json.dumps(MISSING)};
  el.append(p);
}} }};"""


def esm(name: str) -> str:
    """Return a widget's module, or a small one that says that it is not built.

    As text: for a path anywidget watches the file, and the watch holds every widget of the class for ever.
    """
    path = STATIC / f"{name}.js"
    return path.read_text(encoding="utf-8") if path.is_file() else _FALLBACK


def css(name: str) -> str:
    """Return a widget's style sheet, or an empty one."""
    path = STATIC / f"{name}.css"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


@cache
def build_hash() -> str | None:
    """Return the build hash of the front end in this installation, or None where it is not built."""
    path = STATIC / "manifest.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["build"]) if path.is_file() else None
