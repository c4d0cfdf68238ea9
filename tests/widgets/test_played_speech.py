"""Speech that a player plays while it is received: from a cell's loop or a thread; cancelled, failing, queued."""

from __future__ import annotations

import asyncio
import logging
import re
import threading

import pytest

import smallest_nb as snb
from smallest_nb.client import background_loop
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.widget_page import Page, eventually, noise

TEXT = "Alpha bravo. Charlie delta."


@pytest.fixture(scope="module")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


def service(signals):
    settings = snb.SmallestTTSSettings(voice="avery", word_timestamps=True)
    return snb.SmallestTTSService(api_key=KEY, base_url=signals.base_url, settings=settings)


async def tokens():
    for token in ("Alpha ", "bra", "vo. ", "Charlie ", "delta."):
        yield token


async def noted(events, received):
    async for event in events:
        received.append(event)
        yield event


def opened(player):
    page = Page(player)
    page.hello()
    return page


class Speech:
    """Chunks as a test gives them, and whether the iterator was closed."""

    def __init__(self, *steps):
        self.steps, self.closed, self.given = steps, threading.Event(), 0

    async def run(self):
        try:
            for step in self.steps:
                if step is None:
                    await asyncio.Event().wait()
                elif isinstance(step, BaseException):
                    raise step
                else:
                    self.given += 1
                    yield step
        finally:
            self.closed.set()


async def test_tokens_are_spoken_into_the_page_from_the_loop_of_a_cell(player, signals):
    page, received = opened(player), []
    async with service(signals) as tts:
        playback = player.play(noted(tts.run_tts(tokens()), received))
        assert (playback.is_done, playback.duration) == (False, 0.0)
        assert await playback is playback
    sound = [event for event in received if isinstance(event, snb.AudioChunk)]
    assert page.pcm() == b"".join(chunk.pcm for chunk in sound)
    assert page.of("stream-open")[-1]["sample_rate"] == sound[0].sample_rate
    assert page.of("stream-end")[-1]["samples"] == len(page.pcm()) // 2
    assert [word for word, _, _ in player.words["words"]] == TEXT.split()
    assert (playback.is_done, playback.is_cancelled, playback.error) == (True, False, None)
    assert playback.duration == len(page.pcm()) / 2 / sound[0].sample_rate > 1


def test_a_script_or_a_thread_without_a_loop_leaves_the_reading_to_the_background_loop(player, signals):
    page, tts, loops, received = opened(player), service(signals), [], []

    async def speech():
        loops.append(asyncio.get_running_loop())
        async for event in noted(tts.run_tts(tokens()), received):
            yield event

    playback = player.play(speech())
    assert playback.result(60) is playback
    assert loops == [background_loop.running_loop()]
    assert page.pcm() == b"".join(event.pcm for event in received if isinstance(event, snb.AudioChunk)) != b""
    background_loop.call(tts.close())


async def test_a_handler_on_the_background_loop_may_play_speech(player):
    page, whole = opened(player), noise(0.3)

    async def handler():
        playback = player.play(Speech(whole).run())
        with pytest.raises(snb.ConfigError, match="await playback"):
            playback.result(1)
        await playback

    await background_loop.wait(background_loop.submit(handler()))
    assert page.pcm() == whole.pcm


async def test_the_loop_that_reads_is_not_blocked_by_result(player):
    playback = player.play(Speech(None).run())
    with pytest.raises(snb.ConfigError, match="await playback"):
        playback.result(1)
    playback.cancel()


def test_result_ends_with_its_time_and_the_speech_goes_on(player):
    playback = player.play(Speech(None).run())
    with pytest.raises(TimeoutError, match=r"within 0\.1 s"):
        playback.result(0.1)
    assert not playback.is_done
    playback.cancel()


