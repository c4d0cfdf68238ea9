"""The parts of a conversation, each alone."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smallest_nb as snb
from smallest_nb.client.conversation.heard_text import cut_text, has_words, same_words
from smallest_nb.client.conversation.played_sound import PlayedSound, VoicedBlocks
from smallest_nb.client.conversation.reply import Reply, takes_history
from smallest_nb.client.conversation.turns import turns
from smallest_nb.client.tts_events import WordTiming

RATE = 16000
SECOND = np.arange(RATE, dtype=np.int16).tobytes()


def words_of(text: str) -> list[WordTiming]:
    return [WordTiming(word, at * 0.5, at * 0.5 + 0.4) for at, word in enumerate(text.split())]


# What was heard.


@pytest.mark.parametrize(
    ("played", "heard"),
    [(0.0, ""), (0.1, ""), (0.3, "We"), (1.1, "We open"), (1.3, "We open at"), (1.8, "We open at nine,"),
     (9.0, "We open at nine, always.")],
)  # fmt: skip
def test_a_text_is_cut_at_the_last_word_that_was_heard(played, heard):
    text = "We open at nine, always."
    found = cut_text(text, words_of(text), played, voiced=[1] * 200, is_whole=True)
    assert (found.text, found.is_estimated) == (heard, False)


def test_without_word_times_the_place_is_estimated_from_the_sound():
    text = "alpha bravo charlie delta"
    voiced = [0] * 50 + [1] * 100  # a second of silence first
    found = cut_text(text, [], 1.0 + 1.0, voiced=voiced, is_whole=True)
    assert (found.text, found.is_estimated) == ("alpha bravo", True)
    assert cut_text(text, [], 1.0, voiced=voiced, is_whole=True).text == ""
    assert cut_text(text, [], 3.0, voiced=voiced, is_whole=True).text == text


def test_scripts_without_blanks_are_cut_too():
    text = "\u4f60\u597d\u4e16\u754c"
    assert cut_text(text, [], 1.0, voiced=[1] * 100, is_whole=True).text == text[:2]


@given(
    st.text(max_size=60), st.floats(0, 10), st.lists(st.integers(0, 1), max_size=300), st.booleans(),
    st.lists(st.sampled_from(["a", "b c", "", "x."]), max_size=5),
)  # fmt: skip
def test_what_was_heard_is_the_beginning_of_the_text(text, played, voiced, is_whole, words):
    times = [WordTiming(word, n * 0.3, n * 0.3 + 0.3) for n, word in enumerate(words)]
    found = cut_text(text, times, played, voiced=voiced, is_whole=is_whole)
    assert text.strip().startswith(found.text) or text.startswith(found.text)


def test_words_are_compared_without_what_the_service_adds():
    assert same_words("Good morning!", "good  morning")
    assert not same_words("good morning", "good mourning")
    assert has_words("[FIRSTNAME_1] called")
    assert not has_words(" [noise] ... (laughs)")


# The sink.


async def test_a_sink_knows_what_was_played_over_pauses_gaps_and_stops():
    clock = snb.ConversationClock(is_simulated=True, speed=100)
    sink = snb.ArraySink(clock)

    async def at(time):
        await clock.sleep_until(time)

    sink.begin(RATE)
    await sink.write(SECOND)
    await at(0.25)
    assert sink.position == pytest.approx(0.25)
    assert await sink.pause() == pytest.approx(0.25)
    await at(1.0)
    assert sink.position == pytest.approx(0.25)
    await sink.resume()
    await at(2.5)  # a gap: all was played by 1.75
    assert sink.position == pytest.approx(1.0)
    await sink.write(SECOND)
    await at(2.75)
    assert await sink.stop() == pytest.approx(1.25)
    sink.begin(RATE)
    assert sink.position == 0
    await sink.write(SECOND)
    await at(2.95)
    assert await sink.stop() == pytest.approx(0.2)
    assert [(p.answer, round(p.at, 3), round(p.until, 3)) for p in sink.parts] == [
        (0, 0.0, 0.25), (0, 1.0, 1.75), (0, 2.5, 2.75), (1, 2.75, 2.95),
    ]  # fmt: skip
    expected = np.concatenate([np.arange(RATE), np.arange(RATE // 4), np.arange(RATE // 5)])
    assert np.array_equal(sink.heard().samples, expected)


async def test_a_sink_takes_ten_seconds_ahead_and_waits_then():
    clock = snb.ConversationClock(is_simulated=True, speed=100)
    sink = snb.ArraySink(clock)
    sink.begin(RATE)
    await sink.write(SECOND * 10)
    writing = asyncio.create_task(sink.write(SECOND * 5))
    await asyncio.sleep(0.05)
    assert not writing.done()
    await clock.sleep_until(5.1)
    await asyncio.wait_for(writing, 5)
    finishing = asyncio.create_task(sink.finish())
    await clock.sleep_until(15.1)
    assert await asyncio.wait_for(finishing, 5) == pytest.approx(15.0)


# What was played, beside what is heard.


def test_what_was_played_stands_where_it_was_heard():
    played = PlayedSound(RATE)
    played.begin(RATE)
    played.write(SECOND)
    pieces = [played.take(position, 320) for position in (0.0, 0.02, 0.04, 0.04, 0.06)]
    assert b"".join(pieces) == bytes(640) + SECOND[:1280] + bytes(640) + SECOND[1280:1920]
    played.flush(0.06)
    assert not any(played.take(0.06, 320))


def test_blocks_with_a_voice_are_counted_across_pieces():
    blocks = VoicedBlocks(RATE)
    loud = np.full(480, 4000, np.int16).tobytes()
    assert blocks.push(loud) + blocks.push(loud) + blocks.push(bytes(640)) == [1, 1, 1, 0]


# The function.


@pytest.mark.parametrize(
    ("function", "takes"),
    [(lambda text: text, False), (lambda text, history: text, True), (lambda *a: "", True),
     (lambda text, history=None: text, True), (str.upper, False)],
)  # fmt: skip
def test_whether_a_function_takes_the_history(function, takes):
    assert takes_history(function) is takes


@pytest.mark.parametrize("function", [lambda: "", lambda a, b, c: "", None, "text"])
def test_a_function_that_cannot_be_called_with_a_text_is_refused(function):
    with pytest.raises(snb.ConfigError, match="reply"):
        takes_history(function)


async def test_a_generator_is_asked_for_no_more_than_is_taken_and_closed_in_its_thread():
    given, closed = [], threading.Event()
    names = set()

    def generator(_text):
        try:
            for number in range(100):
                given.append(number)
                names.add(threading.current_thread().name)
                yield f"{number} "
        finally:
            names.add(threading.current_thread().name)
            closed.set()

    pieces = Reply(generator, "x", None).pieces()
    assert [await anext(pieces), await anext(pieces)] == ["0 ", "1 "]
    await pieces.aclose()
    assert await asyncio.to_thread(closed.wait, 5)
    assert given == [0, 1]
    assert names == {"smallest_nb reply"}


async def test_cancelling_does_not_wait_for_a_function_that_blocks():
    release = threading.Event()
    pieces = Reply(lambda _text: release.wait(60), "x", None).pieces()
    running = asyncio.create_task(anext(pieces))
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 5)
    release.set()


# Turns of a transcription.


async def results(*steps):
    for step in steps:
        if isinstance(step, float):
            await asyncio.sleep(step)
        elif isinstance(step, Exception):
            raise step
        else:
            yield step


def final(text: str, start: float | None = None, end: float | None = None) -> snb.Segment:
    return snb.Segment(text, start=start, end=end)


def interim(text: str) -> snb.Segment:
    return snb.Segment(text, is_final=False)


async def test_finals_without_a_pause_are_one_turn():
    source = results(interim("a"), final("a b", 0, 1), interim("c"), final("c", 1, 2), 0.5, final("d", 5, 6))
    found = [turn async for turn in turns(source, stop_secs=0.1)]
    assert [(t.text, t.start, t.end) for t in found] == [("a b c", 0, 2), ("d", 5, 6)]


async def test_a_turn_goes_on_while_interims_come_and_its_last_words_are_kept():
    source = results(final("a"), interim("b"), 0.3, interim("b c"))
    assert [t.text async for t in turns(source, stop_secs=0.1)] == ["a b c"]


async def test_an_error_comes_after_the_turn_that_was_begun():
    found = []
    with pytest.raises(snb.ConnectionLost):
        async for turn in turns(results(final("a"), snb.ConnectionLost("gone"))):
            found.append(turn.text)
    assert found == ["a"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', '{"version": 1, "turns": [1], "metrics": []}',
                                  '{"version": 1, "turns": [{"who": "me", "text": "x"}], "metrics": []}'])  # fmt: skip
def test_json_of_something_else_is_refused(text):
    with pytest.raises(snb.ConfigError, match="not a conversation"):
        snb.ConversationRecord.from_json(text)


def test_a_record_without_sound_says_so():
    with pytest.raises(snb.ConfigError, match="no sound"):
        snb.ConversationRecord().wav_bytes()
