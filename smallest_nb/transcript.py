"""Transcripts as data: words, segments, and the exports. Imports errors only.

A transcript is a row of final segments and at most one open (interim) segment. `apply` folds service results in
and returns the delta that a view needs, never the whole text.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Redaction", "Segment", "Transcript", "Word"]

_PLACEHOLDER = re.compile(r"\[([A-Za-z]+)_(\d+)\]")

_MAX_LINE = 42
_MAX_CUE_SECONDS = 7.0


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
    """Something personal that the service replaced by a placeholder such as `[PHONENUMBER_1]`.

    Attributes:
        kind: What it was, upper case: FIRSTNAME, LASTNAME, PHONENUMBER, ADDRESS, CREDITCARDCVV and so on.
        number: Tells several of a kind apart; the same number is the same thing.
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
        start: Seconds from the start of the session, or None where the service gave no times.
        end: As `start`.
        words: Its words, where asked for.
        sentences: Its sentences as words of their own, where asked for.
        speaker: The speaker of most of its words, or None.
        language: The language that was detected, or None.
    """

    text: str
    is_final: bool = True
    start: float | None = None
    end: float | None = None
    words: tuple[Word, ...] = ()
    sentences: tuple[Word, ...] = ()
    speaker: int | None = None
    language: str | None = None

    @property
    def redactions(self) -> tuple[Redaction, ...]:
        """What the service made unreadable in the text, in order."""
        found = _PLACEHOLDER.finditer(self.text)
        return tuple(Redaction(m[1].upper(), int(m[2]), m.start(), m.end()) for m in found)

    def shifted(self, seconds: float) -> Segment:
        """Return the segment that many seconds later."""

        def later(at: float | None) -> float | None:
            return None if at is None else round(at + seconds, 3)

        def moved(words: tuple[Word, ...]) -> tuple[Word, ...]:
            return tuple(
                dataclasses.replace(w, start=round(w.start + seconds, 3), end=round(w.end + seconds, 3)) for w in words
            )

        return dataclasses.replace(
            self,
            start=later(self.start),
            end=later(self.end),
            words=moved(self.words),
            sentences=moved(self.sentences),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Segment:
        """Read what :meth:`to_dict` wrote."""
        words = {k: tuple(Word(**w) for w in data.get(k) or ()) for k in ("words", "sentences")}
        return cls(**{**data, **words})


@dataclass(eq=False)
class Transcript(Sequence[Segment]):
    """A sequence of final segments, and the interim one that follows them.

    Attributes:
        segments: The final segments.
        interim: The open segment, or None.
    """

    segments: list[Segment] = field(default_factory=list)
    interim: Segment | None = None

    def apply(self, segment: Segment) -> tuple[int, Segment]:
        """Fold one result in.

        Args:
            segment: Interim text replaces the open segment; a final freezes it.

        Returns:
            The index that changed and the segment now there (empty text: the open line is gone).
        """
        index = len(self.segments)
        if not segment.is_final:
            self.interim = segment if segment.text else None
            return index, segment
        self.interim = None
        if segment.text:
            self.segments.append(segment)
        return index, segment

    def clear(self) -> None:
        """Drop everything."""
        self.segments.clear()
        self.interim = None

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> Transcript: ...
    def __getitem__(self, index: int | slice) -> Segment | Transcript:
        if isinstance(index, slice):
            return Transcript(self.segments[index])
        return self.segments[index]

    def __len__(self) -> int:
        return len(self.segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    @property
    def text(self) -> str:
        """The final text, segments joined by spaces."""
        return " ".join(s.text for s in self.segments)

    @property
    def words(self) -> list[Word]:
        """Every word that came with times."""
        return [w for s in self.segments for w in s.words]

    def to_dataframe(self, rows: str = "auto") -> pd.DataFrame:
        """Return a table.

        Args:
            rows: "word", "segment", or "auto" (words where the service gave times for them).

        Raises:
            ConfigError: pandas is missing, or `rows` is something else.
        """
        if rows not in ("auto", "word", "segment"):
            raise ConfigError(f"rows={rows!r} cannot be used; expected 'auto', 'word' or 'segment'.")
        try:
            import pandas as pd  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ConfigError("A DataFrame needs pandas: pip install 'smallest-nb[data]'.") from error
        if rows == "word" or (rows == "auto" and self.words):
            names = ["segment", *(f.name for f in dataclasses.fields(Word))]
            return pd.DataFrame(
                [[i, *dataclasses.astuple(w)] for i, s in enumerate(self.segments) for w in s.words],
                columns=names,
            )
        names = ["text", "start", "end", "speaker", "language"]
        return pd.DataFrame([[getattr(s, n) for n in names] for s in self.segments], columns=names)

    def to_json(self) -> str:
        """Return JSON that :meth:`from_json` reads back."""
        data = {"version": 1, "segments": [s.to_dict() for s in self.segments]}
        return json.dumps(data, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Transcript:
        """Read what :meth:`to_json` wrote.

        Raises:
            ConfigError: Something else.
        """
        try:
            data = json.loads(text)
            return cls([Segment.from_dict(s) for s in data["segments"]])
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"This is no transcript as written by to_json(): {error}") from error

    def to_srt(self) -> str:
        """Return SubRip subtitles."""
        return self._subtitles("srt")

    def to_vtt(self) -> str:
        """Return WebVTT subtitles, speakers as voice tags."""
        return self._subtitles("vtt")

    def _subtitles(self, kind: str) -> str:
        import pysubs2  # noqa: PLC0415

        subs = pysubs2.SSAFile()
        for segment in self.segments:
            for start, end, text in _cues(segment):
                line = _escape(text, kind)
                if kind == "vtt" and segment.speaker is not None:
                    line = f"<v Speaker {segment.speaker + 1}>{line}"
                subs.append(pysubs2.SSAEvent(start=round(start * 1000), end=round(end * 1000), text=line))
        return subs.to_string(kind).translate(_UNSHIELD)

    def __repr__(self) -> str:
        return f"Transcript({len(self.segments)} segments, {len(self.text.split())} words)"

    def _repr_html_(self) -> str:
        lines = [
            f"<li>{f'<small>{s.start:.1f} s</small> ' if s.start is not None else ''}"
            f"{f'<b>Speaker {s.speaker + 1}:</b> ' if s.speaker is not None else ''}{html.escape(s.text)}</li>"
            for s in self.segments
        ]
        return f"<ol>{''.join(lines)}</ol>" if lines else "<p>No speech transcribed yet.</p>"


# pysubs2 reads {...} and backslashes as ASS markup; private-use characters carry ours past it.
_SHIELD = str.maketrans({"{": "\ue000", "}": "\ue001", "\\": "\ue002"})
_UNSHIELD = {0xE000: "{", 0xE001: "}", 0xE002: "\\"}


def _escape(text: str, kind: str) -> str:
    lines: list[str] = []
    for word in text.replace("-->", "→").split():
        if lines and len(lines[-1]) + 1 + len(word) <= _MAX_LINE:
            lines[-1] += " " + word
        else:
            lines.append(word)
    escaped = [html.escape(line, quote=False) if kind == "vtt" else line for line in lines]
    return "\\N".join(line.translate(_SHIELD) for line in escaped)


def _cues(segment: Segment) -> Iterator[tuple[float, float, str]]:
    """Split a segment where a cue would show more than two lines or stay longer than seven seconds."""
    if segment.start is None or segment.end is None:
        raise ConfigError("Subtitles need times; transcribe with word_timestamps=True or sentence_timestamps=True.")
    fits = len(segment.text) <= 2 * _MAX_LINE - 10 and segment.end - segment.start <= _MAX_CUE_SECONDS
    if fits or not segment.words:
        yield segment.start, segment.end, segment.text
        return
    group: list[Word] = []
    for word in segment.words:
        length = sum(len(w.text) + 1 for w in group) + len(word.text)
        if group and (length > 2 * _MAX_LINE - 10 or word.end - group[0].start > _MAX_CUE_SECONDS):
            yield group[0].start, group[-1].end, " ".join(w.text for w in group)
            group = []
        group.append(word)
    yield group[0].start, group[-1].end, " ".join(w.text for w in group)
