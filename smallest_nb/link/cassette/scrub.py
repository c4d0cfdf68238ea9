"""Takes what was said out of a cassette: its texts, its sound, or both. Imports errors, frames, store.

A scrubbed text keeps its shape (`Xxxx xxxxx, 0:00`), so that a transcript still looks like one, and the same text is
always scrubbed to the same: a replay scrubs what it is asked for before it compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from smallest_nb.errors import ConfigError
from smallest_nb.link.cassette.store import Cassette

__all__ = ["Scrubber", "hide_text", "scrub_cassette", "scrubber"]

_TEXTS = {
    "text", "word", "transcript", "transcription", "full_transcript", "keywords", "redacted_entities",
    "pronunciation_dicts",
}  # fmt: skip
"""Fields that hold what somebody said, or wants said, in requests, frames and queries."""
WHAT = ("text", "audio")

Scrubber = Callable[[str], str]


def hide_text(text: str) -> str:
    """Replace each letter by x and each digit by 0."""
    text = re.sub(r"\d", "0", text)
    return re.sub(r"[^\W\d_]", lambda m: "X" if m.group().isupper() else "x", text)


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
    for session in cassette.sessions:
        if hide is not None:
            session.query = scrub_texts(session.query, hide)
            session.answer = scrub_texts(session.answer, hide)
            for event in session.events:
                event.frame = hide(event.frame) if isinstance(event.frame, str) else scrub_texts(event.frame, hide)
        if "audio" in names:
            session.up, session.down = bytearray(len(session.up)), bytearray(len(session.down))
    cassette.scrubbed = tuple(n for n in WHAT if n in {*cassette.scrubbed, *names})
    return cassette
