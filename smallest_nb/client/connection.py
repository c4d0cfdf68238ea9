"""One WebSocket over its life: open, keep alive, read, close. Whether a failed attempt is repeated is not decided here.

::

    idle ──open()──> opening ──handshake──> open ──peer or error──> lost ──open()──> opening
      any ──close()──> closed (for good)

The connection owns two tasks while open, its reader and its keepalive; both are cancelled and awaited in `close`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum
from time import monotonic
from typing import Any

from websockets.exceptions import ConnectionClosed

from smallest_nb.client.cleanup import start_task
from smallest_nb.client.connect import open_websocket
from smallest_nb.client.idle_sockets import free_sockets, offer_sockets
from smallest_nb.client.installed_transport import current_transport
from smallest_nb.client.spare_socket import SpareSocket
from smallest_nb.client.target import Target
from smallest_nb.client.transport import Socket, Transport
from smallest_nb.errors import ConnectionLost, RateLimitError

__all__ = ["Connection", "State"]

_log = logging.getLogger(__name__)
_SEND_SECS = 10.0
"""How long a peer may take no data before its socket is given up."""
_SMALL_FRAME_BYTES = 32 * 1024
"""Below half of the send buffer's limit (64 kiB): such a frame does not have to wait if nothing is before it."""
_CLOSE_SECS = 10.0
_TASK_SECS = 2.0
"""How long a cancelled task of ours is waited for."""


class State(Enum):
    """The states of a connection."""

    IDLE = "idle"
    OPENING = "opening"
    OPEN = "open"
    LOST = "lost"
    CLOSED = "closed"


