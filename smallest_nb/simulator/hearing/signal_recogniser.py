"""Reads the test signal out of sound."""

from __future__ import annotations

import re

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, StreamResampler, pcm16_to_array
from smallest_nb.simulator.hearing.recogniser import Activity, ActivityTracker, Result
from smallest_nb.simulator.hearing.stt_options import STTOptions
from smallest_nb.simulator.speech.signal_code import read_burst
from smallest_nb.simulator.text.recognised_word import RecognisedWord

__all__ = ["SignalRecogniser"]

_RATE = 16000
_BLOCK = 80
_BLOCK_BYTES = _BLOCK * BYTES_PER_SAMPLE
_BLOCK_SECS = _BLOCK / _RATE
_LOUD_RMS = 0.03
_QUIET_BLOCKS = 4
_LONGEST_BLOCKS = 2000
_LONGEST_SECS = 60.0
"""A segment is ended after this long: each interim repeats all of it."""
_EDGES = re.compile(r"""^["'(\[{«]+|[.,?!;:"')\]}»…।]+$""")
INAUDIBLE = "[inaudible]"


class SignalRecogniser:
    """Recognises words that :class:`~smallest_nb.simulator.speech.signal_synthesizer.SignalSynthesizer` made.

    Other sound is "[inaudible]".

    Args:
        options: The session's query.
    """

    def __init__(self, options: STTOptions) -> None:
        self._resampler = StreamResampler(options.sample_rate, _RATE)
        self._silence = options.silence_ms / 1000 if options.silence_ms is not None else None
        self._max_words = options.max_words
        self._diarize = options.diarize
        self._speakers: dict[int, int] = {}
        self._activity = ActivityTracker()
        self._rest = b""
        self._blocks = 0
        self._burst: list[bytes] = []
        self._quiet = 0
        self._words: list[RecognisedWord] = []
        self._last_end = 0.0

    async def start(self) -> None:
        """Need nothing."""

    async def close(self) -> None:
        """Hold nothing."""

    async def push(self, pcm: bytes) -> list[Result | Activity]:
        """Take a piece of sound and return the results that it completes."""
        import numpy as np  # noqa: PLC0415

        self._rest += self._resampler.push(pcm)
        count = len(self._rest) // _BLOCK_BYTES
        data, self._rest = self._rest[: count * _BLOCK_BYTES], self._rest[count * _BLOCK_BYTES :]
        blocks = pcm16_to_array(data).astype(np.float64).reshape(-1, _BLOCK) / 32768
        loud = np.sqrt(np.einsum("ij,ij->i", blocks, blocks) / _BLOCK) > _LOUD_RMS
        results: list[Result | Activity] = []
        if not self._burst and not loud.any():
            self._blocks += count
            return self._after_silence()
        for number in range(count):
            results += self._block(data[number * _BLOCK_BYTES : (number + 1) * _BLOCK_BYTES], loud=bool(loud[number]))
        return results + self._after_silence()

    async def finalize(self) -> Result:
        """End the segment now and return its final, empty if nothing was said."""
        if self._burst:
            self._read()
        return self._final()

    def _block(self, block: bytes, *, loud: bool) -> list[Result | Activity]:
        self._blocks += 1
        if not self._burst and not loud:
            return []
        results: list[Result | Activity] = []
        if not self._burst:
            results += self._activity.start((self._blocks - 1) * _BLOCK_SECS)
        self._burst.append(block)
        self._quiet = 0 if loud else self._quiet + 1
        if self._quiet < _QUIET_BLOCKS and len(self._burst) < _LONGEST_BLOCKS:
            return results
        self._read()
        enough = self._max_words is not None and len(self._words) >= self._max_words
        if enough or (self._words and self._last_end - self._words[0].start > _LONGEST_SECS):
            return [*results, self._final()]
        return [*results, Result(" ".join(w.text for w in self._words), final=False)]

    def _after_silence(self) -> list[Result | Activity]:
        now = self._blocks * _BLOCK_SECS
        results: list[Result | Activity] = [*self._activity.check_end(now)] if not self._burst else []
        if self._words and not self._burst and self._silence is not None and now - self._last_end >= self._silence:
            results.append(self._final())
        return results

    def _read(self) -> None:
        import numpy as np  # noqa: PLC0415

        sound = pcm16_to_array(b"".join(self._burst)).astype(np.float64) / 32768
        start = (self._blocks - len(self._burst)) * _BLOCK_SECS
        end = (self._blocks - self._quiet) * _BLOCK_SECS
        self._burst, self._quiet = [], 0
        word, voice, purity = read_burst(sound, _RATE)
        text = INAUDIBLE if word is None else _EDGES.sub("", word).lower()
        self._last_end = end
        self._activity.extend(end)
        if not text:
            return
        speaker = self._speakers.setdefault(voice, len(self._speakers)) if self._diarize and word is not None else None
        certain = purity if speaker is not None else None
        self._words.append(RecognisedWord(text, round(start, 3), round(end, 3), purity, speaker, certain))

    def _final(self) -> Result:
        words, self._words = self._words, []
        return Result(" ".join(w.text for w in words), final=True, words=words)
