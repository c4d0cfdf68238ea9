"""Tutorials say what they lack, and go on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("python", [None, "/nowhere/bin/python", "", sys.executable], ids=["unset", "gone", "empty", "bare"])
def test_UX5_the_tutorial_of_pipecat_goes_on_without_it(python):
    cells = nbformat.read(ROOT / "notebooks" / "04_from_notebook_to_pipecat.ipynb", as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    env = {k: v for k, v in os.environ.items() if not k.startswith("SMALLEST_") and k != "PIPECAT_PYTHON"}
    env |= {"SMALLEST_KEY_SOURCES": "environment"} | ({} if python is None else {"PIPECAT_PYTHON": python})
    # The widgets of a script belong to no page; leaving by os._exit is what this test is not about.
    script = f"{code}\nimport os, sys; sys.stdout.flush(); os._exit(0)"
    done = subprocess.run([sys.executable, "-"], input=script, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    said = [line for line in done.stdout.splitlines() if "Pipecat" in line and not line.startswith(("#", "from", "tts"))]
    assert said == ["Pipecat is not installed here, so the bot is not run: pip install pipecat-ai, then run all cells again."]
