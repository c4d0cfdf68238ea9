"""What a transcript can be turned into, as methods, and files of it. Imports errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from smallest_nb.errors import ConfigError
from smallest_nb.files import write_file
from smallest_nb.transcript import picture, storage, subtitles, tables, tiers, turns
from smallest_nb.transcript.names import default_name, speakers_in
from smallest_nb.transcript.plain import tidy
from smallest_nb.transcript.segment import Segment

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Exports"]


class Exports:
    """The exports of a transcript; it has `segments` and the `names` of speakers."""

    segments: list[Segment]
    names: dict[int, str]

    def name_of(self, speaker: int) -> str:
        """Return a speaker's name, or "Speaker 1" for number 0 where nobody has named them."""
        return self.names.get(speaker) or default_name(speaker)

    @property
    def speakers(self) -> dict[int, str]:
        """Names by number, in order of number, of those who speak in the segments or their words."""
        return {n: self.name_of(n) for n in speakers_in(self.segments)}

    def to_dataframe(self, rows: str = "auto") -> pd.DataFrame:
        """Return a table; where there are speakers, `speaker` is the number and `name` the name.

        Args:
            rows: "word", "segment", or "auto" (words where the service gave times for them).

        Raises:
            ConfigError: pandas is missing, or `rows` is something else.
        """
        return tables.dataframe(self.segments, self.name_of, rows)

    def to_json(self) -> str:
        """Return JSON that `Transcript.from_json` reads back: the segments and the names, not the sound.

        Raises:
            ConfigError: A time or a confidence is NaN or infinite.
        """
        return storage.dumps(self.segments, self.names)

    def to_srt(self) -> str:
        """Return SubRip subtitles; a changed speaker as "Ada: ". SRT has no escapes: text stands as it is.

        Cues have at most two lines of 42 characters, stay from 1 s (where the next leaves room) to 7 s, and never
        overlap.

        Raises:
            ConfigError: A segment without times.
        """
        return subtitles.subtitles(self.segments, "srt", self.name_of)

    def to_vtt(self) -> str:
        """Return WebVTT subtitles, speakers as voice tags; cues as in :meth:`to_srt`.

        Raises:
            ConfigError: A segment without times.
        """
        return subtitles.subtitles(self.segments, "vtt", self.name_of)

    def to_textgrid(self) -> str:
        """Return a Praat TextGrid: a tier per speaker, and one called "words" where there are words.

        Where a tier's intervals overlap, each ends where the next begins. Times are whole milliseconds.

        Raises:
            ConfigError: A segment without times, or an empty transcript, for which Praat has no form.
        """
        return tiers.textgrid(self.segments, self.name_of)

    def to_rttm(self, file_id: str = "session") -> str:
        """Return RTTM: a SPEAKER line for each stretch of one speaker, times in seconds.

        Args:
            file_id: What the recording is called; no white space.

        Raises:
            ConfigError: Nobody is told apart, a segment without times, or another `file_id`.
        """
        return turns.rttm(self.segments, self.name_of, file_id)

    def to_text(self) -> str:
        """Return one segment a line, with the speaker's name before it where it is known."""
        shown = ((f"{self.name_of(s.speaker)}: " if s.speaker is not None else "", s.text) for s in self.segments)
        return "".join(f"{tidy(who + text)}\n" for who, text in shown)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file, in the format that its suffix names; UTF-8.

        Args:
            path: Ends in .srt, .vtt, .json, .csv, .TextGrid, .rttm or .txt, in any case. RTTM takes its `file_id`
                from the name.

        Returns:
            The path.

        Raises:
            ConfigError: Another suffix, a file that cannot be written, or what the format's own method raises.
        """
        target = Path(path).expanduser()
        writers: dict[str, Callable[[], str]] = {
            ".srt": self.to_srt,
            ".vtt": self.to_vtt,
            ".json": self.to_json,
            ".csv": lambda: self.to_dataframe().to_csv(index=False, lineterminator="\n"),
            ".textgrid": self.to_textgrid,
            ".rttm": lambda: self.to_rttm("_".join(target.stem.split()) or "session"),
            ".txt": self.to_text,
        }
        write = writers.get(target.suffix.lower())
        if write is None:
            known = ".srt, .vtt, .json, .csv, .TextGrid, .rttm, .txt"
            raise ConfigError(f"{target.name!r} has no suffix that tells a format; expected one of {known}.")
        text = write()
        try:
            write_file(target, text.encode("utf-8", "replace"))
        except OSError as error:
            raise ConfigError(f"The transcript cannot be saved as {target}: {error}") from error
        return target

    def _repr_html_(self) -> str:
        return picture.transcript_html(self.segments, self.name_of)
