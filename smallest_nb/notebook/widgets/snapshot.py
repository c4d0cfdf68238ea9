"""The Snapshot: a take as it stays in a saved notebook."""

from __future__ import annotations

from smallest_nb.results.takes import Take, take_html

__all__ = ["Snapshot"]


class Snapshot:
    """What `tuner.snapshot()` returns: leave it as the last value of a cell.

    Args:
        take: The take.
        max_kb: Kilobytes of sound kept with it.
    """

    def __init__(self, take: Take, max_kb: int) -> None:
        self._take = take
        self._max_kb = max_kb

    def _repr_html_(self) -> str:
        return take_html(self._take, audio_kb=self._max_kb)

    def __repr__(self) -> str:
        return repr(self._take)
