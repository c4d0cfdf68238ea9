"""Imports point one way: from the notebook down to the data, without a circle."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import smallest_nb
from tests.support.import_graph import find_circles, imports_of, modules_of

PRODUCT = Path(smallest_nb.__file__).parent
ROOT = PRODUCT.parent
LAYERS = ("errors", "common", "audio", "api", "results", "client", "notebook", "testing", "cli", "__init__")
"""Each imports those before it. The simulator stands beside `results` and `client` and is started by the last ones."""
SIMULATOR_SEES = ("errors", "common", "audio", "api", "simulator")
STARTS_THE_SIMULATOR = ("notebook", "testing", "cli")
# An error carries the clip that was received before it: the name of a type, which is not imported at run time.
UPWARDS = {("errors", "audio")}
JUPYTER = {"anywidget", "ipywidgets", "traitlets"}
SOURCES = sorted(PRODUCT.rglob("*.py"))


def package_of(module: str) -> str:
    """Return the part below `smallest_nb`: a package, or a module beside them."""
    return ([*module.split("."), "__init__"])[1]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PRODUCT)))
def test_imports_point_down(path):
    modules = modules_of(PRODUCT)
    here = package_of(next(name for name, source in modules.items() if source == path))
    for module in imports_of(path, modules):
        there = package_of(module)
        if here == "simulator":
            allowed = there in SIMULATOR_SEES
        elif there == "simulator":
            allowed = here in STARTS_THE_SIMULATOR
        else:
            allowed = LAYERS.index(there) <= LAYERS.index(here) or (here, there) in UPWARDS
        assert allowed, f"{path.relative_to(ROOT)} must not import {module}"


@pytest.mark.parametrize("tree", ["smallest_nb", "bench"])
def test_no_circle(tree):
    modules = modules_of(ROOT / tree)
    graph = {name: set(imports_of(path, modules)) for name, path in modules.items()}
    if tree == "smallest_nb":
        graph["smallest_nb.errors"] = set()  # see UPWARDS
        del graph["smallest_nb"]  # the public names, which no module below may import
    assert find_circles(graph) == []


def test_no_test_imports_another():
    tests = ROOT / "tests"
    names = {path.stem for path in tests.rglob("test_*.py")}
    for path in tests.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not {name.split(".")[-1] for name in found} & names, path.relative_to(ROOT)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PRODUCT)))
def test_jupyter_stays_in_the_notebook(path):
    parts = path.relative_to(PRODUCT).parts
    if parts[0] == "notebook" and parts[1:2] != ("doctor",):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        assert not {n.split(".")[0] for n in names} & JUPYTER


def test_few_entries_at_the_top():
    entries = {path.name for path in PRODUCT.iterdir() if path.name != "__pycache__"}
    assert len(entries) <= 12, entries


def test_public_names_are_there():
    for name in smallest_nb.__all__:
        assert getattr(smallest_nb, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        smallest_nb.nothing_like_it  # noqa: B018
