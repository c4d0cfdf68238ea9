"""The retired model: HTTP 410 for Pipecat 1.3.0, the one client that still knows lightning-v2.

Pipecat 1.14, LiveKit and the SDK take the model as a field of the request, and none of them has lightning-v2.
"""

from __future__ import annotations

import patterns
import pytest
import sound
from plan import WEATHER, Scenario

from smallest_nb.simulator.faults import Behaviour

pytestmark = pytest.mark.oracle
V2 = "lightning-v2"
BEHAVIOUR = Behaviour(retired=frozenset({V2}))
STEPS = (("update", {"model": "lightning-v3.1"}), ("idle", 1.0), ("say", WEATHER))
SCENARIOS = {
    "retired": Scenario("pipecat13", "tts", (("say", WEATHER),), {"voice": "magnus", "model": V2}),
    "replaced": Scenario("pipecat13", "tts", STEPS, {"voice": "magnus", "model": V2}),
}
QUICK = ("retired",)


def test_the_retired_model_is_gone(run, name):
    refused = [c for c in run.answered if c.path == patterns.tts_path("pipecat13", V2)]
    assert {c.status for c in refused} == {410}
    assert any("on_connection_error" in t and "410" in t for t in run.events)


def test_the_other_model_speaks_after_a_change_of_settings(run, name):
    if name == "retired":
        assert run.error
        assert not run.steps
        return
    used = [c for c in run.connections if c.status == 101]
    assert [c.path for c in used] == [patterns.tts_path("pipecat13")]
    assert [t for t in run.events if t == "on_connected"] == ["on_connected"]
    assert sound.seconds(run.pcm(2)) > 2.0
