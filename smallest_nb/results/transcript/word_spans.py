"""Where each word stands in the text.

The text has punctuation and capitals that the list of words may lack, and numbers may be written differently.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from smallest_nb.results.transcript.folding import FoldedText, fold_text, fold_word, is_written

__all__ = ["Span", "find_word_spans", "split_at_words"]

Span = tuple[int, int]
"""The first character, and the one after the last."""


def find_word_spans(text: str, words: Sequence[str]) -> list[Span | None]:
    """Find each word in the text, in order.

    Args:
        text: The text.
        words: Its words; capitals and punctuation may differ.

    Returns:
        A span for each word, or None for one that is not there.
    """
    walked = _find_in_order(text, words)
    return list(walked) if walked is not None else _find_common_words(text, words)


def split_at_words(text: str, words: Sequence[str]) -> list[str] | None:
    """Divide the whole text among its words, each with the punctuation and the white space around it.

    Returns:
        One piece for each word, which together are the text; None if words and text do not match.
    """
    walked = _find_in_order(text, words)
    if not walked:
        return None
    cuts = [0]
    for (_, end), (start, _) in itertools.pairwise(walked):
        spaces = [m.start() for m in re.finditer(r"\s", text[end:start])]
        # After the last space of the gap: a closing mark stays with its word, an opening one goes to the next.
        cuts.append(end + spaces[-1] if spaces else start)
    return [text[a:b] for a, b in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _find_in_order(text: str, words: Sequence[str]) -> list[Span] | None:
    """Go through the text word by word; None as soon as a letter is left over or a word is missing."""
    folded = fold_text(text, ignore_case=True)
    found: list[Span] = []
    at = 0
    for word in words:
        wanted = fold_text(word.strip(), ignore_case=True).text
        while not _stands_at(folded, at, wanted):
            if at >= len(folded.text) or is_written(folded.text[at]):
                return None
            at += 1
        end = at + len(wanted)
        found.append(folded.original(at, end) if wanted else _empty_place(folded, at, text))
        at = end
    return None if any(is_written(c) for c in folded.text[at:]) else found


def _stands_at(folded: FoldedText, at: int, word: str) -> bool:
    end = at + len(word)
    return folded.text.startswith(word, at) and not (word and folded.cuts_a_character(end))


def _empty_place(folded: FoldedText, at: int, text: str) -> Span:
    here = folded.starts[at] if at < len(folded.starts) else len(text)
    return here, here


def _find_common_words(text: str, words: Sequence[str]) -> list[Span | None]:
    """Find the words that text and list have in common, by the longest matching runs."""
    spots = [(m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    shown = [fold_word(text[a:b]) for a, b in spots]
    owners = [i for i, word in enumerate(words) for _ in word.split()]
    parts = [fold_word(part) for word in words for part in word.split()]
    found: list[Span | None] = [None] * len(words)
    for block in SequenceMatcher(None, shown, parts).get_matching_blocks():
        for k in range(block.size):
            start, end = spots[block.a + k]
            before = found[owners[block.b + k]]
            found[owners[block.b + k]] = (before[0] if before else start, end)
    return found
