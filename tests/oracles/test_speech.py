"""A sentence spoken through each client: whole, intelligible to the simulator's own ears, by the known frames."""

from __future__ import annotations

import patterns
import pytest
import sound
import wire
from plan import SPEAKERS, WEATHER, speaking

pytestmark = pytest.mark.oracle
SCENARIOS = {name: speaking(name, ("say", WEATHER)) for name in SPEAKERS}
QUICK = ("pipecat13", "pipecat", "livekit")


def test_the_sentence_comes_whole_and_is_understood(run, simulator):
    assert run.error is None
    assert 2.0 < sound.seconds(run.pcm(0)) < 6.0
    heard = sound.hear(simulator, run.pcm(0))
    assert sound.word_error_rate(WEATHER, heard) < 0.35, heard


def test_the_client_sends_what_it_is_known_to_send(run, name):
    used = next(c for c in run.connections if c.messages)
    context = next((f["context_id"] for f in used.sent() if "context_id" in f), "")
    extra = {k: v for k, v in SPEAKERS[name][1].items() if name == "smallestai"}
    assert used.path == patterns.tts_path(name)
    assert used.sent() == patterns.frames(name, WEATHER, context=context, **extra)
    assert patterns.headers(name, "sk_oracle").items() <= used.headers.items()


def test_every_frame_of_the_server_is_documented(run):
    assert sum(wire.check(c) for c in run.connections) > 2


def test_one_connection_is_reported(run, name):
    """Pipecat alone has events; one shutdown disconnects once in 1.3.0 and three times in 1.14.0."""
    disconnects = {"pipecat13": 1, "pipecat": 3}.get(name, 0)
    assert run.events == [*["on_connected"] * bool(disconnects), *["on_disconnected"] * disconnects]
