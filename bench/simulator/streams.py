"""How many streams one server holds: transcriptions and speech in real time, by the test signal and by real hearing.

The load comes from this process, the server is another; both share the machine's cores, and both CPU shares are
reported.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from time import perf_counter, process_time

import psutil
from websockets.exceptions import InvalidStatus

from bench.simulator.clients import CLOSE, FINALIZE, opened, say, stt_path, until
from bench.simulator.figures import Figures
from bench.simulator.paced import CHUNK_SECS, RATE, Clip, Punctuality, listen, speak
from bench.simulator.server import Server
from bench.simulator.texts import EVERYDAY, signal_text

__all__ = ["measure"]

_LATE_SECS = 0.2
_HEARD_LATE_SECS = 1.59
"""Within which 99 of 100 finals of the service come (Pipecat's SMALLEST_TTFS_P99)."""
_HEARD, _SPOKEN = 100, 50
_SPOKEN_WORDS = 12
_CLIPS = 8
_SPREAD_SECS = 1.0
_MOST_HEARING = 40


async def measure(figures: Figures, *, quick: bool) -> None:
    """Hold streams of the test signal in growing numbers, then hear speech until the server refuses."""
    steps = (100,) if quick else (25, 50, 100, 150)
    missed = None
    for percent in steps:
        with Server("signal") as server:
            heard, spoken = _HEARD * percent // 100, _SPOKEN * percent // 100
            late = await _hold(figures, server, heard, spoken, words=26 if quick else 36)
        missed = missed or (f"{heard} STT + {spoken} TTS" if late else None)
    note = (
        f"at {missed}" if missed else f"none up to {_HEARD * steps[-1] // 100} STT + {_SPOKEN * steps[-1] // 100} TTS"
    )
    figures.said("streams, first miss", "signal", note)
    await _hearing(figures, () if quick else (1, 2, 4), EVERYDAY[: 2 if quick else 4])


async def _hold(figures: Figures, server: Server, heard: int, spoken: int, *, words: int) -> int:
    """Hold so many streams at once and return how many answers were late or missing."""
    clips = []
    async with opened(server) as ws:
        for seed in range(_CLIPS):
            text = signal_text(words, seed)
            clips.append(Clip(text, (await say(ws, text, voice_id=("magnus", "sophia")[seed % 2])).pcm))
    longest = max(len(c.pcm) for c in clips) / 2 / RATE
    texts = [signal_text(_SPOKEN_WORDS, 100 + n) for n in range(max(1, round(longest / 5)))]
    seen = Punctuality()
    begin = perf_counter() + 2 + (heard + spoken) / 100  # the sockets are open by then
    tasks = [
        listen(server, clips[n % _CLIPS], begin + n / heard * _SPREAD_SECS, f"sk_{n % 3}", seen) for n in range(heard)
    ] + [speak(server, texts, begin + n / spoken * _SPREAD_SECS, f"sk_{n % 3}", seen) for n in range(spoken)]
    gc.collect()
    gc.freeze()
    running = asyncio.gather(*tasks, return_exceptions=True)
    await until(begin)
    used, own, at = server.cpu(), process_time(), perf_counter()
    psutil.cpu_percent()
    seen.failures = [repr(e) for e in await running if e is not None]
    took, busy = perf_counter() - at, psutil.cpu_percent()
    gc.unfreeze()
    _report(figures, seen, f"{heard} STT + {spoken} TTS")
    case = f"{heard} STT + {spoken} TTS"
    figures.one(
        "streams, cores", f"server, {case}", "cores", (server.cpu() - used) / took, note=f"{longest:.0f} s each"
    )
    figures.one("streams, cores", f"generator, {case}", "cores", (process_time() - own) / took,
                note=f"machine {busy:.0f} % of {os.cpu_count()} cores busy")  # fmt: skip
    late = [v for v in (*seen.finals, *seen.chunks) if v > _LATE_SECS]
    return len(late) + seen.missing + len(seen.failures)


def _report(figures: Figures, seen: Punctuality, case: str) -> None:
    target = 1000 * _LATE_SECS
    for metric, values, most in (
        ("late, finals", seen.finals, target),
        ("late, chunks", seen.chunks, target),
        ("first chunk, many streams", seen.firsts, None),
        ("late, the generator", seen.own, None),
    ):
        note = f"{sum(v > _LATE_SECS for v in values)} over 200 ms"
        figures.add(metric, case, "ms", [1000 * v for v in values], target=most, note=note)
    lost = seen.missing + seen.wrong + len(seen.failures)
    summary = f"{seen.missing} finals missing, {seen.wrong} streams wrong, {len(seen.failures)} failed"
    figures.one(
        "streams, faults", case, "streams", lost, target=0, note=summary + "".join(f"; {f}" for f in seen.failures[:2])
    )


async def _hearing(figures: Figures, steps: tuple[int, ...], texts: tuple[str, ...]) -> None:
    """Transcribe real speech: few streams, then as many as the server takes."""
    with Server("speech") as server:
        async with opened(server) as ws:
            clips = [(await say(ws, text)).pcm for text in texts]
        pcm = (bytes(RATE // 2)).join(clips)
        for wanted in (*steps, _MOST_HEARING):
            async with contextlib.AsyncExitStack() as stack:
                sockets, refused = [], ""
                while len(sockets) < wanted and not refused:
                    try:
                        sockets.append(await stack.enter_async_context(opened(server, stt_path(RATE))))
                    except InvalidStatus as error:
                        refused = f"HTTP {error.response.status_code}"
                if refused:
                    figures.one("hearing, accepted", "speech", "streams", len(sockets), note=f"the next got {refused}")
                await asyncio.sleep(3)  # their recognisers are loaded by then
                used, at = server.cpu(), perf_counter()
                waits = await asyncio.gather(*(_heard(ws, pcm, n / len(sockets)) for n, ws in enumerate(sockets)))
                cores = (server.cpu() - used) / (perf_counter() - at)
            late = sum(w > _HEARD_LATE_SECS for w in waits)
            note = f"{late} over {_HEARD_LATE_SECS:g} s; server {cores:.2f} cores"
            figures.add("hearing, final late", f"{len(waits)} at once", "s", waits, target=_HEARD_LATE_SECS, note=note)


async def _heard(ws, pcm: bytes, spread: float) -> float:  # noqa: ANN001 - a socket
    """Send in real time; return how long after the last chunk was due the last final came."""
    step = int(RATE * CHUNK_SECS) * 2
    begin = perf_counter() + spread

    async def send() -> None:
        for number, at in enumerate(range(0, len(pcm), step), 1):
            await until(begin + number * CHUNK_SECS)
            await ws.send(pcm[at : at + step])
        await ws.send(FINALIZE)

    sender = asyncio.create_task(send())
    async with asyncio.timeout(120):
        async for message in ws:
            if '"from_finalize": true' in message:
                break
    late = perf_counter() - begin - len(pcm) / 2 / RATE
    await sender
    await ws.send(CLOSE)
    return late
