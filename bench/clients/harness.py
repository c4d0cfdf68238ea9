"""The small command interface of every client's process: a JSON line with a task in, one with figures out.

Standard library only. What is measured is in `tasks`; a client brings an `Adapter`, and nothing but.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Protocol


class Voice(Protocol):
    """One session of speech synthesis."""

    async def say(self, text: str, take: Callable[[bytes], None]) -> None:
        """Speak; hand over PCM as it comes; return when the client says that it is over or was interrupted."""

    async def interrupt(self) -> None:
        """Stop what is being said."""

    async def set_voice(self, voice: str) -> None:
        """Let the next request have another voice."""

    async def close(self) -> None:
        """End the session."""


class Ear(Protocol):
    """One session of transcription."""

    async def push(self, pcm: bytes) -> None:
        """Hand audio to the client."""

    async def close(self) -> None:
        """End the session."""


class Adapter(Protocol):
    """How a client is driven; `url` is `ws://host:port` without a path."""

    async def voice(self, url: str, voice: str) -> Voice:
        """Open a session of speech synthesis with `lightning_v3.1` at 24 kHz."""

    async def ear(self, url: str, heard: Callable[[str], None]) -> Ear:
        """Open a session of transcription at 16 kHz; `heard` gets each result's text."""


Task = Callable[..., Awaitable[dict[str, Any]]]


def run(make: Callable[[], Adapter]) -> None:
    """Do the tasks that stdin brings until it ends.

    Args:
        make: Makes the adapter, inside the running loop.
    """
    # Some clients print; the real stdout is for figures only.
    figures = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asyncio.run(_run(make, figures))


async def _run(make: Callable[[], Adapter], figures: Any) -> None:
    from bench.clients.tasks import TASKS  # noqa: PLC0415 - tasks knows the protocols above

    loop, orders = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    adapter = make()
    print(json.dumps({"ready": True}), file=figures, flush=True)
    while line := await orders.readline():
        order = json.loads(line)
        try:
            async with asyncio.timeout(order["limit"]):
                answer = await TASKS[order["task"]](adapter, order["url"], **order["with"])
        except Exception as error:  # a peer may raise anything; the runner leaves the figure out and says why
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=figures, flush=True)
