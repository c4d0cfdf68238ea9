"""An open socket, of the network or of a cassette, as the rest of `link` sees it. Imports secret."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedOK
from websockets.protocol import State

from smallest_nb.link.cleanup import adopt_task
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

    def release(self) -> None:
        """End it without its event loop, which has ended; the peer sees that at once."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Give its frames; ends with a clean close and raises `ConnectionClosed` else."""


class LiveWire(ClientConnection):
    """A socket of the network; where the service repeats the key, it is hidden.

    Attributes:
        key: Once it is open.
    """

    deck = None
    key: Secret | None = None

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

    def start_keepalive(self) -> None:
        """Answer and send pings, in a task of websockets' own."""
        super().start_keepalive()
        if (task := getattr(self, "keepalive_task", None)) is not None:
            adopt_task(task)

    def release(self) -> None:
        """End it without its event loop, which has ended; the peer sees that at once."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)

    # No generator: one that is left in the middle would outlive its reader until the collector finds it.
    def __aiter__(self) -> Self:
        """Give its frames."""
        return self

    async def __anext__(self) -> str | bytes:
        """Give the next frame."""
        try:
            frame = await self.recv()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None
        except RuntimeError:
            if not self.loop.is_closed():
                raise
            raise GeneratorExit from None  # somebody closed the loop under a reader, which is being collected now
        return self.key.hide(frame) if self.key is not None and isinstance(frame, str) else frame
