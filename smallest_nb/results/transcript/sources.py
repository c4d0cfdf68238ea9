"""Where one recording ends in a transcript and another begins."""

from __future__ import annotations

from collections.abc import Sequence

from smallest_nb.api.segment import Segment

__all__ = ["source_marks"]


def source_marks(segments: Sequence[Segment]) -> list[str | None]:
    """Return for each segment what its recording is called, if it is the first of it and there are several."""
    if len({s.source for s in segments}) < 2:
        return [None] * len(segments)
    before = [None, *(s.source for s in segments)]
    return [s.source if s.source != b else None for b, s in zip(before, segments, strict=False)]
