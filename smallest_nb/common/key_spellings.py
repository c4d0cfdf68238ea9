r"""Finds an API key in a text however it is spelled, and puts `***` in its place.

A service that repeats a key, a URL that was logged, or an answer in JSON may spell it with escapes (`\u0073k_...`,
`\/`), percent signs, HTML entities, base64 or hexadecimal digits. All of these are undone, several layers deep, before
the key is looked for, and what stands in the original text is replaced.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

__all__ = ["MIN_HIDDEN", "KeySpellings"]

MIN_HIDDEN = 8
"""Characters; anything shorter is no key, and may be a part of what people say."""
_LAYERS = 4
"""How many encodings inside each other are undone, such as JSON in a JSON string in a URL."""
_ESCAPE = re.compile(
    r"\\+u(d[89ab][0-9a-f]{2})\\+u(d[c-f][0-9a-f]{2})|\\+u([0-9a-f]{4})|\\+x([0-9a-f]{2})|\\+([\"'\\/])"
    r"|%([0-9a-f]{2})|&#x([0-9a-f]{1,6});|&#([0-9]{1,7});",
    re.IGNORECASE,
)


def _has_mark(text: str) -> bool:
    """Whether there may be an escape to undo."""
    return "\\" in text or "%" in text or "&#" in text


class KeySpellings:
    """One key, in every spelling that is looked for.

    Args:
        key: The key; shorter ones than eight characters are never found.
    """

    __slots__ = ("_folded", "_forms", "_key", "_pattern")

    def __init__(self, key: str) -> None:
        self._key = key
        # A service may cut what it repeats (a close reason holds 123 bytes), so the first half counts as the key.
        beginning = key[: max(MIN_HIDDEN, (len(key) + 1) // 2)]
        forms = [beginning, *_encodings_of(key.encode("utf-8", "surrogatepass"))] if len(key) >= MIN_HIDDEN else []
        self._folded = [form.lower() for form in forms]
        self._forms = forms
        self._pattern: re.Pattern[str] | None = None

    def hide(self, text: str) -> str:
        """Return a text with `***` in place of the key; the same text if the key is not in it."""
        if not self._forms:
            return text
        folded = text.lower()
        for form in self._folded:  # every frame of audio comes here: no generators
            if form in folded:
                break
        else:
            if not _has_mark(text) or not any(map(self._is_in, _layers(text))):
                return text
        parts: list[str] = []
        at = 0
        for start, end in _merge_spans(self._spans(text)):
            parts += [text[at:start], "***"]
            at = end
        return "".join([*parts, text[at:]]) if parts else text

    def _is_in(self, text: str) -> bool:
        folded = text.lower()
        return any(form in folded for form in self._folded)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the spans of the key in the text as it is written, layer by layer."""
        layer, places = text, None
        for _ in range(_LAYERS + 1):
            if self._is_in(layer):
                for start, end in self._find_in_layer(layer):
                    yield (start, end) if places is None else (places[start][0], places[end - 1][1])
            if not _has_mark(layer):
                return
            layer, places = _undo_escapes(layer, places)

    def _find_in_layer(self, layer: str) -> Iterator[tuple[int, int]]:
        if self._pattern is None:
            self._pattern = re.compile("|".join(map(re.escape, self._forms)), re.IGNORECASE)
        for match in self._pattern.finditer(layer):
            start, end = match.span()
            length = end - start
            if layer[start:end].lower() == self._folded[0]:  # as much of the rest as is there
                while length < len(self._key) and layer[start + length : start + length + 1].lower() == (
                    self._key[length].lower()
                ):
                    length += 1
            yield start, start + length


def _encodings_of(key: bytes) -> list[str]:
    """Return a key in base64, at each of the three offsets at which it may begin, and in hexadecimal digits."""
    forms = [key.hex()]
    for offset in range(3):
        code = base64.b64encode(bytes(offset) + key).decode()
        # Characters that hold bits of the neighbours, or the padding, are not the key's own.
        own = code[(offset * 8 + 5) // 6 : (offset + len(key)) * 8 // 6]
        forms += [own, own.translate(str.maketrans("+/", "-_"))]
    return list(dict.fromkeys(forms))


def _undo_escapes(text: str, places: list[tuple[int, int]] | None) -> tuple[str, list[tuple[int, int]]]:
    """Undo one layer of escapes; return the text and the span of each character in the original text."""
    if places is None:
        places = [(n, n + 1) for n in range(len(text))]
    parts: list[str] = []
    kept: list[tuple[int, int]] = []
    at = 0
    for match in _ESCAPE.finditer(text):
        start, end = match.span()
        parts += [text[at:start], _decode_escape(match)]
        kept += places[at:start]
        kept.append((places[start][0], places[end - 1][1]))
        at = end
    return "".join([*parts, text[at:]]), [*kept, *places[at:]]


def _decode_escape(match: re.Match[str]) -> str:
    high, low, unicode, latin, itself, percent, hexadecimal, decimal = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if itself:
        return itself
    code = int(decimal) if decimal else int(unicode or latin or percent or hexadecimal, 16)
    return chr(code) if code < 0x110000 else "\ufffd"


def _layers(text: str) -> Iterator[str]:
    """Yield a text, and what is left of it as one layer of escapes after the other is undone."""
    yield text
    for _ in range(_LAYERS):
        if not _has_mark(text):
            return
        former, text = text, _ESCAPE.sub(_decode_escape, text)
        if text == former:
            return
        yield text


def _merge_spans(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
