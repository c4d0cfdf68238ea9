"""An open socket, of the network or of a cassette, as the rest of `link` sees it. Imports secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedOK
from websockets.frames import CloseCode
from websockets.protocol import State

from smallest_nb.secret import Secret

__all__ = ["Answer", "LiveWire", "Wire"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP request, or a handshake that was refused, brought.

    Attributes:
        status: The HTTP status.
        body: The body, without the key should it repeat it.
        retry_after: The header `Retry-After`, or None.
    """

    status: int
    body: bytes
    retry_after: str | None = None


class Wire(Protocol):
    """What :class:`~smallest_nb.link.connection.Connection` needs of a socket."""

    @property
    def deck(self) -> object | None:
        """The recorder or player that it runs through, or None."""

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

    async def keep_alive(self, frame: str | bytes, /) -> None:
        """Send a frame that says nothing but that we are still here."""

    async def close(self) -> None:
        """Close it."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Give its frames; ends with a clean close and raises `ConnectionClosed` else."""


class LiveWire(ClientConnection):
    """A socket of the network; where the service repeats the key, it is hidden.

    Attributes:
        key: Once it is open.
    """

    deck = None
    key: Secret | None = None
    _heard_at = 0.0

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent."""
        return self.transport.get_write_buffer_size()

    @property
    def close_reason(self) -> str | None:
        """Why it was closed, in words."""
        reason = super().close_reason
        return self.key.hide(reason) if self.key is not None and reason else reason

    async def keep_alive(self, frame: str | bytes, /) -> None:
        """Send a frame that says nothing but that we are still here."""
        await self.send(frame)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Give its frames."""
        try:
            while True:
                frame = await self.recv()
                yield self.key.hide(frame) if self.key is not None and isinstance(frame, str) else frame
        except ConnectionClosedOK:
            return

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        self._heard_at = self.loop.time()
        super().data_received(data)

    async def keepalive(self) -> None:
        """Ping the peer, and give it up if it says nothing at all for `ping_timeout` while we read.

        The library waits for the pong only. That one stands behind the frames that the caller has not read yet, and is
        not read itself while the receive queue is full, so that a slow reader would lose a peer in good health.
        """
        if self.ping_interval is None or self.ping_timeout is None:
            return
        while True:
            await asyncio.sleep(self.ping_interval)
            pong = asyncio.ensure_future(await self.ping())
            since, held = self.loop.time(), False
            while not (await asyncio.wait([pong], timeout=self.ping_timeout))[0]:
                held_before, held = held, self.recv_messages.paused
                if not (held or held_before or self._heard_at > since):
                    async with self.send_context():
                        self.protocol.fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
                since = self.loop.time()
