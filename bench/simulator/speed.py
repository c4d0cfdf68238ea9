"""What a second of sound costs, spoken and heard, by both engines: CPU of the server's whole process tree, and time.

Speech is asked for without pace, so wall time is how fast it is made and sent. Hearing is measured twice: sent as fast
as it is taken for the cost, and in real time with `finalize` right after the last word for how long a final takes.
"""

from __future__ import annotations

from time import perf_counter

from bench.simulator.clients import hear, opened, say
from bench.simulator.figures import Figures
from bench.simulator.server import Server
from bench.simulator.texts import EVERYDAY, VOICES

__all__ = ["measure"]

_RATE = 16000
_ENGINES = ("speech", "signal")


async def measure(figures: Figures, *, quick: bool) -> None:
    """Measure both engines both ways."""
    clips: list[bytes] = []
    for engine in _ENGINES:
        with Server(engine) as server:
            clips = await _speech(figures, server, quick=quick)
            await _hearing(figures, server, clips[: 3 if quick else None], f"{engine} heard, 16 kHz")
            await _finalization(figures, server, clips[: 1 if quick else 10])
    with Server("signal", single=True) as server:
        await _hearing(figures, server, clips[: 3 if quick else None], "signal heard, one BLAS thread")


async def _speech(figures: Figures, server: Server, *, quick: bool) -> list[bytes]:
    text = " ".join(EVERYDAY * 4)
    wall, cpu, clips = [], [], []
    async with opened(server) as ws:
        await say(ws, "warm")
        for voice in VOICES[: 2 if quick else None]:
            used, begun = server.cpu(), perf_counter()
            spoken = await say(ws, text, voice_id=voice, sample_rate=44100)
            seconds = len(spoken.pcm) / 2 / 44100
            wall.append((perf_counter() - begun) / seconds)
            cpu.append((server.cpu() - used) / seconds)
        for number in range(10):
            voice = VOICES[number % len(VOICES)]
            clips.append((await say(ws, EVERYDAY[number], voice_id=voice, sample_rate=_RATE)).pcm)
    figures.add("real-time factor, CPU", f"{server.engine} made, 44.1 kHz", "s / s", cpu)
    figures.add("real-time factor, wall", f"{server.engine} made, 44.1 kHz", "s / s", wall)
    return clips


async def _hearing(figures: Figures, server: Server, clips: list[bytes], case: str) -> None:
    wall, cpu = [], []
    quiet = bytes(_RATE)
    await hear(server, quiet + clips[0])
    for clip in clips:
        sound = quiet + clip + quiet
        used, begun = server.cpu(), perf_counter()
        await hear(server, sound)
        seconds = len(sound) / 2 / _RATE
        wall.append((perf_counter() - begun) / seconds)
        cpu.append((server.cpu() - used) / seconds)
    figures.add("real-time factor, CPU", case, "s / s", cpu)
    figures.add("real-time factor, wall", case, "s / s", wall)


async def _finalization(figures: Figures, server: Server, clips: list[bytes]) -> None:
    waits = []
    for clip in clips:
        heard = await hear(server, bytes(_RATE) + clip, pace=1.0)
        if heard.finalize_secs is not None:
            waits.append(1000 * heard.finalize_secs)
    missing = len(clips) - len(waits)
    figures.add("final after finalize", server.engine, "ms", waits, note=f"{missing} never came" if missing else "")
