"""Recognises speech with the pocketsphinx worker, segment by segment.

English only. Word errors of everyday sentences, as `bench.simulator` measures them: 14 % in the voice magnus, 23 to
48 % in others; 25 to 33 % on people.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, StreamResampler
from smallest_nb.audio.vad import FRAME_SAMPLES, SAMPLE_RATE, make_vad
from smallest_nb.simulator.hearing.keyword_model import KeywordModel
from smallest_nb.simulator.hearing.recogniser import Activity, ActivityTracker, Result
from smallest_nb.simulator.hearing.speakers import Speakers
from smallest_nb.simulator.hearing.stt_options import STTOptions
from smallest_nb.simulator.speech.speech_synthesizer import SpeechSynthesizer
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.workers import framing
from smallest_nb.simulator.workers.worker import EngineError, Worker, WorkerPool

__all__ = ["SpeechRecogniser"]

_ON, _OFF = 0.5, 0.35
_FRAME_BYTES = FRAME_SAMPLES * BYTES_PER_SAMPLE
_FRAME_SECS = FRAME_SAMPLES / SAMPLE_RATE
_START_FRAMES = 3
_PRE_ROLL_FRAMES = 12
_INTERIM_FRAMES = 6
_TURN_FRAMES = 8
"""Frames after which other sessions have their turn, in a message of any length."""
_ANSWER_SECS = 30.0
_LONGEST_SECS = 60.0
"""A segment is ended after this long, so that what is kept of it stays bounded."""


class SpeechRecogniser:
    """Recognises speech.

    Args:
        pool: Where its worker comes from.
        speech: Pronounces keywords that no dictionary knows.
        options: The session's query.
    """

    def __init__(self, pool: WorkerPool, speech: SpeechSynthesizer, options: STTOptions) -> None:
        self._pool = pool
        self._keywords = KeywordModel(options.keywords, speech)
        self._resampler = StreamResampler(options.sample_rate, SAMPLE_RATE)
        silence = options.silence_ms
        self._silence_frames = round(silence / 1000 / _FRAME_SECS) if silence is not None else None
        self._max_words = options.max_words
        self._speakers = Speakers() if options.diarize else None
        self._vad = make_vad()
        self._activity = ActivityTracker()
        self._worker: Worker | None = None
        self._rest = b""
        self._frames = 0
        self._recent: deque[bytes] = deque(maxlen=_PRE_ROLL_FRAMES)
        self._segment = bytearray()
        self._start = 0.0
        self._voiced = 0
        self._quiet = 0
        self._speaking = False
        self._since_interim = 0
        self._last_text = ""
        self._waiting_for_answer = False

    async def start(self) -> None:
        """Borrow a worker and load the keywords into it.

        Raises:
            EngineError: No recogniser is installed.
        """
        self._worker = await self._pool.take()
        if words := await self._keywords.describe():
            await self._exchange(b"K", json.dumps(words).encode(), reply=b"K")

    async def push(self, pcm: bytes) -> list[Result | Activity]:
        """Take a piece of sound and return the results that it completes."""
        self._rest += self._resampler.push(pcm)
        results: list[Result | Activity] = []
        while len(self._rest) >= _FRAME_BYTES:
            frame, self._rest = self._rest[:_FRAME_BYTES], self._rest[_FRAME_BYTES:]
            results += await self._frame(frame)
            if self._frames % _TURN_FRAMES == 0:
                await asyncio.sleep(0)
        return results

    async def finalize(self) -> Result:
        """End the segment now and return its final, empty if nothing was said."""
        if not self._speaking:
            return Result("", final=True)
        if self._rest:
            await self._add_audio(self._rest)
        return await self._end()

    async def close(self) -> None:
        """Return the worker, or end it if keywords were loaded: they would count in the next session too."""
        worker = self._worker
        if worker is None:
            return
        healthy = not (self._waiting_for_answer or self._keywords)
        try:
            await self._exchange(b"Z")
        except EngineError:
            healthy = False
        finally:
            self._worker = None
            self._pool.give_back(worker, healthy=healthy)

    @property
    def _now(self) -> float:
        return self._frames * _FRAME_SECS

    async def _frame(self, frame: bytes) -> list[Result | Activity]:
        speech = self._vad.probability(frame)
        self._frames += 1
        if not self._speaking:
            self._recent.append(frame)
            self._voiced = self._voiced + 1 if speech >= _ON else 0
            if self._voiced < _START_FRAMES:
                return [*self._activity.check_end(self._now)]
            await self._begin()
            return [*self._activity.start(self._now - self._voiced * _FRAME_SECS)]
        await self._add_audio(frame)
        self._quiet = self._quiet + 1 if speech < _OFF else 0
        if not self._quiet:
            self._activity.extend(self._now)
        results: list[Result | Activity] = [*self._activity.check_end(self._now)]
        ended = self._silence_frames is not None and self._quiet >= self._silence_frames
        if ended or len(self._segment) > _LONGEST_SECS * SAMPLE_RATE * BYTES_PER_SAMPLE:
            return [*results, await self._end()]
        self._since_interim += 1
        if self._since_interim < _INTERIM_FRAMES:
            return results
        self._since_interim = 0
        return [*results, *await self._interim()]

    async def _interim(self) -> list[Result]:
        text = self._keywords.restore_text(json.loads(await self._exchange(b"H", reply=b"P"))["text"])
        if self._max_words is not None and len(text.split()) > self._max_words:
            return await self._cut(self._max_words)
        if not text or text == self._last_text:
            return []
        self._last_text = text
        return [Result(text, final=False)]

    async def _begin(self) -> None:
        self._speaking = True
        self._start = self._now - len(self._recent) * _FRAME_SECS
        self._quiet = self._since_interim = 0
        await self._add_audio(b"".join(self._recent))
        self._recent.clear()

    async def _add_audio(self, pcm: bytes) -> None:
        self._segment += pcm
        await self._exchange(b"A", pcm)

    async def _end(self) -> Result:
        words = await self._read_words()
        self._speaking = False
        self._voiced = 0
        self._recent.clear()
        self._vad.reset()
        return self._make_final(words, len(self._segment))

    async def _cut(self, count: int) -> list[Result]:
        """End the segment after `count` words in the middle of speech; the rest is recognised again, as the next."""
        words = await self._read_words()
        at = len(self._segment)
        if len(words) > count:
            at = round((words[count - 1].end - self._start) * SAMPLE_RATE) * BYTES_PER_SAMPLE
        rest = bytes(self._segment[at:])
        final = self._make_final(words[:count], at)
        self._start += at / BYTES_PER_SAMPLE / SAMPLE_RATE
        if rest:
            await self._add_audio(rest)
        return [final] if final.words else []

    async def _read_words(self) -> list[RecognisedWord]:
        found: dict[str, Any] = json.loads(await self._exchange(b"F", reply=b"F"))
        base = self._start
        words = [RecognisedWord(w, round(base + s, 3), round(base + e, 3), c) for w, s, e, c in found["words"]]
        return self._keywords.restore_words(words)

    def _make_final(self, words: list[RecognisedWord], size: int) -> Result:
        if self._speakers is not None:
            words = self._speakers.label(bytes(self._segment[:size]), self._start, words)
        self._segment.clear()
        self._last_text = ""
        return Result(" ".join(w.text for w in words), final=True, words=words)

    async def _exchange(self, kind: bytes, payload: bytes = b"", *, reply: bytes | None = None) -> bytes:
        if self._worker is None:
            raise EngineError("the recogniser has not been started")
        await self._worker.send(framing.pack(kind, payload))
        if reply is None:
            return b""
        self._waiting_for_answer = True  # stays so when this is cancelled: the answer would reach the next session
        try:
            async with asyncio.timeout(_ANSWER_SECS):
                got, answer = await self._worker.receive()
        except TimeoutError:
            raise EngineError(f"the recogniser was silent for {_ANSWER_SECS:g} s") from None
        self._waiting_for_answer = False
        if got != reply:
            raise EngineError(answer.decode(errors="replace"))
        return answer
