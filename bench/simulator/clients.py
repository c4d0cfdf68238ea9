"""Raw clients of the simulator: they see frames and bytes, and no service of ours stands between."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.simulator.server import Server

__all__ = [
    "CLOSE",
    "FINALIZE",
    "STT",
    "TTS",
    "Heard",
    "Spoken",
    "hear",
    "opened",
    "post",
    "request",
    "say",
    "stt_path",
    "until",
]

TTS = "/waves/v1/tts/live"
STT = "/waves/v1/stt/live"
CLOSE = '{"type":"close_stream"}'
FINALIZE = '{"type":"finalize"}'
_ANSWER_SECS = 60.0


@dataclass
class Spoken:
    """An answer to a request for speech: seconds to its first sound and to its end."""

    first: float = 0.0
    whole: float = 0.0
    pcm: bytes = b""
    error: str = ""


@dataclass
class Heard:
    """A transcription: finals with the moment of their arrival, and what went wrong."""

    finals: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    error: str = ""
    finalize_secs: float | None = None

    @property
    def text(self) -> str:
        """What was said."""
        return " ".join(frame["transcript"] for _, frame in self.finals if frame["transcript"])


def opened(server: Server, path: str = TTS, key: str = "sk_bench", **kwargs: Any) -> connect:
    """Open a socket."""
    return connect(
        f"ws://127.0.0.1:{server.port}{path}",
        additional_headers={"Authorization": f"Bearer {key}"},
        compression=None,
        proxy=None,
        open_timeout=30,
        **kwargs,
    )


def stt_path(rate: int = 16000, **query: str) -> str:
    """Return where a transcription is asked for."""
    return f"{STT}?{urlencode({'model': 'pulse', 'language': 'en', 'sample_rate': rate, **query})}"


def request(text: str, **fields: Any) -> dict[str, Any]:
    """Return a request for speech."""
    return {"text": text, "voice_id": "magnus", "sample_rate": 16000, **fields}


async def until(moment: float) -> None:
    """Sleep until a moment of `perf_counter`."""
    await asyncio.sleep(max(0.0, moment - perf_counter()))


async def say(ws: ClientConnection, text: str, **fields: Any) -> Spoken:
    """Have a text spoken on an open socket, to its `complete` or error."""
    spoken, pieces = Spoken(), []
    begun = perf_counter()
    await ws.send(json.dumps(request(text, complete_backoff_ms=0, **fields)))
    async with asyncio.timeout(_ANSWER_SECS):
        async for message in ws:
            frame = json.loads(message)
            if frame["status"] == "chunk":
                spoken.first = spoken.first or perf_counter() - begun
                pieces.append(base64.b64decode(frame["data"]["audio"]))
            elif frame["status"] in ("complete", "error"):
                spoken.error = "" if frame["status"] == "complete" else json.dumps(frame.get("error", frame))
                break
    spoken.whole, spoken.pcm = perf_counter() - begun, b"".join(pieces)
    return spoken


async def post(server: Server, path: str, text: str, *, mark: bytes = b"", **fields: Any) -> Spoken:
    """Have a text spoken over REST, on a connection of its own, which is part of the time.

    Args:
        server: Whom to ask.
        path: Where.
        text: What.
        mark: What the first sound comes with; the first byte of the body otherwise.
        fields: Of the request.
    """
    body = json.dumps(request(text, **fields)).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sk_bench\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    begun = perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(head.encode() + body)
        answer, spoken = b"", Spoken()
        async with asyncio.timeout(_ANSWER_SECS):
            while piece := await reader.read(65536):
                answer += piece
                header, _, got = answer.partition(b"\r\n\r\n")
                if not spoken.first and got and mark in got:
                    spoken.first = perf_counter() - begun
        spoken.whole = perf_counter() - begun
        spoken.pcm = got
        spoken.error = "" if b" 200 " in header.partition(b"\r\n")[0] else header.partition(b"\r\n")[0].decode()
        return spoken
    finally:
        writer.close()


async def hear(server: Server, pcm: bytes, rate: int = 16000, *, pace: float | None = None, **query: str) -> Heard:
    """Send sound in chunks of 100 ms, then `finalize`, then `close_stream`; return every final.

    Args:
        server: Who hears.
        pcm: What.
        rate: Of `pcm`, Hz.
        pace: Times real time, or None for as fast as it is taken.
        query: Of the handshake.
    """
    heard, stopped = Heard(), asyncio.Event()
    async with opened(server, stt_path(rate, **query)) as ws:

        async def read() -> None:
            async for message in ws:
                frame = json.loads(message)
                if frame["type"] == "error":
                    heard.error = frame["message"]
                elif frame.get("is_final"):
                    heard.finals.append((perf_counter(), frame))
                    if frame.get("from_finalize"):
                        stopped.set()

        reader = asyncio.create_task(read())
        begun, step = perf_counter(), rate // 10 * 2
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            for number, at in enumerate(range(0, len(pcm), step), 1):
                if pace:
                    await until(begun + number / 10 / pace)
                await ws.send(pcm[at : at + step])
            asked = perf_counter()
            await ws.send(FINALIZE)
            async with asyncio.timeout(_ANSWER_SECS):
                await asyncio.wait({asyncio.ensure_future(stopped.wait()), reader}, return_when=asyncio.FIRST_COMPLETED)
            if stopped.is_set():
                heard.finalize_secs = perf_counter() - asked
            await ws.send(CLOSE)
        async with asyncio.timeout(_ANSWER_SECS):
            await asyncio.gather(reader, return_exceptions=True)
    return heard
