"""When each word of a take is spoken.

The service sends word times for six voices; for the others they are estimated from the sound and the text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smallest_nb.api.segment import Word
from smallest_nb.audio.clip import Clip
from smallest_nb.common.text import composed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TakeWord", "estimated_words"]

_FRAMES_PER_SECOND = 100
_PAUSE_FRAMES = 14
"""A silence of 0.15 s that does not begin at a frame's edge holds fourteen whole frames of 10 ms."""
_NOISE_FRAMES = 15
"""The quietest 0.15 s, the shortest silence that counts, say how loud the clip's own noise is."""
_REACH = 60
"""How many words around the place expected by the letters a pause is looked for; keeps long texts fast."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_CJK}][^\s\w]*|[^\s{_CJK}]+")
"""Words between spaces; Chinese and Japanese, which have none, by character."""
_CLOSING = "\"'”’»›)]}」』）】*_"  # noqa: RUF001 - the marks of other scripts are meant
_SENTENCE_END = ".!?…。！？؟۔।॥"  # noqa: RUF001
_CLAUSE_END = ",;:—–-،؛、，；：·"  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class TakeWord(Word):
    """One word of a take: a :class:`~smallest_nb.Word` whose times are seconds from the start of the clip.

    Attributes:
        estimated: The times are worked out here; the service sent none.
    """

    estimated: bool = field(default=False, kw_only=True)


def estimated_words(text: str, clip: Clip) -> tuple[TakeWord, ...]:
    """Estimate when each word is spoken: the sounding parts of the clip are divided among the words by their letters.

    Silences of 0.15 s and more belong to no word; they are placed at the punctuation as far as the lengths allow.

    Args:
        text: What is said.
        clip: The sound of it.

    Returns:
        The words in order; none if the text has no letters or the clip no sound.
    """
    words, weights, breaks = _split_words(text)
    parts = _find_sounding_stretches(clip)
    if not words or not parts:
        return ()
    bounds = _divide_among_stretches(weights, breaks, parts)
    timed: list[TakeWord] = []
    for (start, end), first, after in zip(parts, [0, *bounds], bounds, strict=False):
        total = sum(weights[first:after])
        said = 0.0
        for index in range(first, after):
            begin = start + (end - start) * said / total
            said += weights[index]
            stop = start + (end - start) * said / total
            timed.append(TakeWord(words[index], round(begin, 3), round(stop, 3), estimated=True))
    return tuple(timed)


def _split_words(text: str) -> tuple[list[str], list[float], list[int]]:
    """Return the words, what each weighs, and what may follow it: 2 a sentence's end, 1 a clause's, 0 nothing."""
    words: list[str] = []
    weights: list[float] = []
    breaks: list[int] = []
    reached = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        if words and "\n" in text[reached : match.start()]:
            breaks[-1] = 2
        reached = match.end()
        weight = sum(_weigh_character(c) for c in composed(token))
        if weight:
            words.append(token)
            weights.append(weight)
            breaks.append(_break_after(token))
        elif words:  # a dash or a smiley by itself is no word, but a place to breathe
            breaks[-1] = max(breaks[-1], _break_after(token), 1)
    return words, weights, breaks


def _weigh_character(char: str) -> float:
    """Return about how many Latin letters' time a character takes to say."""
    kind = unicodedata.category(char)
    if kind[0] == "N":
        return 4.0  # "seven" for a 7
    if char in "%&@+=" or kind == "Sc":
        return 6.0  # "percent", "dollars"
    if kind[0] == "M":
        return 0.5  # vowel signs of Indic scripts are said, points of Semitic ones hardly
    if kind[0] != "L":
        return 0.0
    if "\u3040" <= char <= "\u30ff":
        return 2.0
    return 3.0 if kind == "Lo" and unicodedata.east_asian_width(char) == "W" else 1.0


