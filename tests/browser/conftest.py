"""One JupyterLab for all browser tests."""

from __future__ import annotations

import pytest
from lab import Lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    running = Lab(tmp_path_factory.mktemp("lab"))
    yield running
    running.close()
