"""Opens one WebSocket.

`compression=None` because deflate costs 8 to 25 times the CPU for 10 to 31 % fewer bytes; `proxy=None` on loopback
because a proxy from the environment would swallow the connection to the simulator.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.protocol import State

from smallest_nb.api.error_shapes import error_from_http
from smallest_nb.client.target import Target
from smallest_nb.client.transport import CLOSE_SECS, HTTPResponse, NetworkSocket, Socket
from smallest_nb.client.transport_stack import current_deck
from smallest_nb.common.address import is_loopback
from smallest_nb.common.secret import RedactingFilter, cleared_frames
from smallest_nb.errors import ConnectionLost

__all__ = [
    "MAX_FRAME_BYTES",
    "count_sockets",
    "open_websocket",
    "place_of",
    "source_headers",
]

MAX_FRAME_BYTES = 16 * 2**20
"""Largest frame taken; the service sends about 7 kB per frame."""

_PING_SECS, _PONG_SECS = 8, 10
"""A peer that froze is given up 20 s after its last pong: the next ping comes after 8 s, is waited for 10 s, then
the closing handshake takes 2 s (`CLOSE_SECS`). That is less than the 30 s of audio that a transcription keeps."""

_sockets: WeakKeyDictionary[ClientConnection, str] = WeakKeyDictionary()

_logger = logging.getLogger("smallest_nb.websockets")
_logger.addFilter(RedactingFilter())


def count_sockets(url: str) -> int:
    """Return how many sockets this process has open to the host of a URL."""
    host = urlsplit(url).netloc
    return sum(1 for ws, at in _sockets.items() if at == host and ws.state is State.OPEN)


class _SameOrigin(connect):
    """Refuses redirects to another origin, so that the key stays where it was meant to go."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        outcome = super().process_redirect(exc)
        if isinstance(outcome, Exception):
            return outcome
        here, there = urlsplit(self.uri), urlsplit(outcome)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            return InvalidURI(outcome, f"a redirect away from {here.netloc} was refused to protect the API key")
        return outcome


async def open_websocket(url: str, target: Target, *, open_timeout: float = 10.0) -> Socket:
    """Open a WebSocket with the key in its header, or through the cassette that is in the deck.

    Args:
        url: Full URL.
        target: Whose key to send.
        open_timeout: Seconds for the whole handshake.

    Raises:
        AuthError, ModelRetiredError, RateLimitError, ServiceError: The service refused, by its HTTP status.
        ConnectionLost: Nobody answered.
        CassetteError: Nothing like it was recorded.
    """

    async def knock() -> Socket | HTTPResponse:
        return await _shake_hands(url, target, open_timeout)

    deck = current_deck()
    outcome = await (knock() if deck is None else deck.open(url, target, knock))
    if isinstance(outcome, HTTPResponse):
        raise error_from_http(outcome.status, outcome.body, url=place_of(url), retry_after=outcome.retry_after)
    return outcome


async def _shake_hands(url: str, target: Target, open_timeout: float) -> Socket | HTTPResponse:
    """Open the real one; return what the service says where it refuses."""
    place = place_of(url)
    target.check_there()
    try:
        with cleared_frames():  # a cancellation and an interrupt pass through here too
            ws = await _SameOrigin(
                url,
                create_connection=cast(Any, functools.partial(NetworkSocket, key=target.key)),
                additional_headers=source_headers(),
                compression=None,
                proxy=None if is_loopback(url) else True,
                open_timeout=open_timeout,
                close_timeout=CLOSE_SECS,
                ping_interval=_PING_SECS,
                ping_timeout=_PONG_SECS,
                max_size=MAX_FRAME_BYTES,
                max_queue=(64, 16),
                logger=_logger,
                user_agent_header=None,
            )
    except InvalidStatus as error:
        response = error.response
        return HTTPResponse.without_key(
            target.key, response.status_code, bytes(response.body or b""), response.headers.get("Retry-After")
        )
    except TimeoutError:
        lost = ConnectionLost(f"{place} did not answer within {open_timeout:g} s")
    except Exception as error:  # whatever it is: the caller knows of connections only
        lost = ConnectionLost(f"{place} cannot be reached ({target.key.hide(_why(error))})")
    else:
        _no_delay(ws)
        _sockets[ws] = urlsplit(url).netloc
        return cast(NetworkSocket, ws)
    # Raised here, outside the handlers: what the handshake raised would be the error's context.
    raise lost from None


def place_of(url: str) -> str:
    """Return a URL without its query, for messages."""
    return urlsplit(url)._replace(query="").geturl()


def source_headers() -> dict[str, str]:
    """Return the headers that say which program asks."""
    return {"X-Source": "smallest-nb", "X-Smallest-NB-Version": _version()}


@functools.cache
def _version() -> str:
    return version("smallest-nb")


def _why(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return f"the host name was not found: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused; is the server running?"
    return f"{type(error).__name__}: {error}"


def _no_delay(ws: ClientConnection) -> None:
    raw = ws.transport.get_extra_info("socket") if isinstance(ws.transport, asyncio.Transport) else None
    if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):  # a peer that hung up at once took the socket away; whoever reads is told
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