def _break_after(token: str) -> int:
    last = token.rstrip(_CLOSING)[-1:]
    if not last:
        return 0
    return 2 if last in _SENTENCE_END else 1 if last in _CLAUSE_END else 0


def _find_sounding_stretches(clip: Clip) -> list[tuple[float, float]]:
    """Return the stretches with sound, seconds; silence at the ends belongs to none however short it is."""
    import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

    if not len(clip):
        return []
    hop = max(1, clip.sample_rate // _FRAMES_PER_SECOND)
    count = len(clip) // hop
    whole = [(0.0, clip.duration)]
    if count < 2:
        return whole
    levels = _measure_levels(clip, hop, count)
    ordered = np.sort(levels)
    noise = float(np.median(ordered[:_NOISE_FRAMES]))
    loud = float(ordered[int(0.95 * (count - 1))])
    # Above the noise, yet never so high that the quiet sounds of speech would count as silence.
    limit = min(max(noise + 6.0, loud - 35.0), loud - 15.0)
    heard = np.flatnonzero(levels > limit)
    if loud < -80.0 or not len(heard):
        return whole
    gaps = np.flatnonzero(np.diff(heard) > _PAUSE_FRAMES)
    starts = [int(heard[0]), *(int(heard[g + 1]) for g in gaps)]
    ends = [*(int(heard[g]) + 1 for g in gaps), int(heard[-1]) + 1]
    seconds = hop / clip.sample_rate
    parts = [(s * seconds, e * seconds) for s, e in zip(starts, ends, strict=True)]
    if ends[-1] == count:  # the last frame is rarely a whole one
        parts[-1] = (parts[-1][0], clip.duration)
    return parts


def _measure_levels(clip: Clip, hop: int, count: int) -> NDArray[np.float64]:
    """Return the level of each frame, dBFS; by stretches, so that a long clip is not widened all at once."""
    import numpy as np  # noqa: PLC0415

    levels = np.empty(count)
    step = 512
    for first in range(0, count, step):
        last = min(count, first + step)
        frames = clip.samples[first * hop : last * hop].astype(np.float64).reshape(-1, hop) / 32768.0
        levels[first:last] = 10.0 * np.log10(np.mean(np.square(frames), axis=1) + 1e-10)
    return levels


def _divide_among_stretches(weights: list[float], breaks: list[int], parts: list[tuple[float, float]]) -> list[int]:
    """Return for each part the number of words up to its end: the cheapest way, found part by part.

    It costs what a part is longer or shorter than its words, and what a pause has no punctuation before it.
    """
    import numpy as np  # noqa: PLC0415

    lengths = [end - start for start, end in parts]
    cumulated = np.concatenate([[0.0], np.cumsum(weights)])
    cumulated *= sum(lengths) / cumulated[-1]
    count = len(weights)
    strength = np.array([0, *breaks[:-1], 0])
    before, costs = np.array([0]), np.array([0.0])
    trail: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    passed = 0.0
    for index, length in enumerate(lengths):
        passed += length
        if index == len(lengths) - 1:
            ends = np.array([count])
            penalty = np.zeros(1)
        else:
            middle = int(np.searchsorted(cumulated, passed))
            ends = np.arange(max(0, middle - _REACH), min(count, middle + _REACH) + 1)
            pause = parts[index + 1][0] - parts[index][1]
            penalty = np.select([strength[ends] == 2, strength[ends] == 1], [0.0, 0.2 * pause], 0.35 + pause)
        steps = costs[:, None] + np.abs(cumulated[ends][None, :] - cumulated[before][:, None] - length)
        steps[ends[None, :] < before[:, None]] = np.inf
        best = np.argmin(steps, axis=0)
        costs = steps[best, np.arange(len(ends))] + penalty
        trail.append((ends, best))
        before = ends
    bounds: list[int] = []
    at = 0
    for ends, best in reversed(trail):
        bounds.append(int(ends[at]))
        at = int(best[at])
    return bounds[::-1]
