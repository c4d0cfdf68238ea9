"""Where each word stands in the text.

The text is the service's fair copy: it has punctuation and capitals that the list of words may lack.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from difflib import SequenceMatcher

__all__ = ["Place", "cut_up", "places"]

Place = tuple[int, int]
"""The first character, and the one after the last."""


def places(text: str, words: Sequence[str]) -> list[Place | None]:
    """Find each word in the text, in order.

    Args:
        text: The text.
        words: Its words; capitals and punctuation may differ.

    Returns:
        A place for each word, or None for one that is not there.
    """
    walked = _walked(text, words)
    return list(walked) if walked is not None else _compared(text, words)


def cut_up(text: str, words: Sequence[str]) -> list[str] | None:
    """Share the whole text out among its words, each with the punctuation and the white space around it.

    Returns:
        One piece for each word, which joined are the text; None where words and text do not match.
    """
    walked = _walked(text, words)
    if not walked:
        return None
    cuts = [0]
    for (_, end), (start, _) in itertools.pairwise(walked):
        spaces = [m.start() for m in re.finditer(r"\s", text[end:start])]
        # After the last space of the gap: a closing mark stays with its word, an opening one goes to the next.
        cuts.append(end + spaces[-1] if spaces else start)
    return [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _walked(text: str, words: Sequence[str]) -> list[Place] | None:
    """Go through the text word by word; None as soon as a letter is left over or a word is missing."""
    found: list[Place] = []
    at = 0
    for word in words:
        bare = word.strip()
        while (size := _size_at(text, at, bare)) is None:
            if at >= len(text) or text[at].isalnum():
                return None
            at += 1
        found.append((at, at + size))
        at += size
    return None if any(c.isalnum() for c in text[at:]) else found


def _size_at(text: str, at: int, word: str) -> int | None:
    if text.startswith(word, at) or text[at : at + len(word)].lower() == word.lower():
        return len(word)
    return None


def _compared(text: str, words: Sequence[str]) -> list[Place | None]:
    """Find the words that text and list have in common."""
    spots = [(m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    shown = [_bare(text[a:b]) for a, b in spots]
    owners = [i for i, word in enumerate(words) for _ in word.split()]
    parts = [_bare(part) for word in words for part in word.split()]
    found: list[Place | None] = [None] * len(words)
    for block in SequenceMatcher(None, shown, parts).get_matching_blocks():
        for k in range(block.size):
            start, end = spots[block.a + k]
            before = found[owners[block.b + k]]
            found[owners[block.b + k]] = (before[0] if before else start, end)
    return found


def _bare(token: str) -> str:
    return "".join(c for c in token.lower() if c.isalnum())
