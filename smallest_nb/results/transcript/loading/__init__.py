"""Transcripts of other programs: which format a file has, and its reader.

::

    encodings         bytes as text
    rows              what every reader returns, and how it becomes segments
    subtitle_files    SRT and WebVTT
    column_files      RTTM, CTM, STM and Audacity's labels
    textgrid_files    Praat
    eaf_files         ELAN
    json_files        our own, the Whisper programs', Deepgram's
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.loading import column_files, eaf_files, json_files, subtitle_files, textgrid_files
from smallest_nb.results.transcript.loading.encodings import decode_text
from smallest_nb.results.transcript.loading.rows import Loaded

__all__ = ["FORMATS", "load"]

_MAX_BYTES = 256 * 10**6

FORMATS: dict[str, Callable[[str], Loaded]] = {
    "srt": subtitle_files.read_srt,
    "vtt": subtitle_files.read_vtt,
    "textgrid": textgrid_files.read_textgrid,
    "eaf": eaf_files.read_eaf,
    "rttm": column_files.read_rttm,
    "ctm": column_files.read_ctm,
    "stm": column_files.read_stm,
    "audacity": column_files.read_audacity,
    "json": json_files.read_json,
}
"""Readers by the name of their format."""

_RTTM_TYPES = "SPEAKER|SPKR-INFO|LEXEME|NON-LEX|NON-SPEECH|SEGMENT|SU|EDIT|FILLER|IP|CB|A/P|NOSCORE|NO_RT_METADATA"
_SIGNS = (
    ("vtt", re.compile(r"\s*WEBVTT(?=[ \t\n]|$)")),
    ("json", re.compile(r"\s*[\[{]")),
    ("textgrid", re.compile(r'\s*(File type\s*=\s*)?"ooTextFile')),
    ("eaf", re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<ANNOTATION_DOCUMENT\b", re.DOTALL)),
    ("rttm", re.compile(rf"\s*(;[^\n]*\n\s*)*({_RTTM_TYPES})[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]")),
    ("srt", re.compile(r"\s*(\d+[ \t]*\n)?\s*[\d:]+[,.]\d+[ \t]*-->")),
    ("audacity", re.compile(r"\s*-?\d+([.,]\d+)?\t-?\d+([.,]\d+)?(\t|\n|$)")),
)


def load(path: str | os.PathLike[str], format: str | None = None) -> Loaded:  # noqa: A002 - what users call it
    """Read a file.

    Args:
        path: The file.
        format: One of :data:`FORMATS`; None looks at what the file begins with, then at its suffix.

    Raises:
        ConfigError: No such file or format, or something in it that does not follow the format.
    """
    file = Path(path).expanduser()
    if format is not None and format not in FORMATS:
        raise ConfigError(f"format={format!r} is unknown; expected one of {', '.join(FORMATS)}.")
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{file} has more than {_MAX_BYTES // 10**6} MB: no transcript is as large.")
        data = file.read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if data.startswith(b"ooBinaryFile"):
        raise ConfigError(f"{file.name} is a binary TextGrid; save it in Praat as a text file.")
    text = decode_text(data, file.name)
    kind = format or _format_of(text, file.suffix.lower())
    if kind is None:
        raise ConfigError(
            f"{file.name} is not in a known format; expected one of {', '.join(FORMATS)}, or format= with its name."
        )
    try:
        return FORMATS[kind](text)
    except ConfigError as error:
        raise ConfigError(f"{file.name}: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{file.name}: it is nested too deeply.") from error


def _format_of(text: str, suffix: str) -> str | None:
    found = next((name for name, sign in _SIGNS if sign.match(text)), None)
    if found is not None:
        return found
    return suffix[1:] if suffix[1:] in FORMATS else None
