"""One client's connection, and HTTP requests and answers on it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from smallest_nb.common.secret import RedactingFilter
from smallest_nb.common.text import whole_characters
from smallest_nb.simulator.http import Answer, HTTPRequest

__all__ = ["Connection", "is_handshake", "read_body", "read_head", "send_answer"]

_log = logging.getLogger("smallest_nb.simulator")
_wire_log = logging.getLogger("smallest_nb.simulator.wire")
_wire_log.addFilter(RedactingFilter())
_HEAD_SECS = 10.0
_IDLE_SECS = 30.0
_BODY_SECS = 120.0
_LINGER_SECS = 2.0
_GRACE_SECS = 0.1
_MAX_LINE = 16 * 1024


class Connection(web.RequestHandler):
    """aiohttp's connection, with the limits and the ends that it does not have.

    Args:
        server: aiohttp's server.
        connections: Where it is kept until it is lost, so that a stop can end it.

    Attributes:
        link: The transport; aiohttp forgets its own when it begins to close it.
        ended: Whether the client sends no more.
    """

    def __init__(self, server: web.Server, connections: set[Connection]) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_IDLE_SECS,
            lingering_time=_LINGER_SECS,
            max_line_size=_MAX_LINE,  # a query may hold a hundred keywords
            auto_decompress=False,
            logger=_wire_log,
            access_log=cast("logging.Logger", None),
        )
        self._connections = connections
        self._current: web.BaseRequest | None = None
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 - asyncio's
        self.link = cast("asyncio.Transport", transport)
        self._connections.add(self)
        # A client that sends nothing must not hold a socket.
        self._head_timer = asyncio.get_running_loop().call_later(_HEAD_SECS, self.link.abort)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: D102
        self._head_timer.cancel()
        self._connections.discard(self)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio keeps the connection if it returns True
        """Keep the connection for the answer: a client may end its side as soon as its request is sent."""
        self.ended = True
        if self._current is not None and not self._current.content.is_eof():
            self._current.content.set_exception(ConnectionResetError("the client left in the middle of the body"))
        # A request that came in the turn of the loop before is begun two turns later.
        loop = asyncio.get_running_loop()
        loop.call_later(_GRACE_SECS, loop.call_soon, loop.call_soon, self._close_if_idle)
        return self._current is None or not is_handshake(self._current)

    def _close_if_idle(self) -> None:
        if self._current is None:
            self.link.close()

    @contextlib.contextmanager
    def handling(self, request: web.BaseRequest) -> Iterator[None]:
        """Note that a request is being answered."""
        self._head_timer.cancel()
        self._current = request
        try:
            yield
        finally:
            self._current = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that cannot be read, or one whose handler failed, and close the connection."""
        if isinstance(exc, ConnectionError):
            raise exc  # the client has left
        if status >= 500:
            _log.error("a request failed", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        # The parser's first line; those below it repeat what was sent, and that may be a key.
        reason = (message or "The simulator failed; its log says why").partition("\n")[0].rstrip(":")
        response = web.json_response({"message": reason}, status=status)
        response.force_close()
        return response


def is_handshake(request: web.BaseRequest) -> bool:
    """Return whether a request wants to become a WebSocket."""
    return request.method == "GET" and request.headers.get("Upgrade", "").strip().lower() == "websocket"


def read_head(request: web.BaseRequest) -> HTTPRequest:
    """Return a request without its body. Bytes outside UTF-8 become U+FFFD: no log could be written with them.

    Raises:
        HTTPBadRequest: The target is no URL, such as `http://[`.
    """
    try:
        target = urlsplit(whole_characters(request.raw_path))
    except ValueError:
        raise web.HTTPBadRequest(text="The request's target is no URL.") from None
    headers = {name.lower(): whole_characters(value) for name, value in request.headers.items()}
    return HTTPRequest(request.method, target.path, parse_qs(target.query, keep_blank_values=True), headers)


async def read_body(request: web.BaseRequest, limit: int) -> bytes | None:
    """Return a request's body, or None if it is larger than `limit` bytes.

    Raises:
        ConnectionError: The client left.
        TimeoutError: It did not come within two minutes.
    """
    if (request.content_length or 0) > limit:
        return None
    connection = cast("Connection", request.protocol)
    if connection.ended and not request.content.is_eof():
        raise ConnectionResetError("the client left in the middle of the body")
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    body = bytearray()
    async with asyncio.timeout(_BODY_SECS):
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > limit:
                return None
    return bytes(body)


async def send_answer(request: web.BaseRequest, answer: Answer, *, close: bool = False) -> web.StreamResponse:
    """Send an answer; a client that does not read it is cut off after two minutes.

    Args:
        request: What is answered.
        answer: The answer.
        close: Close the connection after it.
    """
    headers = {"Content-Type": answer.content_type, **answer.headers}
    body = answer.body
    response: web.StreamResponse
    if isinstance(body, bytes):
        response = web.Response(status=answer.status, body=body, headers=headers)
    else:
        response = web.StreamResponse(status=answer.status, headers=headers)
    if close or cast("Connection", request.protocol).ended:
        response.force_close()
    try:
        if not isinstance(body, bytes):
            async with contextlib.aclosing(body) as stream:
                await _within(response.prepare(request))
                async for piece in stream:
                    await _within(response.write(piece))
        else:
            await _within(response.prepare(request))
        await _within(response.write_eof())
    except TimeoutError:
        cast("Connection", request.protocol).link.abort()
        raise ConnectionResetError("the client does not read") from None
    return response


async def _within(step: Any) -> None:
    async with asyncio.timeout(_BODY_SECS):
        await step
