"""One JupyterLab for all browser tests."""

from __future__ import annotations

import inspect

import pytest
from lab import Lab


def pytest_collection_modifyitems(config, items):
    """What does not look at the theme itself is run in one."""
    twice = [
        item
        for item in items
        if getattr(getattr(item, "callspec", None), "params", {}).get("theme") == "dark"
        and "theme" not in inspect.signature(item.function).parameters
    ]
    config.hook.pytest_deselected(items=twice)
    items[:] = [item for item in items if item not in twice]


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.close()
