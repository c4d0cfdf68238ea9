"""One JupyterLab for all browser tests."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest
from lab import Lab

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config, items):
    """What does not look at the theme itself is run in one; older kernels wait for `make hosts`."""
    named = any("::" in argument for argument in config.args)
    older = not ("hosts" in config.getoption("markexpr") or os.environ.get("SNB_HOSTS") or named)
    left_out = [
        item
        for item in items
        if item.path.parent == HERE and (_looks_at_no_theme(item) or (older and item.get_closest_marker("hosts")))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _looks_at_no_theme(item) -> bool:
    dark = getattr(getattr(item, "callspec", None), "params", {}).get("theme") == "dark"
    return dark and "theme" not in inspect.signature(item.function).parameters


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.close()
