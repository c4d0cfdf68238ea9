"""Decodes segments with pocketsphinx, which takes sound as it comes, in a process of the session's own.

English only. Word errors of everyday sentences: 14 % in the voice magnus, 23 to 48 % in others; 25 to 33 % on people.
Keywords are written where something was recognised that sounds the same.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from smallest_nb.simulator.hearing.decoder import Hypothesis
from smallest_nb.simulator.hearing.keyword_replacer import KeywordReplacer
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.workers import framing
from smallest_nb.simulator.workers.worker import EngineError, Worker, WorkerPool

__all__ = ["PocketsphinxDecoder"]

_ANSWER_SECS = 30.0


class PocketsphinxDecoder:
    """Decodes one session's segments.

    Args:
        pool: Where its worker comes from.
        keywords: What is to be expected.
    """

    def __init__(self, pool: WorkerPool, keywords: KeywordReplacer) -> None:
        self._pool = pool
        self._keywords = keywords
        self._worker: Worker | None = None
        self._waiting_for_answer = False

    async def start(self) -> None:
        """Borrow a worker.

        Raises:
            EngineError: pocketsphinx is not installed.
        """
        self._worker = await self._pool.take()

    async def add(self, pcm: bytes, *, quiet: int) -> None:  # noqa: ARG002 - the engine finds out
        """Take a piece of the segment."""
        await self._exchange(b"A", pcm)

    async def guess(self) -> Hypothesis | None:
        """Return the words so far."""
        words: list[str] = json.loads(await self._exchange(b"H", reply=b"P"))["text"].split()
        words = await self._keywords.replace_certain(words) if self._keywords else words
        return Hypothesis(words, max(0, len(words) - 1))

    async def finish(self) -> list[RecognisedWord]:
        """End the segment and return its words, in seconds from its beginning."""
        found: dict[str, Any] = json.loads(await self._exchange(b"F", reply=b"F"))
        return await self._keywords.replace_timed([RecognisedWord(*word) for word in found["words"]])

    async def close(self) -> None:
        """Return the worker."""
        worker = self._worker
        if worker is None:
            return
        healthy = not self._waiting_for_answer
        try:
            await self._exchange(b"Z")
        except EngineError:
            healthy = False
        finally:
            self._worker = None
            self._pool.give_back(worker, healthy=healthy)

    async def _exchange(self, kind: bytes, payload: bytes = b"", *, reply: bytes | None = None) -> bytes:
        if self._worker is None:
            raise EngineError("the recogniser has not been started")
        await self._worker.send(framing.pack(kind, payload))
        if reply is None:
            return b""
        self._waiting_for_answer = True  # stays so when this is cancelled: the answer would reach the next session
        try:
            async with asyncio.timeout(_ANSWER_SECS):
                got, answer = await self._worker.receive()
        except TimeoutError:
            raise EngineError(f"the recogniser was silent for {_ANSWER_SECS:g} s") from None
        self._waiting_for_answer = False
        if got != reply:
            raise EngineError(answer.decode(errors="replace"))
        return answer
