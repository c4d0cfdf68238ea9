"""Shared fixtures: a simulator per session, and services that use it."""

from __future__ import annotations

import os
import re

import pytest

from smallest_nb.simulator import Simulator

KEY = "sk_test_canary_7f3a"

for name in (
    "SMALLEST_API_KEY",
    "SMALLEST_BASE_URL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
):
    os.environ.pop(name, None)
# Whose machine it is shall not matter: no keyring and no .env file of theirs.
os.environ["SMALLEST_KEY_SOURCES"] = "environment"


CASE_NAME = re.compile(r"test_(?:UX|[A-Z])\d+_")
"""Names such as `test_S4_...`: the test holds row S4 of the list of faults that users met."""


def pytest_collection_modifyitems(items):
    for item in items:
        if CASE_NAME.match(item.name):
            item.add_marker("case")


@pytest.fixture(scope="session")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture
def fresh_simulator():
    """A simulator of the test's own, to be given faults."""
    with Simulator() as running:
        yield running
