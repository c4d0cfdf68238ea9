"""The tutorials are a test only if they fail when what they teach is broken: each is run with its subject broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from breaks import BREAKS

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SIDE_BY_SIDE = 2
SANITIZER = ROOT / "tests" / "nbval_sanitize.cfg"


def run_broken(name: str, folder) -> subprocess.CompletedProcess[str]:
    """Run nbval as `make test` does, in kernels that run the break first; ends with the first red cell."""
    startup = folder / name / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-break.py").write_text(textwrap.dedent(BREAKS[name]))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider",
               "--nbval-sanitize-with", str(SANITIZER), str(ROOT / "notebooks" / f"{name}.ipynb")]  # fmt: skip
    env = {**os.environ, "IPYTHONDIR": str(folder / name)}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=150)


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    wanted = {item.callspec.params["name"] for item in request.session.items if item.name.startswith("test_nbval_goes_red")}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {name: pool.submit(run_broken, name, folder) for name in sorted(wanted)}


def test_every_tutorial_has_a_break():
    assert sorted(BREAKS) == [path.stem for path in NOTEBOOKS]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(BREAKS))
def test_nbval_goes_red(runs: dict[str, Future], name):
    done = runs[name].result(timeout=500)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"1 failed, [1-9]\d* passed", done.stdout), done.stdout  # the kernel ran, and a cell noticed
