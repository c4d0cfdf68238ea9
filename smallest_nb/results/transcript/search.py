"""Find text in a transcript."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smallest_nb.api.segment import Segment, Word
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript.folding import fold_text
from smallest_nb.results.transcript.word_spans import Span, find_word_spans

__all__ = ["Match", "search"]


@dataclass(frozen=True, slots=True)
class Match:
    """A place where the text was found.

    Attributes:
        segment: The index of its segment, so that `transcript[match.segment]` is it.
        start: Place of its first character in the segment's text.
        end: Place after its last character.
        text: What stands there.
        words: The words it covers, whole or in part; empty if the service sent none.
        at: Seconds at which its first word begins; without words, at which its segment begins; or None.
    """

    segment: int
    start: int
    end: int
    text: str
    words: tuple[Word, ...] = ()
    at: float | None = None


def search(segments: Sequence[Segment], pattern: str, *, ignore_case: bool, regex: bool) -> list[Match]:
    """Find every place, in order; a match stays within one segment and is never empty.

    Text is compared as :mod:`~smallest_nb.results.transcript.folding` says: a letter with a combining mark is another
    letter.

    Raises:
        ConfigError: An empty pattern, or one that is not a regular expression.
    """
    if not isinstance(pattern, str) or not pattern:
        raise ConfigError(f"pattern={pattern!r} cannot be searched for; expected text.")
    # Folding the case of a regular expression would turn \S into \s.
    fold_case = ignore_case and not regex
    wanted = fold_text(pattern, ignore_case=fold_case).text
    try:
        compiled = re.compile(wanted if regex else re.escape(wanted), re.IGNORECASE if ignore_case and regex else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"pattern={pattern!r} is not a regular expression: {error}") from error
    return [
        match
        for index, segment in enumerate(segments)
        for match in _search_segment(index, segment, compiled, fold_case=fold_case, whole_letters=not regex)
    ]


def _search_segment(
    index: int, segment: Segment, wanted: re.Pattern[str], *, fold_case: bool, whole_letters: bool
) -> Iterator[Match]:
    folded = fold_text(segment.text, ignore_case=fold_case)
    found = [
        folded.original(m.start(), m.end())
        for m in wanted.finditer(folded.text)
        if m[0] and not (whole_letters and folded.cuts_a_character(m.end()))
    ]
    if not found:
        return
    whole = zip(find_word_spans(segment.text, [w.text for w in segment.words]), segment.words, strict=True)
    spots = [(place, word) for place, word in whole if place is not None]
    ends = [place[1] for place, _ in spots]
    for start, end in found:
        words = tuple(_words_between(spots, bisect.bisect_right(ends, start), end))
        at = words[0].start if words else segment.start
        yield Match(index, start, end, segment.text[start:end], words, at)


def _words_between(spots: Sequence[tuple[Span, Word]], first: int, end: int) -> Iterator[Word]:
    for (start, _), word in spots[first:]:
        if start >= end:
            return
        yield word
