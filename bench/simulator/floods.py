"""One client that sends as fast as it can, and what the others notice: memory, and how long their first chunk takes.

The flooder is a process of its own (`bench.simulator.flooder`), or its sending would delay the others' clocks.
"""

from __future__ import annotations

import asyncio
import json
import sys

from bench.environments import ROOT
from bench.simulator.clients import hear, opened, say
from bench.simulator.figures import Figures
from bench.simulator.flooder import CONTROLS, FLOODS
from bench.simulator.server import Growth, Server, plain_environment
from bench.stats import FLOOR

__all__ = ["floods"]

_MOST_MB = 30.0
_PROBES = 20
_LATE_MS = 200
_PROBE_SECS = 0.03
_LIMIT_SECS = 60.0
_QUICK = ("keepalives", "pings, not reading", "requests", "audio")
_SPEECH = ("audio", "audio, not reading")


async def floods(figures: Figures, *, quick: bool) -> None:
    """Flood a server of each engine in every way."""
    count, megabytes = (10_000, 3) if quick else (CONTROLS, 50)
    with Server("signal") as server:
        await _measured(figures, server, _QUICK if quick else FLOODS, count=count, megabytes=megabytes, seconds=20.0)
    if not quick:
        with Server("speech") as server:
            await _measured(figures, server, _SPEECH, count=count, megabytes=megabytes, seconds=15.0)


async def _measured(
    figures: Figures, server: Server, kinds: tuple[str, ...], *, count: int, megabytes: int, seconds: float
) -> None:
    metric = f"first chunk in a flood, {server.engine}"
    await hear(server, bytes(32000))  # a recogniser is no growth
    async with opened(server) as ws:
        alone = [await _probe(ws) for _ in range(_PROBES + 2)][2:]
        figures.add(metric, FLOOR, "ms", alone, note="no flood")
        for kind in kinds:
            await _one(figures, server, ws, metric, (kind, count, megabytes, seconds))


async def _one(figures: Figures, server: Server, ws, metric: str, order: tuple[str, int, int, float]) -> None:  # noqa: ANN001
    kind = order[0]
    files, waits = server.descriptors(), []
    with Growth(server) as growth:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.simulator.flooder", str(server.port), *map(str, order),
            stdout=asyncio.subprocess.PIPE, cwd=ROOT, env=plain_environment(),
        )  # fmt: skip
        try:
            async with asyncio.timeout(_LIMIT_SECS):
                await _line(child)  # it is ready and begins
                line = asyncio.create_task(_line(child))
                while not line.done():
                    waits.append(await _probe(ws))
                    await asyncio.sleep(_PROBE_SECS)
                answer = json.loads(await line)
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
        await asyncio.sleep(1.0)
    sent = f"{answer['sent']} of {answer['wanted']} frames, {answer['mb']:.1f} MB"
    note = f"{sent} in {answer['secs']:.1f} s; {answer['end']}"
    case = f"flood of {kind}, {server.engine}"
    figures.add(metric, kind, "ms", waits, note=f"{note}; {sum(w > _LATE_MS for w in waits)} over 200 ms")
    figures.one("hostile, memory", case, "MB", growth.most, target=_MOST_MB, note=f"{growth.now:+.1f} MB after")
    figures.one("hostile, descriptors", case, "left over", await server.left_over(files), target=0)
    if (complaints := server.complaints()) or not server.alive:
        figures.said("server alive", case, "; ".join(sorted(set(complaints)))[:200], ok=False)


async def _line(child: asyncio.subprocess.Process) -> bytes:
    return await child.stdout.readline() if child.stdout else b""


async def _probe(ws) -> float:  # noqa: ANN001 - a socket
    """Return how long another client's first chunk takes, ms."""
    return 1000 * (await say(ws, "the others", sample_rate=24000)).first
