"""Sends a session's frames in order, each as late as the latency model says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from time import monotonic
from typing import Any

from smallest_nb.simulator.latency import Delay
from smallest_nb.simulator.recorder import NoRecorder, SessionLog
from smallest_nb.simulator.websocket import Socket, SocketClosed

__all__ = ["DelayedSender"]

_MAX_FRAMES = 256
_SEND_SECS = 30.0


class DelayedSender:
    """Holds 256 frames at most; a session that adds more waits, so a client that does not read is not read either.

    Args:
        socket: The socket.
        log: Where frames are kept.
    """

    def __init__(self, socket: Socket, log: SessionLog | NoRecorder) -> None:
        self._socket = socket
        self._log = log
        self._frames: asyncio.Queue[tuple[str, float]] = asyncio.Queue(_MAX_FRAMES)
        self._task = asyncio.create_task(self._run())

    async def put(self, frame: dict[str, Any], delay: Delay) -> None:
        """Send a frame after those before it."""
        await self._frames.put((json.dumps(frame), monotonic() + delay.seconds()))

    async def flush(self) -> None:
        """Wait until everything is sent, or the socket is gone."""
        done = asyncio.ensure_future(self._frames.join())
        await asyncio.wait((done, self._task), return_when=asyncio.FIRST_COMPLETED)
        done.cancel()
        await asyncio.gather(done, return_exceptions=True)

    async def close(self) -> None:
        """Send no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        with contextlib.suppress(SocketClosed):
            while True:
                text, due = await self._frames.get()
                if (early := due - monotonic()) > 0:
                    await asyncio.sleep(early)
                self._log.log("out", text)
                try:
                    async with asyncio.timeout(_SEND_SECS):
                        await self._socket.send(text)
                except TimeoutError:
                    self._socket.abort()
                    return
                self._frames.task_done()
