"""Words, segments, and what was redacted in them."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from smallest_nb.common.numbers import finite_float, is_integer, is_number

__all__ = ["Redaction", "Segment", "Word"]

_PLACEHOLDER = re.compile(r"\[([A-Za-z]{1,64})_(\d{1,9})\]")


@dataclass(frozen=True, slots=True)
class Word:
    """One word.

    Attributes:
        text: As written by the service.
        start: Seconds from the start of the session.
        end: Seconds from the start of the session.
        confidence: 0 to 1, or None.
        speaker: Speaker number from 0, or None.
    """

    text: str
    start: float
    end: float
    confidence: float | None = None
    speaker: int | None = None


@dataclass(frozen=True, slots=True)
class Redaction:
    """Personal data that the service replaced by a placeholder such as `[PHONENUMBER_1]`.

    Attributes:
        kind: What it was, upper case: FIRSTNAME, LASTNAME, PHONENUMBER, ADDRESS, CREDITCARDCVV and so on.
        number: Distinguishes several of a kind; the same number is the same thing.
        start: Place of its first character in the text.
        end: Place after its last character.
    """

    kind: str
    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech between two finals.

    Attributes:
        text: The text.
        is_final: False while the text may still change.
        start: Seconds from the start of the session, or None if the service sent no times.
        end: As `start`.
        words: Its words, if requested.
        sentences: Its sentences, each as a word, if requested.
        speaker: The speaker of most of its words, or None.
        language: The language that was detected, or None.
        source: What it was transcribed from, such as "Recording 2" or a file's name, or None if not known.
            Speakers of different sources have different numbers.
    """

    text: str
    is_final: bool = True
    start: float | None = None
    end: float | None = None
    words: tuple[Word, ...] = ()
    sentences: tuple[Word, ...] = ()
    speaker: int | None = None
    language: str | None = None
    source: str | None = None

    @property
    def redactions(self) -> tuple[Redaction, ...]:
        """What the service redacted in the text, in order."""
        found = _PLACEHOLDER.finditer(self.text)
        return tuple(Redaction(m[1].upper(), int(m[2]), m.start(), m.end()) for m in found)

    def shifted(self, seconds: float) -> Segment:
        """Return the segment with its times moved by so many seconds."""

        def shift(at: float | None) -> float | None:
            return None if at is None else round(at + seconds, 3)

        def shift_words(words: tuple[Word, ...]) -> tuple[Word, ...]:
            return tuple(
                dataclasses.replace(w, start=round(w.start + seconds, 3), end=round(w.end + seconds, 3)) for w in words
            )

        return dataclasses.replace(
            self,
            start=shift(self.start),
            end=shift(self.end),
            words=shift_words(self.words),
            sentences=shift_words(self.sentences),
        )

    def of_recording(self, source: str, first_speaker: int) -> Segment:
        """Return the segment as part of a recording among others.

        Args:
            source: What the recording is called.
            first_speaker: The number that its speaker 0 has here: the service counts from 0 in each recording, and
                they need not be the same people.
        """

        def renumber(number: int | None) -> int | None:
            return None if number is None else number + first_speaker

        def renumber_words(words: tuple[Word, ...]) -> tuple[Word, ...]:
            return tuple(dataclasses.replace(w, speaker=renumber(w.speaker)) for w in words)

        return dataclasses.replace(
            self,
            source=source,
            speaker=renumber(self.speaker),
            words=renumber_words(self.words),
            sentences=renumber_words(self.sentences),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Segment:
        """Read what :meth:`to_dict` wrote.

        Raises:
            TypeError: A field is unknown, missing, or of another type.
            ValueError: A time or a number out of range.
        """
        if not isinstance(data, dict):
            raise TypeError(f"a segment is an object, not {type(data).__name__}")
        words = {k: tuple(_parse_word(w) for w in data.get(k) or ()) for k in ("words", "sentences")}
        segment = cls(**{**data, **words})
        _check("text", segment.text, str)
        _check("is_final", segment.is_final, bool)
        _check("language", segment.language, str, type(None))
        _check("source", segment.source, str, type(None))
        for name in ("start", "end", "speaker"):
            _check_number(name, getattr(segment, name), or_none=True)
        return segment


def _parse_word(data: Any) -> Word:
    if not isinstance(data, dict):
        raise TypeError(f"a word is an object, not {type(data).__name__}")
    word = Word(**data)
    _check("text", word.text, str)
    for name in ("start", "end", "confidence", "speaker"):
        _check_number(name, getattr(word, name), or_none=name in ("confidence", "speaker"))
    return word


def _check(name: str, value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        raise TypeError(f"{name} is {value!r}")


def _check_number(name: str, value: object, *, or_none: bool) -> None:
    if value is None and or_none:
        return
    if not is_number(value) or (name == "speaker" and not is_integer(value)):
        raise TypeError(f"{name} is {value!r}")
    if finite_float(value) is None or (name == "speaker" and value < 0):
        raise ValueError(f"{name} is {value!r}")
