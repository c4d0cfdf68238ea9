"""Imports point one way. Each room names the rooms it may import; everything else is an error."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import smallest_nb

ROOT = Path(smallest_nb.__file__).parent
BASE = {
    "address",
    "errors",
    "files",
    "secret",
    "language",
    "voices",
    "catalog",
    "setting_values",
    "fields",
    "settings",
    "paths",
    "audio",
    "transcript",
    "vad",
    "terminal",
    "plain_text",
    "markup",
    "tracebacks",
    "child_environment",
}
SOUND = {
    "sound_chunks",
    "sound_decode",
    "sound_formats",
    "sound_mpeg",
    "sound_ogg_flac",
    "sound_parts",
    "sound_rare",
    "sound_sink",
}
MAY_IMPORT = {
    "errors": {"audio"},  # for a type only
    "address": {"errors"},
    "files": set(),
    "key_spellings": set(),
    "markup": set(),
    "secret": {"errors", "key_spellings"},
    "terminal": set(),
    "plain_text": set(),
    "child_environment": set(),
    "tracebacks": {"errors"},
    "language": set(),
    "voices": set(),
    "catalog": {"errors", "language"},
    "setting_values": {"errors", "fields"},  # the latter for a type only
    "fields": {"errors", "secret", "setting_values"},
    "settings": {"errors", "fields", "catalog", "language", "voices"},
    "paths": {"errors"},
    "audio": {"errors", "files", "paths"},
    "vad": {"audio", "errors"},
    "abbreviations": set(),
    "sentences": {"abbreviations", "language"},
    "transcript": {"audio", "errors", "files", "markup", "paths", "plain_text"},
    "protocol": BASE - {"vad"},
    "snippets": BASE | {"protocol"},
    "settings_python": {"catalog", "errors", "language"},
    "settings_shell": {"errors"},
    "settings_sources": BASE | {"settings_python", "settings_shell"},
    "takes": BASE | {"protocol", "services"},
    "link": BASE | {"protocol"},
    "services": BASE | {"protocol", "link", "sentences", "sound_files"},
    "keys": {"errors", "secret"},
    "key_prompt": {"errors", "secret"},
    "session": BASE | {"keys", "key_prompt", "link", "runtime", "simulator"},
    "runtime": set(),
    "progress": set(),
    "sound_formats": set(),
    "sound_parts": set(),
    "sound_rare": {"sound_parts"},
    "sound_chunks": {"sound_parts"},
    "sound_mpeg": {"sound_parts"},
    "sound_ogg_flac": {"sound_parts"},
    "sound_sink": {"audio", "errors"},
    "sound_decode": {"errors"} | SOUND,
    "sound_files": {"audio", "errors", "paths"} | SOUND,
    "oneshot": BASE | {"services", "runtime", "sound_files", "progress"},
    "bridge": {"errors", "audio"},
    "widgets": BASE
    | {
        "protocol",
        "link",
        "services",
        "runtime",
        "bridge",
        "snippets",
        "settings_sources",
        "sound_files",
        "takes",
        "checkup",
    },
    "simulator": BASE | {"protocol", "sound_files"},
    "colab": {"errors"},
    "checkup": BASE | {"keys", "link", "protocol", "runtime", "session", "simulator"},
    "consult": {"checkup", "terminal", "widgets"},
    "cli": {"checkup", "child_environment", "errors", "files", "keys", "link", "simulator", "terminal"},
    "pytest_plugin": {"link", "paths", "session", "simulator"},
    "__init__": None,
}
SOURCES = sorted(p for p in ROOT.rglob("*.py"))


def room(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module] if node.module != "smallest_nb" else [f"smallest_nb.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        found |= {n.split(".")[1] for n in names if n.startswith("smallest_nb.")}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path):
    here = room(path.relative_to(ROOT).parts)
    assert here in MAY_IMPORT, f"a new room: say in this test what {here} may import"
    allowed = MAY_IMPORT[here]
    if allowed is not None:
        wrong = {n for n in imported(path) - allowed - {here} if not n.startswith("__")}
        assert not wrong, f"{here} must not import {wrong}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_jupyter_stays_in_the_widgets(path):
    if room(path.relative_to(ROOT).parts) in ("widgets", "progress"):  # progress loads them when it shows a bar
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        assert not {n.split(".")[0] for n in names} & {"anywidget", "ipywidgets", "traitlets"}


def test_public_names_are_there():
    for name in smallest_nb.__all__:
        assert getattr(smallest_nb, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        smallest_nb.nothing_like_it  # noqa: B018
