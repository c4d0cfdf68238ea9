"""How far a batch is: items, seconds of sound, characters, time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from smallest_nb.client.progress import Progress

__all__ = ["Meter"]

_FORMAT = "{percentage:3.0f}%|{bar}| {n:.0f} of {total:.0f} items [{elapsed}<{remaining}{postfix}]"
_SHORT = 5


class Meter:
    """A progress bar for a batch, as a context manager.

    Args:
        items: How many items there are.
        show: None for a bar in a notebook kernel, from six items on; True for a bar in a kernel or on a terminal's
            stderr; False for none.
    """

    def __init__(self, items: int, show: bool | None = None) -> None:
        self._bar = Progress(items, show, short=_SHORT, bar_format=_FORMAT)
        self._done = self._failed = self._characters = 0
        self._seconds = 0.0

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bar.__exit__(kind, error, tb)

    def add(self, *, ok: bool, seconds: float = 0.0, characters: int = 0, count: int = 1) -> None:
        """Count items that are done, or failed."""
        self._done += count
        self._failed += 0 if ok else count
        self._seconds += seconds
        self._characters += characters
        parts = [f"{self._seconds:.0f} s of sound"]
        parts += [f"{self._characters:,} characters"] if self._characters else []
        parts += [f"{self._failed} failed"] if self._failed else []
        self._bar.update(self._done, ", ".join(parts))
