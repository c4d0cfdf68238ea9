"""The script that repeats failed tests alone: it is green for those alone that pass, few of them, and names them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "repeat_failed_tests.py"
PASSES_ALONE = """
from pathlib import Path
def test_it():
    seen = Path(__file__).with_name("seen")
    was_there = seen.exists()
    seen.touch()
    assert was_there
"""
FAILS = "import pytest\n@pytest.mark.parametrize('n', range({}))\ndef test_it(n): assert False\n"


def run(folder, text):
    (folder / "scripts").mkdir()
    shutil.copy(SCRIPT, folder / "scripts")
    (folder / "test_one.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 1
    script = [sys.executable, "scripts/repeat_failed_tests.py", *command]
    return subprocess.run(script, cwd=folder, capture_output=True, text=True, check=False)


def test_what_passes_alone_is_named_and_the_run_is_green(tmp_path):
    done = run(tmp_path, PASSES_ALONE)
    assert done.returncode == 0, done.stdout
    assert "repair them:\n  test_one.py::test_it" in done.stdout


@pytest.mark.parametrize(("count", "passes"), [(1, 1), (5, 1), (6, 0)])
def test_what_fails_again_and_what_is_more_than_a_few_stays_red(tmp_path, count, passes):
    done = run(tmp_path, FAILS.format(count))
    assert done.returncode == 1
    assert done.stdout.count("repeated alone") == passes


def test_a_run_that_broke_off_stays_red(tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    command = [sys.executable, "scripts/repeat_failed_tests.py", sys.executable, "-m", "pytest"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 1
