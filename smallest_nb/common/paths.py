"""Paths as users pass them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from smallest_nb.errors import ConfigError

__all__ = ["as_path"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|data:", re.ASCII)
"""`Path` makes `https:/host` of `https://host`; a single letter is a drive of Windows."""
_SHOWN = 200


def as_path(path: str | os.PathLike[str]) -> Path:
    """Return a path of this machine, `~` and `~user` replaced by the home directory.

    Raises:
        ConfigError: A URL, a name that no file can have, or something that is no path.
    """
    try:
        text = os.fspath(path)
    except TypeError:
        raise ConfigError(f"A {type(path).__name__} is not a path; expected a str or pathlib.Path.") from None
    if not isinstance(text, str):
        raise ConfigError(f"{text!r} is a path of bytes; expected a str or pathlib.Path (os.fsdecode makes one).")
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    if _URL.match(text) and not os.path.lexists(text.partition("\0")[0]):
        raise ConfigError(f"{shown} is a URL; URLs are not fetched. Give the path of a file on this machine.")
    if not text or "\0" in text:
        raise ConfigError(f"{shown!r} cannot be a path; expected the name of a file on this machine.")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{shown} cannot be a path ({error}).") from error
