"""Finds the built front end."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

__all__ = ["MISSING", "Module", "build_hash", "css", "esm", "read"]

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


class Module(str):  # noqa: SLOT000 - it has an attribute
    """A widget's module.

    Attributes:
        name: Under which it is built, such as "tuner".
    """

    name = ""


def esm(name: str) -> Module:
    """Return a widget's module, or a small one that says that it is not built.

    As text: for a path anywidget watches the file, and the watch keeps every widget of the class alive.
    """
    path = STATIC / f"{name}.js"
    module = Module(path.read_text(encoding="utf-8") if path.is_file() else _FALLBACK)
    module.name = name
    return module


def css(name: str) -> str:
    """Return a widget's style sheet, or an empty one."""
    path = STATIC / f"{name}.css"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def read(name: str) -> bytes:
    """Return a built file, or nothing if it is not built."""
    path = STATIC / name
    return path.read_bytes() if path.is_file() else b""


@cache
def build_hash() -> str | None:
    """Return the build hash of the front end in this installation, or None where it is not built."""
    path = STATIC / "manifest.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["build"]) if path.is_file() else None
