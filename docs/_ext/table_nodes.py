"""Tables made from data, for the directives beside this file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docutils import nodes

__all__ = ["code", "plain", "table"]

Cell = Sequence[nodes.Node]


def plain(text: str) -> Cell:
    """Return text as a cell; what stands in single backticks is code."""
    parts = re.split(r"`([^`]+)`", text)
    return [nodes.literal(p, p) if i % 2 else nodes.Text(p) for i, p in enumerate(parts) if p]


def code(*values: str) -> Cell:
    """Return values as code, separated by spaces."""
    cell: list[nodes.Node] = []
    for value in values:
        cell += [nodes.Text(" "), nodes.literal(value, value)] if cell else [nodes.literal(value, value)]
    return cell


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, widths: Sequence[int], name: str = "") -> nodes.table:
    """Return a table.

    Args:
        head: What stands above each column.
        rows: Cells of inline nodes.
        widths: Relative ones.
        name: A class for the style sheet.
    """
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in widths]
    group += nodes.thead("", _row(plain(text) for text in head))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.table("", group, classes=["snb-table", *([name] if name else [])])


def _row(cells: Iterable[Cell]) -> nodes.row:
    # A node has one parent; cells may be shared.
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *[n.deepcopy() for n in cell])) for cell in cells))
