"""Keywords that the recogniser is to expect: the query's list, and how a word is said."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = ["Keyword", "convert_to_arpabet", "parse_keywords"]

_CAP = 100
"""Keywords that count (documentation repository, commit 04e2e661)."""
_MAX_BOOST = 20.0
_STRESS = re.compile(r"[ˈˌː̩ʲ͡ˑ]")
_PHONES = {
    "tʃ": "CH", "dʒ": "JH", "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "ɔɪ": "OY", "iə": "IY AH",
    "b": "B", "d": "D", "f": "F", "g": "G", "ɡ": "G", "h": "HH", "j": "Y", "k": "K", "l": "L", "m": "M", "n": "N",
    "ŋ": "NG", "p": "P", "r": "R", "ɹ": "R", "s": "S", "ʃ": "SH", "t": "T", "ɾ": "D", "ʔ": "T", "θ": "TH", "ð": "DH",
    "v": "V", "w": "W", "x": "K", "z": "Z", "ʒ": "ZH",
    "æ": "AE", "a": "AA", "ɑ": "AA", "ɐ": "AH", "ʌ": "AH", "ə": "AH", "ɚ": "ER", "ɜ": "ER", "ɛ": "EH", "e": "EH",
    "ɪ": "IH", "ᵻ": "IH", "i": "IY", "ɔ": "AO", "o": "AO", "ʊ": "UH", "u": "UW",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or phrase as it is to be written, and how much it is to be expected (1 is normal, 20 the most)."""

    text: str
    boost: float = 1.0


def parse_keywords(text: str) -> tuple[Keyword, ...]:
    """Read `word:boost,phrase two:2`; what is no number is part of the word, entries past the hundredth are dropped."""
    found: list[Keyword] = []
    for entry in text.split(","):
        phrase, _, weight = entry.strip().rpartition(":")
        try:
            boost = float(weight)
        except ValueError:
            phrase, boost = entry.strip(), 1.0
        if not math.isfinite(boost):
            boost = 1.0
        if phrase.strip():
            found.append(Keyword(" ".join(phrase.split()), min(max(boost, 0.0), _MAX_BOOST)))
    return tuple(found[:_CAP])


def convert_to_arpabet(ipa: str) -> str:
    """Return phonemes of American English in the recogniser's alphabet; `ipa` has spaces between phonemes."""
    phones: list[str] = []
    for phoneme in _STRESS.sub("", ipa).split():
        at = 0
        while at < len(phoneme):
            size = 2 if phoneme[at : at + 2] in _PHONES else 1
            if phoneme[at : at + size] in _PHONES:
                phones.append(_PHONES[phoneme[at : at + size]])
            at += size
    return " ".join(phones)
