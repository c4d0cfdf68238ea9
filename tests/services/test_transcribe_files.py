"""`transcribe` of whatever sound there is, with its progress; against a simulator that sends and reads tones."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from websockets.sync.server import serve

import smallest_nb as snb
from smallest_nb.client.progress import Progress
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY

TEXT = "red green blue"


@pytest.fixture(scope="module")
def signals():
    with Simulator(behaviour=Behaviour(engine="signal")) as running:
        yield running


@pytest.fixture(scope="module")
def ask(signals):
    return {"api_key": KEY, "base_url": signals.base_url}


@pytest.fixture(scope="module")
def clip(ask):
    return snb.speak(TEXT, sample_rate=24000, **ask).padded(0.3, 0.3)


def heard(audio, ask, **kwargs):
    return snb.transcribe(audio, punctuate=False, capitalize=False, **ask, **kwargs)


def test_every_kind_of_sound(clip, ask, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    floats = clip.samples / 32768
    flac = tmp_path / "two channels.flac"
    soundfile.write(flac, np.stack([floats, floats], axis=1), 24000)
    for audio in (clip, flac, str(clip.to_wav(tmp_path / "one.wav")), flac.read_bytes()):
        assert heard(audio, ask).text == TEXT
    for array in (clip.samples, floats.astype(np.float32), np.stack([floats, floats])):
        assert heard(array, ask, sample_rate=24000).text == TEXT


def test_S16_one_channel_of_a_call(clip, ask, tmp_path, caplog):
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "call.flac"
    floats = clip.samples / 32768
    soundfile.write(path, np.stack([0 * floats, floats], axis=1), 24000)
    assert heard(path, ask, channel=1).text == TEXT
    assert heard(path, ask, channel=0).text == ""
    soundfile.write(path, np.stack([floats, -floats], axis=1), 24000)
    assert heard(path, ask).text == TEXT
    assert "cancel each other" in caplog.text


async def test_A3_and_S17_send_takes_memoryviews_and_reports_clipping_once(signals, clip, caplog):
    floats = clip.resample(16000).samples.astype(np.float32) / 32768
    scaled = floats * 32768
    for audio, warnings in ((memoryview(floats), 0), (memoryview(scaled), 1)):
        caplog.clear()
        async with snb.SmallestSTTService(api_key=KEY, base_url=signals.base_url) as service:
            for at in range(0, len(audio), 1600):
                await service.send(audio[at : at + 1600])
            await service.close()
        assert service.transcript.text == "Red green blue."  # tones, which survive clipping
        assert caplog.text.count("beyond full scale") == warnings


def test_the_sound_is_beside_the_transcript(clip, ask):
    transcript = heard(clip, ask, word_timestamps=True)
    assert transcript.recording.clip(0, clip.duration) == clip
    words = transcript.words
    said = transcript.recording.clip(words[1].start, words[1].end)
    assert heard(said.padded(0.3, 0.3), ask).text == "green"


@pytest.mark.parametrize(("rate", "sent_at"), [(8000, 8000), (11025, 16000), (44100, 44100), (96000, 16000)])
def test_rates_that_the_service_does_not_take_are_resampled(clip, ask, monkeypatch, rate, sent_at):
    asked = []
    real = snb.SmallestSTTService.connect

    async def connect(self):
        asked.append(self.sample_rate)
        await real(self)

    monkeypatch.setattr(snb.SmallestSTTService, "connect", connect)
    transcript = heard(clip.resample(rate), ask, word_timestamps=True)
    assert transcript.text == TEXT
    assert asked == [sent_at]
    assert 0.1 < transcript.words[0].start < 0.6


def test_what_cannot_be_read_is_reported_before_anybody_is_asked(tmp_path):
    closed_port = {"api_key": KEY, "base_url": "ws://127.0.0.1:9"}
    for bad, expected in (
        (tmp_path / "none.mp3", "none.mp3 does not exist"),
        (np.zeros(9), "sample_rate="),
        (3, "int"),
    ):
        with pytest.raises(snb.ConfigError, match=expected):
            snb.transcribe(bad, **closed_port)


def test_ten_minutes_of_silence_are_an_empty_transcript(ask):
    started = time.monotonic()
    transcript = snb.transcribe(np.zeros(600 * 8000, np.int16), sample_rate=8000, **ask)
    assert (len(transcript), transcript.text) == (0, "")
    assert time.monotonic() - started < 60, "slower than ten times real time"


class Failing:
    """A server that transcribes two words and then fails."""

    def __init__(self, how):
        self.how = how
        self.left = threading.Event()

    def __call__(self, ws):
        size = 0
        try:
            for message in ws:
                if not isinstance(message, bytes):
                    continue
                size += len(message)
                if size == 32000:
                    ws.send(json.dumps({"type": "transcription", "transcript": "two words", "is_final": True}))
                if size == 64000 and self.how == "error":
                    ws.send(json.dumps({"type": "error", "status": "error", "message": "The engine broke."}))
        finally:
            self.left.set()


def run_failing(how, **kwargs):
    handler = Failing(how)
    with serve(handler, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        try:
            with pytest.raises(Exception) as caught:
                snb.transcribe(snb.Clip(bytes(320_000), 16000), api_key=KEY, base_url=url, **kwargs)
            assert handler.left.wait(3), "the session is left open"
        finally:
            server.shutdown()
            thread.join(5)
    return caught.value


def test_what_was_transcribed_before_an_error_is_kept():
    error = run_failing("error")
    assert isinstance(error, snb.SmallestError)
    assert "The engine broke" in str(error)
    assert error.transcript.text == "two words"
    assert "1 segments" in error.__notes__[0]


def test_what_was_transcribed_before_a_timeout_is_kept_and_the_session_ends():
    error = run_failing("silent", timeout=1.0)
    assert isinstance(error, TimeoutError)
    assert error.transcript.text == "two words"


def test_a_failure_before_the_first_word_has_an_empty_transcript(clip):
    with pytest.raises(snb.SmallestError) as caught:
        snb.transcribe(clip, api_key=KEY, base_url="ws://127.0.0.1:9", timeout=20.0)
    assert len(caught.value.transcript) == 0


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Screen:
    """Keeps what a notebook would show."""

    def __init__(self):
        self.shown, self.updates = [], []

    def display(self, widget, **kwargs):
        self.shown.append(widget)
        return SimpleNamespace(update=lambda data, **how: self.updates.append((data, how)))


@pytest.fixture
def kernel(monkeypatch):
    import IPython
    import IPython.display

    screen = Screen()
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr(IPython.display, "display", screen.display)
    return screen


def test_a_line_on_a_terminal_only_when_asked_for(clip, ask, monkeypatch):
    for progress in (None, False):
        monkeypatch.setattr(sys, "stderr", Terminal())
        heard(clip, ask, progress=progress)
        assert sys.stderr.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    heard(clip, ask, progress=True)
    shown = sys.stderr.getvalue()
    assert shown.startswith("\r  0%|")
    assert re.search(rf"\r100%\|\S+\| {clip.duration:.0f} of {clip.duration:.0f} s [^\r]*\n$", shown)
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # no terminal
    heard(clip, ask, progress=True)
    assert sys.stderr.getvalue() == ""


def test_a_bar_in_a_kernel(kernel, ask, clip):
    heard(clip.padded(0, 12), ask)
    (box,) = kernel.shown
    _, bar, text = box.children
    assert bar.value == bar.max == pytest.approx(clip.duration + 12)
    assert f"{clip.duration + 12:.0f}\u2007of\u2007{clip.duration + 12:.0f}" in text.value
    assert [widget.comm for widget in (box, *box.children)] == [None] * 4, "they are closed"
    assert kernel.updates == [({"text/plain": ""}, {"raw": True})]


def test_no_bar_where_none_is_wanted(kernel, ask, clip):
    heard(clip.padded(0, 12), ask, progress=False)
    heard(snb.Clip(clip.pcm[:96000], 24000), ask)  # too short for one
    assert kernel.shown == []
    heard(snb.Clip(clip.pcm[:96000], 24000), ask, progress=True)
    assert len(kernel.shown) == 1


def test_the_bar_is_closed_after_a_failure(kernel):
    with pytest.raises(ZeroDivisionError), Progress(20.0) as shown:
        shown.update(3.0)
        raise ZeroDivisionError
    assert kernel.shown[0].comm is None
    shown.update(5.0)  # harmless


def test_at_most_five_updates_a_second(kernel):
    seen = []
    with Progress(7200.0) as shown:
        text = kernel.shown[0].children[2]
        text.observe(lambda change: seen.append(change["new"]), "value")
        started = time.monotonic()
        while time.monotonic() - started < 0.7:
            shown.update(3600 * (time.monotonic() - started))
        shown.update(7200.0)
    assert 2 <= len(seen) <= 5
    assert "7200\u2007of\u20077200" in text.value


def test_a_fault_of_the_face_is_logged_only(kernel, monkeypatch, caplog):
    import IPython.display

    def broken(*_args, **_kwargs):
        raise RuntimeError("no comm here")

    monkeypatch.setattr(IPython.display, "display", broken)
    with caplog.at_level(logging.INFO), Progress(20.0) as shown:
        shown.update(1.0)
    assert "no comm here" in caplog.text
