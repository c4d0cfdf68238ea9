"""Live boxes: the directive `live`, whose box holds real widgets that a tape drives, in a page without a kernel.

`taping` makes the tapes, `docs/_static/live.js` starts the boxes. Until then, and where no
script runs, a box shows the static HTML of its widgets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.fileutil import copy_asset_file
from table_nodes import plain
from taping import NAMES, Taping

from smallest_nb.notebook.widgets import assets

_BUNDLES = ("player", "transcript-view")
_NOTE = "Recorded with the simulator. The widgets are the real ones; there is no kernel behind them."
_ASLEEP = (
    "There are buttons here where scripts may run and a web server gives the page "
    "(`python -m http.server -d docs/_build/html`). This is what they lead to:"
)


class LiveBox(nodes.General, nodes.Element):
    """Where the widgets of a tape will stand."""


class LiveFace(nodes.General, nodes.Element):
    """What there is to see of them without a script."""


class Live(SphinxDirective):
    """`live:: NAME`: the box of one of the programs in `tape_programs`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the box."""
        name = self.arguments[0]
        if name not in NAMES:
            raise self.error(f"There is no recording {name!r}; expected one of {', '.join(NAMES)}.")
        stage = nodes.container("", nodes.paragraph("", "", *plain(_ASLEEP)), LiveFace(name=name))
        stage["classes"] = ["snb-live-stage"]
        note = nodes.paragraph("", _NOTE, classes=["snb-live-note"])
        return [LiveBox("", stage, note, name=name)]


class _Boxes:
    """The events of a build."""

    def __init__(self) -> None:
        self._taping = Taping()

    def start(self, _app: Sphinx, _config: Config) -> None:
        self._taping.start()

    def finish(self, _app: Sphinx, _env: BuildEnvironment) -> None:
        self._taping.finish()

    def open_box(self, translator: Any, node: LiveBox) -> None:
        translator.body.append(f'<div class="snb-live" data-tape="{node["name"]}">')

    def close_box(self, translator: Any, _node: LiveBox) -> None:
        translator.body.append("</div>\n")

    def face(self, translator: Any, node: LiveFace) -> None:
        translator.body.append((self._taping.folder / f"{node['name']}.html").read_text(encoding="utf-8"))
        raise nodes.SkipNode

    def wake(
        self, app: Sphinx, _page: str, _template: str, _context: dict[str, Any], tree: nodes.document | None
    ) -> None:
        if tree is not None and next(tree.findall(LiveBox), None) is not None:
            app.add_js_file("live.js", type="module")

    def copy(self, app: Sphinx, failure: Exception | None) -> None:
        self._taping.end()
        if failure is not None or app.builder.format != "html":
            return
        target = Path(app.outdir) / "_static" / "live"
        target.mkdir(parents=True, exist_ok=True)
        files = [self._taping.folder / f"{name}.{kind}" for name in NAMES for kind in ("json", "bin")]
        for path in files + [assets.STATIC / f"{name}.{kind}" for name in _BUNDLES for kind in ("js", "css")]:
            copy_asset_file(path, target, force=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    boxes = _Boxes()
    app.add_directive("live", Live)
    app.add_node(LiveBox, html=(boxes.open_box, boxes.close_box))
    app.add_node(LiveFace, html=(boxes.face, None))
    app.connect("config-inited", boxes.start)
    app.connect("env-updated", boxes.finish)
    app.connect("html-page-context", boxes.wake)
    app.connect("build-finished", boxes.copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
