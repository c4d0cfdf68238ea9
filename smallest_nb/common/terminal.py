"""Text of others on a terminal, which would obey control characters and cannot show every character."""

from __future__ import annotations

import sys

__all__ = ["prepare_output", "printable", "showable"]


def prepare_output() -> None:
    """Make the standard streams write an escape for what their encoding lacks, rather than raise."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def printable(text: str) -> str:
    """Return text with escapes for its control characters, all but the line feed."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def showable(text: str) -> str:
    """Return text with escapes for what the standard output's encoding lacks."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