class Connection:
    """A WebSocket with keepalive, and a spare one.

    Args:
        target: The address and the key.
        url: Returns the URL; called at each opening, so that settings changed meanwhile count.
        on_frame: Called with each frame, in order, from the reader task; what it returns is awaited unless None,
            which is how a full queue slows the peer down.
        on_frame_error: Called with what `on_frame` raised; the frame is dropped and reading goes on.
        on_lost: Called once when an open socket ends without `close` having been called.
        keepalive: Returns the frame to send after `keepalive_secs` without sending, or None for none.
        keepalive_secs: Seconds of quiet before it.
        open_timeout: Seconds for one handshake.
        give_up: Closes the sockets if they are idle and says whether it did; called when another connection of this
            process meets the plan's limit.
        transport: What opens the sockets; None for the transport of this process.
    """

    def __init__(
        self,
        target: Target,
        url: Callable[[], str],
        *,
        on_frame: Callable[[str | bytes], Awaitable[None] | None],
        on_frame_error: Callable[[Exception], None],
        on_lost: Callable[[ConnectionLost], None],
        keepalive: Callable[[], str | bytes | None],
        keepalive_secs: float,
        open_timeout: float = 10.0,
        give_up: Callable[[], Coroutine[Any, Any, bool]] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._target = target
        self.base_url = target.base_url
        self.loop: asyncio.AbstractEventLoop | None = None
        self.give_up = give_up
        self._url = url
        self._on_frame = on_frame
        self._on_frame_error = on_frame_error
        self._on_lost = on_lost
        self._keepalive = keepalive
        self._keepalive_secs = keepalive_secs
        self._open_timeout = open_timeout
        self._ws: Socket | None = None
        self._ws_url = ""
        self._transport = transport
        self._spare = SpareSocket(self._open_one, transport)
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()
        self._ended = asyncio.Event()
        self._last_sent = monotonic()
        self.state = State.IDLE

    async def open(self) -> float | None:
        """Open the socket unless it is open, in one attempt: whether there is another one, the caller decides.

        Returns:
            Seconds the handshake took, or None if the socket was open already.

        Raises:
            SmallestError: See :func:`~smallest_nb.client.connect.open_websocket`.
        """
        async with self._opening:
            return await self._open_socket()

    async def wait(self, seconds: float) -> None:
        """Wait before another attempt.

        Raises:
            ConnectionLost: The connection was closed meanwhile.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        self._refuse_if_closed()

    async def _open_socket(self) -> float | None:
        if self.state is State.OPEN and not self.outdated:  # it may be, if it was being opened when we were called
            return None
        self._refuse_for_good()
        self.drop_socket()
        self.state = State.OPENING
        try:
            started = monotonic()
            ws, url = await self._obtain_socket()
            if self.state is State.CLOSED:
                self._close_later(ws, [])
            self._refuse_if_closed()
            self._adopt(ws, url)
            return monotonic() - started
        except BaseException:
            if self.state is State.OPENING:
                self.state = State.LOST
            raise

    async def _obtain_socket(self) -> tuple[Socket, str]:
        """Take the spare socket or open one; at the plan's limit of sockets, idle ones of this process are closed.

        Returns:
            The socket and its URL: the settings may be changed while it is being opened.
        """
        url = self._url()
        try:
            return await self._spare.obtain(url) or await self._open_one(url), url
        except RateLimitError as error:
            limited = error
        if not await free_sockets(self):
            raise limited
        self._refuse_if_closed()
        url = self._url()
        return await self._open_one(url), url

    async def _open_one(self, url: str) -> Socket:
        return await open_websocket(url, self._target, open_timeout=self._open_timeout, transport=self._transport)

    def _adopt(self, ws: Socket, url: str) -> None:
        self._ws, self._ws_url = ws, url
        self.loop = asyncio.get_running_loop()
        offer_sockets(self)
        self.state = State.OPEN
        self._last_sent = monotonic()
        self._tasks = [start_task(self._read(ws)), start_task(self._keep_alive(ws))]

    def prepare_spare(self, url: str | None = None) -> None:
        """Have another socket ready soon, for :meth:`swap` and :meth:`open`; None means at the URL of today."""
        self._spare.prepare(url or self._url())

    def swap(self) -> bool:
        """Leave the socket now, as `drop_socket` does, and go on with the spare one.

        Returns:
            Whether there was one; else `open` has to be called.
        """
        self.drop_socket()
        url = self._url()
        ws = None if self.state is State.CLOSED or self._opening.locked() else self._spare.take(url)
        if ws is not None:
            self._adopt(ws, url)
        return ws is not None

    def _refuse_for_good(self) -> None:
        if self.state is State.CLOSED:
            raise ConnectionLost("The connection was closed for good; make a new service.")

    def _refuse_if_closed(self) -> None:
        if self.state is State.CLOSED:
            raise ConnectionLost("The connection was closed while it was being opened.")

    @property
    def outdated(self) -> bool:
        """Whether a socket opened now would have another URL, or another transport since a cassette began or ended."""
        ws = self._ws
        return ws is not None and (
            self._ws_url != self._url() or ws.opened_by is not current_transport(self._transport)
        )

    @property
    def congested(self) -> bool:
        """Whether a frame sent now might have to wait."""
        ws = self._ws
        return ws is None or self.state is not State.OPEN or ws.buffered > 0

    def send_now(self, frame: bytes) -> bool:
        """Send a small frame, without a task switch, if it does not have to wait.

        Returns:
            Whether it was sent; else nothing was done, and :meth:`send` may be called.
        """
        ws = self._ws
        if ws is None or self.state is not State.OPEN or len(frame) > _SMALL_FRAME_BYTES or not ws.send_now(frame):
            return False
        self._last_sent = monotonic()
        return True

    async def send(self, frame: str | bytes) -> None:
        """Send one frame.

        Raises:
            ConnectionLost: The socket is not open, ends meanwhile, or takes nothing for 10 s.
        """
        ws = self._ws
        if ws is None or self.state is not State.OPEN:
            raise ConnectionLost("The connection is not open.")
        try:
            if ws.buffered or len(frame) > _SMALL_FRAME_BYTES:
                async with asyncio.timeout(_SEND_SECS):
                    await ws.send(frame)
            else:  # it cannot have to wait, and a timer for each of 50 frames a second costs more than the sending
                await ws.send(frame)
        except ConnectionClosed as error:
            raise _lost(error, ws) from None
        except TimeoutError:
            raise self._give_up(ws) from None
        self._last_sent = monotonic()

    def _give_up(self, ws: Socket) -> ConnectionLost:
        """Drop a socket that takes no data: a frame may lie half-sent in its buffers, so it cannot be used again."""
        lost = ConnectionLost(f"The service took no data for {_SEND_SECS:g} s.")
        ws.abort()  # a closing handshake would wait behind the same buffer
        if self._ws is ws:
            self.drop_socket()
            self._on_lost(lost)
        return lost

    def drop_socket(self) -> asyncio.Task[None]:
        """Leave the socket now, without calling `on_lost`; `open` makes a new one.

        Returns:
            The task of its closing handshake, which is bounded; the connection owns it, and `close` waits for it.
        """
        ws, self._ws = self._ws, None
        tasks, self._tasks = self._tasks, []
        if self.state is State.OPEN:
            self.state = State.LOST
        for task in tasks:
            if task is not asyncio.current_task():
                task.cancel()
        return self._close_later(ws, tasks)

    def _close_later(self, ws: Socket | None, tasks: list[asyncio.Task[None]]) -> asyncio.Task[None]:
        closing = start_task(_close(ws, tasks))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return closing

    async def suspend(self) -> None:
        """Leave the socket and the spare one until `open` makes a new one; nothing may be under way."""
        self.drop_socket()
        await self._finish_closing()

    async def use_target(self, target: Target) -> None:
        """Leave both sockets; `open` makes new ones there. Nothing may be under way."""
        await self.suspend()
        self._target, self.base_url = target, target.base_url

    async def close(self) -> None:
        """Close for good, in bounded time. Safe to call twice and to cancel."""
        self.state = State.CLOSED
        self._ended.set()
        self.drop_socket()
        await self._finish_closing()

    async def _finish_closing(self) -> None:
        """Wait for what closes; each has a limit of its own, this one is for a limit that does not hold."""
        spare = asyncio.ensure_future(self._spare.close())
        await asyncio.wait({spare, *self._closing}, timeout=_CLOSE_SECS)

    def release(self) -> bool:
        """Close for good without an event loop: the peer sees the sockets end at once.

        Returns:
            Whether a socket was open.
        """
        self.state = State.CLOSED
        sockets = [ws for ws in (self._ws, self._spare.let_go()) if ws is not None]
        for ws in sockets:
            ws.release()
        self._ws, self._tasks = None, []
        return bool(sockets)

    async def _read(self, ws: Socket) -> None:
        try:
            async for frame in ws:
                try:
                    if (pending := self._on_frame(frame)) is not None:
                        await pending
                except Exception as error:  # a frame that cannot be handled costs that frame, not the session
                    self._on_frame_error(error)
                if self._ws is not ws:  # the frame made us leave this socket: what it sends now would be taken for
                    return  # the new one's
            lost = ConnectionLost("The service closed the connection", code=ws.close_code, reason=ws.close_reason or "")
        except ConnectionClosed as error:
            lost = _lost(error, ws)
        except Exception as error:  # whatever it is, it must not leave a socket that is open and not read
            _log.warning("reading a socket failed", exc_info=True)
            lost = ConnectionLost(f"Reading failed ({type(error).__name__}: {error})")
            ws.abort()
        if self._ws is ws and self.state is State.OPEN:
            self._ws = None
            self.state = State.LOST
            self._on_lost(lost)

    async def _keep_alive(self, ws: Socket) -> None:
        while True:
            quiet = monotonic() - self._last_sent
            if quiet < self._keepalive_secs:
                await asyncio.sleep(self._keepalive_secs - quiet)
                continue
            frame = self._keepalive()
            self._last_sent = monotonic()
            if frame is None:
                continue
            try:
                async with asyncio.timeout(_SEND_SECS):
                    await ws.keep_alive(frame)
            except ConnectionClosed:
                return  # the reader reports it
            except TimeoutError:
                self._give_up(ws)
                return


async def _close(ws: Socket | None, tasks: list[asyncio.Task[None]]) -> None:
    others = [task for task in tasks if task is not asyncio.current_task()]
    if others:
        await asyncio.wait(others, timeout=_TASK_SECS)
    if ws is not None:
        try:
            await ws.close()
        except Exception:
            _log.warning("closing a socket failed", exc_info=True)


def _lost(error: ConnectionClosed, ws: Socket) -> ConnectionLost:
    if error.rcvd is None:
        return ConnectionLost("The connection was lost")
    return ConnectionLost("The connection was lost", code=error.rcvd.code, reason=ws.close_reason or "")
