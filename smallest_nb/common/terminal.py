"""What others said, shown where control characters would do something. Imports nothing of ours."""

from __future__ import annotations

import sys

__all__ = ["prepare", "printable", "showable"]


def prepare() -> None:
    """Have what a terminal or file cannot show written as an escape, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def printable(text: str) -> str:
    """Return a text whose control characters, all but the line feed, are escapes."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def showable(text: str) -> str:
    """Return a text in which what the standard output's encoding has not is an escape."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
