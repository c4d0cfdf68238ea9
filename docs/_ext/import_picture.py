"""The packages and their imports as a picture, drawn from the code."""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.import_graph import package_graph  # noqa: E402

_WIDTH, _HEIGHT = 240, 46
_GAP_X, _GAP_Y = 28, 34
_MARGIN = 14
_LABEL = "The packages; an arrow points to what a package imports"
_MARKER = (
    '<defs><marker id="snb-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="currentColor"/></marker></defs>'
)


class ImportPicture(Directive):
    """`import-picture::`."""

    def run(self) -> list[nodes.Node]:
        """Return the drawing as inline SVG, which follows the page's colours."""
        tree = ROOT / "smallest_nb"
        self.state.document.settings.env.note_dependency(str(tree))
        return [nodes.raw("", draw(package_graph(tree), _details(tree)), format="html")]


def _details(tree: Path) -> dict[str, str]:
    """Return what stands in each box below its name: the folders in it, else how many files."""
    details = {}
    for path in tree.iterdir():
        if (path / "__init__.py").is_file():
            folders = sorted(p.name for p in path.iterdir() if (p / "__init__.py").is_file())
            count = sum(1 for _ in path.rglob("*.py")) - 1 - len(folders)
            details[path.name] = f"{count} files" + (f" in {', '.join(folders)}" if folders else "")
    return details


def levels(graph: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return the row of each package, from 0 at the top: one below the lowest package that imports it."""
    found: dict[str, int] = {}
    importers = {name: {here for here, arrows in graph.items() if name in arrows} for name in graph}
    while len(found) < len(graph):
        free = [name for name in graph if name not in found and importers[name] <= set(found)]
        if not free:
            raise ValueError(f"the imports of {sorted(set(graph) - set(found))} form a circle")
        for name in free:
            found[name] = 1 + max((found[here] for here in importers[name]), default=-1)
    return found


def direct_arrows(graph: dict[str, dict[str, int]]) -> set[tuple[str, str]]:
    """Return the arrows without those that a chain of other arrows already says."""

    def reached(name: str) -> set[str]:
        return set().union(*({there} | reached(there) for there in graph[name]))

    return {
        (here, there)
        for here, arrows in graph.items()
        for there in arrows
        if not any(there in reached(other) for other in arrows if other != there)
    }


def draw(graph: dict[str, dict[str, int]], details: dict[str, str]) -> str:
    """Return an SVG with the highest package at the top; an arrow goes from a package to one that it imports."""
    row_of = levels(graph)
    rows = [sorted(n for n in graph if row_of[n] == row) for row in range(max(row_of.values()) + 1)]
    columns = max(map(len, rows))
    width = 2 * _MARGIN + columns * _WIDTH + (columns - 1) * _GAP_X
    places = {}
    for y, row in enumerate(rows):
        left = (width - len(row) * _WIDTH - (len(row) - 1) * _GAP_X) / 2
        for x, name in enumerate(row):
            places[name] = (left + x * (_WIDTH + _GAP_X), _MARGIN + y * (_HEIGHT + _GAP_Y))
    height = 2 * _MARGIN + len(rows) * _HEIGHT + (len(rows) - 1) * _GAP_Y
    parts = [
        f'<svg class="snb-imports" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{_LABEL}">{_MARKER}',
    ]
    for here, there in sorted(direct_arrows(graph)):
        parts.append(_arrow(places, here, there))
    for name, (x, y) in places.items():
        middle = x + _WIDTH / 2
        detail = details.get(name, "")
        parts.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
            f'<text class="name" x="{middle:.0f}" y="{y + (20 if detail else 28):.0f}">{escape(name)}</text>'
            f'<text class="detail" x="{middle:.0f}" y="{y + 37:.0f}">{escape(detail)}</text>'
        )
    return "".join(parts) + "</svg>"


def _arrow(places: dict[str, tuple[float, float]], here: str, there: str) -> str:
    """Draw an arrow from the lower edge of one box to the upper edge of another, bent around boxes between them."""
    (x1, y1), (x2, y2) = places[here], places[there]
    kind = "arrow long" if y2 - y1 > _HEIGHT + _GAP_Y else "arrow"
    start = (x1 + _WIDTH / 2 + (x2 - x1) / 8, y1 + _HEIGHT)
    end = (x2 + _WIDTH / 2 + (x1 - x2) / 8, y2 - 2)
    bend = (end[1] - start[1]) / 2
    if abs(x1 - x2) < 1 and kind != "arrow":  # straight down it would run through the boxes between
        side = _WIDTH / 2 + _GAP_X
        return (
            f'<path class="{kind}" d="M{start[0] + _WIDTH / 4:.0f} {start[1]:.0f}'
            f"C{start[0] + side:.0f} {start[1] + bend / 2:.0f} "
            f'{end[0] + side:.0f} {end[1] - bend / 2:.0f} {end[0] + _WIDTH / 4:.0f} {end[1]:.0f}"/>'
        )
    return (
        f'<path class="{kind}" d="M{start[0]:.0f} {start[1]:.0f}C{start[0]:.0f} {start[1] + bend:.0f} '
        f'{end[0]:.0f} {end[1] - bend:.0f} {end[0]:.0f} {end[1]:.0f}"/>'
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.add_directive("import-picture", ImportPicture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
