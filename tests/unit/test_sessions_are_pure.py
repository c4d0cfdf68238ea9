"""The session that decides about speech, and what it needs of the package for deciding, has no I/O and no clock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import smallest_nb

PACKAGE = Path(smallest_nb.__file__).parent
FORBIDDEN = set(
    "asyncio concurrent datetime logging multiprocessing os secrets selectors signal socket ssl subprocess threading "
    "time uuid warnings websockets".split()
)
CHANCE = {"random"}
"""Only the default of an argument that a session's owner may give: how the waits are spread."""


def path_of(module: str) -> Path | None:
    """Return the file of a module of this package, or None for a name in a module, or another package."""
    place = PACKAGE.parent.joinpath(*module.split("."))
    return next((p for p in (place.with_suffix(".py"), place / "__init__.py") if p.exists()), None)


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def closure(module: str) -> dict[str, set[str]]:
    """Return what a module imports, and every module of `client` and of the wire format that it needs."""
    seen, left = {}, [module]
    while left:
        name = left.pop()
        path = path_of(name)
        if name in seen or path is None:
            continue
        seen[name] = imports_of(path)
        left += [other for other in seen[name] if other.startswith(("smallest_nb.client.", "smallest_nb.api.tts_wire"))]
    return seen


@pytest.mark.parametrize("session", ["smallest_nb.client.tts_session"])
def test_a_session_needs_no_loop_no_socket_and_no_clock(session):
    needed = closure(session)
    assert {f"smallest_nb.client.{name}" for name in ("audio_stitcher", "backoff", "model_fallback")} <= set(needed)
    for name, imported in needed.items():
        assert not {top for top in FORBIDDEN if top in imported or any(i.startswith(top + ".") for i in imported)}, name
        if name != "smallest_nb.client.backoff":
            assert not CHANCE & imported, name


def test_the_session_of_a_conversation_needs_none_of_them_either():
    needed = closure("smallest_nb.client.conversation.session")
    assert "smallest_nb.client.conversation.heard_text" in needed
    for name, imported in needed.items():
        assert not (FORBIDDEN | CHANCE) & {i.partition(".")[0] for i in imported}, name


@pytest.mark.parametrize("module", ["smallest_nb.client.tts", "smallest_nb.client.connection"])
def test_what_does_have_them_is_found(module):
    assert FORBIDDEN & set().union(*closure(module).values())
