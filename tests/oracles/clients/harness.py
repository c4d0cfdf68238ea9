"""What every client's process does: a JSON scenario a line in, a JSON result a line out. Standard library only.

Scenarios run side by side. A client brings a `Mouth` and an `Ear`; what is done with them is here.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

Take = Callable[[bytes], None]
Changes = dict[str, Any]
_PIECE_SECS = 0.1
_STT_RATE = 16000
_FINAL_SECS = 20.0


class Mouth(Protocol):
    """One session of speech synthesis at 24 kHz; `told` is what the library reported without being asked."""

    told: list[str]

    async def say(self, text: str, take: Take, *, more: bool) -> None:
        """Speak and hand over PCM until the library says that it is over; `more`: the text is not at its end."""

    async def interrupt(self) -> None:
        """Stop what is being said, as the library's user would."""

    async def update(self, changes: Changes) -> None:
        """Change settings, by the library's own names."""

    async def close(self) -> None:
        """End the session."""


class Ear(Protocol):
    """One session of transcription at 16 kHz; `results` grows by `{"text", "final", ...}`."""

    told: list[str]
    results: list[dict[str, Any]]

    async def push(self, pcm: bytes) -> None:
        """Hand audio over."""

    async def finalize(self) -> None:
        """Ask for the final of what was said so far."""

    async def update(self, changes: Changes) -> None:
        """Change settings, by the library's own names."""

    async def end(self) -> None:
        """End as the library does when the speaker is done, and wait for the last words."""

    async def close(self) -> None:
        """Leave."""


class Library(Protocol):
    """How a library is opened; `url` is `ws://host:port`."""

    async def mouth(self, url: str, key: str, settings: Changes) -> Mouth:
        """Open a session of speech synthesis."""

    async def ear(self, url: str, key: str, settings: Changes) -> Ear:
        """Open a session of transcription."""


def _sound(path: str) -> bytes:
    return Path(path).read_bytes()


async def _speak(mouth: Mouth, op: str, *args: Any) -> dict[str, Any]:
    pcm, enough = bytearray(), asyncio.Event()
    if op == "update":
        await mouth.update(*args)
    elif op == "idle":
        await asyncio.sleep(*args)
    elif op == "say":
        await mouth.say(args[0], pcm.extend, more=False)
    elif op == "pieces":  # of a text whose end only its writer knows
        await mouth.say(args[0], pcm.extend, more=True)
    elif op == "cut":
        text, size = args

        def take(data: bytes) -> None:
            pcm.extend(data)
            if len(pcm) >= size:
                enough.set()

        speaking = asyncio.create_task(mouth.say(text, take, more=True))
        await enough.wait()
        await mouth.interrupt()
        await speaking
    return {"pcm": base64.b64encode(pcm).decode()}


async def _listen(ear: Ear, op: str, *args: Any) -> dict[str, Any]:
    known = len(ear.results)
    if op == "update":
        await ear.update(*args)
    elif op == "idle":
        await asyncio.sleep(*args)
    elif op == "hear":
        path, pace = args
        pcm, size = _sound(path), int(_STT_RATE * _PIECE_SECS) * 2
        for at in range(0, len(pcm), size):
            await ear.push(pcm[at : at + size])
            await asyncio.sleep(_PIECE_SECS / pace)
    elif op == "finalize":
        await ear.finalize()
        async with asyncio.timeout(_FINAL_SECS):
            while not any(r["final"] for r in ear.results[known:]):
                await asyncio.sleep(0.01)
    elif op == "end":
        await ear.end()
    return {"results": ear.results[known:]}


async def _play(library: Library, plan: dict[str, Any]) -> dict[str, Any]:
    """Do a scenario as far as it goes."""
    steps: list[dict[str, Any]] = []
    answer: dict[str, Any] = {"id": plan["id"], "steps": steps, "told": [], "error": None}
    open_it, do = (library.ear, _listen) if plan["kind"] == "stt" else (library.mouth, _speak)
    try:
        async with asyncio.timeout(plan["limit"]):
            session: Any = await open_it(plan["url"], plan["key"], plan["settings"])
            answer["told"] = session.told
            try:
                for step in plan["steps"]:
                    steps.append(await do(session, *step))
            finally:
                with contextlib.suppress(Exception):
                    await session.close()
    except Exception as error:  # a library may raise anything; the test says whether it should have
        traceback.print_exc()
        answer["error"] = f"{type(error).__name__}: {error}"
    return answer


def run(make: Callable[[], Library]) -> None:
    """Do the scenarios that stdin brings until it ends; `make` is called inside the running loop."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # some libraries print

    async def play(library: Library, line: bytes) -> None:
        answers.write(json.dumps(await _play(library, json.loads(line))) + "\n")
        answers.flush()

    async def main() -> None:
        loop, plans = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**20)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(plans), sys.stdin)
        library, playing = make(), set()
        while line := await plans.readline():
            playing.add(asyncio.create_task(play(library, line)))

    asyncio.run(main())
