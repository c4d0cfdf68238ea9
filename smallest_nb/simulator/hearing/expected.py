"""Keywords on their way into the recogniser and back. Imports keywords, speech, words.

Each keyword becomes a word of its own in the recogniser's language model, as likely as its boost says, said as the
recogniser's dictionary says its parts or, where it does not know them, as espeak-ng would say them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from smallest_nb.simulator.hearing.keywords import Keyword, arpabet
from smallest_nb.simulator.speech.speech import Speech
from smallest_nb.simulator.text.words import HeardWord
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["Expected"]

_STANDS_FOR = "kw{}kw"
_BASE_WEIGHT, _WEIGHT_PER_BOOST = 5.0, 4.0
# A probability of a quarter: beyond it the recogniser would hear nothing else.
_MAX_WEIGHT = 20_000.0


class Expected:
    """The keywords of one session; falsy where there are none.

    Args:
        keywords: What is expected.
        speech: Says unknown words.
    """

    def __init__(self, keywords: Sequence[Keyword], speech: Speech) -> None:
        self._keywords = {_STANDS_FOR.format(number): keyword for number, keyword in enumerate(keywords)}
        self._speech = speech

    def __bool__(self) -> bool:
        return bool(self._keywords)

    async def for_the_ear(self) -> list[dict[str, Any]]:
        """Return what the worker is told of each keyword: its token, its words, how they are said, its weight."""
        told = []
        for token, keyword in self._keywords.items():
            words = keyword.text.split()
            try:
                phones = [arpabet(await self._speech.phonemes(word)) for word in words]
            except EngineError:
                phones = ["" for _ in words]  # then only the recogniser's own dictionary counts
            weight = min(_MAX_WEIGHT, _BASE_WEIGHT * _WEIGHT_PER_BOOST**keyword.boost)
            told.append({"token": token, "words": words, "phones": phones, "weight": weight})
        return told

    def written(self, text: str) -> str:
        """Return an interim's text with keywords as they are to be written."""
        return " ".join(self._keywords[w].text if w in self._keywords else w for w in text.split())

    def spelled(self, words: Sequence[HeardWord]) -> list[HeardWord]:
        """Return a final's words with keywords as they are to be written; a phrase shares its time by its letters."""
        out: list[HeardWord] = []
        for word in words:
            keyword = self._keywords.get(word.text)
            parts = keyword.text.split() if keyword is not None else [word.text]
            total, at = sum(map(len, parts)), word.start
            for part in parts:
                end = round(at + (word.end - word.start) * len(part) / total, 3)
                out.append(replace(word, text=part, start=at, end=end))
                at = end
            out[-1] = replace(out[-1], end=word.end)
        return out
