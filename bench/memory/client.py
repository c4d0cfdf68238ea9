"""One job whose memory is measured, in a process of its own: `python -m bench.memory.client JOB URL SECONDS`."""

from __future__ import annotations

import sys
import tempfile
import wave
from pathlib import Path
from threading import Condition
from time import process_time

import numpy as np

import smallest_nb as snb
from bench.memory.resident import Growth, report
from bench.services.stamps import SPEECH_CHUNK_S
from tests.support.widget_page import Page

KEY = "sk_bench_memory"
SENTENCE_CHUNKS = 60
"""What the server speaks of each sentence, in its chunks."""
_SENTENCE = "The ships that came back in the spring had seen nothing of the coast they were sent to draw."
_WARM_SENTENCES = 5
_WAIT_SECS = 300.0
_BLOCK_SECS = 10
_RATE = 16000
_MIC_CHUNK_SECS = 0.08
_LAST_FINAL_SECS = 4.0
"""The server sends a final each two seconds."""
_CHUNKS_PER_MINUTE = 750
_COMPARED_MINUTES = 20
_CHUNKS_AT_ONCE = 250
"""Sent before the service is waited for: the widget drops the oldest if some thousand wait."""


def tuner(url: str, seconds: float) -> None:
    """Make one take of a tuner, played in a page that plays as fast as it can."""
    speaks = snb.VoiceTuner(api_key=KEY, base_url=url)
    page = _PlayingPage(speaks.player)
    page.hello()
    speaks.audition(" ".join([_SENTENCE] * _WARM_SENTENCES))  # what is loaded at first use is not counted
    speaks.takes.clear()
    speaks.player.clear()
    sentences = round(seconds / (SENTENCE_CHUNKS * SPEECH_CHUNK_S))
    growth = Growth()
    take = speaks.audition(" ".join([_SENTENCE] * sentences), timeout=_WAIT_SECS)
    peak = growth.peak
    report(pcm=len(take.clip.pcm), peak=peak, kept=growth.kept)


def transcribe(url: str, seconds: float) -> None:
    """Transcribe a WAV file."""
    with tempfile.TemporaryDirectory() as folder:
        long, short = Path(folder) / "long.wav", Path(folder) / "short.wav"
        _write_wav(short, _BLOCK_SECS)
        _write_wav(long, seconds)
        snb.transcribe(short, api_key=KEY, base_url=url)
        growth = Growth()
        transcript = snb.transcribe(long, api_key=KEY, base_url=url, progress=False)
        peak = growth.peak
        report(pcm=round(seconds * _RATE) * 2, peak=peak, kept=growth.kept, segments=len(transcript))


def live(url: str, seconds: float) -> None:
    """Record from a page's microphone, faster than real time, with the sound kept.

    What a minute costs after that is compared with a minute of a recording that has just begun: one of each in turn, so
    that what the machine does besides falls on both.
    """
    long = _Recorder(url)
    growth = Growth()
    for _ in range(round(seconds / 60)):
        long.record_minute()
    long.wait()
    peak, kept = growth.peak, growth.kept
    fresh = _Recorder(url)
    fresh.record_minute()
    pairs = [(long.record_minute(), fresh.record_minute()) for _ in range(_COMPARED_MINUTES)]
    long.wait()
    report(
        bound=3600 * _RATE * 2, peak=peak, kept=kept, cost_ratios=[late / early for late, early in pairs],
        seconds=long.recorded - 60.0 * _COMPARED_MINUTES, error=long.error,
    )  # fmt: skip


class _Recorder:
    """A widget that records from a page's microphone."""

    def __init__(self, url: str) -> None:
        self._hears = snb.LiveTranscriber(api_key=KEY, base_url=url)
        self._heard = _Heard(self._hears)
        self._page = _SilentPage(self._hears.microphone)
        self._page.hello()
        self._page.say("mic-state", state="recording", error=None, rate=48000, dropped=0, granted=None)
        self._chunk = _noise(_MIC_CHUNK_SECS).tobytes()
        self._sent = 0

    @property
    def error(self) -> str:
        """What the widget reports."""
        return self._hears.microphone.error

    @property
    def recorded(self) -> float:
        """Seconds on the recording's clock."""
        recording = self._hears.transcript.recording
        return recording.duration if recording else 0.0

    def record_minute(self) -> float:
        """Send a minute, as fast as it is transcribed; return what it cost, CPU seconds."""
        began = process_time()
        for _ in range(_CHUNKS_PER_MINUTE):
            self._page.say(
                "mic-chunk", self._chunk, n=self._sent, oldest=0, t=None, level=0.1, clipped=False, last=False
            )
            self._sent += 1
            if not self._sent % _CHUNKS_AT_ONCE:
                self.wait()
        return process_time() - began

    def wait(self) -> None:
        """Wait until what was sent is transcribed, but for what the server has not made final."""
        self._heard.wait(self._sent * _MIC_CHUNK_SECS - _LAST_FINAL_SECS)


class _Heard:
    """Waits for what a widget has transcribed."""

    def __init__(self, hears: snb.LiveTranscriber) -> None:
        self._changed = Condition()
        self._seconds = 0.0
        hears.on_final(self._note)

    def _note(self, segment: snb.Segment) -> None:
        with self._changed:
            self._seconds = segment.end or 0.0
            self._changed.notify()

    def wait(self, seconds: float) -> None:
        """Wait until so much is final."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._seconds >= seconds, _WAIT_SECS):
                raise TimeoutError(f"only {self._seconds:.0f} s of {seconds:.0f} s were transcribed")


def _noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(5).integers(-9000, 9000, round(seconds * _RATE)).astype("<i2")


def _write_wav(path: Path, seconds: float) -> None:
    block = _noise(_BLOCK_SECS).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, _RATE, 0, "NONE", ""))
        for _ in range(round(seconds / _BLOCK_SECS)):
            file.writeframes(block)


class _SilentPage(Page):
    """Forgets what it is sent."""

    def receive(self, content: dict, buffers: list) -> None:
        super().receive(content, buffers)
        self.got.clear()


class _PlayingPage(_SilentPage):
    """Reports what it is sent as played."""

    def receive(self, content: dict, buffers: list) -> None:
        super().receive(content, buffers)
        if content["type"] == "stream-audio":
            end = content["first"] + sum(map(len, buffers)) // 2
            self.played(content["stream"], end, ack=content["seq"] or 0)


_JOBS = {"tuner": tuner, "transcribe": transcribe, "live": live}

if __name__ == "__main__":
    _JOBS[sys.argv[1]](sys.argv[2], float(sys.argv[3]))
