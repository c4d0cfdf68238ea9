"""Hand-written clients of the simulator: they see every frame and every header."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HEADERS = {"Authorization": "Bearer sk_test"}
LIVE = "/waves/v1/tts/live"
STT = "/waves/v1/stt/live"
CLOSE = '{"type":"close_stream"}'
FINALIZE = '{"type":"finalize"}'


def opened(simulator, path=LIVE, headers=HEADERS, **kwargs):
    return connect(simulator.base_url + path, additional_headers=headers, compression=None, proxy=None, **kwargs)


def stt_path(rate: int = 16000, **query) -> str:
    return f"{STT}?{urlencode({'model': 'pulse', 'language': 'en', 'sample_rate': rate, **query})}"


async def speak(simulator, text, path=LIVE, headers=HEADERS, **fields):
    """Say something; return every frame to the first that is neither sound nor word, and the sound."""
    request = {"text": text, "voice_id": "magnus", "sample_rate": 16000, "complete_backoff_ms": 0, **fields}
    async with opened(simulator, path, headers) as ws:
        await ws.send(json.dumps(request))
        frames = []
        async for message in ws:
            frames.append(json.loads(message))
            if frames[-1]["status"] in ("complete", "error"):
                break
    return frames, b"".join(base64.b64decode(f["data"]["audio"]) for f in frames if f["status"] == "chunk")


async def hear(simulator, pcm, *, then=(CLOSE,), rate=16000, width=2, path=None, headers=HEADERS, **query):
    """Send sound and control frames; return every frame until the socket closes."""
    frames = []
    async with opened(simulator, path or stt_path(rate, **query), headers) as ws:

        async def read():
            async for message in ws:
                frames.append(json.loads(message))

        reader = asyncio.create_task(read())
        step = rate * width // 10
        with contextlib.suppress(ConnectionClosed):  # an early end is the server's to tell
            for at in range(0, len(pcm), step):
                await ws.send(pcm[at : at + step])
            for frame in then:
                await ws.send(frame)
        await asyncio.wait_for(reader, 120)  # where all tests run at once the recogniser is behind
    return frames


def finals(frames) -> list[dict]:
    return [f for f in frames if f.get("is_final") and f["transcript"]]


def said(frames) -> str:
    return " ".join(f["transcript"] for f in finals(frames))


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


async def call(simulator, method, path, body=None, headers=HEADERS) -> Answered:
    """Make a REST call with the standard library's client."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    url = f"http://127.0.0.1:{simulator.port}{path}"
    request = urllib.request.Request(url, data=data, headers={"Content-Type": kind, **headers}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask() -> Answered:
        try:
            with opener.open(request, timeout=30) as answer:
                return Answered(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, dict(error.headers), error.read())

    return await asyncio.to_thread(ask)


def samples(pcm: bytes) -> np.ndarray:
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(float)


def pitches(samples: np.ndarray, rate: int = 16000) -> list[float]:
    """The fundamental in Hz of each loud 40 ms frame, by autocorrelation."""
    found = []
    size = rate // 25
    for at in range(0, len(samples) - size, size):
        frame = samples[at : at + size] - samples[at : at + size].mean()
        if np.sqrt(np.mean(frame**2)) < 800:
            continue
        match = np.correlate(frame, frame, "full")[size - 1 :]
        low, high = rate // 350, rate // 60
        lag = low + int(np.argmax(match[low:high]))
        if match[lag] > 0.5 * match[0]:
            found.append(rate / lag)
    return found


def pitch(samples: np.ndarray) -> float:
    return float(np.median(pitches(samples)))
