"""One WebSocket as the sessions use it, on top of aiohttp's."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque

from aiohttp import WSMsgType, web

__all__ = ["Socket", "SocketClosed"]

_MAX_MESSAGE = 4 * 2**20
_MAX_WAITING = 16
_PING_SECS = 20.0
_PEER_CLOSE_SECS = 1.0
_CLOSE_SECS = 10.0
_LINGER_SECS = 1.0
_NO_CODE = 1005


class SocketClosed(Exception):  # noqa: N818 - the usual end of a session
    """The connection has ended, by either side or by the network."""


class Socket:
    """Messages in order, and one exception for every way in which the connection can end.

    A task of its own reads, so that pings are answered and an end is noticed while a session is busy. It holds 16
    messages at most: then the client is no longer read, and TCP slows it down.

    Args:
        request: The handshake.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self._ws = web.WebSocketResponse(
            timeout=_PEER_CLOSE_SECS,
            heartbeat=_PING_SECS,
            compress=False,  # it costs 8 to 25 times the CPU for 10 to 31 % fewer bytes
            max_msg_size=_MAX_MESSAGE + 1,  # aiohttp refuses a message of this size already
        )
        self._messages: deque[str | bytes] = deque()
        self._arrived, self._room = asyncio.Event(), asyncio.Event()
        self._ended = False
        self._reader: asyncio.Task[None] | None = None

    async def accept(self) -> web.WebSocketResponse:
        """Answer the handshake, and return the response for aiohttp.

        Raises:
            aiohttp.web.HTTPException: It is no valid handshake.
        """
        await self._ws.prepare(self._request)
        self._reader = asyncio.create_task(self._read())
        return self._ws

    @property
    def close_code(self) -> int | None:
        """The code with which the peer closed: 1005 without one, 1006 if the connection was lost, None while open."""
        return _NO_CODE if self._ws.close_code == 0 else self._ws.close_code

    async def recv(self) -> str | bytes:
        """Return the next message.

        Raises:
            SocketClosed: There will be none.
        """
        while not self._messages:
            if self._ended:
                raise SocketClosed
            self._arrived.clear()
            await self._arrived.wait()
        self._room.set()
        return self._messages.popleft()

    async def send(self, text: str) -> None:
        """Send a message, waiting while the client does not read.

        Raises:
            SocketClosed: The connection has ended.
        """
        try:
            await self._ws.send_str(text)
        except ConnectionError:
            raise SocketClosed from None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a code: wait 1 s for the peer's own close frame, 10 s at most for one that does not read."""
        if self._reader is None:
            return
        if not self._ws.closed:  # else it reads what a refused client still sends, for 1 s
            self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        try:
            async with asyncio.timeout(_CLOSE_SECS):
                await self._ws.close(code=code, message=reason.encode())
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Cut the connection without a close frame. aiohttp has no call for it; its transport does."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _read(self) -> None:
        try:
            while True:
                message = await self._ws.receive()
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                self._messages.append(message.data)
                self._arrived.set()
                if len(self._messages) >= _MAX_WAITING:
                    self._room.clear()
                    await self._room.wait()
        finally:
            self._ended = True
            self._arrived.set()
        if message.type is WSMsgType.ERROR:
            await self._linger()

    async def _linger(self) -> None:
        """Read on after a message that was refused (1002, 1007, 1009), for 1 s at most.

        aiohttp has closed its transport by now. Where the client's bytes lie unread, that is a reset, and the client
        loses the close frame with its code. A second handle keeps the connection until the client has seen it.
        """
        if self._request.transport is None:
            return
        with contextlib.suppress(OSError, TimeoutError):
            link = self._request.transport.get_extra_info("socket").dup()
            with link:
                await asyncio.sleep(0)  # the transport's own handle is closed
                link.shutdown(socket.SHUT_WR)
                async with asyncio.timeout(_LINGER_SECS):
                    while await asyncio.get_running_loop().sock_recv(link, _MAX_MESSAGE):
                        pass
