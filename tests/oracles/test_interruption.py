"""Interrupted in mid-speech, with sound that comes in real time: what follows is whole and holds nothing of before."""

from __future__ import annotations

import pytest
import sound
import wire
from plan import SENTENCES, SPEAKERS, WEATHER, speaking

from smallest_nb.simulator.faults import Behaviour

pytestmark = pytest.mark.oracle
BEHAVIOUR = Behaviour(pace=1.0)
CHILDREN = f"{SENTENCES[1]} Then they walked along the river and looked at the water until the train was gone."
CHILDREN_SECS = 6.0
CUT_BYTES = 48_000
"""A second of sound, after which one interrupts."""
STEPS = (("cut", CHILDREN, CUT_BYTES), ("say", WEATHER))
# The SDK has no notion of interrupting: its user hangs up, or abandons the generator, which then hangs up.
SCENARIOS = {name: speaking(name, *STEPS) for name in SPEAKERS}
QUICK = ("pipecat",)


def test_it_falls_silent_at_once(run):
    assert run.error is None
    assert CUT_BYTES / 2 / sound.RATE <= len(run.pcm(0)) / sound.RATE < CHILDREN_SECS / 2


def test_what_follows_is_whole_and_nothing_else(run, simulator):
    heard = sound.hear(simulator, run.pcm(1))
    assert sound.word_error_rate(WEATHER, heard) < 0.35, heard
    assert not {"children", "park", "river", "water", "train"} & set(sound.plain(heard).split())
    assert 2.0 < sound.seconds(run.pcm(1)) < 4.5


def test_the_rest_of_the_first_is_never_sent_to_the_second(run):
    """The interruption of a plain request is a new connection; there is no other way (protocol notes, 2.1)."""
    used = [c for c in run.connections if c.sent()]
    assert len(used) == 2
    assert not any("children" in f.get("text", "") for f in used[1].sent())


def test_an_open_context_is_cancelled(run, name):
    """Only LiveKit has it: it was still writing its text when it was interrupted."""
    cancelled = [f for c in run.connections for f in c.sent() if f.get("cancel_request")]
    expected = {"voice_id", "model", "language", "sample_rate", "speed", "context_id", "max_buffer_delay_ms",
                "cancel_request"}  # fmt: skip
    assert [set(f) for f in cancelled] == ([expected] if name == "livekit" else [])


def test_every_frame_of_the_server_is_documented(run):
    assert sum(wire.check(c) for c in run.connections) > 4
