"""Marks in a transcript of several recordings where each of them begins."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

__all__ = ["mark_sources"]


def mark_sources(sources: Sequence[str | None]) -> list[str | None]:
    """Return each source that differs from the one before it, else None; only None if there is one source in all."""
    if len(set(sources)) < 2:
        return [None] * len(sources)
    return [source if source != before else None for before, source in itertools.pairwise([None, *sources])]
