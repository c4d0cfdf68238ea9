"""Left alone past a keepalive: the connection lives on only because of it, and serves again afterwards.

LiveKit's and the SDK's syntheses and the SDK's transcription have no keepalive: nothing to wait for.
"""

from __future__ import annotations

import itertools

import pytest
import sound
import wire
from plan import SENTENCES, WEATHER, Scenario, speaking

from smallest_nb.simulator.faults import Behaviour

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(240)]
IDLE_SECS = 34.0
"""The service hangs up after that long; Pipecat speaks up every 30 s."""
BEHAVIOUR = Behaviour(idle_secs=IDLE_SECS)
TTS = (("say", WEATHER), ("idle", 38.0), ("say", WEATHER))
STT = (("hear", 0, 2.0), ("finalize",), ("idle", 17.0), ("hear", 0, 2.0), ("finalize",))
SCENARIOS = {
    "pipecat13": speaking("pipecat13", *TTS, limit=120.0),
    "pipecat": speaking("pipecat", *TTS, limit=120.0),
    "pipecat13 hears": Scenario("pipecat13", "stt", STT),
    "pipecat hears": Scenario("pipecat", "stt", STT),
    "livekit hears": Scenario("livekit", "stt", STT),
}


def _pauses(run) -> list[float]:
    """Return the gaps between what the client sent, in seconds."""
    (used,) = [c for c in run.connections if c.messages]
    times = [m.t for m in used.messages if m.client]
    return [b - a for a, b in itertools.pairwise(times)]


def test_one_connection_serves_before_and_after(run, name, simulator):
    assert run.error is None
    assert len([c for c in run.connections if c.messages]) == 1
    for step in (0, 2) if "hears" not in name else (1, 4):
        heard = run.text(step) if "hears" in name else sound.hear(simulator, run.pcm(step))
        assert sound.word_error_rate(SENTENCES[0], heard) < 0.35, heard


def test_the_keepalive_is_the_known_one_and_in_time(run, name):
    sent = [m for c in run.connections for m in c.sent()]
    model = {"model": "lightning_v3.1"} if name == "pipecat" else {}
    if name == "livekit hears":
        alive = [m for m in sent if m == {"type": "keepalive"}]
        assert len(alive) >= 4
        assert [f for f in run.connections[0].got() if f.get("type") == "pong"]
        assert max(_pauses(run)) < 6.0
    elif "hears" in name:
        first = sent.index({"type": "finalize"})
        second = sent.index({"type": "finalize"}, first + 1)
        assert second - first == first + 2  # the clip's pieces again, and one piece more
        pauses = _pauses(run)
        after = pauses.index(max(pauses)) + 1
        assert sent[after] == bytes(3200)  # 100 ms of silence, after ten seconds without sound
        assert 9.0 < max(pauses) < 16.0
    else:
        alive = [m for m in sent if m["text"] == " "]
        assert alive == [{"text": " ", "voice_id": "magnus", "language": "en", **model}]
        assert 20.0 < max(_pauses(run)) < IDLE_SECS
        spoken = [m.t for c in run.connections for m in c.messages if m.client and m.data["text"].strip()]
        # More time passed between the two texts than the service bears.
        assert max(b - a for a, b in itertools.pairwise(spoken)) > IDLE_SECS + 2


def test_every_frame_of_the_server_is_documented(run):
    assert sum(wire.check(c) for c in run.connections) > 4
