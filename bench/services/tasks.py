"""What is measured inside a client's process, the same for every client.

CPU is the process's, of all threads, taken in the middle of a steady stream: opening and closing are not in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter
from typing import Any

from bench.clients.interface import Adapter, Ear, Voice
from bench.services.stamps import HEARD_CHUNK, HEARD_CHUNK_S, SPEECH_CHUNK_S, STAMP, HeardStamp, SpeechReader, mark

VOICES = ("sophia", "liam")
_SETTLE_S = 0.7
_WARM_UPS = 2
_CLOSE_S = 10.0
_HEARD_BEFORE_INTERRUPTION = 6
_KEY = "sk_bench"

Task = Callable[..., Awaitable[dict[str, Any]]]


@asynccontextmanager
async def _speaking(adapter: Adapter, url: str) -> AsyncIterator[Voice]:
    voice = await adapter.voice(url, _KEY, adapter.tts | {adapter.voice_setting: VOICES[0]})
    try:
        await voice.connect()
        yield voice
    finally:
        await _close(voice)


@asynccontextmanager
async def _listening(adapter: Adapter, url: str, heard: Callable[[str], None]) -> AsyncIterator[Ear]:
    ear = await adapter.ear(url, _KEY, adapter.stt)
    reading = asyncio.create_task(ear.read(lambda text, _is_final, _result: heard(text)))
    try:
        yield ear
    finally:
        await _close(ear)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _close(session: Voice | Ear) -> None:
    with contextlib.suppress(TimeoutError):  # a client that is still busy with its backlog ends with its process
        async with asyncio.timeout(_CLOSE_S):
            await session.close()


async def speak(adapter: Adapter, url: str, *, times: int, budget_s: float) -> dict[str, Any]:
    """Speak short texts one after another on one session, after a warm-up."""
    first, done = [], []
    async with _speaking(adapter, url) as voice:
        for number in range(_WARM_UPS):
            await voice.say(f"This is warm-up number {number}.", SpeechReader())
        until = perf_counter() + budget_s
        for number in range(times):
            reader = SpeechReader()
            await voice.say(f"This is sentence number {number}.", reader)
            done.append(perf_counter())
            stamp, at = reader.stamps[0]
            first.append(at - stamp.sent)
            if done[-1] > until:
                break
    return {"first": first, "done": done}


async def drain(adapter: Adapter, url: str, *, audio_s: float) -> dict[str, Any]:
    """Take one long utterance as fast as the server makes it."""
    size = 0

    def take(pcm: bytes) -> None:
        nonlocal size
        size += len(pcm)

    async with _speaking(adapter, url) as voice:
        cpu = time.process_time()
        await voice.say("A very long story.", take)
        cpu = time.process_time() - cpu
    return {"audio_s_per_cpu_s": audio_s / cpu, "bytes": size}


async def speak_many(adapter: Adapter, url: str, *, streams: int, window_s: float) -> dict[str, Any]:
    """Listen to many utterances in real time; they do not begin at the same moment, as in life they would not."""
    size = 0

    def take(pcm: bytes) -> None:
        nonlocal size
        size += len(pcm)

    async def say(voice: Voice, wait: float) -> None:
        await asyncio.sleep(wait)
        await voice.say("A story in real time.", take)

    async with contextlib.AsyncExitStack() as stack:
        voices = [await stack.enter_async_context(_speaking(adapter, url)) for _ in range(streams)]
        speaking = [asyncio.create_task(say(v, at * SPEECH_CHUNK_S / streams)) for at, v in enumerate(voices)]
        await asyncio.sleep(_SETTLE_S)
        cpu, begin, before = time.process_time(), perf_counter(), size
        await asyncio.sleep(window_s)
        cpu, took, got = time.process_time() - cpu, perf_counter() - begin, size - before
        await asyncio.gather(*speaking)
    return {"cpu_per_stream": cpu / took / streams, "bytes_per_s": got / took / streams}


async def hear_many(adapter: Adapter, url: str, *, streams: int, window_s: float) -> dict[str, Any]:
    """Push 20 ms chunks in real time on many sessions, spread over the 20 ms."""
    results: list[tuple[str, float]] = []
    body = bytes(range(256)) * 3

    def heard(text: str) -> None:
        results.append((text, perf_counter()))

    async def push(ear: Ear, begin: float, end: float) -> None:
        number = 0
        while (due := begin + number * HEARD_CHUNK_S) < end:
            await asyncio.sleep(max(0.0, due - perf_counter()))
            if perf_counter() > end + 1.0:
                return  # hopelessly behind: what was not pushed counts as late
            await ear.push(HeardStamp(number, due, perf_counter()).pack() + body[: HEARD_CHUNK - STAMP])
            number += 1

    async with contextlib.AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(_listening(adapter, url, heard)) for _ in range(streams)]
        begin = perf_counter() + 0.1
        end = begin + _SETTLE_S + window_s
        pushing = [
            asyncio.create_task(push(ear, begin + at * HEARD_CHUNK_S / streams, end + 0.1))
            for at, ear in enumerate(ears)
        ]
        await asyncio.sleep(begin + _SETTLE_S - perf_counter())
        cpu, since = time.process_time(), perf_counter()
        await asyncio.sleep(max(0.0, end - perf_counter()))
        cpu, until = time.process_time() - cpu, perf_counter()
        await asyncio.gather(*pushing)
        await asyncio.sleep(0.3)
    down = [at - sent for text, at in results if since <= (sent := float(text.split(" ", 1)[0])) < until]
    return {"cpu_per_stream": cpu / (until - since) / streams, "down": down, "begin": since, "end": until}


async def change_voice(adapter: Adapter, url: str, *, times: int, budget_s: float) -> dict[str, Any]:
    """Change the voice between two requests."""
    samples = []
    async with _speaking(adapter, url) as voice:
        await voice.say("Before the change.", SpeechReader())
        until = perf_counter() + budget_s
        for number in range(times):
            wanted, reader = VOICES[(number + 1) % 2], SpeechReader()
            begin = perf_counter()
            await voice.update({adapter.voice_setting: wanted})
            await voice.say("After the change.", reader)
            stamp, at = next((s, at) for s, at in reader.stamps if s.voice == mark(wanted))
            samples.append(at - begin - (stamp.sent - stamp.asked))
            if perf_counter() > until:
                break
    return {"samples": samples}


async def interrupt(adapter: Adapter, url: str, *, times: int) -> dict[str, Any]:
    """Cut an utterance off after half a second of it and speak again at once."""
    samples = []
    async with _speaking(adapter, url) as voice:
        reader, speaking = _begin(voice, "Sentence number 0.")
        try:
            for number in range(1, times + 1):
                await _until(partial(_sounds, reader))
                old, text = speaking, f"Sentence number {number}."
                begin = perf_counter()
                await voice.interrupt()
                reader, speaking = _begin(voice, text)
                samples.append(await _until(partial(_heard_at, reader, text)) - begin)
                await old
            await voice.interrupt()
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
    return {"samples": samples}


def _begin(voice: Voice, text: str) -> tuple[SpeechReader, asyncio.Task[None]]:
    reader = SpeechReader()
    return reader, asyncio.create_task(voice.say(text, reader))


def _sounds(reader: SpeechReader) -> float | None:
    return reader.stamps[-1][1] if len(reader.stamps) >= _HEARD_BEFORE_INTERRUPTION else None


def _heard_at(reader: SpeechReader, text: str) -> float | None:
    return next((at for stamp, at in reader.stamps if stamp.text == mark(text)), None)


async def _until(reached: Callable[[], float | None], limit: float = 8.0) -> float:
    # Polling is exact enough here: the reader notes by itself when a stamp came.
    async with asyncio.timeout(limit):
        while (at := reached()) is None:
            await asyncio.sleep(0.005)
    return at


TASKS: dict[str, Task] = {
    "speak": speak,
    "drain": drain,
    "speak_many": speak_many,
    "hear_many": hear_many,
    "change_voice": change_voice,
    "interrupt": interrupt,
}
