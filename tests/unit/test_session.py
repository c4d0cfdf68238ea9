"""Which target services use, as chosen in code."""

from __future__ import annotations

import pytest

import smallest_nb as snb
from smallest_nb.notebook import session
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.server import running_simulators


@pytest.fixture(autouse=True)
def forget():
    session.reset()
    yield
    session.reset()


def test_reset_forgets_the_choice_and_stops_the_simulator():
    snb.use_simulator(behaviour=Behaviour(engine="signal"))
    embedded = session.simulator()
    assert embedded in running_simulators()
    session.reset()
    assert embedded not in running_simulators()
    assert session.simulator() is not embedded


def test_a_target_is_used_until_none_is_chosen():
    chosen = snb.use_service("sk_mine")
    snb.use_service("sk_other")
    session.use_target(chosen)
    assert session.current_target() is chosen
    session.use_target(None)
    assert session.current_target().simulated, "no key is found, so the simulator is used"
