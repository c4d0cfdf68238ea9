"""The only seam to the network: a transport opens sockets and makes requests.

The network is a transport (:class:`~smallest_nb.client.network.NetworkTransport`), a cassette is another one, and
a test that needs a fault wraps one in its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from websockets.protocol import State

from smallest_nb.common.secret import Secret

__all__ = ["CASSETTE_URL", "CLOSE_SECS", "HTTPResponse", "Socket", "Transport"]

CASSETTE_URL = "ws://cassette.invalid"
"""The address of a replay, which the network refuses; the name is reserved never to exist (RFC 2606)."""
CLOSE_SECS = 2.0
"""How long a peer may take over the closing handshake."""


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """The answer to an HTTP request, or to a handshake that was refused.

    Attributes:
        status: The HTTP status.
        body: The body, without the key even if the service repeats it.
        retry_after: The header `Retry-After`, or None.
    """

    status: int
    body: bytes
    retry_after: str | None = None

    @classmethod
    def without_key(cls, key: Secret, status: int, body: bytes, retry_after: str | None) -> HTTPResponse:
        """Make one, hiding the key wherever the service repeats it."""
        text = key.hide(body.decode("utf-8", "surrogateescape"))
        return cls(status, text.encode("utf-8", "surrogateescape"), key.hide(retry_after) if retry_after else None)


class Socket(Protocol):
    """An open WebSocket, as a connection uses it.

    Attributes:
        opened_by: The transport that opened it; set by `open_websocket`.
    """

    opened_by: Transport

    @property
    def state(self) -> State:
        """Whether it is open."""

    @property
    def close_code(self) -> int | None:
        """Why it was closed."""

    @property
    def close_reason(self) -> str | None:
        """Why it was closed, in words."""

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent."""

    async def send(self, frame: str | bytes, /) -> None:
        """Send a frame."""

    def send_now(self, frame: bytes, /) -> bool:
        """Send a frame if that needs no waiting; return whether it was sent."""

    async def keep_alive(self, frame: str | bytes, /) -> None:
        """Send a frame whose only purpose is to keep the socket open."""

    async def close(self) -> None:
        """Close it, with a closing handshake if the peer takes part; bounded whatever the peer does."""

    def abort(self) -> None:
        """End it now, without a closing handshake; what waits to be sent is dropped."""

    def release(self) -> None:
        """End it without its event loop, which has ended; the peer sees that at once."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over its frames; ends with a clean close and raises `ConnectionClosed` with any other."""


class Transport(Protocol):
    """Opens sockets and makes requests.

    A transport that has an attribute `target` (a :class:`~smallest_nb.client.target.Target`) also decides where a
    service connects that was given neither key nor address, as a replayed cassette does.
    """

    async def connect(self, url: str, key: Secret, /, *, timeout: float) -> Socket | HTTPResponse:
        """Open a WebSocket.

        Args:
            url: Full URL, `ws://` or `wss://`.
            key: The API key.
            timeout: Seconds for the whole handshake.

        Returns:
            The open socket, or the response with which the service refused it.

        Raises:
            ConnectionLost: The service was not reached.
            CassetteError: The cassette does not hold such a socket.
        """

    async def request(
        self, method: str, url: str, key: Secret, /, *, body: bytes | None, content_type: str, timeout: float
    ) -> HTTPResponse:
        """Make an HTTP request and return the response, whatever its status.

        Args:
            method: "GET" or "POST".
            url: Full URL, `http://` or `https://`.
            key: The API key.
            body: The body of a POST, or None.
            content_type: Of the body.
            timeout: Seconds for each step of the network; twice that for all of it.

        Raises:
            ConnectionLost: The service was not reached, or did not answer in time.
            CassetteError: The cassette does not hold such a request.
        """
