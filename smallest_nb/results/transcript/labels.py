"""Text that every file format can hold."""

from __future__ import annotations

import unicodedata

__all__ = ["tidy", "without_controls"]


def without_controls(text: str) -> str:
    """Return text without control characters and halves of characters; line ends stay."""
    if text.isprintable():
        return text
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c for c in whole if c.isspace() or unicodedata.category(c) != "Cc")


def tidy(text: str) -> str:
    """Return text on one line: no control characters, one space wherever there was white space."""
    return " ".join(without_controls(text).split())
