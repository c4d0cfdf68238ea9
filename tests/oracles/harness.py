"""A client's process: a JSON scenario a line in, a JSON result a line out; `python -m tests.oracles.harness CLIENT`.

Standard library only. Scenarios run side by side; what is done with a client is here, how it is driven in its adapter.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from bench.clients.interface import Adapter, Ear, ReportedError, Voice, load_adapter

_PIECE_SECS = 0.1
_STT_RATE = 16000
_FINAL_SECS = 20.0
# As a language model writes a text; and a short retry, or a refusal would take ten seconds.
_OPTIONS = {"livekit": {"by_word": True, "retry": {"max_retry": 1, "retry_interval": 0.2}}}


def _sound(path: str) -> bytes:
    return Path(path).read_bytes()


class Listening:
    """An ear and the results that it has brought."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self.events = ear.events
        self._results: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        def heard(text: str, is_final: bool, result: Any) -> None:
            self._results.append({"text": text, "final": is_final, **self._ear.details(result)})

        while True:
            with contextlib.suppress(ReportedError):  # it is among the events, and the session goes on
                await self._ear.read(heard)
                return

    async def do(self, op: str, *args: Any) -> dict[str, Any]:
        known = len(self._results)
        if op == "update":
            await self._ear.update(*args)
        elif op == "idle":
            await asyncio.sleep(*args)
        elif op == "hear":
            await self._push(*args)
        elif op == "finalize":
            await self._ear.finalize()
            async with asyncio.timeout(_FINAL_SECS):
                while not any(r["final"] for r in self._results[known:]):
                    await asyncio.sleep(0.01)
        elif op == "end":
            await self._ear.end()
            await self._reading
        return {"results": self._results[known:]}

    async def _push(self, path: str, pace: float) -> None:
        pcm, size = _sound(path), int(_STT_RATE * _PIECE_SECS) * 2
        for at in range(0, len(pcm), size):
            if self._reading.done():
                await self._reading  # raises what ended the session
            await self._ear.push(pcm[at : at + size])
            await asyncio.sleep(_PIECE_SECS / pace)

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._ear.close()


class Speaking:
    """A voice."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.events = voice.events
        self.close = voice.close

    async def do(self, op: str, *args: Any) -> dict[str, Any]:
        pcm, enough = bytearray(), asyncio.Event()
        if op == "update":
            await self._voice.update(*args)
        elif op == "idle":
            await asyncio.sleep(*args)
        elif op == "say":
            await self._voice.say(args[0], pcm.extend, more=False)
        elif op == "pieces":  # of a text whose end only its writer knows
            await self._voice.say(args[0], pcm.extend, more=True)
        elif op == "cut":
            text, size = args

            def take(data: bytes) -> None:
                pcm.extend(data)
                if len(pcm) >= size:
                    enough.set()

            speaking = asyncio.create_task(self._voice.say(text, take, more=True))
            await enough.wait()
            await self._voice.interrupt()
            await speaking
        return {"pcm": base64.b64encode(pcm).decode()}


async def _play(adapter: Adapter, plan: dict[str, Any]) -> dict[str, Any]:
    """Do a scenario as far as it goes."""
    steps: list[dict[str, Any]] = []
    answer: dict[str, Any] = {"id": plan["id"], "steps": steps, "events": [], "error": None}
    opening, kind = (adapter.ear, Listening) if plan["kind"] == "stt" else (adapter.voice, Speaking)
    try:
        async with asyncio.timeout(plan["limit"]):
            session = kind(await opening(plan["url"], plan["key"], plan["settings"]))
            answer["events"] = session.events
            try:
                for step in plan["steps"]:
                    steps.append(await session.do(*step))
            finally:
                with contextlib.suppress(Exception):
                    await session.close()
    except Exception as error:  # a library may raise anything; the test says whether it should have
        traceback.print_exc()
        answer["error"] = f"{type(error).__name__}: {error}"
    return answer


def main() -> None:
    """Do the scenarios that stdin brings until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # some libraries print
    client = sys.argv[1]
    make = load_adapter(client)

    async def play(adapter: Adapter, line: bytes) -> None:
        answers.write(json.dumps(await _play(adapter, json.loads(line))) + "\n")
        answers.flush()

    async def run() -> None:
        loop, plans = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**20)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(plans), sys.stdin)
        adapter, playing = make(**_OPTIONS.get(client, {})), set()
        while line := await plans.readline():
            playing.add(asyncio.create_task(play(adapter, line)))

    asyncio.run(run())


if __name__ == "__main__":
    main()
