"""What is read aloud for what is written: pronunciation dictionaries, math, the language of numbers. Pure.

A text becomes one :class:`Spoken` for each of its whitespace-separated tokens, so that word times keep naming the
written words. Sources: `pronunciation-dictionaries.mdx` (case-sensitive, plain spelling), `tts-openapi.yaml`
(math_notation), the changelog of 2026-07-10 (number_pronunciation_language).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Spoken", "group_by_language", "read_aloud"]

_MATH_WORDS = {
    "en": {"×": "times", "÷": "divided by", "+": "plus", "-": "minus", "=": "equals", "^": "to the power of"},
    "hi": {"×": "गुणा", "÷": "बटा", "+": "प्लस", "-": "माइनस", "=": "बराबर", "^": "की घात"},
    "mr": {"×": "गुणिले", "÷": "भागिले", "+": "अधिक", "-": "वजा", "=": "बरोबर", "^": "ची घात"},
}
_SIGNS = {"x": "×", "X": "×", "*": "×", "/": "÷", "–": "-", "−": "-", "**": "^"}
# Between digits; "-" and "/" only if they stand alone, so that 5-3 stays a range and 1/2 a fraction.
_GLUED = re.compile(r"(?<=\d)(\*\*|[×xX*÷+=^])(?=\d)")
_ALONE = re.compile(r"\*\*|[×xX*÷+=^/–−-]")
_TOKEN = re.compile(r"\S{1,240}")  # a script without spaces is cut, or one token would be an hour of sound
_DIGITS = re.compile(r"\d")
_EDGES = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A written word, what is spoken for it ("" for nothing), and in which language (None: the request's own)."""

    written: str
    spoken: str
    language: str | None = None


def read_aloud(text: str, request: Mapping[str, Any], dictionaries: Iterable[Mapping[str, str]] = ()) -> list[Spoken]:
    """Return how a request's text is read.

    Args:
        text: What is written.
        request: Its `language`, `number_pronunciation_language`, `math_notation`.
        dictionaries: Spelling of words, later ones winning.
    """
    tokens = [Spoken(word, word) for word in _TOKEN.findall(text)]
    numbers = str(request.get("number_pronunciation_language") or "")
    language = str(request.get("language") or numbers or "en")
    for dictionary in dictionaries:
        tokens = _apply_dictionary(tokens, dictionary)
    if request.get("math_notation"):
        words = _MATH_WORDS.get(numbers or language, _MATH_WORDS["en"])
        tokens = _apply_math(tokens, words)
    if numbers and numbers not in ("auto", language):
        tokens = [replace(t, language=numbers) if _DIGITS.search(t.written) else t for t in tokens]
    return tokens


def group_by_language(tokens: Sequence[Spoken]) -> list[tuple[str | None, int, list[Spoken]]]:
    """Group neighbours of one language: (language, index of the first, tokens)."""
    grouped: list[tuple[str | None, int, list[Spoken]]] = []
    for index, token in enumerate(tokens):
        if not grouped or grouped[-1][0] != token.language:
            grouped.append((token.language, index, []))
        grouped[-1][2].append(token)
    return grouped


def _apply_dictionary(tokens: list[Spoken], dictionary: Mapping[str, str]) -> list[Spoken]:
    out = list(tokens)
    cores = [_strip_marks(t.spoken) for t in out]
    places: dict[str, list[int]] = {}
    for at, core in enumerate(cores):
        places.setdefault(core, []).append(at)
    for entry, pronunciation in dictionary.items():
        wanted = entry.split()
        # Only where the entry's first word stands: entries times words would be millions.
        for at in tuple(places.get(wanted[0], ())) if wanted else ():
            end = at + len(wanted)
            if cores[at:end] != wanted:
                continue
            before, after = out[at].spoken, out[end - 1].spoken
            before, after = before[: before.index(wanted[0])], after[after.rindex(wanted[-1]) + len(wanted[-1]) :]
            spoken = f"{before}{pronunciation}{after}"
            for number, index in enumerate(range(at, end)):
                out[index] = replace(out[index], spoken="" if number else spoken)
                cores[index] = "" if number else _strip_marks(spoken)
            places.setdefault(cores[at], []).append(at)  # a later entry may be for what this one says
    return out


def _strip_marks(spoken: str) -> str:
    """Return a word without the marks around it."""
    match = _EDGES.match(spoken)
    return match.group(2) if match else spoken


def _apply_math(tokens: list[Spoken], words: Mapping[str, str]) -> list[Spoken]:
    def said(sign: str) -> str:
        return words[_SIGNS.get(sign, sign)]

    out = [replace(t, spoken=_GLUED.sub(lambda m: f" {said(m.group(1))} ", t.spoken)) for t in tokens]
    for at in range(1, len(out) - 1):
        numbers = out[at - 1].written[-1:].isdigit() and out[at + 1].written[:1].isdigit()
        if numbers and _ALONE.fullmatch(out[at].written):
            out[at] = replace(out[at], spoken=said(out[at].written))
    return out
