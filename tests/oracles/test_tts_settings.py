"""Settings changed while connected: the next request carries them, and where one can hear it, the sound does."""

from __future__ import annotations

import numpy as np
import patterns
import pytest
import sound
import wire
from plan import SPEAKERS, WEATHER, speaking

pytestmark = pytest.mark.oracle
SAYS = (1, 3, 5, 7, 9)
"""The steps that speak: as it was, another voice, twice the speed, another language, another model."""
BASE, VOICE, SPEED, LANGUAGE, MODEL = SAYS


PRO = "lightning_v3.1_pro"
# A change of the model is a change of the path for 1.3.0, which knows no other model than the retired one.
MODELS = dict.fromkeys(SPEAKERS, PRO) | {"pipecat13": "lightning-v2"}


def _steps(name: str) -> list[tuple]:
    voice = "voice" if name.startswith("pipecat") else "voice_id"
    changes = ({}, {voice: "sophia"}, {"speed": 2.0}, {"language": "hi"}, {"model": MODELS[name]})
    return [step for change in changes for step in (("update", change), ("say", WEATHER))]


SCENARIOS = {name: speaking(name, *_steps(name)) for name in SPEAKERS}


def _requests(run) -> list[dict]:
    """Return the first frame of each utterance."""
    sent = [(m.t, m.data) for c in run.connections for m in c.messages if m.client]
    first, seen = [], set()
    for _, frame in sorted(sent, key=lambda pair: pair[0]):
        context = frame.get("context_id", object())
        if frame["text"].strip() and context not in seen:
            seen.add(context)
            first.append(frame)
    return first


def test_each_request_carries_the_new_value_and_keeps_the_rest(run, name):
    assert run.error is None
    voices, speeds, languages, models = zip(
        *((r["voice_id"], r.get("speed", 1.0), r["language"], r.get("model")) for r in _requests(run)), strict=True
    )
    assert voices == ("magnus", *["sophia"] * 4)
    assert speeds == (1.0, 1.0, 2.0, 2.0, 2.0)
    assert languages == ("en", "en", "en", "hi", "hi")
    assert models == ((None,) * 5 if name == "pipecat13" else (*["lightning_v3.1"] * 4, PRO))


def test_a_model_in_the_path_means_a_new_connection_and_one_in_the_request_does_not(run, name):
    used = [c for c in run.connections if c.sent()]
    paths = {"pipecat13": ["lightning-v3.1", "lightning-v2"]}.get(name, [""])
    if name in ("livekit", "classic"):  # they take a new socket for each text anyhow
        paths *= len(SAYS)
    assert [c.path for c in used] == [patterns.tts_path(name, model) for model in paths]


def test_the_voice_is_another_one(run):
    man, woman = sound.pitch(run.pcm(BASE)), sound.pitch(run.pcm(VOICE))
    assert woman > 1.3 * man


def test_twice_the_speed_takes_about_half_the_time(run):
    assert 0.4 < sound.seconds(run.pcm(SPEED)) / sound.seconds(run.pcm(VOICE)) < 0.7


def test_another_language_sounds_otherwise(run):
    english, hindi = run.pcm(SPEED), run.pcm(LANGUAGE)
    assert sound.seconds(hindi) > 0.5
    assert len(english) != len(hindi) or np.any(english != hindi)


def test_the_other_model_speaks(run, simulator):
    assert sound.seconds(run.pcm(MODEL)) > 0.5


def test_every_frame_of_the_server_is_documented(run):
    assert sum(wire.check(c) for c in run.connections) > 10
