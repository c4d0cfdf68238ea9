"""Joins what the speech engine makes into one stream of sound, with the written words on it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, StreamResampler, pcm16_to_array
from smallest_nb.simulator.text.reading import Spoken

__all__ = ["SpokenLine", "SpokenWord"]

_KNEE = 0.75
_QUIET = 200
_SEAM_SECS = 0.03


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A written word with its place in the audio, in seconds."""

    index: int
    word: str
    start: float
    end: float


class SpokenLine:
    """Joins an engine's parts: one resampler, one count of samples, one count of words.

    Args:
        sample_rate: Hz of what comes out.
    """

    def __init__(self, sample_rate: int) -> None:
        self._target = sample_rate
        self._source = 0
        self._resampler: StreamResampler | None = None
        self._made = 0
        self._words: _WordMerger | None = None
        self._held: list[bytes] = []
        self._begin: tuple[Sequence[Spoken], int, bool] = ((), 0, False)

    def begin(self, tokens: Sequence[Spoken], first: int, *, goes_on: bool) -> None:
        """Start a part whose first word is the text's `first`; one that goes on loses the pause at its end."""
        self._begin = (tokens, first, goes_on)
        self._held = []
        self._words = None

    def take(self, kind: bytes, payload: bytes) -> list[bytes | SpokenWord]:
        """Take one message of the engine and return what is ready."""
        tokens, first, goes_on = self._begin
        if kind == b"R":
            rest = self._change_rate(int(payload))
            self._words = _WordMerger(tokens, self._source, self._made, first)
            return [rest] if rest else []
        if kind == b"A" and goes_on:
            self._held.append(payload)
        elif kind == b"A":
            return self._sound(payload)
        elif kind == b"W" and self._words is not None:
            return [*self._words.event(json.loads(payload))]
        return []

    def end(self) -> list[bytes | SpokenWord]:
        """End the part."""
        sound = self._sound(_without_pause(b"".join(self._held), self._source)) if self._held else []
        return [*sound, *(self._words.end(self._made) if self._words is not None else ())]

    def tail(self) -> bytes:
        """Return what the resampler still holds, and release it.

        A process that is forked after the answer must not inherit it: nanobind reports it as leaked at the child's end.
        """
        resampler, self._resampler = self._resampler, None
        return resampler.push(b"", last=True) if resampler is not None else b""

    def _change_rate(self, rate: int) -> bytes:
        """Take sound of this rate from now on, and return what was held of another: its engine made the part before."""
        rest = b""
        if self._resampler is not None and rate != self._source:
            rest = self.tail()
            self._made = round(self._made * rate / self._source)
        self._source = rate
        self._resampler = self._resampler or StreamResampler(rate, self._target)
        return rest

    def _sound(self, pcm: bytes) -> list[bytes | SpokenWord]:
        self._made += len(pcm) // BYTES_PER_SAMPLE
        out = self._resampler.push(_limited(pcm)) if self._resampler is not None else b""
        return [out] if out else []


def _limited(pcm: bytes) -> bytes:
    """Soft-limit peaks above the knee, so that loud settings never clip."""
    import numpy as np  # noqa: PLC0415

    x = pcm16_to_array(pcm).astype(np.float32) * (0.8 / 32768)
    size = np.abs(x)
    bent = _KNEE + (1 - _KNEE) * np.tanh((size - _KNEE) / (1 - _KNEE))
    y = np.where(size > _KNEE, np.sign(x) * bent, x)
    return (y * 32767).astype("<i2").tobytes()


def _without_pause(pcm: bytes, rate: int) -> bytes:
    """Take the pause off that an engine makes at the end: the sentence goes on in another language."""
    import numpy as np  # noqa: PLC0415

    loud = np.flatnonzero(np.abs(pcm16_to_array(pcm).astype(np.int32)) > _QUIET)
    last = int(loud[-1]) + round(_SEAM_SECS * rate) if len(loud) else 0
    return pcm[: last * BYTES_PER_SAMPLE]


class _WordMerger:
    """Joins the engine's events into written words.

    "$5.50" is one word and several events; "on the" is two words and, if the engine says them as one, a single
    event, whose time they share by their letters.
    """

    def __init__(self, tokens: Sequence[Spoken], rate: int, made: int, first: int) -> None:
        spoken = [(i, t) for i, t in enumerate(tokens) if t.spoken]
        ends = list(itertools.accumulate(len(t.spoken) + 1 for _, t in spoken))
        self._places = [(end - len(t.spoken) - 1, end - 1, i) for end, (i, t) in zip(ends, spoken, strict=True)]
        self._tokens = tokens
        self._audible = [i for i, t in spoken if any(c.isalnum() for c in t.spoken)]
        self._rate = rate
        self._made = made
        self._first = first
        self._shared = 0
        self._since: int | None = None

    def event(self, event: dict[str, int]) -> list[SpokenWord]:
        position, at = event["start"], self._made + event["at"]
        index = next((i for a, b, i in self._places if a <= position < b), -1)
        before = [i for i in self._audible[self._shared :] if i < index]
        done = self._share(before, at) if before else []
        if self._since is None:
            self._since = at
        return done

    def end(self, at: int) -> list[SpokenWord]:
        return self._share(self._audible[self._shared :], at)

    def _share(self, indices: Sequence[int], at: int) -> list[SpokenWord]:
        """Return these words, from where the last one ended until now."""
        since = self._since if self._since is not None else self._made
        total = sum(len(self._tokens[i].spoken) for i in indices)
        words: list[SpokenWord] = []
        start = float(since)
        for index in indices:
            end = start + (at - since) * len(self._tokens[index].spoken) / total
            place = (round(start / self._rate, 3), round(end / self._rate, 3))
            words.append(SpokenWord(self._first + index, self._tokens[index].written, *place))
            start = end
        self._shared += len(indices)
        self._since = at
        return words
