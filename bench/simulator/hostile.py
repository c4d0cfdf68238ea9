"""Clients that mean no good: connections by the thousand, broken frames, readers that do not read.

Memory is the resident size of the server's process tree; descriptors are the server's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from time import perf_counter

from bench.simulator.clients import TTS, opened, request, say, stt_path
from bench.simulator.figures import Figures
from bench.simulator.floods import floods
from bench.simulator.raw import TEXT, RawSocket, handshake
from bench.simulator.server import Growth, Server
from bench.simulator.texts import EVERYDAY

__all__ = ["measure"]

_AT_ONCE = 50
_CLIENT_MB = 5.0
_OVERSIZED = 5 * 2**20
_SLOW = 10
_SETTLE_SECS = 11.0
"""Longer than the ten seconds for which an unfinished handshake is waited for."""


async def measure(figures: Figures, *, quick: bool) -> None:
    """Be hostile in every way, each to a server of its own, and look whether it lives."""
    await _connections(figures, 1000 if quick else 10_000)
    with Server("signal") as server:
        await asyncio.to_thread(_broken_frames, figures, server)
        await _still_speaks(figures, server, "after broken frames")
    for engine in ("signal",) if quick else ("signal", "speech"):
        with Server(engine) as server:
            await _slow_readers(figures, server, 4.0 if quick else 40.0)
    await floods(figures, quick=quick)


async def _still_speaks(figures: Figures, server: Server, when: str) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with opened(server) as ws:
            spoken = await say(ws, "still here")
        complaints = server.complaints()
        alive = server.alive and bool(spoken.pcm) and not complaints
        note = f"{len(complaints)} tracebacks: {'; '.join(sorted(set(complaints)))[:200]}" if complaints else ""
        figures.said("server alive", when, note or "and speaks", ok=alive)
        return
    figures.said("server alive", when, "does not answer", ok=False)


async def _connections(figures: Figures, count: int) -> None:
    with Server("signal") as server:
        await _storm(server, 150, [])  # whatever is loaded at first use is loaded
        await asyncio.sleep(1)
        files, begun, silent = server.descriptors(), perf_counter(), []
        with Growth(server) as growth:
            await _storm(server, count // 2, silent)
            half = growth.now
            await _storm(server, count // 2, silent)
            rate = count / (perf_counter() - begun)
            await asyncio.sleep(_SETTLE_SECS)
        case = f"{count} connections"
        note = f"{growth.before:.0f} MB before; {half:+.1f} at half of them, {growth.most:+.1f} at most; {rate:.0f} / s"
        figures.one("hostile, memory", case, "MB", growth.now, target=20, note=note)
        note = f"{files} before; {len(silent)} clients still hold theirs and say nothing"
        figures.one("hostile, descriptors", case, "left over", await server.left_over(files), target=0, note=note)
        for link in silent:
            link.close()
        await _still_speaks(figures, server, f"after {case}")


async def _storm(server: Server, count: int, silent: list[socket.socket]) -> None:
    """Open and close connections; every twentieth is left open in the middle of its handshake."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            link = socket.socket()
            link.setblocking(False)
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(20):
                    await _meet(server, link, number)
            if number % 20 == 1:
                silent.append(link)
                return
            if number % 2:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
            link.close()

    await asyncio.gather(*(one(number) for number in range(count)))


async def _meet(server: Server, link: socket.socket, number: int) -> None:
    """Connect and do nothing, half a handshake or a whole one."""
    loop, path = asyncio.get_running_loop(), (TTS, stt_path())[number // 3 % 2]
    await loop.sock_connect(link, ("127.0.0.1", server.port))
    if number % 3 == 1 or number % 20 == 1:
        await loop.sock_sendall(link, handshake(path)[: 20 + number % 120])
    elif number % 3 == 2:
        await loop.sock_sendall(link, handshake(path, f"sk_{number % 20}"))
        await loop.sock_recv(link, 4096)


def _broken_frames(figures: Figures, server: Server) -> None:
    for name, path in (("TTS", TTS), ("STT", stt_path())):
        for case, payload, wanted in (
            ("5 MB frame", b"a" * _OVERSIZED, 1009),
            ("bad UTF-8", b'{"text":"\xff\xfe"}', 1007),
        ):
            with RawSocket(server.port, path) as link:
                with contextlib.suppress(OSError):  # it may hang up in the middle
                    link.send(TEXT, payload)
                code = link.close_code()
            figures.said("closed with", f"{case}, {name}", f"{code}; expected {wanted}", ok=code == wanted)


async def _slow_readers(figures: Figures, server: Server, seconds: float) -> None:
    text = (" ".join(EVERYDAY) + " ") * 100
    asked = json.dumps(request(text[:20_000], sample_rate=44100)).encode()
    async with opened(server) as ws:
        await say(ws, " ".join(EVERYDAY), sample_rate=44100)
    files = server.descriptors()
    with Growth(server) as growth:
        links = [await asyncio.to_thread(RawSocket, server.port, TTS, buffer=4096) for _ in range(_SLOW)]
        for link in links:
            link.send(TEXT, asked)
        await asyncio.sleep(seconds)
    held = server.descriptors() - files
    for link in links:
        link.close()
    await asyncio.sleep(1)
    case = f"{_SLOW} slow readers, {server.engine}"
    note = f"largest in {seconds:.0f} s / {_SLOW}; {growth.now:+.1f} MB in all after"
    figures.one("hostile, memory", f"{case}, each", "MB", growth.most / _SLOW, target=_CLIENT_MB, note=note)
    if seconds > 35:
        figures.one(
            "hostile, descriptors", f"{case}, 40 s later", "held", max(0, held), target=0, note="cut off after 30 s"
        )
    figures.one("hostile, descriptors", case, "left over", await server.left_over(files), target=0)
    await _still_speaks(figures, server, f"after {case}")
