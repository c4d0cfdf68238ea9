"""A simulator that speaks and reads tones."""

from __future__ import annotations

import pytest

from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY


@pytest.fixture
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def ask(signals):
    return {"api_key": KEY, "base_url": signals.base_url}
