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
    """Record from a page's microphone, faster than real time, with the sound kept."""
    hears = snb.LiveTranscriber(api_key=KEY, base_url=url)
    heard = _Heard(hears)
    page = _SilentPage(hears.microphone)
    page.hello()
    page.say("mic-state", state="recording", error=None, rate=48000, dropped=0, granted=None)
    chunk = _noise(_MIC_CHUNK_SECS).tobytes()
    count = round(seconds / _MIC_CHUNK_SECS)
    growth = Growth()
    costs: list[float] = []
    began = process_time()
    for number in range(count):
        page.say("mic-chunk", chunk, n=number, t=None, level=0.1, clipped=False, last=number == count - 1)
        if not number % _CHUNKS_AT_ONCE:
            heard.wait((number - 2 * _CHUNKS_AT_ONCE) * _MIC_CHUNK_SECS)
        if not (number + 1) % _CHUNKS_PER_MINUTE:
            costs.append(process_time() - began)
            began = process_time()
    heard.wait(seconds - _LAST_FINAL_SECS)
    peak = growth.peak
    report(
        bound=3600 * _RATE * 2, peak=peak, kept=growth.kept, costs=costs, segments=len(hears.transcript),
        seconds=hears.transcript.recording.duration if hears.transcript.recording else 0.0,
        error=hears.microphone.error,
    )  # fmt: skip


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
