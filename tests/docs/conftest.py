"""The documentation, built once for these tests as `make docs` builds it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from blocks import ROOT

OFFLINE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "PYTHONPATH": ""}
"""A page that fetches something while it is built fails."""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Return the folder of the built pages: what `make docs` just built, else a build of its own; no warnings."""
    built = os.environ.get("SNB_DOCS")
    if built:
        return ROOT / built
    target = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-j", "2", "-b", "html"]
    done = subprocess.run(
        [*build, "-d", str(target / "doctrees"), str(ROOT / "docs"), str(target / "html")],
        capture_output=True,
        text=True,
        timeout=170,
        env={**os.environ, **OFFLINE},
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return target / "html"
