"""Streams synthesized speech out of the workers of espeak-ng and of a Piper voice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from smallest_nb.common.text import speakable_text
from smallest_nb.simulator.speech.piper_voice import PiperVoice
from smallest_nb.simulator.speech.spoken_line import SpokenLine, SpokenWord
from smallest_nb.simulator.speech.synthesizer import Delivery
from smallest_nb.simulator.speech.timbre import prosody
from smallest_nb.simulator.text.reading import Spoken, group_by_language
from smallest_nb.simulator.workers import framing
from smallest_nb.simulator.workers.worker import EngineError, WorkerPool

__all__ = ["SpeechSynthesizer", "split_tokens"]

_SEGMENT_CHARACTERS = 240
_ENGINE_RATE = 22050
_ANSWER_SECS = 30.0
_VOLUMES = (0.6, 0.8, 1.0)
_SENTENCE_ENDS = (".", "?", "!", "…", "।", "。")


def split_tokens(tokens: Sequence[Spoken]) -> list[list[Spoken]]:
    """Cut a text that is longer than what is spoken at once: after a sentence, else between words."""
    cut: list[list[Spoken]] = []
    held: list[Spoken] = []
    for token in tokens:
        if held and sum(len(t.spoken) + 1 for t in held) + len(token.spoken) > _SEGMENT_CHARACTERS:
            ends = [i for i, t in enumerate(held, 1) if t.written.rstrip("\"')]").endswith(_SENTENCE_ENDS)]
            at = ends[-1] if ends else len(held)
            cut.append(held[:at])
            held = held[at:]
        held.append(token)
    return [*cut, held] if held else cut


class SpeechSynthesizer:
    """Speaks texts; at most `workers` segments at once with each engine.

    A worker is held only while it synthesizes (a few milliseconds a second of sound), never while a client receives.

    Args:
        workers: Processes of each engine.
        voice: A Piper voice for texts of its language; espeak-ng speaks the others.
    """

    def __init__(self, workers: int = 2, voice: PiperVoice | None = None) -> None:
        self._pool = WorkerPool("synthesizer_worker.py", workers)
        self._voice = voice
        self._piper = WorkerPool("piper_worker.py", workers, str(voice.path)) if voice is not None else None
        self._pumps: set[asyncio.Task[None]] = set()

    async def speak(
        self, tokens: Sequence[Spoken], sample_rate: int, delivery: Delivery
    ) -> AsyncGenerator[bytes | SpokenWord, None]:
        """Yield PCM16 at `sample_rate` as it is made, and each word once its end is known.

        Raises:
            EngineError: The engine is missing or does not speak the language.
        """
        line = SpokenLine(sample_rate)
        first = 0
        for segment in split_tokens(tokens):
            parts = group_by_language(segment)
            for number, (language, offset, part) in enumerate(parts, 1):
                line.begin(part, first + offset, goes_on=number < len(parts))
                async with contextlib.aclosing(self._say(part, delivery, language)) as pieces:
                    async for kind, payload in pieces:
                        for made in line.take(kind, payload):
                            yield made
                for made in line.end():
                    yield made
            first += len(segment)
        if tail := line.tail():
            yield tail

    async def phonemes(self, text: str) -> str:
        """Return how English espeak-ng says a text, in IPA with spaces between phonemes."""
        job = {"ipa": speakable_text(text), **prosody("sophia", "en")}
        async with contextlib.aclosing(self._synthesize(self._pool, job)) as pieces:
            async for kind, payload in pieces:
                if kind == b"I":
                    return payload.decode()
        return ""

    async def start(self) -> None:
        """Load the Piper voice, if there is one.

        Raises:
            EngineError: It cannot speak, and what to do.
        """
        if self._piper is not None:
            self._piper.give_back(await self._piper.take(), healthy=True)

    async def warm(self) -> None:
        """Load an engine before it is needed; a missing one is reported with the first request."""
        with contextlib.suppress(EngineError):
            # The engine's own rate: a process that is forked meanwhile inherits no resampler, which nanobind would
            # report at that process's end.
            async for _ in self.speak([Spoken("a", "a")], _ENGINE_RATE, Delivery("sophia")):
                pass

    async def close(self) -> None:
        """End the workers."""
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self._pool.close()
        if self._piper is not None:
            await self._piper.close()

    def _say(
        self, tokens: Sequence[Spoken], delivery: Delivery, language: str | None
    ) -> AsyncGenerator[tuple[bytes, bytes], None]:
        voice, pool = self._voice, self._piper
        if voice is not None and pool is not None and voice.speaks(language or delivery.language):
            return self._synthesize(pool, _piper_job(tokens, delivery, voice))
        return self._synthesize(self._pool, _job(tokens, delivery, language))

    async def _synthesize(self, pool: WorkerPool, job: dict[str, Any]) -> AsyncGenerator[tuple[bytes, bytes], None]:
        # Holds one segment at most, a minute of the slowest speech; a client that leaves does not disturb the engine.
        made: asyncio.Queue[tuple[bytes, bytes] | EngineError | None] = asyncio.Queue()
        pump = asyncio.create_task(self._pump(pool, job, made))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        while (piece := await made.get()) is not None:
            if isinstance(piece, EngineError):
                raise piece
            yield piece

    async def _pump(
        self, pool: WorkerPool, job: dict[str, Any], made: asyncio.Queue[tuple[bytes, bytes] | EngineError | None]
    ) -> None:
        try:
            worker = await pool.take()
        except EngineError as error:
            made.put_nowait(error)
            return
        healthy = False
        try:
            made.put_nowait((b"R", str(round(int(worker.hello["sample_rate"]) * job["tract"])).encode()))
            await worker.send(framing.pack_json(b"S", job))
            while True:
                async with asyncio.timeout(_ANSWER_SECS):
                    kind, payload = await worker.receive()
                if kind in (b"E", b"X"):
                    break
                made.put_nowait((kind, payload))
            healthy = True
            made.put_nowait(EngineError(payload.decode()) if kind == b"X" else None)
        except TimeoutError:
            made.put_nowait(EngineError(f"the engine was silent for {_ANSWER_SECS:g} s"))
        except EngineError as error:
            made.put_nowait(error)
        finally:
            pool.give_back(worker, healthy=healthy)


def _job(tokens: Sequence[Spoken], delivery: Delivery, language: str | None) -> dict[str, Any]:
    how = prosody(
        delivery.voice,
        language or delivery.language,
        speed=delivery.speed,
        consistency=delivery.consistency,
        similarity=delivery.similarity,
        enhancement=delivery.enhancement,
    )
    return {"text": " ".join(t.spoken for t in tokens if t.spoken), **how}


def _piper_job(tokens: Sequence[Spoken], delivery: Delivery, voice: PiperVoice) -> dict[str, Any]:
    return {
        "text": " ".join(t.spoken for t in tokens if t.spoken),
        "speed": delivery.speed,
        "variation": 2 * (1 - delivery.consistency),  # 1 is as the voice was trained
        "volume": _VOLUMES[delivery.enhancement],
        "speaker": voice.choose_speaker(delivery.voice),
        "tract": 1.0,
    }
