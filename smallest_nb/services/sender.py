"""Sends the uplink over one socket after another, and comes back after a loss. Imports link, uplink.

Only the holder of `hold` sends audio, so that a change of settings can finalize and change sockets undisturbed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from time import monotonic

from smallest_nb.errors import ConnectionLost, RateLimitError, SmallestError
from smallest_nb.link.backoff import delays, is_retryable
from smallest_nb.link.cleanup import start_task
from smallest_nb.link.connection import Connection, State
from smallest_nb.services.uplink import Uplink

__all__ = ["Sender"]

_STABLE_SECS = 10.0
_LONGEST_WAIT_SECS = 2.0
"""Between two attempts to come back: speech is waiting."""


class Sender:
    """The sending half of a transcription.

    Args:
        uplink: What is to be sent.
        connection: Where to.
        open_socket: Opens the socket in one attempt.
        restore: Puts back into the outbox what a lost socket did not transcribe.
        fail: Takes the error that ends the session.
        max_retries: How many sockets in a row may end without a final, which is what shows progress.
        outage_secs: How long a lost connection is sought, from when something waits to be sent.

    Attributes:
        hold: Held by whoever sends.
        heard: Whether the socket has brought a final.
    """

    def __init__(
        self,
        uplink: Uplink,
        connection: Connection,
        *,
        open_socket: Callable[[], Awaitable[None]],
        restore: Callable[[], None],
        fail: Callable[[SmallestError], None],
        max_retries: int,
        outage_secs: float,
    ) -> None:
        self._up = uplink
        self._connection = connection
        self._open_socket = open_socket
        self._restore = restore
        self._fail = fail
        self._max_retries = max_retries
        self._outage_secs = outage_secs
        self._quick_ends = delays(max_retries)
        self._task: asyncio.Task[None] | None = None
        self._opened_at = 0.0
        self._lost = ConnectionLost("The connection was lost too often.")
        self.hold = asyncio.Lock()
        self.heard = False

    @property
    def running(self) -> bool:
        """Whether something pushed would still be sent."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin, once."""
        if self._task is None:
            self._task = start_task(self._run())

    async def stop(self) -> None:
        """End, whatever is in the outbox."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def opened(self) -> None:
        """A socket was opened."""
        self._opened_at = monotonic()

    def lost(self, error: ConnectionLost) -> None:
        """The socket was lost."""
        self._lost = error
        self.heard = self.heard or monotonic() - self._opened_at > _STABLE_SECS

    async def push(self, item: bytes) -> bool:
        """Send an item now, in the caller's task, where nothing is before it and nothing has to be waited for.

        Returns:
            Whether it was taken; else it belongs into the outbox.
        """
        if self.hold.locked() or len(self._up.outbox) or self._connection.congested or not self.running:
            return False
        async with self.hold:
            self._up.hold(item)
            with contextlib.suppress(ConnectionLost):  # then it is in the outbox again
                await self.send_in_hand()
        return True

    async def _run(self) -> None:
        while True:
            await self._up.outbox.wait_for_item()
            async with self.hold:
                try:
                    if self._connection.state is not State.OPEN:
                        await self._come_back()
                except SmallestError as error:
                    self._fail(error)
                    return
                if len(self._up.outbox):
                    self._up.take()
                    try:
                        await self.send_in_hand()
                    except ConnectionLost:  # it is told by `lost`, and nothing of the audio is
                        await asyncio.sleep(0)  # by the reader, which has to have its turn for that
                    except SmallestError as error:
                        self._fail(error)
                        return

    async def _come_back(self) -> None:
        """Open the socket again: for as long as what is pushed meanwhile can be kept, unless it is refused for good.

        The loss may be long ago: in a quiet nobody looks for a connection.
        """
        until = monotonic() + self._outage_secs
        if self.heard:
            self._quick_ends = delays(self._max_retries)
            self.heard = False
        wait = next(self._quick_ends, None)
        if wait is None:  # a server that accepts and hangs up again and again
            raise self._lost
        waits = delays(None, cap=_LONGEST_WAIT_SECS)
        next(waits)
        while True:
            await asyncio.sleep(wait)
            try:
                await self._open_socket()
            except SmallestError as error:
                wait = next(waits)
                if isinstance(error, RateLimitError) and error.retry_after is not None:
                    wait = max(wait, error.retry_after)
                if not is_retryable(error) or monotonic() + wait > until:
                    raise
            else:
                return

    async def send_in_hand(self) -> None:
        """Send the item in hand; after a loss everything that matters is back in the outbox.

        Raises:
            ConnectionLost: The socket was lost.
        """
        item = self._up.in_hand
        if item is None:
            return
        try:
            await self._connection.send(item)
        except ConnectionLost:
            self._restore()
            raise
        except asyncio.CancelledError:
            self._up.sent()  # what was cancelled is the waiting: the frame lies in the socket's buffer
            raise
        self._up.sent()
