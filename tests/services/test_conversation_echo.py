"""A loudspeaker beside the microphone: the voice does not interrupt itself, and the person still does."""

from __future__ import annotations

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.audio.turn_detector import TurnDetector
from smallest_nb.audio.vad import VADParams
from smallest_nb.client.conversation.echo_gate import EchoGate
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.talks import RATE, talking, tones

LEVELS = [-20, -10, -6]
LONG = "Alpha bravo charlie delta echo foxtrot golf hotel india juliet. Kilo lima mike november oscar papa quebec."


@pytest.fixture(scope="module")
def signal():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture(scope="module")
def spoken(simulator):
    """What a voice says for eight seconds, and what a person says for two, as floats."""
    answer = snb.speak(
        "The kitchen is open from nine in the morning until three in the afternoon. "
        "On Sundays we close an hour earlier.",
        base_url=simulator.base_url, api_key="sk_x", voice="sophia", sample_rate=RATE,
    )  # fmt: skip
    person = snb.speak(
        "Wait, please tell me about the parking.",
        base_url=simulator.base_url, api_key="sk_x", voice="magnus", sample_rate=RATE,
    )  # fmt: skip
    return answer.samples.astype(float), person.samples.astype(float)


def room(sound: np.ndarray, decibels: float, delay: float) -> np.ndarray:
    """What a microphone hears of it: later, softer, with the reflections of a small room."""
    rng = np.random.default_rng(3)
    size = round(0.15 * RATE)
    response = np.zeros(size)
    response[0] = 1.0
    response[40:] = rng.normal(0, 0.12, size - 40) * np.exp(-np.arange(size - 40) / (0.03 * RATE))
    echo = np.convolve(sound, response)[: len(sound)]
    echo = np.concatenate([np.zeros(round(delay * RATE)), echo])[: len(sound)]
    return echo * 10 ** (decibels / 20) * np.sqrt(np.mean(sound**2) / np.mean(echo**2))


def gated(microphone: np.ndarray, played: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what passes for voice activity detection, and what is transcribed."""
    gate = EchoGate(RATE)
    now, late = b"", b""
    for at in range(0, len(microphone) // gate.frame * gate.frame, gate.frame):
        pieces = [np.clip(s[at : at + gate.frame], -32768, 32767).astype("<i2").tobytes() for s in (microphone, played)]
        heard, transcribed = gate.push(*pieces)
        now, late = now + (heard if gate.is_open else bytes(len(heard))), late + transcribed
    late += gate.flush()
    return np.frombuffer(now, "<i2").astype(float), np.frombuffer(late, "<i2").astype(float)


def starts(sound: np.ndarray) -> list[float]:
    detector = TurnDetector(RATE, VADParams())
    return [turn.at for turn in detector.push(sound.astype("<i2").tobytes()) if turn.speaking]


@pytest.mark.parametrize("decibels", LEVELS)
@pytest.mark.parametrize("delay", [0.0, 0.08, 0.25])
def test_the_echo_of_speech_is_no_speech(spoken, decibels, delay):
    answer, _ = spoken
    noise = np.random.default_rng(1).normal(0, 15, len(answer))
    microphone = room(answer, decibels, delay) + noise
    assert starts(microphone), "without the gate it is"
    now, late = gated(microphone, answer)
    assert starts(now) == []
    assert starts(late) == []


@pytest.mark.parametrize("decibels", LEVELS)
@pytest.mark.parametrize("at", [1.0, 3.0])
def test_a_person_is_heard_over_the_echo(spoken, decibels, at):
    answer, person = spoken
    begin = round(at * RATE)
    person = person[: len(answer) - begin]
    microphone = room(answer, decibels, 0.08) + np.random.default_rng(1).normal(0, 15, len(answer))
    microphone[begin : begin + len(person)] += person
    now, late = gated(microphone, answer)
    assert len(late) == len(now), "the transcription's clock stays right"
    found = starts(now)
    alone = starts(np.concatenate([np.zeros(begin), person]))
    assert found
    assert found[0] == pytest.approx(alone[0], abs=0.5)
    passed = np.sum(late[begin : begin + len(person)] ** 2)
    assert passed > 0.6 * np.sum(person**2)


def test_nothing_is_changed_while_nothing_plays(spoken):
    _, person = spoken
    now, late = gated(person, np.zeros(len(person)))
    whole = person[: len(now)].astype("<i2")
    assert np.array_equal(now, whole)
    assert np.array_equal(late, whole)


@pytest.mark.parametrize("decibels", LEVELS)
async def test_an_answer_does_not_interrupt_itself(signal, decibels):
    async with talking(signal, lambda _text: LONG, echo_db=decibels) as talk:
        talk.person.say(await tones(signal, "count"))
        await talk.until(2)
    assert [t.text for t in talk.record.turns] == ["Count.", LONG]
    assert not talk.record.turns[1].is_interrupted


async def test_without_a_gate_it_would_pause_for_itself(signal):
    async with talking(signal, lambda text: LONG if text == "Count." else None, echo_db=-6, echo="none") as talk:
        talk.person.say(await tones(signal, "count"))
        await talk.until("paused")


@pytest.mark.parametrize("decibels", LEVELS)
async def test_a_person_interrupts_over_the_echo(signal, decibels):
    async with talking(signal, lambda text: LONG if text == "Count." else "Yes.", echo_db=decibels) as talk:
        talk.person.say(await tones(signal, "count"))
        await talk.heard(1.5)
        talk.person.say(await tones(signal, "please stop counting now", voice="magnus"))
        await talk.until(4)
    assert talk.record.turns[1].is_interrupted
    assert talk.record.turns[3].text == "Yes."


async def test_half_duplex_hears_nothing_while_the_voice_sounds(signal):
    async with talking(signal, lambda text: LONG if text == "Count." else "Yes.", echo="half-duplex") as talk:
        talk.person.say(await tones(signal, "count"))
        await talk.heard(1.0)
        talk.person.say(await tones(signal, "stop it"))
        await talk.until(2)
        await talk.until("listening")
        talk.person.say(snb.Clip(b"", RATE).padded(after=0.8) + await tones(signal, "again"))
        await talk.until(4)
    assert [t.text for t in talk.record.turns] == ["Count.", LONG, "Again.", "Yes."]
