"""Keywords on their way into the recogniser and back.

Each keyword becomes a word of its own in the recogniser's language model. Its boost sets how likely it is; the
recogniser's dictionary pronounces its parts, and espeak-ng those that the dictionary does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from smallest_nb.simulator.hearing.keywords import Keyword, convert_to_arpabet
from smallest_nb.simulator.speech.speech_synthesizer import SpeechSynthesizer
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["KeywordModel"]

_STANDS_FOR = "kw{}kw"
_BASE_WEIGHT, _WEIGHT_PER_BOOST = 5.0, 4.0
# A probability of a quarter: beyond it the recogniser would find nothing else.
_MAX_WEIGHT = 20_000.0


class KeywordModel:
    """The keywords of one session; falsy if there are none.

    Args:
        keywords: What is expected.
        speech: Pronounces words that no dictionary has.
    """

    def __init__(self, keywords: Sequence[Keyword], speech: SpeechSynthesizer) -> None:
        self._keywords = {_STANDS_FOR.format(number): keyword for number, keyword in enumerate(keywords)}
        self._speech = speech

    def __bool__(self) -> bool:
        return bool(self._keywords)

    async def describe(self) -> list[dict[str, Any]]:
        """Return each keyword as the worker loads it: its token, words, pronunciations and weight."""
        entries = []
        for token, keyword in self._keywords.items():
            words = keyword.text.split()
            try:
                phones = [convert_to_arpabet(await self._speech.phonemes(word)) for word in words]
            except EngineError:
                phones = ["" for _ in words]  # then only the recogniser's own dictionary counts
            weight = min(_MAX_WEIGHT, _BASE_WEIGHT * _WEIGHT_PER_BOOST**keyword.boost)
            entries.append({"token": token, "words": words, "phones": phones, "weight": weight})
        return entries

    def restore_text(self, text: str) -> str:
        """Return an interim's text with keywords as they are to be written."""
        return " ".join(self._keywords[w].text if w in self._keywords else w for w in text.split())

    def restore_words(self, words: Sequence[RecognisedWord]) -> list[RecognisedWord]:
        """Return a final's words with keywords as they are to be written; a phrase shares its time by its letters."""
        out: list[RecognisedWord] = []
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
