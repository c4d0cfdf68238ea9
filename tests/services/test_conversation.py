"""Conversations through both services and the simulator, whose tones are read back as the very words."""

from __future__ import annotations

import asyncio
import io
import threading
import wave

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.audio.vad import EnergyVad
from smallest_nb.client.conversation.converse import conversation_stt, conversation_tts
from smallest_nb.client.conversation.options import ConversationOptions
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.talks import RATE, talking, tones

LONG = "Alpha bravo charlie delta echo foxtrot golf hotel india juliet. Kilo lima mike november oscar papa quebec."


@pytest.fixture(scope="module")
def signal():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def faulty():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


HELLO = "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u6211\u4eec\u4e5d\u70b9\u5f00\u95e8\u3002"
"""Hello, world. We open at nine."""


def echo(text: str) -> str:
    return f"You said {text}"


async def test_two_turns_in_one_call(signal):
    first, second = await tones(signal, "good morning"), await tones(signal, "thank you")
    quiet = snb.Clip(b"", RATE)
    clock = snb.ConversationClock(3, is_simulated=True)
    source = snb.ClipSource(quiet.padded(after=0.4) + first + quiet.padded(after=4) + second, clock=clock)
    options = ConversationOptions()
    seen = []
    async with (
        conversation_stt(options, api_key=KEY, base_url=signal.base_url) as stt,
        conversation_tts(api_key=KEY, base_url=signal.base_url) as tts,
    ):
        record = await snb.converse(source, echo, stt=stt, tts=tts, vad_detector=EnergyVad(), on_turn=seen.append)
    assert [m["content"] for m in record.history] == [
        "Good morning.", "You said Good morning.", "Thank you.", "You said Thank you.",
    ]  # fmt: skip
    assert [t.who for t in seen] == ["person", "voice"] * 2
    assert list(record.metrics.to_dataframe()["turn"]) == [1, 3]
    frame = record.to_dataframe()
    assert list(frame["who"]) == ["person", "voice"] * 2
    assert frame["total_s"].notna().tolist() == [False, True] * 2
    assert [s.speaker for s in record.transcript] == [0, 1, 0, 1]
    assert "Person" in record.transcript.to_vtt()
    with wave.open(io.BytesIO(record.wav_bytes())) as file:
        assert file.getnchannels() == 2
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    rate = record.person.sample_rate
    for turn in record.turns:
        channel = sound[:, 0 if turn.who == "person" else 1]
        inside = np.abs(channel[round(turn.start * rate) : round(turn.end * rate)].astype(float)).mean()
        assert inside > 500, turn
    back = snb.ConversationRecord.from_json(record.to_json())
    assert back.turns == record.turns
    assert list(back.metrics) == list(record.metrics)


@pytest.mark.parametrize("end_of_turn", ["service", "vad", "both"])
async def test_each_end_of_turn(signal, end_of_turn):
    async with talking(signal, echo, end_of_turn=end_of_turn, stop_secs=0.3) as talk:
        talk.person.say(await tones(signal, "good morning"))
        await talk.until(2)
    assert [m["content"] for m in talk.record.history] == ["Good morning.", "You said Good morning."]


def plain(text, history):
    return f"{len(history)} before {text}"


async def asynchronous(text, history):
    await asyncio.sleep(0)
    return plain(text, history)


def generator(text, history):
    yield from plain(text, history).split(" ", 1)[0]
    yield " " + plain(text, history).split(" ", 1)[1]


async def async_generator(text, history):
    for piece in generator(text, history):
        yield piece


def returns_generator(text, history):
    return (piece for piece in generator(text, history))


class Callable:
    async def __call__(self, text, history):
        return plain(text, history)


@pytest.mark.parametrize(
    "reply",
    [plain, asynchronous, generator, async_generator, returns_generator, Callable()],
    ids=lambda reply: getattr(reply, "__name__", type(reply).__name__),
)
async def test_each_kind_of_reply(signal, reply):
    async with talking(signal, reply, speed=4) as talk:
        for number, text in enumerate(("first", "second"), 1):
            talk.person.say(await tones(signal, text))
            await talk.until(2 * number)
    assert [m["content"] for m in talk.record.history] == ["First.", "0 before First.", "Second.", "2 before Second."]


async def test_sentences_are_spoken_while_reply_goes_on(signal):
    may_go_on = threading.Event()

    def reply(_text):
        yield "The first sentence is here. "
        yield "And "
        assert may_go_on.wait(20)
        yield "the second one too."

    async with talking(signal, reply) as talk:
        talk.person.say(await tones(signal, "go"))
        await talk.heard(0.2)
        may_go_on.set()
        await talk.until(2)
    assert talk.record.turns[1].text == "The first sentence is here. And the second one too."


