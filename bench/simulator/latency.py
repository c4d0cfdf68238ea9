"""How soon the first sound of engine speech comes, by way of asking; the ways take turns, so that noise hits all.

The floor is a keepalive and its pong on an open socket: the wire, both event loops, and no speech. The first chunk of a
socket is 2,400 bytes of sound, the first event of an SSE stream 960, and a one-shot answer is the whole sound.
"""

from __future__ import annotations

import json
from time import perf_counter

from websockets.asyncio.client import ClientConnection

from bench.simulator.clients import TTS, opened, post, say, stt_path
from bench.simulator.figures import Figures, log
from bench.simulator.server import Server
from bench.simulator.texts import EVERYDAY
from bench.stats import FLOOR

__all__ = ["measure"]

_RATE = 24000
_ONE_SHOT = "/waves/v1/tts"
_WARM = 3


async def measure(figures: Figures, *, quick: bool) -> None:
    """Measure the first sound over a socket, over SSE and over REST."""
    times = 50 if quick else 200
    first: dict[str, list[float]] = {}
    whole: dict[str, list[float]] = {}
    with Server("speech") as server:
        async with opened(server) as ws, opened(server, stt_path()) as floor:
            for number in range(times + _WARM):
                if number == _WARM:
                    first, whole = {}, {}
                text = EVERYDAY[number % len(EVERYDAY)]
                first.setdefault(FLOOR, []).append(await _pong(floor))
                answers = {
                    "WebSocket, open": await say(ws, text, sample_rate=_RATE),
                    "WebSocket, new": await _on_new_socket(server, text),
                    "SSE": await post(server, TTS, text, mark=b'"audio"', sample_rate=_RATE),
                    "REST": await post(server, _ONE_SHOT, text, sample_rate=_RATE),
                }
                for name, spoken in answers.items():
                    if spoken.error or not spoken.first:
                        log(f"{name} gave no sound: {spoken.error}")
                        continue
                    first.setdefault(name, []).append(spoken.first)
                    whole.setdefault(name, []).append(spoken.whole)
    for name, values in first.items():
        figures.add("first sound, speech", name, "ms", [1000 * v for v in values])
    for name, values in whole.items():
        figures.add("whole sentence, speech", name, "ms", [1000 * v for v in values])
    for name, values in whole.items():
        if len(values) < times:
            figures.said("answers without sound", name, f"{times - len(values)} of {times}", ok=False)


async def _pong(ws: ClientConnection) -> float:
    begun = perf_counter()
    await ws.send(json.dumps({"type": "keepalive"}))
    await ws.recv()
    return perf_counter() - begun


async def _on_new_socket(server: Server, text: str):  # noqa: ANN202 - Spoken
    begun = perf_counter()
    async with opened(server) as ws:
        ready = perf_counter() - begun
        spoken = await say(ws, text, sample_rate=_RATE)
    spoken.first += ready
    spoken.whole += ready
    return spoken
