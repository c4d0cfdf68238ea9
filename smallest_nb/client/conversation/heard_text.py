"""How much of an answer was heard: by the times of its words, else estimated from its sound."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from smallest_nb.client.tts_events import WordTiming
from smallest_nb.results.transcript.word_spans import find_word_spans

__all__ = ["BLOCK_SECS", "SECS_PER_WEIGHT", "HeardText", "cut_text", "has_words", "same_words", "text_weight"]

BLOCK_SECS = 0.02
"""Length of the blocks of sound that are voiced or not."""
SECS_PER_WEIGHT = 0.07
"""Voiced seconds of a letter, before a voice has spoken a whole answer: 14 letters a second."""
_DIGIT_WEIGHT = 4.0
"""A digit is read as a word of about so many letters."""
_IDEOGRAPH_WEIGHT = 3.0
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\s\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_SOUND_MARK = re.compile(r"[\[(<][^\W\d_]+(?:[ _-][^\W\d_]+)*[\])>]")
"""A placeholder of redacted data has a number and is a word: "[PHONENUMBER_1]"."""
_MARKS = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class HeardText:
    """The text that was heard.

    Attributes:
        text: The text.
        is_estimated: Whether its end is estimated.
    """

    text: str
    is_estimated: bool = False


def has_words(text: str) -> bool:
    """Say whether a transcribed text has a word: marks such as "[noise]" stand for sounds."""
    return any(c.isalnum() for c in _SOUND_MARK.sub("", text))


def same_words(one: str, other: str) -> bool:
    """Whether two texts have the same words; capitals, punctuation and blanks do not count."""
    return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    return _MARKS.sub("", text.casefold()).split()


def text_weight(text: str) -> float:
    """Return how long a text takes to say, in letters."""
    return sum(_weight(match.group()) for match in _WORD.finditer(text))


def _weight(word: str) -> float:
    return sum(
        _DIGIT_WEIGHT if c.isdigit() else _IDEOGRAPH_WEIGHT if _IDEOGRAPHS.match(c) else 1.0 if c.isalnum() else 0.0
        for c in word
    )


def cut_text(
    text: str,
    words: Sequence[WordTiming],
    played: float,
    *,
    voiced: Sequence[int],
    is_whole: bool,
    secs_per_weight: float = SECS_PER_WEIGHT,
) -> HeardText:
    """Return the part of a text that was heard; a word counts if more than half of it was.

    Args:
        text: All that was given to the voice so far.
        words: Times of the words, as far as they were received; empty if the voice sends none.
        played: Seconds of the answer's sound that were played.
        voiced: For each 20 ms of the sound that was received, whether there is a voice in it.
        is_whole: Whether the sound is that of the whole text.
        secs_per_weight: Voiced seconds of a letter.
    """
    if played <= 0:
        return HeardText("")
    if words:
        heard = [word for word in words if (word.start + word.end) / 2 <= played]
        if len(heard) == len(words) and is_whole:
            return HeardText(text.strip())
        spans = [span for span in find_word_spans(text, [w.word for w in words])[: len(heard)] if span is not None]
        if spans or not heard:
            return HeardText(text[: _with_marks(text, spans[-1][1])].strip() if spans else "")
    return _estimate(text, played, voiced, is_whole=is_whole, secs_per_weight=secs_per_weight)


def _with_marks(text: str, end: int) -> int:
    """Return the end of a word with the punctuation that stands at it."""
    while end < len(text) and not text[end].isspace() and not text[end].isalnum():
        end += 1
    return end


def _estimate(text: str, played: float, voiced: Sequence[int], *, is_whole: bool, secs_per_weight: float) -> HeardText:
    spots = [(match.end(), _weight(match.group())) for match in _WORD.finditer(text)]
    total = sum(weight for _, weight in spots)
    sounded = sum(voiced[: round(played / BLOCK_SECS)]) * BLOCK_SECS
    whole = sum(voiced) * BLOCK_SECS if is_whole else total * secs_per_weight
    said = sounded / whole * total if whole else 0.0
    heard = 0
    for (end, weight), before in zip(spots, itertools.accumulate((w for _, w in spots), initial=0.0), strict=False):
        if before + weight / 2 > said:
            break
        heard = end
    return HeardText(text[:heard].strip(), is_estimated=True)
