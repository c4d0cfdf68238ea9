"""The misbehaving server's speech to text: it reads each 0.2 s of audio as the word that they carry."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

from bench.faults.sound import BLOCKS_PER_CHUNK, BLOCKS_PER_WORD, HEARD_RATE, BlockReader, word_of
from bench.faults.wire import Wire

_ENOUGH = BLOCKS_PER_WORD // 2 + 1
"""A word is understood by more than half of it: a cut in its very middle would else leave two halves that are enough
each, the one on the lost connection and the one on the next."""


class Listening:
    """One STT connection.

    Args:
        wire: The connection.
        query: The part of its URL behind the question mark.
    """

    def __init__(self, wire: Wire, query: str) -> None:
        self._wire = wire
        self._plan = wire.state.plan
        self._timed = parse_qs(query).get("word_timestamps") == ["true"]
        self._reader = BlockReader()
        wire.record.runs = self._reader.runs
        self._blocks = self._interims = self._finals = self._idle = 0
        self._group = -1
        self._group_blocks = 0
        self._group_start = 0.0
        self._understood = -1
        self._words: list[tuple[str, float, float]] = []
        self._first_final = ""

    async def run(self) -> None:
        """Serve until the client closes the stream."""
        listening = True
        while listening:
            try:
                async with asyncio.timeout(self._plan.endpointing_s if self._is_pending else None):
                    frame = await self._wire.receive()
            except TimeoutError:
                await self._endpoint()
                continue
            if isinstance(frame, bytes):
                await self._hear(frame)
            else:
                listening = await self._obey(json.loads(frame).get("type"))

    @property
    def _is_pending(self) -> bool:
        return self._idle < self._blocks

    async def _endpoint(self) -> None:
        await self._finish_word()
        if self._words:
            await self._final()
        self._idle = self._blocks
        await self._wire.at("idle", self._finals)

    async def _obey(self, order: str | None) -> bool:
        if order == "keepalive":
            await self._wire.send('{"type": "pong"}')
        elif order == "finalize":
            await self._finish_word()
            await self._wire.at("finalize", self._finals)
            await self._final(from_finalize=True)
        elif order == "close_stream":
            await self._finish_word()
            await self._wire.at("closing", self._finals)
            await self._final(is_last=True)
            return self._wire.mute
        return True

    async def _hear(self, pcm: bytes) -> None:
        self._wire.record.used = True
        await self._wire.at("audio", self._blocks // BLOCKS_PER_CHUNK)
        for block in self._reader.feed(pcm):
            self._blocks += 1
            group = block // BLOCKS_PER_WORD
            if group != self._group:
                await self._finish_word()
                self._group, self._group_blocks = group, 0
                self._group_start = (self._reader.samples - HEARD_RATE // 800) / HEARD_RATE
            self._group_blocks += 1
            if block % BLOCKS_PER_WORD == BLOCKS_PER_WORD - 1:
                await self._finish_word()

    async def _finish_word(self) -> None:
        # A pause in the middle of a word, which a busy client makes too, leaves two halves, each of them enough.
        if self._group_blocks < _ENOUGH or self._group == self._understood:
            return
        self._understood = self._group
        self._words.append((word_of(self._group), self._group_start, self._reader.samples / HEARD_RATE))
        if len(self._words) >= self._plan.words_per_final:
            await self._final()
            return
        await self._wire.send(self._result(final=False))
        self._interims += 1
        if await self._wire.at("interim", self._interims) == "mishear":
            self._words.pop()

    async def _final(self, **more: Any) -> None:
        if not self._wire.mute and not self._wire.state.ledger.is_over:
            self._wire.state.ledger.finals.extend(word for word, _, _ in self._words)
        frame = self._result(final=True, **more)
        await self._wire.send(frame)
        self._first_final = self._first_final or frame
        interim, self._words = self._result(final=False), []
        self._finals += 1
        match await self._wire.at("final", self._finals):
            case "repeat":
                await self._wire.send(frame)
            case "first_again":
                await self._wire.send(self._first_final)
            case "late_interim":
                await self._wire.send(interim)

    def _result(self, *, final: bool, **more: Any) -> str:
        text = " ".join(word for word, _, _ in self._words)
        result = {"type": "transcription", "status": "success", "session_id": "ws_fault", "new": {"a": [1]}}
        result |= {"transcript": text, "is_final": final, "is_last": False, **more}
        if final and self._timed:
            result["words"] = [{"word": w, "start": round(s, 3), "end": round(e, 3)} for w, s, e in self._words]
        return json.dumps(result)
