"""Takes the notebooks from where they are: what is built is what people open. The copies are not in git.

A link to their folder would do, but links between notebooks are looked up by real paths and would not be found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

_FOLDER = "tutorials"


def _bring(app: Sphinx, _config: Config) -> None:
    source = Path(app.srcdir).parent / "notebooks"
    target = Path(app.srcdir) / _FOLDER
    target.mkdir(exist_ok=True)
    found = {p.name: p.read_bytes() for p in sorted(source.glob("*.ipynb"))}
    if not found:
        raise FileNotFoundError(f"There are no notebooks in {source}.")
    for old in target.glob("*.ipynb"):
        if old.name not in found:
            old.unlink()
    for name, data in found.items():
        copy = target / name
        if not copy.is_file() or copy.read_bytes() != data:  # untouched files are not built again
            copy.write_bytes(data)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.connect("config-inited", _bring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
