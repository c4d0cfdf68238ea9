"""One socket more, opened ahead: leaving the other then costs no handshake.

The plan allows five sockets per unit of concurrency; a spare is opened only while this process has fewer to that place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from websockets.protocol import State as SocketState

from smallest_nb.client.cleanup import start_task
from smallest_nb.client.installed_transport import current_transport
from smallest_nb.client.network import count_sockets
from smallest_nb.client.transport import CLOSE_SECS, Socket, Transport
from smallest_nb.errors import SmallestError

__all__ = ["SpareSocket"]

_log = logging.getLogger(__name__)
_MAX_SOCKETS = 5
_KEEP_SECS = 45.0
"""The service closes an idle socket after 60 s."""
_CLOSE_SECS = CLOSE_SECS + 2.0


class SpareSocket:
    """Keeps at most one unused socket for a while.

    Args:
        open_socket: Opens a socket at a URL.
        transport: What it opens them with; None for the transport of this process.
    """

    def __init__(self, open_socket: Callable[[str], Awaitable[Socket]], transport: Transport | None = None) -> None:
        self._open_socket = open_socket
        self._transport = transport
        self._tasks: set[asyncio.Task[None]] = set()
        self._ws: Socket | None = None
        self._ws_url = ""
        self._url = ""
        self._settled = asyncio.Event()
        self._since = float("-inf")

    def prepare(self, url: str) -> None:
        """Open one in the background; a failure is only logged, because nothing waits for it."""
        if self._url == url and monotonic() - self._since < _KEEP_SECS / 2:
            return
        for older in self._tasks:
            older.cancel()
        self._url, self._since = url, monotonic()
        self._settled = asyncio.Event()
        task = start_task(self._keep(url, self._settled))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, url: str, settled: asyncio.Event) -> None:
        try:
            if count_sockets(url) >= _MAX_SOCKETS:
                return
            ws = await self._open_socket(url)
            self._ws, self._ws_url = ws, url  # `_url` may be that of a later one, while this one is still here
        except SmallestError as error:
            _log.info("no spare socket: %s", error)
            return
        finally:
            settled.set()
        try:
            await asyncio.sleep(_KEEP_SECS)
        finally:
            if self._ws is ws:  # it was not taken
                self._ws = None
                await ws.close()

    async def obtain(self, url: str) -> Socket | None:
        """As `take`, but waits for one that is just being opened."""
        if self._tasks and self._url == url:
            await self._settled.wait()
        return self.take(url)

    def take(self, url: str) -> Socket | None:
        """Return the spare, if there is one for this URL that is still open; it is the caller's from then on."""
        ws = self._ws
        if ws is None or self._ws_url != url or ws.state is not SocketState.OPEN:
            return None
        if ws.opened_by is not current_transport(self._transport):
            return None
        self._ws, self._since = None, float("-inf")
        for task in self._tasks:
            task.cancel()
        return ws

    def let_go(self) -> Socket | None:
        """Return the spare whatever its state, because its loop has ended."""
        ws, self._ws = self._ws, None
        return ws

    async def close(self) -> None:
        """Close it, in bounded time."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_SECS)
