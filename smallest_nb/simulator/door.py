"""One port for two protocols: WebSocket handshakes go to websockets, other requests to ours. Imports nothing of ours.

websockets reads GET requests only, and the service takes POST, PUT and DELETE at the same host.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableSet
from typing import cast

from websockets.asyncio.server import ServerConnection

__all__ = ["Door"]

_MAX_HEAD = 16 * 1024
_UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)
_HEAD_SECS = 10.0

Exchange = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Door(asyncio.Protocol):
    """Reads the head of a connection's first request and hands the connection on.

    Args:
        connection: What takes a WebSocket handshake.
        exchange: What takes any other request.
        waiting: Where the connection is kept while its first request is read, so that a stop can end it.
        transports: Where it is kept after that too.
    """

    def __init__(
        self,
        connection: ServerConnection,
        exchange: Exchange,
        waiting: set[asyncio.Transport],
        transports: MutableSet[asyncio.Transport],
    ) -> None:
        self._connection = connection
        self._exchange = exchange
        self._waiting = waiting
        self._transports = transports
        self._head = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 - asyncio's
        self._transport = cast("asyncio.Transport", transport)
        self._waiting.add(self._transport)
        self._transports.add(self._transport)
        # A client that sends nothing must not hold a socket.
        self._timer = asyncio.get_running_loop().call_later(_HEAD_SECS, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002, D102
        self._arrived()

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self._head += data
        whole = b"\r\n\r\n" in self._head
        if not whole and len(self._head) <= _MAX_HEAD:
            return
        self._arrived()
        if whole and self._is_handshake():
            self._hand_to(self._connection)
        else:
            reader = asyncio.StreamReader(limit=_MAX_HEAD)
            self._hand_to(asyncio.StreamReaderProtocol(reader, self._exchange))

    def _is_handshake(self) -> bool:
        """Whether websockets is to read it, which closes without an answer if there are other bytes than ASCII."""
        head = self._head.partition(b"\r\n\r\n")[0] + b"\r\n"
        is_ascii = head.partition(b"\r\n")[0].isascii()
        return is_ascii and head.startswith(b"GET ") and _UPGRADE.search(head) is not None

    def _hand_to(self, protocol: asyncio.Protocol) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        head, self._head = self._head, b""
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(head)

    def _arrived(self) -> None:
        if self._transport is not None:
            self._waiting.discard(self._transport)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
