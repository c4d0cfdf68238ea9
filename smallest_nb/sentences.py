"""Text cut into what one request speaks. Imports nothing of ours; sentencex knows the sentence ends of 300 languages.

A part is one sentence, as in Pipecat: short enough for the service (its own limit is about 240 characters, the advised
one 250 with 140 as the best), and the unit that is spoken again after a loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["MOST_CHARACTERS", "SentenceAggregator", "is_speakable", "split_text"]

MOST_CHARACTERS = 200
"""Longest part: the service cuts longer text itself, at about 240, and would then answer in more than one run."""
_LEAST_CHARACTERS = 20
"""Shorter sentences are spoken with their neighbour; alone they sound clipped (continuations page of the vendor)."""
_BLOCK_CHARACTERS = 4000
_PAUSES = re.compile(r"(?<=[,;:،、，；：)])\s*|\s+[-\u2013\u2014]\s+|\s+")  # noqa: RUF001 - full-width and Arabic commas
_STRONG = re.compile(r"(?<=[,;:،、，；：)])\s*")  # noqa: RUF001
_ENDED = re.compile(r"[.!?…。！？।॥؟۔][\"'”’»)\]]*\s*$")  # noqa: RUF001


def is_speakable(text: str) -> bool:
    """Say whether a text holds anything but blanks and punctuation."""
    return any(c.isalnum() for c in text)


def split_text(text: str, language: str = "en") -> list[str]:
    """Cut a text into parts of at most MOST_CHARACTERS, at sentence ends where there are any.

    Args:
        text: Any text.
        language: Its code; knows abbreviations such as "Mr." and marks such as the danda.

    Returns:
        Parts without blanks at their ends, all of them speakable; nothing of the text but blanks and lone
        punctuation is left out.
    """
    parts: list[str] = []
    for sentence in _sentences(text, language):
        for piece in _pieces(sentence):
            short = parts and min(len(parts[-1]), len(piece)) < _LEAST_CHARACTERS
            if short and len(parts[-1]) + 1 + len(piece) <= MOST_CHARACTERS:
                parts[-1] += " " + piece
            else:
                parts.append(piece)
    return [p for p in parts if is_speakable(p)]


class SentenceAggregator:
    """Gathers tokens into sentences.

    A sentence is given out once the next one has begun, because only then is "3." known not to become "3.5".

    Args:
        language: Code of the text's language.
    """

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._held = ""

    @property
    def ended(self) -> bool:
        """Whether what is held looks like whole sentences: the next token may be long in coming."""
        return _ENDED.search(self._held) is not None and is_speakable(self._held)

    def push(self, token: str) -> list[str]:
        """Add a token; return the parts that are certain now."""
        self._held = (self._held + token).lstrip()  # blanks alone would be looked through again with each token
        if len(self._held) <= _LEAST_CHARACTERS:
            return []
        *whole, rest = list(_sentences(self._held, self._language, strip=False)) or [""]
        if len(rest) > MOST_CHARACTERS:
            *pieces, rest = _pieces(rest)
            whole += pieces
        said = "".join(whole)
        if len(said.strip()) < _LEAST_CHARACTERS:
            return []
        self._held = rest
        return split_text(said, self._language)

    def flush(self) -> list[str]:
        """Return all that is held."""
        held, self._held = self._held, ""
        return split_text(held, self._language)


def _sentences(text: str, language: str, *, strip: bool = True) -> Iterator[str]:
    for sentence in _segmented(text, language.partition("-")[0].lower()):
        if sentence.strip():
            yield sentence.strip() if strip else sentence


def _segmented(text: str, language: str) -> Iterator[str]:
    """Give sentencex a text in blocks: its time grows with the square of a run of quotation marks."""
    import sentencex  # noqa: PLC0415 - only long or streamed text needs it

    held = ""
    for at in range(0, len(text), _BLOCK_CHARACTERS):
        *whole, held = list(sentencex.segment(language, held + text[at : at + _BLOCK_CHARACTERS])) or [""]
        yield from whole
        if len(held) > _BLOCK_CHARACTERS:  # no sentence; what is spoken at once is much shorter
            cut = held.rfind(" ") + 1 or len(held)
            yield held[:cut]
            held = held[cut:]
    if held:
        yield held


def _pieces(sentence: str) -> list[str]:
    """Cut a sentence that is too long at commas, else between words, else anywhere."""
    pieces: list[str] = []
    text, at = sentence.strip(), 0
    while len(text) - at > MOST_CHARACTERS:
        cut = _last(_STRONG, text, at) or _last(_PAUSES, text, at) or at + MOST_CHARACTERS
        pieces.append(text[at:cut].strip())
        at = cut
        while text[at].isspace():
            at += 1
    return [*pieces, text[at:]] if text[at:] else pieces


def _last(pattern: re.Pattern[str], text: str, at: int) -> int | None:
    """Return the last place to cut after `at`."""
    found = pattern.finditer(text, at, at + MOST_CHARACTERS)
    ends = [m.end() for m in found if m.end() > at + _LEAST_CHARACTERS]
    return ends[-1] if ends else None