async def test_speech_stops_the_answer_closes_the_reply_and_cuts_the_turn(signal):
    closed = threading.Event()

    def reply(text):
        try:
            if "Stop" in text:
                yield "Very well."
                return
            yield LONG
            yield " " + LONG
        finally:
            if "Stop" not in text:
                closed.set()

    async with talking(signal, reply) as talk:
        talk.person.say(await tones(signal, "count"))
        await talk.heard(1.5)
        talk.person.say(await tones(signal, "stop it"))
        await talk.until(4)
        assert await asyncio.to_thread(closed.wait, 5)
    count, cut, stop, answer = talk.record.turns
    assert [count.text, stop.text, answer.text] == ["Count.", "Stop it.", "Very well."]
    assert cut.is_interrupted
    assert not cut.is_estimated
    assert cut.full_text.startswith(cut.text)
    assert cut.text
    heard = await heard_words(signal, talk, 0)
    assert abs(len(heard) - len(cut.text.split())) <= 1
    assert "paused" in talk.states  # twice where its words came late, and the answer went on meanwhile


async def heard_words(signal, talk, answer: int) -> list[str]:
    """Return the words that a listener has understood of an answer."""
    clips = [part.clip for part in talk.sink.parts if part.answer == answer]
    sound = clips[0]
    for clip in clips[1:]:
        sound += clip
    async with snb.SmallestSTTService(
        api_key=KEY, base_url=signal.base_url, sample_rate=sound.sample_rate,
        settings=snb.SmallestSTTSettings(finalize_on_words=False),
    ) as stt:  # fmt: skip
        await stt.send(sound.padded(after=0.2).pcm)
        await stt.close()
        return [word for word in stt.transcript.text.split() if "inaudible" not in word]


async def test_an_async_reply_is_cancelled(signal):
    cancelled = asyncio.Event()

    async def reply(text):
        if text != "Wait.":
            yield "Yes."
            return
        yield "I am thinking about this for a long time. "
        yield "So "
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with talking(signal, reply) as talk:
        talk.person.say(await tones(signal, "wait"))
        await talk.heard(0.6)
        talk.person.say(await tones(signal, "never mind that"))
        await talk.until(4)
        assert cancelled.is_set()
    assert talk.record.turns[-1].text == "Yes."


async def test_a_cough_resumes_where_it_stopped(signal):
    async with talking(signal, lambda _text: LONG) as talk:
        talk.person.say(await tones(signal, "count"))
        await talk.heard(1.0)
        noise = np.random.default_rng(1).normal(0, 3000, round(0.35 * RATE)).astype(np.int16)
        talk.person.say(snb.Clip.from_array(noise, RATE))
        await talk.until("paused")
        await talk.until(2)
    assert talk.record.turns[1].text == LONG
    assert not talk.record.turns[1].is_interrupted
    whole = await tones(signal, LONG, voice="avery", rate=24000)
    heard = talk.sink.heard()
    assert len(talk.sink.parts) >= 2
    assert abs(heard.duration - whole.duration) < 0.5, "nothing was played twice, and nothing left out"


async def test_an_estimated_cut_is_marked(signal):
    tts = {"settings": snb.SmallestTTSSettings(voice="sophia")}
    async with (
        conversation_stt(ConversationOptions(), api_key=KEY, base_url=signal.base_url) as stt,
        snb.SmallestTTSService(api_key=KEY, base_url=signal.base_url, **tts) as voice,
    ):
        clock = snb.ConversationClock(2, is_simulated=True)
        first, second = await tones(signal, "count"), await tones(signal, "stop it")
        source = snb.ClipSource(first.padded(after=3.0) + second, clock=clock, silence_secs=2)
        record = await snb.converse(
            source, lambda text: LONG if text == "Count." else "Yes.", stt=stt, tts=voice, vad_detector=EnergyVad()
        )
    assert record.turns[1].is_interrupted
    assert record.turns[1].is_estimated
    assert 3 <= len(record.turns[1].text.split()) <= 12


async def test_an_early_start_is_right_and_costs_nothing(faulty):
    """How much sooner it answers is measured by `bench.conversation`."""
    faulty.behaviour.latency = "in-region"
    for start in ("plain", "early"):
        async with talking(faulty, echo, start=start, speed=1) as talk:
            talk.person.say(await tones(faulty, "good morning to you"))
            await talk.until(2)
        (row,) = talk.record.metrics
        assert talk.record.history[1]["content"].rstrip(".") == "You said Good morning to you"
    assert row.is_early
    assert talk.record.wasted_characters == 0


# What goes wrong.


