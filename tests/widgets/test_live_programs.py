"""Programs that listen: recordings that they start, results they iterate over, sound beside the text, the guard."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY
from tests.support.speech import SENTENCE
from tests.support.widget_page import Page, chunks, eventually, noise, recording


@pytest.fixture(scope="module")
def signals():
    """A simulator that hears what it says, at once and to the word."""
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture
def live(signals):
    made = snb.LiveTranscriber(api_key=KEY, base_url=signals.base_url, word_timestamps=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def clip(signals):
    return snb.speak(SENTENCE, sample_rate=16000, api_key=KEY, base_url=signals.base_url)


async def test_a_cell_records_until_it_is_quiet(live, clip):
    before = await live.record(source=clip.padded(0.2, 3.0), quiet=0.8)
    assert before.text.split() == SENTENCE.split()
    again = await live.record(source=clip.padded(0.2, 3.0), quiet=0.8)
    assert again.text.split() == SENTENCE.split()
    assert len(live.transcript) == len(before) + len(again)
    assert again[0].start > before[-1].end, "one timeline"
    assert live.microphone.state == "idle"


async def test_a_cell_records_for_so_many_seconds(live, clip):
    began = asyncio.get_running_loop().time()
    await live.record(1.0, source=clip.padded(0.2, 20.0))
    assert asyncio.get_running_loop().time() - began < 6
    assert live.transcript.recording.duration == pytest.approx(1.0, abs=0.4)


@pytest.mark.parametrize("until", ["noise", 0, -1, True, 500.0, float("nan")])
async def test_what_cannot_be_waited_for_is_refused(live, clip, until):
    with pytest.raises(snb.ConfigError, match="until="):
        await live.record(until, source=clip, timeout=60)


async def test_without_a_page_there_is_no_microphone(live):
    with pytest.raises(snb.FrontEndError, match="display it first"):
        await live.record()


async def test_the_browsers_refusal_is_raised(live):
    page = Page(live.microphone)
    await asyncio.to_thread(page.hello)  # as a kernel with subshells hears it, also while a cell waits
    waiting = asyncio.ensure_future(live.record())
    while not page.of("mic-start"):
        await asyncio.sleep(0.01)
    await asyncio.to_thread(recording, page, "starting")
    await asyncio.to_thread(recording, page, "idle", error="The browser was not allowed to use the microphone.")
    with pytest.raises(snb.FrontEndError, match="not allowed"):
        await waiting
    assert live.microphone.state == "idle"


async def test_a_cell_that_could_never_hear_the_page_is_refused(live, monkeypatch):
    page = Page(live.microphone)
    page.hello()  # on the thread that runs cells, as ipykernel 6 does
    monkeypatch.setattr("smallest_nb.notebook.comm.channel.ANSWER_SECS", 0.2)
    with pytest.raises(snb.FrontEndError, match="only between cells"):
        await live.record()
    assert page.of("mic-start") == []
    monkeypatch.setattr("smallest_nb.notebook.widgets.transcription_events._CHECK_SECS", 0.2)
    with pytest.raises(snb.FrontEndError, match="on_final"):
        async with asyncio.timeout(3):
            async for _segment in live:
                pass


async def test_what_takes_too_long_is_kept_all_the_same(live, clip):
    with pytest.raises(TimeoutError):
        await live.record("stop", source=clip.padded(0.0, 30.0), timeout=2.0)
    eventually(lambda: live.service is None and live.microphone.state == "idle")
    assert live.transcript.text.split()[:3] == SENTENCE.split()[:3]


async def test_finals_are_iterated_over_until_the_recording_ends(live, clip):
    three = clip.padded(0.1, 1.2) + clip.padded(0.1, 1.2) + clip.padded(0.1, 1.2)

    async def read(interim):
        return [s async for s in live.segments(interim=interim)]

    finals, everything = asyncio.ensure_future(read(interim=False)), asyncio.ensure_future(read(interim=True))
    await asyncio.sleep(0.05)
    await live.feed_async(three, pace=4)
    got = await asyncio.wait_for(finals, 5)
    assert [s.text for s in got] == [s.text for s in live.transcript]
    assert all(s.is_final for s in got)
    assert len(await asyncio.wait_for(everything, 5)) > len(got)


async def test_turns_are_iterated_over_until_the_recording_ends(live, clip):
    async def read():
        return [turn async for turn in live.turns(stop_secs=0.3)]

    reading = asyncio.ensure_future(read())
    await asyncio.sleep(0.05)
    await live.feed_async(clip.padded(0.1, 2.5) + clip.padded(0.1, 0.5), pace=1)
    got = await asyncio.wait_for(reading, 20)
    assert [turn.text.split() for turn in got] == [SENTENCE.split()] * 2
    assert all(turn.is_final for turn in got)
    assert got[0].end < got[1].start


async def test_turns_end_when_the_transcriber_is_closed_and_nothing_is_left(live):
    async def read():
        return [turn async for turn in live.turns()]

    reading = asyncio.ensure_future(read())
    await asyncio.sleep(0.05)
    assert not reading.done()
    live.close()
    assert await asyncio.wait_for(reading, 20) == []
    assert live._events.handlers == 0


async def test_turns_that_are_not_read_any_more_leave_nothing_behind(live, clip):
    turns = live.turns(stop_secs=0.1)
    first = asyncio.ensure_future(anext(turns))
    await asyncio.sleep(0.05)
    await live.feed_async(clip.padded(0.1, 2.0), pace=2)
    assert (await asyncio.wait_for(first, 20)).text.split() == SENTENCE.split()
    await turns.aclose()
    assert live._events.handlers == 0


@pytest.mark.parametrize("stop_secs", [-1, 61, "soon", float("nan"), True])
async def test_turns_need_seconds(live, stop_secs):
    with pytest.raises(snb.ConfigError, match="stop_secs="):
        await anext(live.turns(stop_secs=stop_secs))


def test_how_late_finals_are_is_measured(live, clip):
    live.feed(clip.padded(0.1, 1.2), pace=2)
    lines = live.metrics.summary()
    assert set(lines) == {"p50", "p90", "p99", "ttfs_p99_latency"}
    assert 0 < lines["p50"] < 2
    assert len(live.metrics.to_dataframe()) == len(live.metrics) == len(live.transcript)


def test_sound_is_kept_on_the_clock_of_the_text(live, clip):
    live.feed(clip.padded(0.5, 1.0), pace=4)
    live.feed(clip.padded(0.5, 1.0), pace=4)
    for segment in (live.transcript[:1], live.transcript[1:2]):
        heard = segment.clip
        first = int(0.5 * 16000)
        assert heard.duration == pytest.approx(clip.duration, abs=0.4)
        start = round((segment[0].start % (clip.duration + 1.5) - 0.5) * 16000)
        part = clip.padded(0.5, 1.0).samples[first + start : first + start + len(heard)]
        assert np.array_equal(heard.samples[: len(part)], part)


def test_no_sound_is_kept_if_it_is_not_wanted(live, clip):
    live.feed(clip, pace=4)
    assert live.transcript.recording.clip(0, 1).duration > 0.9
    live.keep_audio = False
    with pytest.raises(snb.ConfigError):
        live.transcript.clip  # noqa: B018
    live.feed(clip, pace=4)
    with pytest.raises(snb.ConfigError):
        live.transcript.clip  # noqa: B018
    assert live.view.audible is False


def playing(page, stream, state="playing"):
    page.say("played", stream=stream, position=100, received=48000, more=False, underruns=0, state=state, first_ms=1,
             arrived=None, rendered=None, prebuffer_ms=150, clock_error_ms=None)  # fmt: skip


def test_while_a_player_sounds_nothing_is_heard_and_it_says_so(live, clip):
    mouth, ear = Page(snb.Player()), Page(live.microphone)
    mouth.hello()
    ear.hello()
    recording(ear, "starting")
    recording(ear, "recording")
    eventually(lambda: live.service is not None and live.service.connected)
    stream = mouth.widget.play(snb.Clip(bytes(96000), 24000))
    playing(mouth, stream.name)
    chunks(ear, clip)
    eventually(lambda: live.microphone.received == len(clip))
    assert "while a player" in live.microphone.status
    playing(mouth, stream.name, "idle")
    mouth.widget.stop()
    chunks(ear, clip, first=100)
    recording(ear, "idle")
    eventually(lambda: live.service is None)
    kept = live.transcript.recording.clip(0, 2 * clip.duration).samples
    assert not kept[: len(clip)].any()
    assert np.array_equal(kept[len(clip) : 2 * len(clip)], clip.samples)
    assert live.transcript.text.split() == SENTENCE.split(), "once, not twice"


@pytest.mark.parametrize("end", ["close", "leave"])
def test_a_player_that_is_closed_or_has_no_page_mutes_nothing(live, clip, end):
    mouth, ear = Page(snb.Player()), Page(live.microphone)
    mouth.hello()
    ear.hello()
    playing(mouth, mouth.widget.play(snb.Clip(bytes(96000), 24000)).name)
    assert mouth.widget.sounds
    if end == "close":
        mouth.widget.close()
    else:
        mouth.leave()
        eventually(lambda: not mouth.widget.sounds)
    recording(ear, "starting")
    recording(ear, "recording")
    chunks(ear, clip)
    recording(ear, "idle")
    eventually(lambda: live.microphone.received == len(clip) and live.service is None)
    assert live.transcript.text.split() == SENTENCE.split()


def test_with_headphones_the_guard_is_off(live, clip):
    live.mute_while_playing = False
    mouth, ear = Page(snb.Player()), Page(live.microphone)
    mouth.hello()
    ear.hello()
    playing(mouth, mouth.widget.play(snb.Clip(bytes(96000), 24000)).name)
    recording(ear, "starting")
    recording(ear, "recording")
    eventually(lambda: live.service is not None and live.service.connected)
    chunks(ear, clip)
    recording(ear, "idle")
    eventually(lambda: live.service is None)
    assert live.transcript.text.split() == SENTENCE.split()


def test_a_page_asks_for_files_and_names(live, clip):
    page = Page(live.view)
    page.hello()
    page.say("transcript", action="save", number=0, at=0, text="srt")
    eventually(lambda: "time" in live.view.error.lower() or page.of("file"))
    live.feed(clip.padded(0.1, 1.0), pace=4)
    page.say("transcript", action="save", number=0, at=0, text="srt")
    eventually(lambda: any(c["type"] == "file" and b"-->" in b[0] for c, b in page.got))
    page.say("transcript", action="save", number=0, at=0, text="../../etc/passwd")
    eventually(lambda: live.view.error != "")
    page.say("transcript", action="rename", number=0, at=0, text="Ada\nLovelace")
    eventually(lambda: "Ada" in live.view.error)
    page.say("transcript", action="hear", number=0, at=9999.0, text="")
    eventually(lambda: "kept" in live.view.error)


def test_ten_minutes_of_silence_are_no_error(live):
    live.feed(snb.Clip(bytes(600 * 32000), 16000), pace=200)
    assert len(live.transcript) == 0
    assert live.microphone.error == ""


def test_an_outage_is_reported_and_loses_nothing(live, clip, signals):
    lines = []
    live.microphone.observe(lambda c: lines.append(c["new"]), names=["status", "error"])
    whole = clip.padded(0.2, 1.0) + clip.padded(0.2, 1.0) + clip.padded(0.2, 1.0)
    signals.behaviour.drop_after_secs = 2.0
    future = live.microphone.feed(whole, pace=1)
    try:
        eventually(lambda: live.service is not None and live.service.connected)
        signals.behaviour.reject = 503
        eventually(lambda: any("was lost" in t for t in lines), 15)
    finally:
        signals.behaviour.drop_after_secs = signals.behaviour.reject = None
    future.result(30)
    eventually(lambda: live.service is None, 20)
    assert any("Connected again once" in t for t in lines)
    assert live.transcript.text.split() == SENTENCE.split() * 3
    assert live.microphone.error == ""


def test_noise_ends_in_a_clear_state(simulator):
    live = snb.LiveTranscriber(api_key=KEY, base_url=simulator.base_url)
    noise = np.random.default_rng(1).normal(0, 3000, 5 * 16000).astype("<i2")
    live.feed(snb.Clip(noise.tobytes(), 16000), pace=2)
    assert live.microphone.error == ""
    assert live.microphone.state == "idle"
    live.close()


async def test_a_refused_record_does_not_end_what_another_caller_records(live):
    clip = noise(1.5, 16000)
    for other in (live.feed_async(clip), live.record(1.0, source=clip)):
        running = asyncio.ensure_future(other)
        refused = asyncio.ensure_future(live.record(source=clip))
        with pytest.raises(snb.ConfigError, match="microphone (is recording|plays a clip)"):
            await refused
        await running
        assert live.microphone.received >= 16000


@pytest.mark.parametrize(
    "wrong", [{"until": None}, {"until": float("nan")}, {"until": "5"}, {"quiet": float("nan")}, {"quiet": "x"}]
)
async def test_record_names_the_value_that_it_refuses(live, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(snb.ConfigError, match=f"{name}={value!r} cannot be used"):
        await live.record(source=noise(0.2, 16000), **wrong)
    with pytest.raises(snb.ConfigError, match="pace=None cannot be used"):
        live.feed(noise(0.2, 16000), pace=None)
