"""Takes what was said out of a cassette: its texts, its sound, or both.

A scrubbed text keeps its shape (`Xxxx xxxxx, 0:00`), so that a transcript still looks like one, and the same text is
always scrubbed to the same: a replay scrubs each request before it compares. In what a service says about a
request, such as an error, the words that were said are hidden and the others stay: what went wrong can be read.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from smallest_nb.errors import ConfigError
from smallest_nb.testing.cassette.store import Cassette

__all__ = ["Scrubber", "hide_text", "scrub_cassette", "scrubber"]

_TEXTS = {
    "text", "word", "transcript", "transcription", "full_transcript", "keywords", "redacted_entities",
    "pronunciation_dicts",
}  # fmt: skip
"""Fields that hold what was said, or is to be said, in requests, frames and queries."""
_MESSAGES = {"message", "error", "errors", "detail", "details", "reason"}
"""Fields in which a service says what is wrong, sometimes by repeating the request."""
_LONGEST_WORD = 60
"""Characters of a word beyond which it is hidden without a look at its parts."""
_WORD = re.compile(r"\w+")
WHAT = ("text", "audio")

Scrubber = Callable[[str], str]


def hide_text(text: str) -> str:
    """Replace each letter, and each mark of one, by x and each digit by 0."""
    return "".join(map(_hidden, text))


def _hidden(character: str) -> str:
    kind = unicodedata.category(character)
    if kind[0] == "N":
        return "0"
    return ("X" if kind in ("Lu", "Lt") else "x") if kind[0] in "LM" else character


def scrubber(scrub: str | Iterable[str] | Scrubber | None) -> tuple[tuple[str, ...], Scrubber | None]:
    """Read the argument `scrub`.

    Returns:
        What is scrubbed ("text", "audio") and what is done to texts, or None.

    Raises:
        ConfigError: Something else.
    """
    if callable(scrub):
        return ("text",), scrub
    names = (scrub,) if isinstance(scrub, str) else tuple(scrub or ())
    for name in names:
        if name not in WHAT:
            raise ConfigError(f"scrub={name!r} is not understood; expected 'text', 'audio', both, or a function.")
    return tuple(n for n in WHAT if n in names), hide_text if "text" in names else None


def scrub_texts(value: Any, hide: Scrubber, *, inside: bool = False) -> Any:
    """Return JSON with the texts replaced.

    Args:
        value: What was parsed.
        hide: Replaces one text.
        inside: Whether it stands in a field that holds texts.
    """
    if isinstance(value, dict):
        return {k: scrub_texts(v, hide, inside=inside or k in _TEXTS) for k, v in value.items()}
    if isinstance(value, list):
        return [scrub_texts(v, hide, inside=inside) for v in value]
    return hide(value) if inside and isinstance(value, str) else value


def scrub_cassette(cassette: Cassette, scrub: str | Iterable[str] | Scrubber) -> Cassette:
    """Scrub a cassette in place, and return it."""
    names, hide = scrubber(scrub)
    if hide is not None:
        messages = _MessageScrubber(cassette, hide)
        for session in cassette.sessions:
            session.query = scrub_texts(session.query, hide)
            session.answer = messages.scrub(scrub_texts(session.answer, hide))
            session.unreachable = messages.scrub(session.unreachable)
            for event in session.events:
                is_text = isinstance(event.frame, str)  # no JSON object: all of it may be what was said
                event.frame = hide(event.frame) if is_text else messages.scrub(scrub_texts(event.frame, hide))
    if "audio" in names:
        for session in cassette.sessions:
            session.up, session.down = bytearray(len(session.up)), bytearray(len(session.down))
    cassette.scrubbed = tuple(n for n in WHAT if n in {*cassette.scrubbed, *names})
    return cassette


class _MessageScrubber:
    """Removes the words that were said from what the service says about requests."""

    def __init__(self, cassette: Cassette, hide: Scrubber) -> None:
        self._hide = hide
        self._words: set[str] = set()
        self._ordered: list[str] = []

        def note(text: str) -> str:
            self._words.update(_WORD.findall(text.casefold()))
            return text

        for session in cassette.sessions:
            for value in (session.query, session.answer, *(e.frame for e in session.events)):
                scrub_texts(value, note)
        self._ordered = sorted(self._words)

    def scrub(self, value: Any) -> Any:
        """Return a text, or JSON, whose messages hold none of these words; a user's function gets each unchanged."""
        return self._message(value) if isinstance(value, str) else self._inside(value)

    def _inside(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: self._message(v) if k in _MESSAGES else self._inside(v) for k, v in value.items()}
        return [self._inside(v) for v in value] if isinstance(value, list) else value

    def _message(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._message(v) for v in value]
        if not isinstance(value, str):
            return self._inside(value)
        if self._hide is not hide_text:
            return self._hide(value)
        return _WORD.sub(lambda m: hide_text(m.group()) if self._was_said(m.group().casefold()) else m.group(), value)

    def _was_said(self, word: str) -> bool:
        # A message may cut what it repeats, or join it to something else.
        at = bisect.bisect_left(self._ordered, word)
        if at < len(self._ordered) and self._ordered[at].startswith(word):
            return True
        if len(word) > _LONGEST_WORD:
            return bool(self._words)
        return any(
            word[start:end] in self._words for start in range(len(word)) for end in range(start + 3, len(word) + 1)
        )
