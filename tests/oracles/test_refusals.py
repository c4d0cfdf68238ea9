"""What the service refuses at the handshake: each client reports a failure of its own and does not hang."""

from __future__ import annotations

import pytest
from plan import SPEAKERS, WEATHER, Scenario, speaking

pytestmark = pytest.mark.oracle
KEY = "nokey"
HEAR = (("hear", 0, 4.0), ("end",))
SCENARIOS = {name: speaking(name, ("say", WEATHER), key=KEY) for name in SPEAKERS} | {
    "pipecat13 hears": Scenario("pipecat13", "stt", HEAR, key=KEY),
    "pipecat hears": Scenario("pipecat", "stt", HEAR, key=KEY),
    "livekit hears": Scenario("livekit", "stt", HEAR, key=KEY),
    "smallestai hears": Scenario("smallestai", "stt", HEAR, {"language": "en"}, key=KEY),
}
QUICK = ("pipecat13", "livekit", "smallestai")
TELLS = {"pipecat13": "401", "pipecat": "401", "livekit": "401", "smallestai": "401", "classic": "Failed to connect"}
"""What the report holds; the classic class only knows that ten seconds passed."""


def test_a_bad_key_is_refused_before_the_upgrade(run):
    assert {c.status for c in run.answered} == {401}
    assert all(c.headers["authorization"] == f"Bearer {KEY}" for c in run.answered)


def test_the_client_says_so_in_its_own_words(run, name):
    reported = " ".join([*run.events, run.error or ""])
    assert TELLS[name.partition(" ")[0]] in reported
    assert "TimeoutError" not in reported  # which would be ours: the client hung


def test_nothing_was_spoken_or_heard(run):
    assert not any(step.get("pcm") or step.get("results") for step in run.steps)
    assert not any(c.messages for c in run.connections)
