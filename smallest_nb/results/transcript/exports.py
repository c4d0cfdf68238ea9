"""The formats a transcript can be exported to, as methods and as files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from smallest_nb.api.segment import Segment
from smallest_nb.common.files import write_file
from smallest_nb.common.paths import as_path
from smallest_nb.common.text import one_line
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import columns, dataframe, html, json_storage, rttm, subtitles, textgrid
from smallest_nb.results.transcript.names import default_name, speakers_in, to_column
from smallest_nb.results.transcript.recording import Recording
from smallest_nb.results.transcript.sources import mark_sources
from smallest_nb.results.transcript.timing import fill_segment_times

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRANSCRIPT_FORMATS", "Exports"]

TRANSCRIPT_FORMATS = ("srt", "vtt", "json", "csv", "textgrid", "rttm", "txt", "eaf", "ctm", "stm", "audacity")
"""What a transcript can be exported as."""
_SUFFIXES = frozenset(TRANSCRIPT_FORMATS) - {"audacity"}


class Exports:
    """The exports of a transcript; it has `segments`, the `names` of speakers and perhaps the `recording`."""

    segments: list[Segment]
    names: dict[int, str]
    recording: Recording | None

    def name_of(self, speaker: int) -> str:
        """Return a speaker's name, or "Speaker 1" for number 0 if there is none."""
        name = self.names.get(speaker, "")
        return name if one_line(name) else default_name(speaker)

    @property
    def speakers(self) -> dict[int, str]:
        """Names by number, in order of number, of those who speak in the segments or their words."""
        return {n: self.name_of(n) for n in speakers_in(self.segments)}

    def to_dataframe(self, rows: str = "auto") -> pd.DataFrame:
        """Return a table; if there are speakers, `speaker` is the number and `name` the name.

        Args:
            rows: "word", "segment", or "auto" (words if the service sent times for them).

        Raises:
            ConfigError: pandas is missing, or `rows` is something else.
        """
        return dataframe.make_dataframe(self.segments, self.name_of, rows)

    def to_json(self) -> str:
        """Return JSON that `Transcript.from_json` reads back: the segments and the names, not the sound.

        Raises:
            ConfigError: A time or a confidence is NaN or infinite.
        """
        return json_storage.dumps(self.segments, self.names)

    def to_srt(self) -> str:
        """Return SubRip subtitles; a changed speaker as "Ada: ". SRT has no escapes: text stands as it is.

        Cues have at most two lines of 42 characters, stay from 1 s (if the next one leaves room) to 7 s, and never
        overlap.

        Raises:
            ConfigError: A segment without times.
        """
        return subtitles.write_srt(self._timed(), self.name_of)

    def to_vtt(self) -> str:
        """Return WebVTT subtitles, speakers as voice tags; cues as in :meth:`to_srt`.

        Raises:
            ConfigError: A segment without times.
        """
        return subtitles.write_vtt(self._timed(), self.name_of)

    def to_textgrid(self) -> str:
        """Return a Praat TextGrid: a tier per speaker, and one called "words" if there are words.

        If a tier's intervals overlap, each ends when the next begins. Times are whole milliseconds. The grid is as
        long as the recording, if there is one.

        Raises:
            ConfigError: A segment without times, or an empty transcript without a recording, for which Praat has no
                form.
        """
        return textgrid.write_textgrid(self._timed(), self.name_of, self._recorded_seconds())

    def to_rttm(self, file_id: str = "session") -> str:
        """Return RTTM: a SPEAKER line for each stretch of one speaker, times in seconds.

        Stretches of one speaker that overlap are one. White space in names becomes `_`; names that readers take for a
        missing value, or for the beginning of a quotation, have `_` before them (`_None`, `_NA`).

        Args:
            file_id: What the recording is called; no white space.

        Raises:
            ConfigError: No segment has a speaker, a segment without times, or another `file_id`.
        """
        return rttm.write_rttm(self._timed(), self.name_of, file_id)

    def to_eaf(self) -> str:
        """Return an ELAN annotation document: a tier per speaker, and below each one of words if there are words.

        If a tier's annotations overlap, each ends when the next begins. Times are whole milliseconds.

        Raises:
            ConfigError: A segment without times.
        """
        from smallest_nb.results.transcript import elan  # noqa: PLC0415 - with it an XML library

        return elan.write_eaf(self._timed(), self.name_of)

    def to_ctm(self, file_id: str = "session") -> str:
        """Return CTM: a line for each word with its time and confidence. It has no column for speakers.

        Args:
            file_id: As for :meth:`to_rttm`.

        Raises:
            ConfigError: A segment without times, or another `file_id`.
        """
        return columns.write_ctm(self._timed(), file_id)

    def to_stm(self, file_id: str = "session") -> str:
        """Return STM: a line for each stretch of one speaker with its text, as references are kept for scoring.

        Args:
            file_id: As for :meth:`to_rttm`.

        Raises:
            ConfigError: A segment without times, or another `file_id`.
        """
        return columns.write_stm(self._timed(), self.name_of, file_id)

    def to_audacity(self) -> str:
        """Return a label track for Audacity: a label for each stretch of one speaker, with "Ada: " before it.

        Raises:
            ConfigError: A segment without times.
        """
        return columns.write_audacity(self._timed(), self.name_of)

    def _timed(self) -> list[Segment]:
        return fill_segment_times(self.segments)

    def _recorded_seconds(self) -> float:
        return self.recording.duration if self.recording is not None else 0.0

    def to_text(self) -> str:
        """Return one segment a line, with the speaker's name before it if it is known.

        Before the first line of each recording stands its name in brackets, if there are several.
        """
        lines: list[str] = []
        for mark, segment in zip(mark_sources([s.source for s in self.segments]), self.segments, strict=True):
            lines += [f"[{mark}]"] if mark else []
            lines.append((f"{self.name_of(segment.speaker)}: " if segment.speaker is not None else "") + segment.text)
        return "".join(f"{one_line(line)}\n" for line in lines)

    def export(self, format: str, *, file_id: str = "session") -> str:  # noqa: A002 - as in load
        """Return the text of a file in a format.

        Args:
            format: "srt", "vtt", "json", "csv", "textgrid", "rttm", "txt", "eaf", "ctm", "stm" or "audacity", in any
                case.
            file_id: What the recording is called in RTTM, CTM and STM; what they do not take in it is replaced.

        Raises:
            ConfigError: Another format, or what the format's own method raises.
        """
        recording = to_column(file_id) or "session"
        writers: dict[str, Callable[[], str]] = {
            "srt": self.to_srt,
            "vtt": self.to_vtt,
            "json": self.to_json,
            "csv": lambda: dataframe.to_csv(self.to_dataframe()),
            "textgrid": self.to_textgrid,
            "rttm": lambda: self.to_rttm(recording),
            "txt": self.to_text,
            "eaf": self.to_eaf,
            "ctm": lambda: self.to_ctm(recording),
            "stm": lambda: self.to_stm(recording),
            "audacity": self.to_audacity,
        }
        write = writers.get(str(format).lower())
        if write is None:
            raise ConfigError(f"format={format!r} is unknown; expected one of {', '.join(writers)}.")
        return write()

    def save(self, path: str | os.PathLike[str], *, format: str | None = None) -> Path:  # noqa: A002 - as in load
        """Write a file, in the format that its suffix names; UTF-8.

        Args:
            path: Ends in .srt, .vtt, .json, .csv, .TextGrid, .rttm, .txt, .eaf, .ctm or .stm, in any case. RTTM, CTM
                and STM take their `file_id` from the name.
            format: The suffix without its point, for a file that has another; or "audacity", whose labels are .txt.

        Returns:
            The path.

        Raises:
            ConfigError: Another suffix, a file that cannot be written, or what the format's own method raises.
        """
        target = as_path(path)
        if format is None and target.suffix.lower()[1:] not in _SUFFIXES:
            known = ".srt, .vtt, .json, .csv, .TextGrid, .rttm, .txt, .eaf, .ctm, .stm"
            raise ConfigError(f"{target.name!r} has no suffix that names a format; expected one of {known}.")
        text = self.export(target.suffix[1:] if format is None else format, file_id=target.stem)
        try:
            write_file(target, text.encode("utf-8", "replace"))
        except OSError as error:
            raise ConfigError(f"The transcript cannot be saved as {target}: {error}") from error
        return target

    def _repr_html_(self) -> str:
        return html.transcript_html(self.segments, self.name_of)
