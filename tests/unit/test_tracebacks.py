"""A failed call shows the line of the person who called, few of ours, and the message."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest

import smallest_nb as snb
from smallest_nb.common.tracebacks import shorten, shortens
from smallest_nb.simulator import Simulator

AWAY = {"base_url": "ws://127.0.0.1:9", "api_key": "sk_canary_19c3"}  # the discard port, where nothing listens
CLIP = snb.Clip(bytes(3200), 16000)


@pytest.fixture(scope="module")
def away():
    tuner, live = snb.VoiceTuner("Hi", **AWAY), snb.LiveTranscriber(**AWAY)
    yield tuner, live
    tuner.close()
    live.close()


def tts():
    return snb.SmallestTTSService(max_retries=0, **AWAY)


def stt():
    return snb.SmallestSTTService(max_retries=0, **AWAY)


async def iterate(service, what):
    async for _ in what(service):
        pass


async def send_until_it_fails(service):
    while True:
        await service.send(bytes(320))
        await asyncio.sleep(0)


BLOCKING = {
    "speak": lambda _t, _l: snb.speak("Hi", timeout=60, **AWAY),
    "transcribe": lambda _t, _l: snb.transcribe(CLIP, timeout=60, **AWAY),
    "transcribe_recording": lambda _t, _l: snb.transcribe_recording("/does/not/exist.wav"),
    "list_voices": lambda _t, _l: snb.list_voices(""),
    "audition": lambda tuner, _l: tuner.audition(),
    "submit": lambda tuner, _l: tuner.submit().result(60),
    "compare": lambda tuner, _l: tuner.compare(1, 2),
    "load_settings": lambda tuner, _l: tuner.load_settings("neither JSON nor code"),
    "feed_timeout": lambda _t, live: live.feed(CLIP, timeout=0.01),
    "simulator": lambda _t, _l: Simulator(host="203.0.113.7").start(),
}
AWAITED = {
    "connect": lambda _t, _l: tts().connect(),
    "connect_stt": lambda _t, _l: stt().connect(),
    "with": lambda _t, _l: tts().__aenter__(),
    "synthesize": lambda _t, _l: tts().synthesize("Hi"),
    "synthesize_nothing": lambda _t, _l: tts().synthesize(""),
    "run_tts": lambda _t, _l: iterate(tts(), lambda service: service.run_tts("Hi")),
    "update_settings": lambda _t, _l: tts().update_settings({"speed": 99}),
    "send": lambda _t, _l: send_until_it_fails(stt()),
    "audition_async": lambda tuner, _l: tuner.audition_async(),
    "record": lambda _t, live: live.record(until="never"),
    "wait": lambda tuner, _l: tuner.player.wait(),
}


def check(error):
    drawn = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in drawn.stack if "smallest_nb" in frame.filename]
    assert len(ours) <= 3, ours
    assert AWAY["api_key"] not in str([frame.locals for frame in ours])
    assert drawn.__cause__ is None
    assert drawn.__context__ is None


@pytest.mark.parametrize("name", BLOCKING)
def test_UX17_blocking_calls_are_short(name, away):
    with pytest.raises((snb.SmallestError, TimeoutError)) as caught:
        BLOCKING[name](*away)
    check(caught.value)


@pytest.mark.parametrize("name", AWAITED)
async def test_UX17_awaited_calls_are_short(name, away):
    with pytest.raises((snb.SmallestError, TimeoutError)) as caught:
        await asyncio.wait_for(AWAITED[name](*away), 60)
    check(caught.value)


def test_UX17_the_frames_are_logged_for_those_who_want_them(caplog):
    with caplog.at_level(logging.DEBUG, logger="smallest_nb"), pytest.raises(snb.ConnectionLost):
        snb.speak("Hi", **AWAY)
    assert "Traceback" in caplog.text
    assert "in open" in caplog.text
    assert AWAY["api_key"] not in caplog.text


def test_UX17_a_notebook_shows_few_lines():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    with capture_output() as shown:
        shell.run_cell(f"import smallest_nb\nsmallest_nb.speak('Hi', **{AWAY})")
    assert "cannot be reached" in shown.stdout
    assert len(shown.stdout.splitlines()) <= 30


def test_faults_keep_their_frames():
    @shortens
    def broken(**settings):
        return {}["missing"]

    with pytest.raises(KeyError) as caught:
        broken(api_key="sk_secret")
    assert [f.name for f in traceback.extract_tb(caught.value.__traceback__)][-2:] == ["called", "broken"]
    drawn = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert not any("sk_secret" in str(frame.locals) for frame in drawn.stack if frame.name == "called")
    assert shorten(caught.value).__traceback__ is not None