ENDS = {
    "cancel": lambda player, playback, page: playback.cancel(),
    "stop": lambda player, playback, page: player.stop(),
    "clear": lambda player, playback, page: player.clear(),
    "close": lambda player, playback, page: player.close(),
    "another clip": lambda player, playback, page: player.play(noise(0.1)),
    "another stream": lambda player, playback, page: player.open_stream(24000),
    "Stop in the page": lambda player, playback, page: page.say("press", action="stop"),
    "the page stopped it": lambda player, playback, page: page.played("s1", 100, "idle"),
    "the page has gone": lambda player, playback, page: page.leave(),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_the_sound_closes_the_iterator(player, end):
    page, speech = opened(player), Speech(noise(0.5), None)
    playback = player.play(speech.run())
    eventually(page.pcm)
    page.played("s1", 10)
    ENDS[end](player, playback, page)
    assert speech.closed.wait(20)
    eventually(lambda: playback.is_done)
    assert playback.is_cancelled
    assert playback.error is None
    assert playback.result(20) is playback


def test_cancelled_speech_does_not_sound_any_more(player):
    page = opened(player)
    playback = player.play(Speech(noise(0.5), None).run())
    eventually(page.pcm)
    playback.cancel()
    playback.cancel()
    assert page.of("stop")
    assert player.error == ""


async def test_a_request_to_the_voice_is_cancelled_with_the_speech(player, signals):
    opened(player)
    async with service(signals) as tts:
        playback = player.play(tts.run_tts("Alpha bravo charlie. " * 2000))
        async with asyncio.timeout(60):
            while not playback.duration:
                await asyncio.sleep(0.01)
        playback.cancel()
        async with asyncio.timeout(60):
            clip = await tts.synthesize(TEXT)  # takes turns with the one before, which has ended then
        assert clip.duration > 0
    assert playback.duration < 1000


async def test_an_await_that_is_cancelled_cancels_the_speech(player):
    speech = Speech(noise(0.2), None)

    async def cell():
        await player.play(speech.run())

    waiting = asyncio.ensure_future(cell())
    while not speech.given:
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(20):
        while not speech.closed.is_set():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("error", [snb.ServiceError("the voice is gone", status=500), ValueError("no such token")],
                         ids=["of the service", "of the program"])  # fmt: skip
async def test_an_error_comes_after_what_was_received(player, error, caplog):
    page, sound = opened(player), noise(0.5)
    with caplog.at_level(logging.INFO):
        playback = player.play(Speech(sound, error).run())
        with pytest.raises(type(error), match=re.escape(str(error))):
            await playback
    assert playback.error is error
    assert page.pcm() == sound.pcm
    assert page.of("stream-end")[-1]["samples"] == len(sound)
    assert player.error == str(error)
    assert str(error) in caplog.text
    await player.play(Speech(sound).run())
    assert player.error == "", "the next one begins without it"


async def test_an_iterator_without_sound_leaves_the_player_as_if_it_had_not_been(player):
    page = Page(player)
    await asyncio.to_thread(page.hello)  # as a kernel with subshells hears it, also while a cell waits
    assert (await player.play(Speech().run())).duration == 0
    async with asyncio.timeout(20):
        await player.wait()
    assert page.of("stream-open") == []


async def test_speech_waits_for_its_turn_and_so_does_what_is_queued_behind_it(player):
    page, first, second, third = opened(player), noise(0.3), noise(0.2), noise(0.1)
    late, early = asyncio.Event(), Speech(second)

    async def slow():
        await late.wait()
        yield first

    one = player.play(slow())
    two = player.play(early.run(), queued=True)
    player.play(third, queued=True)
    await two
    assert page.of("stream-open") == [], "the first has no sound yet"
    late.set()
    await one
    assert [m["stream"] for m in page.of("stream-open")] == ["s1", "s2", "s3"]
    assert page.pcm() == first.pcm + second.pcm + third.pcm


async def test_what_is_queued_follows_the_speech_that_was_cancelled(player):
    page, behind = opened(player), noise(0.3)
    one = player.play(Speech(noise(0.5), None).run())
    two = player.play(Speech(noise(0.4), None).run(), queued=True)
    player.play(behind, queued=True)
    async with asyncio.timeout(20):
        while not (one.duration and two.duration):
            await asyncio.sleep(0.01)
    two.cancel()
    before = len(page.pcm())
    one.cancel()
    assert page.of("stop")
    assert page.pcm()[before:] == behind.pcm
    assert page.of("stream-open")[-1]["stream"] == "s3"


async def test_a_new_speech_ends_what_sounds_before_it_has_any_sound(player):
    page = opened(player)
    player.play(noise(5))
    speech = Speech(None)
    playback = player.play(speech.run())
    assert page.of("stop")
    assert player.sounds
    page.played("s1", 100, "idle")
    await asyncio.sleep(0)
    assert not playback.is_done
    playback.cancel()


async def test_waiting_for_the_player_waits_for_speech_that_has_no_sound_yet(player):
    page = Page(player)
    await asyncio.to_thread(page.hello)  # as a kernel with subshells hears it
    speech = Speech(None)
    playback = player.play(speech.run())
    with pytest.raises(TimeoutError):
        await player.wait(0.3)
    playback.cancel()
    await player.wait(20)


async def test_the_voice_waits_for_the_listener(player, monkeypatch):
    monkeypatch.setattr("smallest_nb.notebook.widgets.speech_playback._MOST_AHEAD_SECS", 2.0)
    page, speech = opened(player), Speech(*[noise(1)] * 10)
    playback = player.play(speech.run())
    async with asyncio.timeout(20):
        while speech.given < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert speech.given == 3
        page.played("s1", 3 * 24000)
        while speech.given < 6:
            await asyncio.sleep(0.01)
        page.played("s1", 10 * 24000)
        await playback


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([b"abcd"], "bytes cannot be played"),
        ([noise(0.1), snb.Clip(bytes(320), 16000)], "changed from 24000 to 16000 Hz"),
    ],
    ids=["bytes", "another rate"],
)
async def test_pieces_that_cannot_be_played_are_refused_in_words(player, steps, words):
    speech = Speech(*steps, None)
    with pytest.raises(snb.ConfigError, match=words):
        await player.play(speech.run())
    assert speech.closed.is_set()


@pytest.mark.parametrize("sound", ["hello", None, [1], b"ab"], ids=str)
def test_what_is_no_sound_is_refused_in_words(player, sound):
    with pytest.raises(snb.ConfigError, match="cannot be played"):
        player.play(sound)
