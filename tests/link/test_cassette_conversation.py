"""A conversation that was recorded comes again without a key and without a server."""

from __future__ import annotations

import pytest

import smallest_nb as snb
from smallest_nb.audio.vad import EnergyVad
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.talks import RATE, tones

LONG = "Alpha bravo charlie delta echo foxtrot golf hotel india juliet."
SPEED = 2.0


@pytest.fixture(scope="module")
def signal():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


async def converse(sound: snb.Clip, **services) -> snb.ConversationRecord:
    source = snb.ClipSource(sound, clock=snb.ConversationClock(SPEED, is_simulated=True), silence_secs=2)
    return await snb.converse(
        source, lambda text: LONG if text == "Count." else f"You said {text}", vad_detector=EnergyVad(), **services
    )


async def test_a_recorded_conversation_is_replayed(signal, tmp_path, monkeypatch):
    # An interruption in the middle of a sentence, and a turn after silence.
    sound = (await tones(signal, "count")).padded(after=2.2) + await tones(signal, "stop it")
    sound = sound.padded(after=4.0) + await tones(signal, "thank you")
    monkeypatch.setenv("SMALLEST_API_KEY", "sk_recorded")
    monkeypatch.setenv("SMALLEST_BASE_URL", signal.base_url)
    path = tmp_path / "talk.cassette"
    with snb.record(path):
        first = await converse(sound)
    monkeypatch.delenv("SMALLEST_API_KEY")
    monkeypatch.setenv("SMALLEST_BASE_URL", "ws://127.0.0.1:9")
    with snb.replay(path, audio="any"):
        again = await converse(sound)
    assert [t.text for t in first.turns if t.who == "person"] == ["Count.", "Stop it.", "Thank you."]
    assert [(t.who, t.full_text, t.is_interrupted) for t in again.turns] == [
        (t.who, t.full_text, t.is_interrupted) for t in first.turns
    ]
    cut, cut_again = first.turns[1], again.turns[1]
    assert cut.is_interrupted
    assert abs(len(cut.text.split()) - len(cut_again.text.split())) <= 1
    assert again.person.sample_rate == RATE
    assert b"sk_recorded" not in path.read_bytes()
