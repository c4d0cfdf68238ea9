"""Distinguishes voices as they speak, from the sound alone.

An utterance is cut where the voice changes, each piece joins the nearest voice so far or opens a new one.
Distances are in units of what one voice varies by: more for short pieces, and more for lively voices (people) than for
even ones (synthesizers), as the pieces themselves show.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smallest_nb.simulator.hearing.voiceprint import FRAME_RATE, Frames, compute_voiceprint, find_voiced_frames
from smallest_nb.simulator.text.recognised_word import RecognisedWord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Speakers"]

# Voiced frames: half of the time of fluent speech. Fewer say nothing, more are not needed to compare.
_SHORT, _WINDOW = 30, 200
# Squared distances of one voice from itself, measured: what remains, what falls with length, of neighbouring blocks.
_VARIES, _VARIES_SHORT, _BLOCK, _BLOCK_VARIES = 0.9, 330.0, 40, 9.0
_LIVELIEST = 5.0
_OTHER, _CHANGED = 1.9, 3.0
# A pause makes a change of voice likelier: if words follow without one, it must be clearer.
_NO_PAUSE, _LONG_PAUSE = 0.4, 0.15
_NEARLY = 0.7


@dataclass(frozen=True, slots=True)
class _Sound:
    """The voice of a stretch of speech: its print, its voiced frames, how lively it is (1 is even)."""

    print: NDArray[np.float64]
    size: float
    lively: float

    def distance(self, other: _Sound) -> float:
        """Return how unlike two stretches are; of the same voice it averages about 0.7."""
        varies = sum(_VARIES + _VARIES_SHORT / sound.size for sound in (self, other))
        lively = (self.lively + other.lively) / 2
        return float(((self.print - other.print) ** 2).sum()) / (varies * math.pow(lively, 1.5))

    def with_more(self, other: _Sound) -> _Sound:
        """Return the sound of both together."""
        size = self.size + other.size
        share = other.size / size
        return _Sound(
            self.print + share * (other.print - self.print),
            size,
            self.lively + share * (other.lively - self.lively),
        )


class Speakers:
    """Numbers the voices of one session, from 0 in order of appearance.

    Args:
        limit: So many voices at most; the next ones get the number of the nearest.
    """

    def __init__(self, *, limit: int = 8) -> None:
        self._limit = max(1, limit)
        self._voices: list[_Sound] = []
        self._last = 0

    def label(self, pcm: bytes, start: float, words: Sequence[RecognisedWord]) -> list[RecognisedWord]:
        """Return the words of one final with `speaker` and `speaker_confidence` set.

        Args:
            pcm: PCM16 mono 16 kHz of the whole utterance.
            start: Where its first sample lies, in seconds of the session.
            words: The recognised words, in session time.
        """
        if not words:
            return []
        found = find_voiced_frames(pcm)
        edges = _edges(found, start, words)
        lively = _lively(found) or (sum(v.lively for v in self._voices) / len(self._voices) if self._voices else 1.5)
        labelled: list[RecognisedWord] = []
        for first, last in _runs(found, edges, lively, 0, len(words)):
            speaker, confidence = self._who(found, edges[first], edges[last], lively)
            labelled += [replace(w, speaker=speaker, speaker_confidence=confidence) for w in words[first:last]]
        return labelled

    def _who(self, found: Frames, start: int, stop: int, lively: float) -> tuple[int, float]:
        """Return the number of the voice of some frames, and how sure it is; learns the voice."""
        if stop - start < 2 or (not self._voices and stop - start < _SHORT // 2):
            return self._last, 0.5
        sound = _sound(found, start, stop, lively)
        near = sorted((voice.distance(sound), number) for number, voice in enumerate(self._voices))
        full = len(self._voices) >= self._limit
        fresh = not near or (near[0][0] > _OTHER and stop - start >= _SHORT and not full)
        if fresh:
            self._voices.append(sound)
            self._last = len(self._voices) - 1
            return self._last, _sureness(_OTHER, near[0][0] if near else 2 * _OTHER)
        distance, self._last = near[0]
        if distance <= _OTHER and stop - start >= _SHORT:  # a doubtful piece must not blur the voice
            self._voices[self._last] = self._voices[self._last].with_more(sound)
        second = near[1][0] if len(near) > 1 else _OTHER
        return self._last, _sureness(distance, second if full else min(second, _OTHER))


def _sureness(near: float, far: float) -> float:
    """Turn the distances of the voice chosen and of the next best into 0 to 1; 0.5 is a toss-up."""
    return round(1 / (1 + math.exp(max(-30.0, min(30.0, 1.5 * (near - far))))), 3)


def _edges(found: Frames, start: float, words: Sequence[RecognisedWord]) -> list[int]:
    """Return where in the voiced frames each word begins, and the end: halfway between words."""
    middles = [(a.end + b.start) / 2 for a, b in itertools.pairwise(words)]
    times = [words[0].start - 0.1, *middles, words[-1].end + 0.1]
    edges = [int(found.at.searchsorted((time - start) * FRAME_RATE - 2)) for time in times]  # frames are 40 ms wide
    return list(itertools.accumulate(edges, max))


def _runs(found: Frames, edges: Sequence[int], lively: float, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut words `first` to `last` where the voice changes most, and the two parts again."""
    places: list[tuple[float, float, int]] = []
    for middle in range(first + 1, last):
        here = edges[middle]
        before, after = max(edges[first], here - _WINDOW), min(edges[last], here + _WINDOW)
        if min(here - before, after - here) < _SHORT:
            continue
        left, right = _sound(found, before, here, lively), _sound(found, here, after, lively)
        pause = float(found.at[here] - found.at[here - 1]) / FRAME_RATE
        distance = left.distance(right) * min(1.0, _NO_PAUSE + (1 - _NO_PAUSE) * pause / _LONG_PAUSE)
        places.append((distance, pause, middle))
    best, _, around = max(places, default=(0.0, 0.0, 0))
    if best <= _CHANGED:
        yield first, last
        return
    # A few frames on the wrong side hardly show: of nearly as good places close by, the longest pause is it.
    near = [place for place in places if abs(place[2] - around) <= 3 and place[0] > _NEARLY * best]
    at = max(near, key=lambda place: place[1])[2]
    yield from _runs(found, edges, lively, first, at)
    yield from _runs(found, edges, lively, at, last)


def _sound(found: Frames, start: int, stop: int, lively: float) -> _Sound:
    return _Sound(compute_voiceprint(found, start, stop), stop - start, lively)


def _lively(found: Frames) -> float | None:
    """Return how much the voice varies from moment to moment; a few changes of voice do not matter to the median."""
    import numpy as np  # noqa: PLC0415

    blocks = [compute_voiceprint(found, at, at + _BLOCK) for at in range(0, len(found.at) - _BLOCK + 1, _BLOCK // 2)]
    if len(blocks) < 4:
        return None
    apart = [float(((after - before) ** 2).sum()) / 2 for before, after in zip(blocks, blocks[2:], strict=False)]
    return min(_LIVELIEST, max(1.0, float(np.median(apart)) / _BLOCK_VARIES))
