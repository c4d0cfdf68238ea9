"""The network as a transport.

WebSockets with `compression=None`, because deflate costs 8 to 25 times the CPU for 10 to 31 % fewer bytes, and
`proxy=None` on loopback, because a proxy from the environment would swallow the connection to the simulator.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
from typing import Any, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.protocol import State

from smallest_nb.client.http import request_http, source_headers, without_query
from smallest_nb.client.network_socket import NetworkSocket
from smallest_nb.client.transport import CASSETTE_URL, CLOSE_SECS, HTTPResponse, Socket
from smallest_nb.common.address import is_loopback
from smallest_nb.common.secret import RedactingFilter, Secret, cleared_frames
from smallest_nb.errors import ConnectionLost

__all__ = ["MAX_FRAME_BYTES", "NETWORK", "NetworkTransport", "count_sockets"]

MAX_FRAME_BYTES = 16 * 2**20
"""Largest frame taken; the service sends about 7 kB per frame."""

_sockets: WeakKeyDictionary[ClientConnection, str] = WeakKeyDictionary()

_logger = logging.getLogger("smallest_nb.websockets")
_logger.addFilter(RedactingFilter())


def count_sockets(url: str) -> int:
    """Return how many sockets this process has open to the host of a URL."""
    host = urlsplit(url).netloc
    return sum(1 for ws, at in _sockets.items() if at == host and ws.state is State.OPEN)


class NetworkTransport:
    """Opens real sockets and makes real requests.

    A peer that froze is dropped at most `ping_secs + pong_secs + close_secs` after its last pong: the next ping comes
    after the first, its answer is waited for during the second, and the closing handshake takes the third. By default
    that is 20 s, less than the 30 s of audio that a transcription keeps.

    Args:
        ping_secs: Seconds from a pong to the next ping.
        pong_secs: Seconds that an answer to a ping is waited for.
        close_secs: Seconds that a peer may take over the closing handshake.
    """

    def __init__(self, *, ping_secs: float = 8.0, pong_secs: float = 10.0, close_secs: float = CLOSE_SECS) -> None:
        self.ping_secs, self.pong_secs, self.close_secs = ping_secs, pong_secs, close_secs

    async def connect(self, url: str, key: Secret, *, timeout: float) -> Socket | HTTPResponse:
        """Open a WebSocket; see :meth:`~smallest_nb.client.transport.Transport.connect`."""
        _refuse_cassette_address(url)
        place = without_query(url)
        try:
            with cleared_frames():  # a cancellation and an interrupt pass through here too
                ws = await _SameOrigin(
                    url,
                    create_connection=cast(Any, functools.partial(NetworkSocket, key=key)),
                    additional_headers=source_headers(),
                    compression=None,
                    proxy=None if is_loopback(url) else True,
                    open_timeout=timeout,
                    close_timeout=self.close_secs,
                    ping_interval=self.ping_secs,
                    ping_timeout=self.pong_secs,
                    max_size=MAX_FRAME_BYTES,
                    max_queue=(64, 16),
                    logger=_logger,
                    user_agent_header=None,
                )
        except InvalidStatus as error:
            response = error.response
            return HTTPResponse.without_key(
                key, response.status_code, bytes(response.body or b""), response.headers.get("Retry-After")
            )
        except TimeoutError:
            lost = ConnectionLost(f"{place} did not answer within {timeout:g} s")
        except Exception as error:  # whatever it is: the caller handles connections only
            lost = ConnectionLost(f"{place} cannot be reached ({key.hide(_describe(error))})")
        else:
            _disable_nagle(ws)
            _sockets[ws] = urlsplit(url).netloc
            return cast(NetworkSocket, ws)
        # Raised here, outside the handlers: what the handshake raised would be the error's context.
        raise lost from None

    async def request(
        self, method: str, url: str, key: Secret, *, body: bytes | None, content_type: str, timeout: float
    ) -> HTTPResponse:
        """Make an HTTP request; see :meth:`~smallest_nb.client.transport.Transport.request`."""
        _refuse_cassette_address(url)
        return await request_http(method, url, key, body=body, content_type=content_type, timeout=timeout)


NETWORK = NetworkTransport()
"""The transport of everything that was given no other."""


class _SameOrigin(connect):
    """Refuses redirects to another origin, so that no other server gets the key."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        outcome = super().process_redirect(exc)
        if isinstance(outcome, Exception):
            return outcome
        asked, redirected = urlsplit(self.uri), urlsplit(outcome)
        if (asked.scheme, asked.netloc) != (redirected.scheme, redirected.netloc):
            return InvalidURI(outcome, f"a redirect away from {asked.netloc} was refused to protect the API key")
        return outcome


def _refuse_cassette_address(url: str) -> None:
    """Raise what a service should say that was made for a replay and is used after it."""
    if urlsplit(url).netloc == urlsplit(CASSETTE_URL).netloc:
        raise ConnectionLost("The replay has ended: create the service again, or replay again.")


def _describe(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return f"the host name was not found: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused; is the server running?"
    return f"{type(error).__name__}: {error}"


def _disable_nagle(ws: ClientConnection) -> None:
    raw = ws.transport.get_extra_info("socket") if isinstance(ws.transport, asyncio.Transport) else None
    if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):  # the peer closed it at once; the first read reports that
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
