"""Streams synthesized speech out of the espeak-ng worker. Imports audio, timbre, worker."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from smallest_nb.audio import StreamResampler, pcm16_to_array
from smallest_nb.simulator import framing
from smallest_nb.simulator.timbre import prosody
from smallest_nb.simulator.worker import EngineError, WorkerPool

__all__ = ["Speech", "SpokenWord"]

_KNEE = 0.75


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A written word with its place in the audio, in seconds."""

    index: int
    word: str
    start: float
    end: float


class Speech:
    """Speaks texts; at most `workers` at once."""

    def __init__(self, workers: int = 2) -> None:
        self._pool = WorkerPool("speech_worker.py", workers)

    async def speak(self, text: str, sample_rate: int, how: dict[str, Any]) -> AsyncGenerator[bytes | SpokenWord, None]:
        """Yield PCM16 at `sample_rate` as it is made, and each word once its end is known.

        Raises:
            EngineError: The engine is missing or does not speak the language.
        """
        worker = await self._pool.take()
        healthy = False
        try:
            source = int(worker.hello["sample_rate"])
            resampler = StreamResampler(source, sample_rate)
            words = _WordMerger(text, source)
            made = 0
            await worker.send(framing.pack_json(b"S", {"text": text, **how}))
            while True:
                kind, payload = await worker.receive()
                if kind == b"A":
                    made += len(payload) // 2
                    if pcm := resampler.push(_limited(payload)):
                        yield pcm
                elif kind == b"W":
                    for word in words.event(json.loads(payload)):
                        yield word
                elif kind == b"E":
                    healthy = True
                    break
                else:
                    healthy = True
                    raise EngineError(payload.decode())
            if tail := resampler.push(b"", last=True):
                yield tail
            for word in words.end(made):
                yield word
        finally:
            self._pool.give_back(worker, healthy=healthy)

    async def warm(self) -> None:
        """Load an engine before it is needed; a missing one is told when somebody wants to hear it."""
        with contextlib.suppress(EngineError):
            async for _ in self.speak("a", 24000, prosody("sophia", "en")):
                pass

    async def close(self) -> None:
        """End the workers."""
        await self._pool.close()


def _limited(pcm: bytes) -> bytes:
    """Soft-limit peaks above the knee, so that loud settings never clip."""
    import numpy as np  # noqa: PLC0415

    x = pcm16_to_array(pcm).astype(np.float32) * (0.8 / 32768)
    size = np.abs(x)
    bent = _KNEE + (1 - _KNEE) * np.tanh((size - _KNEE) / (1 - _KNEE))
    y = np.where(size > _KNEE, np.sign(x) * bent, x)
    return (y * 32767).astype("<i2").tobytes()


class _WordMerger:
    """Joins the engine's events into written words: "$5.50" is one word and several events."""

    def __init__(self, text: str, rate: int) -> None:
        self._tokens: list[tuple[int, int, str]] = []
        at = 0
        for word in text.split():
            at = text.index(word, at)
            self._tokens.append((at, at + len(word), word))
            at += len(word)
        self._rate = rate
        self._open: tuple[int, int] | None = None

    def event(self, event: dict[str, int]) -> list[SpokenWord]:
        position = event["start"]
        index = next((i for i, (a, b, _) in enumerate(self._tokens) if a <= position < b), None)
        if index is None or (self._open and self._open[0] >= index):
            return []
        done = self.end(event["at"])
        self._open = (index, event["at"])
        return done

    def end(self, at: int) -> list[SpokenWord]:
        if self._open is None:
            return []
        index, start = self._open
        self._open = None
        return [SpokenWord(index, self._tokens[index][2], round(start / self._rate, 3), round(at / self._rate, 3))]
