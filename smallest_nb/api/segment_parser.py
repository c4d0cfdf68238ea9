"""Reads segments from the results of streams and the answers to recordings, whatever is missing or broken in them.

Two generations of servers and two endpoints name the same things differently; every name that was seen is read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from smallest_nb.api.segment import Segment, Word
from smallest_nb.common.numbers import finite_float, is_number

__all__ = ["ends_exactly", "is_true", "number_within", "parse_segment", "timed_items"]

_PUNCTUATION_ONLY = re.compile(r"^[\W_]+$", re.UNICODE)
_TEXT_KEYS = ("transcript", "transcription")
_WORD_KEYS = ("word", "text", "transcript", "transcription")
_SPEAKER_NAME = re.compile(r"[^\d-]{0,20}(\d{1,6})")
_MAX_SPEAKERS = 10**6
_MAX_SESSION_SECS = 10.0**6
"""Eleven days; a time beyond it is a mistake."""
_ROUNDING_SECS = 0.1
"""Recognisers place the first word up to this much before the start; it then begins at 0."""


def _round_time(seconds: float) -> float:
    return round(seconds, 3)


def parse_segment(data: Mapping[str, object], to_stream: Callable[[float], float] = _round_time) -> Segment:
    """Read a segment from a result, of a stream or of a recording.

    A word that cannot be read loses its times: it stays in the text and is left out of `words`, all of which have
    times. Nothing raises.

    Args:
        data: A result, or an answer's part with the same fields.
        to_stream: Maps the service's seconds to those of the caller's audio.
    """
    text = _text_of(data, *_TEXT_KEYS)
    if not any(isinstance(data.get(key), str) for key in _TEXT_KEYS):  # an empty text is one; null is none
        text = text or _join_texts(data.get("words")) or _join_texts(data.get("utterances"))
    if _PUNCTUATION_ONLY.match(text):
        text = ""
    most = len(text)  # no text has more words than characters
    words = _parse_words(data.get("words"), most, to_stream)
    sentences = _parse_words(data.get("utterances"), most, to_stream)
    timed = words or sentences
    return Segment(
        text,
        is_final=is_true(data.get("is_final")),
        start=min(w.start for w in timed) if timed else None,
        end=max(w.end for w in timed) if timed else None,
        words=words,
        sentences=sentences,
        speaker=_find_speaker(data, most),
        language=_find_language(data),
    )


def timed_items(value: object, most: int | None = None) -> list[Mapping[str, object]]:
    """Return those of the first `most` words or utterances of a result that have a text and times that can be."""
    return [item for item in _objects_in(value, most) if _text_of(item, *_WORD_KEYS) and _parse_times(item) is not None]


def _objects_in(value: object, most: int | None) -> list[Mapping[str, object]]:
    return [item for item in value[:most] if isinstance(item, Mapping)] if isinstance(value, list) else []


def _join_texts(value: object) -> str:
    parts = [item if isinstance(item, str) else _text_of(item, *_WORD_KEYS)
             for item in (value if isinstance(value, list) else ()) if isinstance(item, str | Mapping)]  # fmt: skip
    return " ".join(part.strip() for part in parts if part.strip())


def _text_of(data: Mapping[str, object], *keys: str) -> str:
    """Return the first text that is there; a number is one, anything else is none."""
    for key in keys:
        value = data.get(key)
        if is_number(value):
            value = str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _parse_times(item: Mapping[str, object]) -> tuple[float, float] | None:
    start = number_within(item.get("start"), least=-_ROUNDING_SECS)
    end = number_within(item.get("end"))
    start = None if start is None else max(start, 0.0)
    return None if start is None or end is None or end < start else (start, end)


def number_within(value: object, *, least: float = 0.0, most: float = _MAX_SESSION_SECS) -> float | None:
    """Return a number from `least` to `most`; a text that is one counts, NaN and everything else does not."""
    number = finite_float(value)
    return number if number is not None and least <= number <= most else None


def _parse_words(value: object, most: int, to_stream: Callable[[float], float]) -> tuple[Word, ...]:
    """Return the words or utterances that :func:`timed_items` returns; each is parsed once, as results come often."""
    words: list[Word] = []
    for item in _objects_in(value, most):
        text, times = _text_of(item, *_WORD_KEYS), _parse_times(item)
        if text and times is not None:
            confidence, speaker = number_within(item.get("confidence"), most=1.0), _parse_speaker(item.get("speaker"))
            words.append(Word(text, to_stream(times[0]), to_stream(times[1]), confidence, speaker))
    return tuple(words)


def ends_exactly(data: Mapping[str, object]) -> bool:
    """Say whether the last word, or else the last sentence, has times: where it ends, the result ends."""
    value = data.get("words") or data.get("utterances")
    return bool(isinstance(value, list) and value and timed_items(value[-1:]))


def _find_speaker(data: Mapping[str, object], most: int) -> int | None:
    """Return the speaker of most words; those without times have one too."""
    for name in ("words", "utterances"):
        if not data.get(name):
            continue
        found = (_parse_speaker(item.get("speaker")) for item in _objects_in(data.get(name), most))
        speakers = [speaker for speaker in found if speaker is not None]
        if speakers:
            return Counter(speakers).most_common(1)[0][0]
    return None


def _find_language(data: Mapping[str, object]) -> str | None:
    languages = data.get("languages")
    candidates = [data.get("language"), *(languages[:1] if isinstance(languages, list) else ())]
    return next((name for name in candidates if isinstance(name, str) and name), None)


def is_true(value: object) -> bool:
    """Whether a flag is set: true, 1 or the text "true"."""
    return value.strip().lower() == "true" if isinstance(value, str) else value is True or value == 1


def _parse_speaker(value: object) -> int | None:
    """Return the speaker as a number from 0; older servers wrote `speaker_0`."""
    if isinstance(value, str):
        found = _SPEAKER_NAME.fullmatch(value.strip())
        return int(found[1]) if found else None
    return int(value) if is_number(value) and 0 <= value < _MAX_SPEAKERS and value == int(value) else None
