"""Sends the uplink over one socket after another, and comes back after a loss.

Only the holder of `hold` sends audio, so that a change of settings can finalize and change sockets undisturbed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.cleanup import start_task
from smallest_nb.client.connection import Connection, State
from smallest_nb.client.stt_uplink import Uplink
from smallest_nb.errors import ConnectionLost, SmallestError

__all__ = ["Sender", "retry_policy"]

_STABLE_SECS = 30.0
"""A socket that lives longer than it takes to find out that a peer froze is a working one, with nothing said on it."""
_LONGEST_WAIT_SECS = 2.0
"""Between two attempts to come back: speech is waiting."""
_ROOM_SECS = 30.0


def retry_policy(max_retries: int, outage_secs: float) -> RetryPolicy:
    """Return the reconnect budget of a transcription; a mark of its progress is the audio that is transcribed."""
    return RetryPolicy(max_retries, outage_secs=outage_secs, stable_secs=_STABLE_SECS, longest_wait=_LONGEST_WAIT_SECS)


class Sender:
    """The sending half of a transcription.

    Args:
        uplink: What is to be sent.
        connection: Where to.
        open_socket: Opens the socket again after what ended the one before, if anything did.
        restore: Puts back into the outbox what a lost socket did not transcribe.
        fail: Takes the error that ends the session.

    Attributes:
        hold: Held by whoever sends.
    """

    def __init__(
        self,
        uplink: Uplink,
        connection: Connection,
        *,
        open_socket: Callable[[SmallestError | None], Awaitable[None]],
        restore: Callable[[], None],
        fail: Callable[[SmallestError], None],
    ) -> None:
        self._up = uplink
        self._connection = connection
        self._open_socket = open_socket
        self._restore = restore
        self._fail = fail
        self._task: asyncio.Task[None] | None = None
        self._lost: ConnectionLost | None = None
        self.hold = asyncio.Lock()

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

    def lost(self, error: ConnectionLost) -> None:
        """The socket was lost; it is opened again once there is something to send."""
        self._lost = error

    async def wait_for_room(self) -> None:
        """Wait until something was sent.

        Raises:
            ConnectionLost: An open socket took nothing for 30 s.
        """
        try:
            await self._up.outbox.wait_for_room(_ROOM_SECS)
        except TimeoutError:
            if self._connection.state is State.OPEN:  # else the search for a connection has a limit of its own
                raise ConnectionLost(f"The service took no audio for {_ROOM_SECS:g} s.") from None

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
                    except ConnectionLost:  # `lost` gets it from the reader, which has to have its turn for that
                        await asyncio.sleep(0)
                    except SmallestError as error:
                        self._fail(error)
                        return

    async def _come_back(self) -> None:
        """Open the socket again. The loss may be long ago: in a quiet nobody looks for a connection."""
        lost, self._lost = self._lost, None
        await self._open_socket(lost)

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
