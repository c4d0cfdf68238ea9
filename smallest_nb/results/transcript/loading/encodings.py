"""Bytes of a transcript file as text, in the encodings that programs actually write."""

from __future__ import annotations

import codecs
import logging
import re

__all__ = ["decode_text"]

_log = logging.getLogger(__name__)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 400
"""Bytes at the beginning by which UTF-16 without a byte order mark is known."""


def decode_text(data: bytes, name: str) -> str:
    r"""Return a file's text with `\n` for every line end; what is not Unicode is read as Windows-1252, with a warning.

    Praat writes UTF-16 with a byte order mark as soon as a text has letters outside ASCII, and Latin-1 if so set.

    Args:
        data: The file.
        name: What the file is called, for the warning.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _unify_line_ends(data[len(mark) :].decode(encoding, "replace"))
    head = data[:_LOOKED_AT]
    if head and len(data) % 2 == 0:
        for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
            if zeros.count(0) * 2 > len(zeros):
                return _unify_line_ends(data.decode(encoding, "replace"))
    try:
        return _unify_line_ends(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        if data.lstrip()[:1] in (b"{", b"["):  # JSON is UTF-8; whisper.cpp may cut a letter between two tokens
            return _unify_line_ends(data.decode("utf-8", "replace"))
        _log.warning("%s is not UTF-8 (byte %d): it is read as Windows-1252", name, error.start)
        return _unify_line_ends(data.decode("cp1252", "replace"))


def _unify_line_ends(text: str) -> str:
    return re.sub(r"\r\n?", "\n", text)
