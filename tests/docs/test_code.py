"""The code that the README and the documentation show: all of it compiles, and what can be run is run."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import subprocess
import sys

import pytest
from blocks import ROOT, blocks
from IPython.core.inputtransformer2 import TransformerManager

import smallest_nb as snb
from smallest_nb.notebook import session
from smallest_nb.simulator.faults import Behaviour

PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts)]
WITH_CODE = [p for p in PAGES if blocks(p)]
HOW_TO = [p for p in PAGES if p.parent.name == "how-to" and p.name not in ("index.md", "what-can-go-wrong.md")]


def name(path):
    return str(path.relative_to(ROOT))


def parsed(code):
    """Return its statements; notebooks' magic is understood as IPython does."""
    return ast.parse(TransformerManager().transform_cell(code)).body


@pytest.fixture(scope="module", autouse=True)
def a_simulator():
    """Serve all pages; its tones are read back as the very words."""
    snb.use_simulator(behaviour=Behaviour(engine="signal"), key=None)  # pages use keys of their own at its address
    yield session.simulator()
    snb.use_simulator(behaviour=Behaviour())
    session.use_target(None)


def test_each_how_to_has_code_that_runs():
    assert len(HOW_TO) >= 7
    for path in HOW_TO:
        assert any(b.how in ("run", "pytest") for b in blocks(path)), f"{name(path)} has nothing that is run"


@pytest.mark.parametrize("path", WITH_CODE, ids=name)
def test_it_compiles(path):
    for block in blocks(path):
        source = TransformerManager().transform_cell(block.code)
        compile(source, f"{name(path)}:{block.line}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("path", WITH_CODE, ids=name)
def test_it_runs(path, a_simulator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMALLEST_API_KEY", "")  # first set, so that whatever a page does to it is undone
    monkeypatch.delenv("SMALLEST_API_KEY")
    running = [b for b in blocks(path) if b.how == "run"]
    names = {}
    try:
        for block in running:
            execute(block.before, names, f"{name(path)}:{block.line} (before)")
            code = block.code.replace("ws://127.0.0.1:8765", a_simulator.base_url)
            execute(code, names, f"{name(path)}:{block.line}", block.meanwhile)
    finally:
        for made in [n for n in names.values() if isinstance(n, snb.VoiceTuner | snb.LiveTranscriber)]:
            made.close()


def execute(code, names, where, meanwhile=None):
    """Run code as a cell, one statement after the other; where a widget is shown, a person does something."""
    if code.lstrip().startswith("!"):
        return
    for statement in parsed(code):
        program = compile(ast.Module([statement], []), where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        outcome = eval(program, names)
        if inspect.iscoroutine(outcome):
            asyncio.run(outcome)
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name) and meanwhile:
            exec(meanwhile.get(statement.value.id, ""), names)


@pytest.mark.parametrize("path", [p for p in WITH_CODE if any(b.how == "pytest" for b in blocks(p))], ids=name)
def test_its_tests_pass(path, tmp_path):
    for number, block in enumerate(b for b in blocks(path) if b.how == "pytest"):
        (tmp_path / f"test_{number}.py").write_text(block.code, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True, text=True, timeout=120, cwd=tmp_path, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_block_would_be_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nimport smallest_nb as snb\nsnb.speek('Hello')\n```\n", encoding="utf-8")
    (block,) = blocks(page)
    with pytest.raises(AttributeError, match="speek"):
        execute(block.code, {}, "page.md")
