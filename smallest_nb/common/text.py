"""Text that can be sent, spoken and written to any file: whole characters, no controls."""

from __future__ import annotations

import json
import unicodedata
from typing import Any, Literal

_MOST_MARKS = 30

__all__ = ["composed", "one_line", "parse_json", "speakable_text", "whole_characters"]


def whole_characters(value: Any) -> Any:
    """Replace halves of characters (lone surrogates) by U+FFFD, which UTF-8 has; pairs of halves are joined.

    Args:
        value: Text, or JSON that holds some; mappings and sequences are copied.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return value
    if isinstance(value, dict):
        return {whole_characters(k): whole_characters(v) for k, v in value.items()}
    return [whole_characters(v) for v in value] if isinstance(value, list | tuple) else value


def parse_json(text: str | bytes) -> Any:
    """Parse JSON; its escapes can spell halves of characters, which are replaced.

    Raises:
        ValueError: It is no JSON, is nested too deep, or holds a number of too many digits.
    """
    try:
        value = json.loads(text)
        if isinstance(text, str) and text.isascii() and "\\u" not in text:  # most frames: no character can be halved
            return value
        return whole_characters(value)
    except RecursionError:
        raise ValueError("nested too deep") from None


def composed(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """Return text in a Unicode normal form, in time that grows with its length alone.

    `unicodedata.normalize` sorts the marks of a character in time that grows with the square of their number; a run of
    more than 30 is parted by U+034F, as the Unicode standard has it (UAX 15, Stream-Safe Text Process).
    """
    if text.isascii():
        return text
    parted: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks > _MOST_MARKS:
            parted.append("\u034f")
            marks = 1
        parted.append(character)
    return unicodedata.normalize(form, "".join(parted))


def speakable_text(text: str) -> str:
    """Return text without control characters, whose rest some engines would not speak; white space stays."""
    whole: str = whole_characters(text)
    if whole.isprintable():
        return whole
    return "".join(c for c in whole if c.isspace() or unicodedata.category(c) != "Cc")


def one_line(text: str) -> str:
    """Return text on one line, as every file format can hold it: no control characters, single spaces."""
    return " ".join(speakable_text(text).split())
