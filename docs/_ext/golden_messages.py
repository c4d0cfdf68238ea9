"""Shows the golden messages of `tests/wire`: what the page says is what the tests hold the code to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from table_nodes import code, plain, table


class GoldenMessages(SphinxDirective):
    """`golden-messages:: tts requests`: a file and one of its lists."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Return one block for each message, or a table where the message is all there is."""
        file, name = self.arguments
        path = Path(self.env.srcdir).parent / "tests" / "wire" / f"{file}.json"
        self.env.note_dependency(str(path))
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))[name]
        if name in ("requests", "urls"):
            return [node for message in found for node in _describe(message)]
        rows = [[plain(_becomes(m)), code(json.dumps(m["frame"], ensure_ascii=False))] for m in found]
        head, widths = ("Read as", "Message"), (30, 70)
        return [table(head, rows, widths=widths, name="snb-wrap")] if rows[0][0] else _plain_list(found)


def _describe(message: dict[str, Any]) -> list[nodes.Node]:
    first, _, rest = message["why"].partition(" ")
    said = f"{first if first.startswith('lightning') else first[0].upper() + first[1:]} {rest}."
    shown = message["url"].replace("&", "\n  &").replace("?", "\n  ?")
    if "frame" in message:
        shown += "\n\n" + json.dumps(message["frame"], ensure_ascii=False, indent=2)
    return [nodes.paragraph("", "", *plain(said)), nodes.literal_block(shown, shown, language="text")]


def _plain_list(found: list[dict[str, Any]]) -> list[nodes.Node]:
    shown = "\n".join(json.dumps(m["frame"], ensure_ascii=False) for m in found)
    return [nodes.literal_block(shown, shown, language="json")]


def _becomes(message: dict[str, Any]) -> str:
    if "text" in message:
        text = f"“{message['text']}”, {'final' if message['final'] else 'interim'}"
        return text + (", the last one" if message["last"] else "")
    if "kind" in message:
        return f"`{message['kind']}`" if message["kind"] else "nothing: it is ignored"
    return ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.add_directive("golden-messages", GoldenMessages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
