"""The transcript: a row of final segments and at most one open (interim) segment.

`apply` folds service results in and returns the delta that a view needs, never the whole text.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from smallest_nb.api.segment import Segment, Word
from smallest_nb.audio.clip import Clip
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import json_storage
from smallest_nb.results.transcript.evaluate import Comparison, compare_texts
from smallest_nb.results.transcript.exports import Exports
from smallest_nb.results.transcript.names import checked_name, checked_number
from smallest_nb.results.transcript.recording import Recording
from smallest_nb.results.transcript.search import Match, search

__all__ = ["Transcript"]

_COMPARED = ("segments", "interim", "names", "recording")
_log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class Transcript(Exports, Sequence[Segment]):
    """A sequence of final segments, and the interim one that follows them.

    A slice is a transcript of its own that shares the names and the recording. Two are equal if segments, names and
    sound are. It can be pickled and copied; the copy calls no handler of :meth:`on_rename`.

    Attributes:
        segments: The final segments.
        interim: The open segment, or None.
        names: What speakers are called, by number from 0; those without a name are "Speaker 1" and so on.
        recording: The sound, on the clock of the segments' times, or None.
    """

    segments: list[Segment] = field(default_factory=list)
    interim: Segment | None = None
    names: dict[int, str] = field(default_factory=dict)
    recording: Recording | None = None
    _handlers: list[Callable[[int, str], object]] = field(default_factory=list, init=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Transcript):
            return NotImplemented
        return self is other or all(getattr(self, name) == getattr(other, name) for name in _COMPARED)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_handlers": []}  # the handlers belong to this one

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
        """Drop the text and the names. The recording stays: its owner knows whether the clock starts again."""
        self.segments.clear()
        self.interim = None
        named, self.names = self.names, {}  # a new dict: slices made before keep their names
        for speaker in named:
            self._notify(speaker, "")

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> Transcript: ...
    def __getitem__(self, index: int | slice) -> Segment | Transcript:
        if not isinstance(index, slice):
            return self.segments[index]
        part = Transcript(self.segments[index], names=self.names, recording=self.recording)
        part._handlers = self._handlers
        return part

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

    @property
    def clip(self) -> Clip:
        """The sound from the first to the last time of the segments, as much of it as is kept.

        Raises:
            ConfigError: No recording, no times, or nothing of it is kept.
        """
        if self.recording is None:
            raise ConfigError(
                "There is no sound beside this transcript; put a Recording into its `recording` "
                "and write to it what is transcribed."
            )
        times = [t for s in self.segments for t in (s.start, s.end) if t is not None]
        times += [t for w in self.words for t in (w.start, w.end)]
        if not times:
            raise ConfigError(
                "There are no times by which to find the sound; transcribe with word_timestamps=True or "
                "sentence_timestamps=True."
            )
        return self.recording.clip(min(times), max(times))

    def rename(self, speaker: int, name: str) -> None:
        """Rename a speaker, here and in every slice, and call the handlers of :meth:`on_rename`.

        Args:
            speaker: Number from 0.
            name: At most 80 characters on one line; empty puts "Speaker 1" and so on back.

        Raises:
            ConfigError: Another number or name.
        """
        number, checked = checked_number(speaker), checked_name(name)
        if checked:
            self.names[number] = checked
        else:
            self.names.pop(number, None)
        self._notify(number, checked)

    def on_rename(self, fn: Callable[[int, str], object]) -> Callable[[], None]:
        """Call a function with each renamed speaker: the number, and the name ("" if it is removed).

        Returns:
            A function that stops these calls.
        """
        self._handlers.append(fn)

        def end() -> None:
            if fn in self._handlers:
                self._handlers.remove(fn)

        return end

    def search(self, pattern: str, *, ignore_case: bool = True, regex: bool = False) -> list[Match]:
        """Find text; a match stays within one segment.

        Args:
            pattern: The text, or a regular expression.
            ignore_case: Whether capitals do not count.
            regex: Whether the pattern is a regular expression.

        Raises:
            ConfigError: An empty pattern, or one that is no regular expression.
        """
        return search(self.segments, pattern, ignore_case=ignore_case, regex=regex)

    def wer(self, reference: str | Transcript, *, normalize: bool = True) -> float:
        """Return the word error rate: 0.0 if every word is right, above 1.0 if more words are wrong than were said.

        Args:
            reference: What was really said.
            normalize: Whether capitals, punctuation and the like do not count; `evaluate` says how.

        Raises:
            ConfigError: As :meth:`compare`.
        """
        return self.compare(reference, normalize=normalize).wer

    def compare(self, reference: str | Transcript, *, normalize: bool = True) -> Comparison:
        """Compare the transcript with what was really said, word by word.

        Args:
            reference: What was really said.
            normalize: As for :meth:`wer`.

        Raises:
            ConfigError: The reference is not text or has no words, or jiwer is missing.
        """
        said = reference.text if isinstance(reference, Transcript) else reference
        if not isinstance(said, str):
            raise ConfigError(f"A reference must be text or a Transcript; got {type(said).__name__}.")
        return compare_texts(said, self.text, normalize=normalize)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, format: str | None = None) -> Transcript:  # noqa: A002 - a common name
        """Read a transcript of this or another program.

        SRT, WebVTT, TextGrid (long and short), EAF, RTTM, CTM, STM, Audacity's labels, and JSON: what :meth:`to_json`
        wrote, and that of openai-whisper, faster-whisper, whisper.cpp, WhisperX, Transformers, OpenAI and Deepgram.

        Args:
            path: The file, in UTF-8, UTF-16 or Windows-1252.
            format: "srt", "vtt", "textgrid", "eaf", "rttm", "ctm", "stm", "audacity" or "json"; None looks at what the
                file begins with, then at its suffix.

        Returns:
            The transcript, without sound. Speakers have the names that they have in the file.

        Raises:
            ConfigError: No such file, an unknown format, or something in it that does not follow the format.
        """
        from smallest_nb.results.transcript.loading import load  # noqa: PLC0415 - parsers that few notebooks need

        segments, names = load(path, format)
        return cls(segments, names=names)

    @classmethod
    def from_json(cls, text: str) -> Transcript:
        """Read what :meth:`to_json` wrote.

        Raises:
            ConfigError: It is not that.
        """
        segments, names = json_storage.loads(text)
        return cls(segments, names=names)

    def _notify(self, speaker: int, name: str) -> None:
        for listener in list(self._handlers):
            try:
                listener(speaker, name)
            except Exception:
                _log.exception("a handler of renamed speakers failed")

    def __repr__(self) -> str:
        return f"Transcript({len(self.segments)} segments, {len(self.text.split())} words)"
