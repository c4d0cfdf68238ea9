"""Recognises speech with the pocketsphinx worker, utterance by utterance. Imports audio, vad, worker.

English only; 6 to 20 % word errors on good synthetic voices, 24 to 30 % on people.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from smallest_nb.audio import BYTES_PER_SAMPLE, StreamResampler
from smallest_nb.simulator import framing
from smallest_nb.simulator.worker import EngineError, Worker, WorkerPool
from smallest_nb.vad import FRAME_SAMPLES, SAMPLE_RATE, make_vad

__all__ = ["Heard", "HearingSession"]

_ON, _OFF = 0.5, 0.35
_FRAME_BYTES = FRAME_SAMPLES * BYTES_PER_SAMPLE
_FRAME_SECS = FRAME_SAMPLES / SAMPLE_RATE
_START_FRAMES = 3
_PRE_ROLL_FRAMES = 12
_INTERIM_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Heard:
    """A result: text, and for finals each word as (text, start, end, confidence), seconds from the session's start."""

    text: str
    final: bool
    words: list[tuple[str, float, float, float]] = field(default_factory=list)
    by_silence: bool = False


class HearingSession:
    """One listener: push audio of any rate, get interim and final results.

    Args:
        pool: Where its worker comes from.
        sample_rate: Hz of the audio pushed.
        silence_ms: Silence that ends an utterance, or None for never.
    """

    def __init__(self, pool: WorkerPool, sample_rate: int, silence_ms: float | None) -> None:
        self._pool = pool
        self._resampler = StreamResampler(sample_rate, SAMPLE_RATE)
        self._silence_frames = round(silence_ms / 1000 / _FRAME_SECS) if silence_ms is not None else None
        self._vad = make_vad()
        self._worker: Worker | None = None
        self._rest = b""
        self._frames = 0
        self._recent: deque[bytes] = deque(maxlen=_PRE_ROLL_FRAMES)
        self._voiced = 0
        self._quiet = 0
        self._speaking = False
        self._start_frame = 0
        self._since_interim = 0
        self._last_text = ""
        self._asking = False

    async def start(self) -> None:
        """Borrow a worker.

        Raises:
            EngineError: No recogniser is installed.
        """
        self._worker = await self._pool.take()

    async def push(self, pcm: bytes) -> list[Heard]:
        """Hear a piece and return what became known."""
        self._rest += self._resampler.push(pcm)
        results: list[Heard] = []
        while len(self._rest) >= _FRAME_BYTES:
            frame, self._rest = self._rest[:_FRAME_BYTES], self._rest[_FRAME_BYTES:]
            results += await self._frame(frame)
        return results

    async def finalize(self) -> Heard:
        """End the utterance now and return its final, empty where nothing was said."""
        if not self._speaking:
            return Heard("", final=True)
        if self._rest:
            await self._ask(b"A", self._rest)
        return await self._final(by_silence=False)

    async def close(self) -> None:
        """Give the worker back."""
        worker = self._worker
        if worker is None:
            return
        healthy = not self._asking
        try:
            await self._ask(b"Z")
        except EngineError:
            healthy = False
        finally:
            self._worker = None
            self._pool.give_back(worker, healthy=healthy)

    async def _frame(self, frame: bytes) -> list[Heard]:
        speech = self._vad.probability(frame)
        self._frames += 1
        if not self._speaking:
            self._recent.append(frame)
            self._voiced = self._voiced + 1 if speech >= _ON else 0
            if self._voiced >= _START_FRAMES:
                await self._begin()
            return []
        await self._ask(b"A", frame)
        self._quiet = self._quiet + 1 if speech < _OFF else 0
        if self._silence_frames is not None and self._quiet >= self._silence_frames:
            return [await self._final(by_silence=True)]
        self._since_interim += 1
        if self._since_interim < _INTERIM_FRAMES:
            return []
        self._since_interim = 0
        text = json.loads(await self._ask(b"H", reply=b"P"))["text"]
        if not text or text == self._last_text:
            return []
        self._last_text = text
        return [Heard(text, final=False)]

    async def _begin(self) -> None:
        self._speaking = True
        self._start_frame = self._frames - len(self._recent)
        self._quiet = self._since_interim = 0
        await self._ask(b"A", b"".join(self._recent))
        self._recent.clear()

    async def _final(self, *, by_silence: bool) -> Heard:
        found: dict[str, Any] = json.loads(await self._ask(b"F", reply=b"F"))
        base = self._start_frame * _FRAME_SECS
        words = [(w, round(base + s, 3), round(base + e, 3), c) for w, s, e, c in found["words"]]
        self._speaking = False
        self._voiced = 0
        self._last_text = ""
        self._recent.clear()
        self._vad.reset()
        return Heard(found["text"], final=True, words=words, by_silence=by_silence)

    async def _ask(self, kind: bytes, payload: bytes = b"", *, reply: bytes | None = None) -> bytes:
        if self._worker is None:
            raise EngineError("the recogniser has not been started")
        await self._worker.send(framing.pack(kind, payload))
        if reply is None:
            return b""
        self._asking = True  # stays so when this is cancelled: the answer would reach the next session
        got, answer = await self._worker.receive()
        self._asking = False
        if got != reply:
            raise EngineError(answer.decode(errors="replace"))
        return answer
