"""How words are said, in the phones of the aligner's dictionary; espeak-ng says those that it does not have."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from smallest_nb.simulator.hearing.keywords import convert_to_arpabet
from smallest_nb.simulator.speech.speech_synthesizer import SpeechSynthesizer
from smallest_nb.simulator.workers.shared_worker import Exchange, SharedWorker
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["Pronunciations"]

_MOST_KEPT = 20_000


class Pronunciations:
    """Looks words up once.

    Args:
        worker: Has the dictionary; None where espeak-ng says them all.
        speech: Pronounces the others.
    """

    def __init__(self, worker: SharedWorker | None, speech: SpeechSynthesizer) -> None:
        self._worker = worker
        self._speech = speech
        self._kept: OrderedDict[str, tuple[str, bool]] = OrderedDict()

    async def find(self, words: Iterable[str]) -> dict[str, tuple[str, bool]]:
        """Return each word's phones, empty if they are unknown, and whether the dictionary has the word.

        Args:
            words: In lower case, one word each.

        Raises:
            EngineError: There is no worker.
        """
        wanted = list(dict.fromkeys(words))
        missing = [w for w in wanted if w not in self._kept]
        found: dict[str, tuple[str, bool]] = {w: self._kept[w] for w in wanted if w in self._kept}
        if missing:
            known = await self._look_up(missing)
            guessed = await asyncio.gather(*(self._guess(w) for w in missing if not known[w]))
            guesses = iter(guessed)
            for word in missing:
                found[word] = (known[word], True) if known[word] else (next(guesses), False)
                self._kept[word] = found[word]
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    async def _look_up(self, words: list[str]) -> dict[str, str]:
        if self._worker is None:
            return dict.fromkeys(words, "")

        async def ask(worker: Exchange) -> dict[str, str]:
            known: dict[str, str] = await worker.ask(b"P", words)
            return known

        return await self._worker.use(ask)

    async def _guess(self, word: str) -> str:
        try:
            return convert_to_arpabet(await self._speech.phonemes(word))
        except EngineError:
            return ""
