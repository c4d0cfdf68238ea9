"""The table of which program keeps what of our exports, from the data that `bench/readers.py` makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from table_nodes import code, plain, table

_DATA = Path(__file__).with_name("readers.json")
_NAMES = {"vtt": "WebVTT", "eaf": "EAF", "audacity": "labels", "TextGrid": "TextGrid"}
_HEADS = {
    "times": "times",
    "text": "text",
    "odd": "signs",
    "speakers": "speakers",
    "words": "words",
    "notes": "notes",
    "settings": "settings",
    "long": "beyond 99 h",
    "rtl": "right to left",
    "wide": "full width",
}
_SIGNS = {"yes": "yes", "no": "no", "": ""}


class ReaderTable(Directive):
    """`reader-table::`."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        rows = []
        for found in json.loads(_DATA.read_text(encoding="utf-8")):
            kind = _NAMES.get(found["format"], found["format"].upper())
            reader = [*code(found["reader"]), *plain(f" {found['version']}" if found["version"] else "")]
            rows.append([plain(kind), reader, *(plain(_SIGNS[found[aspect]]) for aspect in _HEADS)])
        widths = (9, 20, *(7 for _ in _HEADS))
        return [table(("Format", "Read by", *_HEADS.values()), rows, widths=widths, name="snb-wide")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.add_directive("reader-table", ReaderTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
