"""Streams in real time: one transcription, one series of requests for speech, and how late each answer was.

Late is counted from when the sound was complete by the clock, not from when it was sent: a server that stops reading
must not look punctual. How late the generator itself was is kept beside it, so that one can see whom to blame.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from bench.simulator.clients import CLOSE, FINALIZE, opened, request, stt_path, until
from bench.simulator.server import Server

__all__ = ["CHUNK_SECS", "RATE", "Clip", "Punctuality", "listen", "speak"]

RATE = 16000
CHUNK_SECS = 0.1
_CHUNK = int(RATE * CHUNK_SECS) * 2
_WORDS = 10
"""Of a segment, as the service cuts them."""
_QUIET_SECS = 0.02
"""Of silence by which the signal's reader knows that a word has ended."""
_LOUD = 0.04 * 32768
_GAP_SECS = 0.05
_PATIENCE_SECS = 5.0
_SPOKEN_RATE = 24000


@dataclass(frozen=True)
class Clip:
    """The test signal of a text, and where each of its words ends."""

    text: str
    pcm: bytes

    def word_ends(self) -> list[float]:
        """Return the seconds at which words end, found in the sound."""
        loud = np.flatnonzero(np.abs(np.frombuffer(self.pcm, "<i2").astype(float)) > _LOUD)
        last = np.flatnonzero(np.diff(loud) > _GAP_SECS * RATE)
        return [float(loud[i]) / RATE for i in (*last, len(loud) - 1)]


@dataclass
class Punctuality:
    """How late answers were, seconds.

    Attributes:
        finals: Of transcripts, after the moment at which their sound was complete.
        chunks: Of sound, after its place in real time.
        firsts: From a request to its first chunk.
        own: How late the generator itself sent.
        missing: Answers that never came.
        wrong: Streams whose text or length was not what it had to be.
        failures: What streams died of.
    """

    finals: list[float] = field(default_factory=list)
    chunks: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    missing: int = 0
    wrong: int = 0
    failures: list[str] = field(default_factory=list)


async def listen(server: Server, clip: Clip, begin: float, key: str, seen: Punctuality) -> None:
    """Have a clip transcribed in real time, from a moment of `perf_counter` on."""
    finals: list[tuple[float, dict[str, Any]]] = []
    ended = asyncio.Event()
    async with opened(server, stt_path(RATE), key) as ws:

        async def read() -> None:
            async for message in ws:
                arrived = perf_counter()
                if '"is_final": true' in message:
                    finals.append((arrived, json.loads(message)))
                    if finals[-1][1].get("from_finalize"):
                        ended.set()

        reader = asyncio.create_task(read())
        chunks = [clip.pcm[at : at + _CHUNK] for at in range(0, len(clip.pcm), _CHUNK)]
        for number, chunk in enumerate(chunks, 1):
            await until(begin + number * CHUNK_SECS)
            seen.own.append(perf_counter() - begin - number * CHUNK_SECS)
            await ws.send(chunk)
        await ws.send(FINALIZE)
        try:
            await asyncio.wait_for(ended.wait(), _PATIENCE_SECS)
            await ws.send(CLOSE)
            await asyncio.wait_for(reader, _PATIENCE_SECS)
        finally:
            reader.cancel()
    _judge(clip, finals, begin, len(chunks), seen)


def _judge(
    clip: Clip, finals: list[tuple[float, dict[str, Any]]], begin: float, chunks: int, seen: Punctuality
) -> None:
    ends = clip.word_ends()
    # A chunk is sent when its last sample is there; the last final's sound is complete with the clip, when it is asked.
    due = [begin + CHUNK_SECS * int((end + _QUIET_SECS) / CHUNK_SECS + 1) for end in ends[_WORDS - 1 :: _WORDS]]
    due.append(begin + CHUNK_SECS * chunks)
    spoken = [(at, frame) for at, frame in finals if not frame["is_last"]]
    seen.missing += max(0, len(due) - len(spoken))
    seen.finals += [at - moment for (at, _), moment in zip(spoken, due, strict=False)]
    heard = " ".join(f["transcript"] for _, f in finals).lower().replace(".", "").split()
    if heard != clip.text.split() or len(spoken) != len(due) or len(ends) != len(heard):
        seen.wrong += 1


async def speak(server: Server, texts: list[str], begin: float, key: str, seen: Punctuality) -> None:
    """Ask for texts one after another, to be spoken in real time."""
    async with opened(server, "/waves/v1/tts/live?fault=pace%3D1.0", key) as ws:
        await until(begin)
        for text in texts:
            asked, started, size = perf_counter(), 0.0, 0
            await ws.send(json.dumps(request(text, sample_rate=_SPOKEN_RATE, complete_backoff_ms=0)))
            async with asyncio.timeout(60):
                async for message in ws:
                    arrived = perf_counter()
                    frame = json.loads(message)
                    if frame["status"] == "complete":
                        break
                    if frame["status"] == "error":
                        raise RuntimeError(str(frame))
                    if not started:
                        started = arrived
                        seen.firsts.append(started - asked)
                    seen.chunks.append(arrived - started - size / 2 / _SPOKEN_RATE)
                    audio = frame["data"]["audio"]
                    size += len(audio) // 4 * 3 - audio.count("=", -2)
            if size < 2 * _SPOKEN_RATE:
                seen.wrong += 1
