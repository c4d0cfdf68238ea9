"""Files of columns: RTTM, CTM, STM and Audacity's labels.

RTTM, CTM and STM: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A, and the
manual of sclite. Labels: https://manual.audacityteam.org/man/importing_and_exporting_labels.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.loading.rows import Loaded, Row, attach_words, group_words, make_segments
from smallest_nb.results.transcript.loading.speaker_labels import strip_speaker_labels
from smallest_nb.results.transcript.names import from_column

__all__ = ["read_audacity", "read_ctm", "read_rttm", "read_stm"]

_NOTHING = ("<NA>", "NA")
_STM_LABEL = re.compile(r"^<[^<>\s,]*,[^<>\s]*>\s+")
"""Categories for scoring, such as <o,f0,female>."""
_NOT_SCORED = "ignore_time_segment_in_scoring"


def read_rttm(text: str) -> Loaded:
    """Read who spoke when: SPEAKER lines are segments without text, or with that of the LEXEME lines in them.

    Raises:
        ConfigError: A line with too few columns, or with something else than a number as a time.
    """
    turns: dict[str, list[Row]] = {}
    words: dict[str, list[dict[str, Any]]] = {}
    for number, line in _numbered_lines(text):
        columns = line.split()
        kind = columns[0].upper()
        if kind not in ("SPEAKER", "LEXEME"):
            continue
        _expect_columns(number, columns, 8, "type, file, channel, start, duration, text, subtype, name")
        start, length = _read_time(number, columns[3]), _read_time(number, columns[4])
        label = None if columns[7] in _NOTHING else from_column(columns[7])
        file, end = from_column(columns[1]), round(start + max(0.0, length), 6)
        if kind == "SPEAKER":
            turns.setdefault(file, []).append(Row("", start, end, label, source=file))
        elif columns[5] not in _NOTHING:
            confidence = _read_confidence(columns[8]) if len(columns) > 8 else None
            word = {"word": columns[5], "start": start, "end": end, "speaker": label, "confidence": confidence}
            words.setdefault(file, []).append(word)
    rows = [row for file, of_file in turns.items() for row in _attach_words(of_file, words.pop(file, []))]
    rows += [row for file, alone in words.items() for row in group_words(alone, file)]
    return make_segments(_drop_only_source(rows))


def _attach_words(rows: list[Row], words: list[dict[str, Any]]) -> list[Row]:
    if words:
        attach_words(rows, words)
        for row in rows:
            row.text = " ".join(w["word"] for w in row.words)
    return rows


def read_ctm(text: str) -> Loaded:
    """Read words with times; a pause of a second, or the end of a sentence, begins another segment.

    Raises:
        ConfigError: A line with too few columns, or with something else than a number as a time.
    """
    words: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for number, line in _numbered_lines(text):
        columns = line.split()
        _expect_columns(number, columns, 5, "file, channel, start, duration, word")
        start = _read_time(number, columns[2])
        end = round(start + max(0.0, _read_time(number, columns[3])), 6)
        confidence = _read_confidence(columns[5]) if len(columns) > 5 else None
        word = {"word": columns[4], "start": start, "end": end, "confidence": confidence}
        if len(columns) > 7 and columns[7] not in _NOTHING:
            word["speaker"] = columns[7]
        words.setdefault((from_column(columns[0]), columns[1]), []).append(word)
    rows: list[Row] = []
    for (file, channel), said in words.items():
        if len({c for f, c in words if f == file}) > 1:  # a call has one speaker on each channel
            said = [{"speaker": f"Channel {channel}", **w} for w in said]  # noqa: PLW2901
        rows += group_words(sorted(said, key=lambda w: w["start"]), file)
    return make_segments(_drop_only_source(rows))


def read_stm(text: str) -> Loaded:
    """Read segments with speakers; what is not to be scored is left out.

    Raises:
        ConfigError: A line with too few columns, or with something else than a number as a time.
    """
    rows: list[Row] = []
    for number, line in _numbered_lines(text, comment=";;"):
        columns = line.split(maxsplit=5)
        _expect_columns(number, columns, 5, "file, channel, speaker, start, end, text")
        said = _STM_LABEL.sub("", columns[5], count=1) if len(columns) > 5 else ""
        start, end = _read_time(number, columns[3]), _read_time(number, columns[4])
        if said.strip().lower() == _NOT_SCORED:
            continue
        label = None if columns[2] in _NOTHING else from_column(columns[2])
        rows.append(Row(said, start, max(start, end), label, source=from_column(columns[0])))
    return make_segments(_drop_only_source(rows))


def read_audacity(text: str) -> Loaded:
    """Read labels: each is a segment, its speaker what stands before a colon. Frequencies are left out.

    Raises:
        ConfigError: A line without two times.
    """
    rows: list[Row] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        columns = line.split("\t", 2)
        _expect_columns(number, columns, 2, "start, end, label, with tabs between them")
        start, end = (_read_time(number, c.replace(",", ".")) for c in columns[:2])
        rows.append(Row(columns[2].strip() if len(columns) > 2 else "", start, max(start, end)))
    return make_segments(strip_speaker_labels(rows, goes_on=False))


def _numbered_lines(text: str, comment: str = ";") -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith(comment):
            yield number, line.strip()


def _drop_only_source(rows: list[Row]) -> list[Row]:
    """Leave out what the recording is called if it is the only one."""
    if len({r.source for r in rows}) < 2:
        for row in rows:
            row.source = None
    return rows


def _expect_columns(number: int, columns: list[str], least: int, names: str) -> None:
    if len(columns) < least:
        raise ConfigError(f"line {number} has {len(columns)} columns; expected {names}.")


def _read_time(number: int, column: str) -> float:
    try:
        seconds = float(column)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ConfigError(f"line {number}: {column!r} is not a time; expected seconds.")
    return seconds


def _read_confidence(column: str) -> float | None:
    try:
        value = float(column)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
