"""Oracles: the real client libraries against the simulator.

Each module has `SCENARIOS`, a scenario per name; a test that asks for `run` is run for each of them. A module's
scenarios are played side by side, once. Without `-m` and without SNB_ORACLES=1 only the quick ones are run.
"""

from __future__ import annotations

import os

import pytest
from peer import Peers
from plan import SENTENCES

import smallest_nb as snb
from smallest_nb.simulator import Simulator


def pytest_configure(config):
    config.addinivalue_line("markers", "oracle: drives the simulator with the real client libraries")
    config.addinivalue_line("markers", "oracle_quick: an oracle that every run can afford")


def pytest_generate_tests(metafunc):
    if "run" in metafunc.fixturenames:
        quick = getattr(metafunc.module, "QUICK", ())
        names = [
            pytest.param(name, id=name, marks=pytest.mark.oracle_quick if name in quick else ())
            for name in metafunc.module.SCENARIOS
        ]
        metafunc.parametrize("run", names, indirect=True)


def pytest_collection_modifyitems(config, items):
    if "oracle" in config.getoption("markexpr") or os.environ.get("SNB_ORACLES"):
        return
    slow = [i for i in items if i.get_closest_marker("oracle") and not i.get_closest_marker("oracle_quick")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [i for i in items if i not in slow]


@pytest.fixture(scope="session")
def peers(tmp_path_factory):
    running = Peers(tmp_path_factory.mktemp("oracles"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def oracle_simulator(request, simulator):
    """The shared simulator, or one of the module's own where it wants a BEHAVIOUR."""
    behaviour = getattr(request.module, "BEHAVIOUR", None)
    if behaviour is None:
        yield simulator
        return
    with Simulator(behaviour=behaviour) as running:
        yield running


@pytest.fixture(scope="module")
def playing(request, peers, oracle_simulator, clips):
    """Every scenario of this module that a selected test asks for, under way."""
    items = [i for i in request.session.items if i.path == request.path and hasattr(i, "callspec")]
    wanted = dict.fromkeys(i.callspec.params["run"] for i in items if "run" in i.callspec.params)
    found = {}
    for name in wanted:
        try:
            found[name] = peers.start(request.module.SCENARIOS[name], oracle_simulator.port, clips)
        except FileNotFoundError as error:  # the other clients can be driven nevertheless
            found[name] = error
    return found


@pytest.fixture(scope="module")
def run(request, playing):
    """What came of the scenario whose name is the test's parameter."""
    found = playing[request.param]
    if isinstance(found, Exception):
        pytest.fail(str(found))
    return found.run()


@pytest.fixture
def name(request):
    """The scenario's name."""
    return request.node.callspec.params["run"]


@pytest.fixture(scope="session")
def clips(simulator, tmp_path_factory):
    """The sentences as raw 16 kHz sound, in files; a step names them by number."""
    paths = []
    for number, sentence in enumerate(SENTENCES):
        clip = snb.speak(sentence, voice="magnus", sample_rate=16000, api_key="sk_clip", base_url=simulator.base_url)
        paths.append(tmp_path_factory.getbasetemp() / f"sentence{number}.pcm")
        paths[-1].write_bytes(clip.padded(0.3, 0.15).pcm)
    return [str(p) for p in paths]
