"""Speakers that stand before the text, as in "Ada: Good evening."."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smallest_nb.results.transcript.loading.rows import Row

__all__ = ["strip_speaker_labels"]

_LABEL = re.compile(r"(?P<name>[^\W\d_][^:\n]{0,23}?): +(?=\S)")
_MAX_WORDS = 4


def strip_speaker_labels(rows: Sequence[Row], *, goes_on: bool) -> list[Row]:
    """Take the speakers' names off the texts.

    They are taken for names only if the first text has one: a colon alone says little.

    Args:
        rows: In order of time.
        goes_on: Whether a text without a name is of the speaker before, as in subtitles.
    """
    if not rows or _find_name(rows[0].text) is None:
        return list(rows)
    current: str | None = None
    for row in rows:
        name = _find_name(row.text)
        if name is not None:
            row.text = row.text[len(name) + 1 :].lstrip()
            current = name
        row.label = current if goes_on or name is not None else None
    return list(rows)


def _find_name(text: str) -> str | None:
    found = _LABEL.match(text)
    if not found:
        return None
    name = found["name"]
    numbered = any(c.isdigit() for c in name)  # "Speaker 2", but not "It is 10"
    return None if name[0].islower() or len(name.split()) > (2 if numbered else _MAX_WORDS) else name
