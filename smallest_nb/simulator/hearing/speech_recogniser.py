"""Recognises speech, segment by segment: where speech begins and ends, and when results are due.

What turns a segment into words is a decoder; where it fails in the middle of one, the next one takes the segment's
sound from its beginning.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import TypeVar

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, StreamResampler, pcm16_to_array
from smallest_nb.audio.vad import FRAME_SAMPLES, SAMPLE_RATE, make_vad
from smallest_nb.simulator.hearing.decoder import Decoder
from smallest_nb.simulator.hearing.recogniser import Activity, ActivityTracker, Result
from smallest_nb.simulator.hearing.speakers import Speakers
from smallest_nb.simulator.hearing.stt_options import STTOptions
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["SpeechRecogniser"]

_ON, _OFF = 0.5, 0.35
_FRAME_BYTES = FRAME_SAMPLES * BYTES_PER_SAMPLE
_FRAME_SECS = FRAME_SAMPLES / SAMPLE_RATE
_START_FRAMES = 3
_PRE_ROLL_FRAMES = 12
_INTERIM_FRAMES = 15
"""An interim each 0.48 s; at most 0.6 s are promised."""
_LEAST_SECS = 0.4
_MOST_SHARE = 0.5
"""Of the time that interims may take: on a busy machine they become rarer, and the session does not fall behind."""
_OVERDUE_FRAMES = 60
"""In a message of any length one is made after so many frames at the latest."""
_QUIET_FRAMES = 8
"""Quiet frames after which nothing new can be in an interim."""
_TURN_FRAMES = 8
"""Frames after which other sessions have their turn, in a message of any length."""
_SILENT = 10
"""A frame whose loudest sample is no louder is silence, and no detector is asked."""
_LONGEST_SECS = 60.0
"""A segment is ended after this long, so that what is kept of it stays bounded."""
_Made = TypeVar("_Made")


class SpeechRecogniser:
    """Recognises speech.

    Args:
        decoders: Returns a decoder that was started: the best one, and after each failure the next. It raises
            EngineError where there is none.
        release: Is called once when the session ends.
        options: The session's query.
    """

    def __init__(
        self, decoders: Callable[[], Awaitable[Decoder]], release: Callable[[], None], options: STTOptions
    ) -> None:
        self._decoders = decoders
        self._release = release
        self._resampler = StreamResampler(options.sample_rate, SAMPLE_RATE)
        silence = options.silence_ms
        self._silence_frames = round(silence / 1000 / _FRAME_SECS) if silence is not None else None
        self._max_words = options.max_words
        self._interims = options.interims
        self._speakers = Speakers() if options.diarize else None
        self._vad = make_vad()
        self._activity = ActivityTracker()
        self._decoder: Decoder | None = None
        self._closed = False
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
        self._guessed_at = 0.0
        self._guess_secs = 0.0

    async def start(self) -> None:
        """Take a decoder.

        Raises:
            EngineError: No recogniser is installed.
        """
        self._decoder = await self._decoders()

    async def push(self, pcm: bytes) -> list[Result | Activity]:
        """Take a piece of sound and return the results that it completes.

        Raises:
            EngineError: No decoder is left.
        """
        self._rest += self._resampler.push(pcm)
        results: list[Result | Activity] = []
        while len(self._rest) >= _FRAME_BYTES:
            frame, self._rest = self._rest[:_FRAME_BYTES], self._rest[_FRAME_BYTES:]
            results += await self._frame(frame)
            if self._since_interim >= _OVERDUE_FRAMES:
                results += await self._interim()
            if self._frames % _TURN_FRAMES == 0:
                await asyncio.sleep(0)
        return [*results, *await self._interim()]

    async def finalize(self) -> Result:
        """End the segment now and return its final, empty if nothing was said."""
        if not self._speaking:
            return Result("", final=True)
        if self._rest:
            await self._add_audio(self._rest)
            self._rest = b""
        return await self._end()

    async def close(self) -> None:
        """Return what was taken."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._decoder is not None:
                await self._decoder.close()
        finally:
            self._decoder = None
            self._release()

    @property
    def _now(self) -> float:
        return self._frames * _FRAME_SECS

    async def _frame(self, frame: bytes) -> list[Result | Activity]:
        self._frames += 1
        speech = self._rate_speech(frame)
        if not self._speaking:
            self._recent.append(frame)
            self._voiced = self._voiced + 1 if speech >= _ON else 0
            if self._voiced < _START_FRAMES:
                return [*self._activity.check_end(self._now)]
            await self._begin()
            return [*self._activity.start(self._now - self._voiced * _FRAME_SECS)]
        self._quiet = self._quiet + 1 if speech < _OFF else 0
        await self._add_audio(frame)
        if not self._quiet:
            self._activity.extend(self._now)
        results: list[Result | Activity] = [*self._activity.check_end(self._now)]
        ended = self._silence_frames is not None and self._quiet >= self._silence_frames
        if ended or len(self._segment) > _LONGEST_SECS * SAMPLE_RATE * BYTES_PER_SAMPLE:
            return [*results, *_split_final(await self._end(), self._max_words)]
        if self._quiet <= _QUIET_FRAMES:
            self._since_interim += 1
        return results

    def _rate_speech(self, frame: bytes) -> float:
        """Return how likely a frame is speech. Silence costs nothing."""
        samples = pcm16_to_array(frame)
        if not self._speaking and int(samples.max()) <= _SILENT and int(samples.min()) >= -_SILENT:
            return 0.0
        return self._vad.probability(frame)

    async def _interim(self) -> list[Result]:
        """Return the interim that is due, if any, and the finals of as many words as end a segment."""
        results: list[Result] = []
        while self._speaking and self._interims and self._since_interim >= _INTERIM_FRAMES:
            least = max(_LEAST_SECS, self._guess_secs / _MOST_SHARE)
            if self._max_words is None and monotonic() - self._guessed_at < least:
                break  # a file comes faster than it is read; where words end a segment, nothing may hang on time
            self._guessed_at = monotonic()
            self._since_interim = 0
            found = await self._decode(lambda decoder: decoder.guess())
            self._guess_secs = monotonic() - self._guessed_at
            text = " ".join(found.words) if found is not None else ""
            if found is not None and self._max_words is not None and found.settled >= self._max_words:
                cut = await self._cut(self._max_words)
                results += cut
                self._since_interim = _INTERIM_FRAMES if cut else 0  # what is left may be more than one segment
            elif text and text != self._last_text:
                self._last_text = text
                results.append(Result(text, final=False))
        return results

    async def _begin(self) -> None:
        self._speaking = True
        self._start = self._now - len(self._recent) * _FRAME_SECS
        self._quiet = self._since_interim = 0
        await self._add_audio(b"".join(self._recent))
        self._recent.clear()

    async def _add_audio(self, pcm: bytes) -> None:
        quiet = self._quiet * _FRAME_BYTES
        self._segment += pcm
        await self._decode(lambda decoder: decoder.add(pcm, quiet=quiet), taken=len(pcm))

    async def _decode(self, ask: Callable[[Decoder], Awaitable[_Made]], *, taken: int = 0) -> _Made:
        """Return what the decoder answers; where it fails, what the next one answers, which takes the segment first.

        Args:
            ask: What is asked.
            taken: Bytes at the segment's end that `ask` itself brings.
        """
        while True:
            if self._decoder is None:
                self._decoder = await self._decoders()
                before = bytes(self._segment[: len(self._segment) - taken])
            else:
                before = b""
            try:
                if before:
                    await self._decoder.add(before, quiet=0)
                return await ask(self._decoder)
            except EngineError:
                failed, self._decoder = self._decoder, None
                await failed.close()

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
        base = self._start
        words = await self._decode(lambda decoder: decoder.finish())
        return [replace(w, start=round(base + w.start, 3), end=round(base + w.end, 3)) for w in words]

    def _make_final(self, words: list[RecognisedWord], size: int) -> Result:
        if self._speakers is not None:
            words = self._speakers.label(bytes(self._segment[:size]), self._start, words)
        self._segment.clear()
        self._last_text = ""
        return Result(" ".join(w.text for w in words), final=True, words=words)


def _split_final(final: Result, most: int | None) -> list[Result]:
    """Cut a final that became longer than a segment may be while no interim was due."""
    if most is None or len(final.words) <= most:
        return [final]
    groups = [final.words[at : at + most] for at in range(0, len(final.words), most)]
    return [Result(" ".join(w.text for w in group), final=True, words=group) for group in groups]
