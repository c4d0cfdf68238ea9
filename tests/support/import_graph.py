"""The imports among the modules of a package, read from its sources: for the layer test and for the documentation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["find_circles", "imports_of", "modules_of", "package_graph"]


def modules_of(tree: Path) -> dict[str, Path]:
    """Return the modules below a folder that is a package, by dotted name."""
    paths = sorted(tree.rglob("*.py"))
    return {".".join(p.relative_to(tree.parent).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


def imports_of(path: Path, modules: dict[str, Path], *, types: bool = True) -> Iterator[str]:
    """Yield each module of `modules` that a file imports, wherever in the file the import stands.

    Args:
        path: The file.
        modules: As :func:`modules_of` returns them.
        types: Whether imports for type checkers alone count.
    """
    for node in _statements(ast.parse(path.read_text(encoding="utf-8")), types=types):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in modules or node.module in modules:
                    yield full if full in modules else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)


def _statements(tree: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not types and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _statements(node, types=types)


def package_graph(tree: Path) -> dict[str, dict[str, int]]:
    """Return how many modules of each package (or module beside them) import one of each other package at run time.

    The package's own `__init__`, which names what is public, is left out.
    """
    modules = modules_of(tree)
    graph: dict[str, dict[str, int]] = {}
    for name, path in modules.items():
        if name == tree.name:
            continue
        here = name.split(".")[1]
        arrows = graph.setdefault(here, {})
        targets = {module.split(".")[1] for module in imports_of(path, modules, types=False) if module != tree.name}
        for there in targets - {here}:
            arrows[there] = arrows.get(there, 0) + 1
    return graph


def find_circles(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules that are part of a circle or depend on one; empty if there is none."""
    left = {module: (targets & set(graph)) - {module} for module, targets in graph.items()}
    while free := {module for module, targets in left.items() if not targets}:
        left = {module: targets - free for module, targets in left.items() if module not in free}
    return sorted(left)