@pytest.mark.parametrize(
    ("on_error", "spoken"), [(None, ""), ("Sorry.", "Sorry."), (lambda error: f"Oh, {error}.", "Oh, too hard.")]
)
async def test_a_reply_that_fails_is_reported_and_the_conversation_goes_on(signal, on_error, spoken, caplog):
    def reply(text):
        if text == "Fail.":
            raise RuntimeError("too hard")
        return "Fine."

    errors = []
    async with talking(signal, reply, on_error=on_error) as talk:
        talk.loop.event_handler("on_reply_error")(lambda _loop, error: errors.append(error))
        talk.person.say(await tones(signal, "fail"))
        await talk.until(2)
        talk.person.say(await tones(signal, "again"))
        await talk.until(4)
    assert [(t.text, t.error) for t in talk.record.turns if t.who == "voice"] == [
        (spoken, "RuntimeError: too hard"), ("Fine.", None),
    ]  # fmt: skip
    assert isinstance(errors[0], RuntimeError)
    (logged,) = [r for r in caplog.records if r.exc_info]
    assert "reply" in "".join(f.name for f in __import__("traceback").extract_tb(logged.exc_info[2]))


async def test_a_reply_that_fails_in_the_middle_speaks_what_it_gave(signal):
    def reply(_text):
        yield "So far so good. "
        raise ValueError("lost it")

    async with talking(signal, reply) as talk:
        talk.person.say(await tones(signal, "go"))
        await talk.until(2)
    assert talk.record.turns[1].text == "So far so good."
    assert talk.record.turns[1].error == "ValueError: lost it"


@pytest.mark.parametrize(
    "reply",
    [lambda _t: None, lambda _t: "", lambda _t: iter(()), lambda _t: " ... "],
    ids=["None", "empty", "iterator", "dots"],
)
async def test_a_reply_of_nothing_ends_in_listening(signal, reply):
    async with talking(signal, reply, speed=4) as talk:
        talk.person.say(await tones(signal, "hello"))
        await talk.until(2)
        await talk.until("listening")
    assert (talk.record.turns[1].text, talk.record.turns[1].error) == ("", None)


@pytest.mark.parametrize("outcome", [42, b"bytes", {"text": "x"}, [1, 2]])
async def test_a_reply_of_something_else_says_so(signal, outcome):
    async with talking(signal, lambda _t: outcome, speed=4) as talk:
        talk.person.say(await tones(signal, "hello"))
        await talk.until(2)
    assert "expected text" in talk.record.turns[1].error


async def test_a_reply_that_blocks_is_given_up_and_the_next_one_is_called(signal):
    release = threading.Event()

    def reply(text):
        if text == "Block.":
            release.wait(60)
        return "Here."

    async with talking(signal, reply, reply_secs=1.0) as talk:
        talk.person.say(await tones(signal, "block"))
        await talk.until(2)
        talk.person.say(await tones(signal, "again"))
        await talk.until(4)
    release.set()
    assert [t.error for t in talk.record.turns if t.who == "voice"] == ["reply gave no text within 1 s", None]


async def test_a_reply_without_end_is_spoken_until_it_is_interrupted(signal):
    given = []

    def reply(text):
        if text != "Go.":
            return "Done."
        return endless()

    def endless():
        while True:
            given.append(1)
            yield "And so on. "

    async with talking(signal, reply) as talk:
        talk.person.say(await tones(signal, "go"))
        await talk.heard(1.0)
        talk.person.say(await tones(signal, "stop it now"))
        await talk.until(4)
    assert talk.record.turns[-1].text == "Done."
    # The texts whose sound is under way: as many as the simulator makes in that time, some 400; else without end.
    assert len(given) < 2000, "it is asked for no more than the voice needs"


async def test_a_reply_beyond_its_bound_is_ended_there(signal):
    async with talking(signal, lambda _t: "word " * 10_000, most_characters=23) as talk:
        talk.person.say(await tones(signal, "go"))
        await talk.until(2)
    assert talk.record.turns[1].text == "word word word word wor"


async def test_ten_thousand_words_are_cut_where_they_were_heard(signal):
    async with talking(signal, lambda t: " ".join(["word"] * 10_000) + "." if t == "Go." else "Done.") as talk:
        talk.person.say(await tones(signal, "go"))
        await talk.heard(1.5)
        talk.person.say(await tones(signal, "stop it now"))
        await talk.until(4)
    assert 1 <= len(talk.record.turns[1].text.split()) <= 20


async def test_a_reply_in_another_script_is_spoken(signal):
    async with talking(signal, lambda _t: HELLO) as talk:
        talk.person.say(await tones(signal, "hello"))
        await talk.until(2)
    assert talk.record.turns[1].text == HELLO
    assert talk.record.turns[1].error is None


