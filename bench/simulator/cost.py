"""What hearing costs: CPU of the server's process tree for whole files and for silence, and the memory of the model."""

from __future__ import annotations

import io
import itertools
import json
import urllib.request
import wave
from asyncio import to_thread

import psutil

from bench.simulator.clients import hear, opened, say
from bench.simulator.figures import Figures
from bench.simulator.recordings import recordings
from bench.simulator.server import Server
from bench.simulator.texts import EVERYDAY

__all__ = ["measure"]

_RATE = 16000
_MOST_CPU, _MOST_SILENT = 0.08, 0.005
_MOST_MB = 350
_SILENCE_SECS = 120
_WAIT_SECS = 120


async def measure(figures: Figures, server: Server, *, quick: bool) -> None:
    """Measure whole files over REST, then silence over a socket."""
    files = {"a reading": max((c.pcm for c in recordings().get("moonshine-voice", ())), key=len, default=b"")}
    async with opened(server) as ws:
        files["ten sentences"] = (await say(ws, " ".join(EVERYDAY), voice_id="liam", sample_rate=_RATE)).pcm
    for (name, pcm), timed in itertools.product(files.items(), (False, True)):
        if not pcm:
            continue
        costs = []
        for _ in range(1 if quick else 3):
            used = server.cpu()
            await to_thread(_transcribe, server, pcm, timed=timed)
            costs.append((server.cpu() - used) / (len(pcm) / 2 / _RATE))
        case = f"{name}, words' times" if timed else name
        note = f"{len(pcm) / 2 / _RATE:.0f} s"
        figures.add("CPU of a whole file", case, "s / s", costs, target={"median": _MOST_CPU}, note=note)
    used = server.cpu()
    await hear(server, bytes(2 * _RATE * _SILENCE_SECS))
    figures.one("CPU of silence", "digital", "s / s", (server.cpu() - used) / _SILENCE_SECS, target=_MOST_SILENT)
    figures.one("memory of the recogniser", "one model", "MB", _model_memory(server), target=_MOST_MB)


def _transcribe(server: Server, pcm: bytes, *, timed: bool) -> str:
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(pcm)
    url = f"http://127.0.0.1:{server.port}/waves/v1/stt/?model=pulse&language=en&word_timestamps={str(timed).lower()}"
    headers = {"Authorization": "Bearer sk_bench", "Content-Type": "application/octet-stream"}
    call = urllib.request.Request(url, data=held.getvalue(), headers=headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(call, timeout=_WAIT_SECS) as answer:
        return str(json.loads(answer.read())["transcription"])


def _model_memory(server: Server) -> float:
    """Return the resident memory of the process with the model."""
    found = (p for p in psutil.Process(server.pid).children(recursive=True) if "transcriber_worker" in str(p.cmdline()))
    return sum(p.memory_info().rss for p in found) / 2**20
