"""The fake service: a process of its own that speaks both WebSocket protocols as fast as it can, and keeps a ledger.

Not this package's simulator: nothing here may share code, or faults, with what is measured. JSON lines on
stdin say what to do (`plan`, `report`); it prints its port first and ends when stdin does.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sys
import uuid
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from websockets.asyncio.server import Request, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.continuations import text_to_speak
from bench.services.ledger import Ledger, Plan
from bench.services.server_stt import listen
from bench.services.stamps import SPEECH_CHUNK, SPEECH_CHUNK_S, STAMP, SpeechStamp, mark

_REST = base64.b64encode(random.Random(0).randbytes(SPEECH_CHUNK - STAMP)).decode()


@dataclass
class State:
    """What the connections share."""

    plan: Plan = field(default_factory=Plan)
    ledger: Ledger = field(default_factory=Ledger)


@dataclass
class Release:
    """A text that is to be spoken."""

    text: str
    request: dict[str, Any]
    asked: float


class Speaking:
    """One TTS connection: requests are answered in order, each with its chunks and one `complete`."""

    def __init__(self, ws: ServerConnection, state: State) -> None:
        self._ws = ws
        self._state = state
        self._contexts: dict[str, str] = {}
        self._waiting: asyncio.Queue[Release] = asyncio.Queue()

    async def run(self) -> None:
        speaker = asyncio.create_task(self._speak_all())
        try:
            async for frame in self._ws:
                self._take(json.loads(frame))
        finally:
            speaker.cancel()
            await asyncio.gather(speaker, return_exceptions=True)

    def _take(self, request: dict[str, Any]) -> None:
        if text := text_to_speak(request, self._contexts):
            self._release(text, request)

    def _release(self, text: str, request: dict[str, Any]) -> None:
        self._waiting.put_nowait(Release(text, request, perf_counter()))

    async def _speak_all(self) -> None:
        try:
            while True:
                await self._speak(await self._waiting.get())
        except ConnectionClosed:
            return  # the reader ends with it

    async def _speak(self, release: Release) -> None:
        plan = self._state.plan
        ids = {"session_id": "ws_bench", "request_id": f"task_{uuid.uuid4().hex}"}
        if "request_id" in release.request:
            ids["external_request_id"] = release.request["request_id"]
        head = json.dumps({"status": "chunk", **ids})[:-1] + ', "data": {"audio": "'
        voice, text = mark(release.request["voice_id"]), mark(release.text)
        begin = release.asked + plan.first_audio_s
        for number in range(plan.chunks):
            due = begin + number * SPEECH_CHUNK_S if plan.paced else begin
            # Unpaced it is a sleep of nothing, which lets the other connections in.
            await asyncio.sleep(max(0.0, due - perf_counter()))
            stamp = SpeechStamp(number, voice, text, release.asked, perf_counter()).pack()
            await self._ws.send(f'{head}{base64.b64encode(stamp).decode()}{_REST}"}}}}')
        await asyncio.sleep(plan.complete_s)
        self._state.ledger.completes.append(perf_counter())
        await self._ws.send(json.dumps({"status": "complete", **ids}))


async def _serve(ws: ServerConnection, state: State) -> None:
    state.ledger.connections += 1
    path = ws.request.path.partition("?")[0] if ws.request else ""
    try:
        if path.startswith("/waves/v1/stt/live"):
            await listen(ws, state.ledger)
        elif path == "/waves/v1/tts/live" or path.endswith("/get_speech/stream"):
            await Speaking(ws, state).run()
    except ConnectionClosed:
        pass


async def main() -> None:
    """Serve until stdin ends."""
    state = State()

    async def handshake(_: ServerConnection, __: Request) -> None:
        await asyncio.sleep(state.plan.handshake_s)

    loop, orders = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with serve(
        lambda ws: _serve(ws, state), "127.0.0.1", 0, process_request=handshake, compression=None, close_timeout=1
    ) as server:
        print(json.dumps({"port": next(iter(server.sockets)).getsockname()[1]}), flush=True)
        while line := await orders.readline():
            order = json.loads(line)
            if order["do"] == "plan":
                state.plan, state.ledger = Plan(**order["plan"]), Ledger()
                answer: dict[str, Any] = {}
            else:
                answer = state.ledger.report(order["begin"], order["end"])
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