async def test_a_transcription_that_breaks_off_in_a_turn_loses_no_word(faulty):
    faulty.behaviour.drop_after_secs = 1.2
    async with talking(faulty, echo, speed=1) as talk:
        talk.person.say(await tones(faulty, "red green blue black white"))
        await talk.until(2)
    assert talk.record.history[0]["content"] == "Red green blue black white."


async def test_a_voice_that_breaks_off_goes_on(faulty):
    faulty.behaviour.truncate_after = 20_000
    async with talking(faulty, echo) as talk:
        talk.person.say(await tones(faulty, "good morning"))
        faulty.behaviour.truncate_after = 20_000
        await talk.until(2)
    assert talk.record.turns[1].text == "You said Good morning."
    assert talk.record.turns[1].error is None


async def test_a_voice_that_is_refused_is_an_error_of_the_turn(faulty):
    async with talking(faulty, echo, services={"max_retries": 0}) as talk:
        talk.person.say(await tones(faulty, "good morning"))
        faulty.behaviour.complete_without_audio = True
        await talk.until(2)
        assert talk.record.turns[1].error
        assert not talk.record.turns[1].text
        faulty.behaviour.complete_without_audio = False
        talk.person.say(await tones(faulty, "again"))
        await talk.until(4)
    assert talk.record.turns[3].text == "You said Again."


async def test_a_transcription_that_is_gone_for_good_ends_it_with_what_was_said():
    record = snb.ConversationRecord()
    with Simulator(behaviour=Behaviour(engine="signal")) as simulator, pytest.raises(snb.SmallestError):
        async with talking(simulator, echo, record=record, services={"max_retries": 0}) as talk:
            talk.person.say(await tones(simulator, "red green blue"))
            await talk.until(lambda: "green" in talk.loop.interim.lower())
            simulator.stop()
            await asyncio.sleep(0)
            await talk.until("ended")
    assert record.turns[0].text.lower().startswith("red green")
    assert not record.turns[0].is_answered


async def test_hanging_up_stops_at_once(signal):
    async with talking(signal, lambda _t: LONG) as talk:
        talk.person.say(await tones(signal, "count"))
        await talk.heard(0.8)
        talk.loop.stop()
        await talk.until("ended")
    assert talk.record.turns[1].is_interrupted
    assert LONG.startswith(talk.record.turns[1].text)


async def test_cancelling_keeps_what_was_said(signal):
    record = snb.ConversationRecord()
    clip = await tones(signal, "count to seventeen")
    source = snb.ClipSource(clip, clock=snb.ConversationClock(2, is_simulated=True), silence_secs=30)
    seen = asyncio.Event()
    async with (
        conversation_stt(ConversationOptions(), api_key=KEY, base_url=signal.base_url) as stt,
        conversation_tts(api_key=KEY, base_url=signal.base_url) as tts,
    ):
        running = asyncio.create_task(
            snb.converse(source, lambda _t: LONG, stt=stt, tts=tts, vad_detector=EnergyVad(), record=record,
                         on_turn=lambda _turn: seen.set())
        )  # fmt: skip
        await asyncio.wait_for(seen.wait(), 20)
        while source.position < clip.duration + 1.5:
            await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert [t.who for t in record.turns] == ["person", "voice"]
    assert record.turns[1].is_interrupted
    assert LONG.startswith(record.turns[1].text)
    assert record.turns[1].text


async def test_a_source_that_fails_ends_it(signal):
    class Broken:
        sample_rate = 16000

        async def __aiter__(self):
            yield bytes(640)
            raise OSError("unplugged")

    async with (
        conversation_stt(ConversationOptions(), api_key=KEY, base_url=signal.base_url) as stt,
        conversation_tts(api_key=KEY, base_url=signal.base_url) as tts,
    ):
        with pytest.raises(OSError, match="unplugged"):
            await snb.converse(Broken(), echo, stt=stt, tts=tts, vad_detector=EnergyVad())


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"reply": lambda: "x"}, "reply"),
        ({"reply": 3}, "reply"),
        ({"source": 3}, "source"),
        ({"stop_sec": 1}, "stop_sec"),
        ({"on_error": 3}, "on_error"),
        ({"barge_in": "loud"}, "barge_in"),
    ],
)
async def test_what_cannot_work_is_refused(signal, arguments, match):
    given = {"source": snb.ClipSource(), "reply": echo, **arguments}
    async with (
        conversation_stt(ConversationOptions(), api_key=KEY, base_url=signal.base_url) as stt,
        conversation_tts(api_key=KEY, base_url=signal.base_url) as tts,
    ):
        with pytest.raises(snb.ConfigError, match=match):
            await snb.converse(**given, stt=stt, tts=tts, vad_detector=EnergyVad())
