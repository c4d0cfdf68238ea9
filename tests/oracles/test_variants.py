"""The other ways in which the clients have a text spoken: fields and protocols beside their defaults."""

from __future__ import annotations

import itertools

import patterns
import pytest
import sound
import wire
from plan import SPEAKERS, WEATHER, Scenario

pytestmark = pytest.mark.oracle
TOKENS = [f"{word} " for word in WEATHER.split(" ")]
V2 = {"consistency": 0.4, "similarity": 0.2, "enhancement": 2}
SAY = (("say", WEATHER),)


def _with(name: str, *steps, **settings) -> Scenario:
    client, base = SPEAKERS[name]
    return Scenario(client, "tts", steps or SAY, base | settings)


SCENARIOS = {
    "v2 only": _with("pipecat13", *SAY, ("update", {"model": "lightning-v2"}), *SAY, **V2),
    "filtered": _with("pipecat", speed=1.2, math_notation=True, content_filter="flag"),
    "timed": _with("pipecat", voice="liam"),
    "livekit timed": _with("livekit", voice_id="liam", word_timestamps=True),
    "livekit legacy": _with("livekit", use_continuations=False),
    "sdk pieces": _with("classic", ("pieces", WEATHER)),
}


def _sent(run) -> list[dict]:
    return [f for c in run.connections for f in c.sent()]


def _expected(name: str, context: str) -> list[dict]:
    """Return the frames of a scenario, in order."""
    plain = patterns.frames("pipecat13", WEATHER)
    buffered = {"voice_id": "magnus", "model": "lightning_v3.1", "language": "en", "sample_rate": 24000, "speed": 1.0,
                "max_buffer_flush_ms": 0}  # fmt: skip
    pieces = [{**buffered, "text": t, "continue": True, "flush": False} for t in TOKENS]
    last = {**buffered, "text": "", "continue": False, "flush": True}
    fields = {"speed": 1.2, "math_notation": True, "content_filter": {"enabled": True, "action": "flag"}}
    return {
        "v2 only": [*plain, plain[0] | V2],
        "filtered": patterns.frames("pipecat", WEATHER, context=context, **fields),
        "timed": patterns.frames("pipecat", WEATHER, context=context, voice_id="liam"),
        "livekit timed": patterns.frames("livekit", WEATHER, context=context, voice_id="liam", word_timestamps=True),
        "livekit legacy": [*pieces, last],
        "sdk pieces": [*pieces, last],
    }[name]


def test_the_client_sends_what_it_is_known_to_send(run, name):
    context = next((f["context_id"] for f in _sent(run) if "context_id" in f), "")
    assert run.error is None
    assert _sent(run) == _expected(name, context)


def test_the_sentence_comes_whole_and_is_understood(run, name, simulator):
    assert 2.0 < sound.seconds(run.pcm(0)) < 6.0
    if "timed" not in name:  # the recogniser is no friend of this other voice
        heard = sound.hear(simulator, run.pcm(0))
        assert sound.word_error_rate(WEATHER, heard) < 0.35, heard


def test_word_times_come_where_they_were_asked_for_and_fit_the_sound(run, name):
    words = [f["data"] for c in run.connections for f in c.got() if f.get("status") == "word_timestamp"]
    if "timed" not in name:
        assert not words
        return
    assert [w["word"] for w in words] == WEATHER.split(" ")
    assert [w["id"] for w in words] == list(range(len(words)))
    assert all(a["end"] <= b["start"] + 0.01 for a, b in itertools.pairwise(words))
    assert -1.0 < words[-1]["end"] - len(run.pcm(0)) / sound.RATE < 0.002  # rounded


def test_every_frame_of_the_server_is_documented(run):
    assert sum(wire.check(c) for c in run.connections) > 2
