"""A simulator that sends and reads the test signal: exact, in any language, and quick."""

from __future__ import annotations

import pytest

from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour


@pytest.fixture(scope="session")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def fresh_signals():
    """One of the test's own, to be given faults."""
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running
