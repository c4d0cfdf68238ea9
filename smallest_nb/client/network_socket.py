"""A WebSocket of the network: websockets' connection with bounded closing, a fair keepalive, and the key hidden."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Coroutine, Generator
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedOK
from websockets.frames import CloseCode
from websockets.protocol import State

from smallest_nb.client.cleanup import adopt_task
from smallest_nb.client.transport import Transport
from smallest_nb.common.secret import Secret, cleared_frames

__all__ = ["NetworkSocket"]

_MARGIN_SECS = 0.5


class _WithoutGeneratorHooks:
    """Awaits a coroutine whose asynchronous generators the event loop does not register.

    websockets closes inside one. `asyncio.run` closes every generator that it has registered, and reports on stderr
    each that is running just then, as it is when an utterance was left in the middle at the end of a script.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, None]:
        """Step it with the loop's hooks taken off."""
        step, value = self._coroutine.send, None
        try:
            while True:
                hooks = sys.get_asyncgen_hooks()
                sys.set_asyncgen_hooks(None, None)
                try:
                    waits_for = step(value)
                except StopIteration:
                    return
                finally:
                    sys.set_asyncgen_hooks(*hooks)
                try:
                    value, step = (yield waits_for), self._coroutine.send
                except GeneratorExit:
                    raise
                except BaseException as error:
                    value, step = error, self._coroutine.throw
        finally:
            self._coroutine.close()


class NetworkSocket(ClientConnection):
    """A socket of the network; the key is hidden in whatever the service repeats it.

    The key is added to the headers in :meth:`handshake` and nowhere else: websockets' `connect` keeps its headers for
    redirects.

    Args:
        args: As for `ClientConnection`.
        key: The API key.
        options: As for `ClientConnection`.
    """

    opened_by: Transport
    _last_data_at = 0.0

    def __init__(self, *args: Any, key: Secret, **options: Any) -> None:
        super().__init__(*args, **options)
        self.key = key

    async def handshake(self, additional_headers: Any = None, user_agent_header: str | None = None) -> None:
        """Shake hands, with the key among the headers of the request."""
        with cleared_frames():
            try:
                await super().handshake({**(additional_headers or {}), **_authorization(self.key)}, user_agent_header)
            finally:
                if self.request is not None:
                    self.request.headers.pop("Authorization", None)

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent."""
        return self.transport.get_write_buffer_size()

    @property
    def close_reason(self) -> str | None:
        """Why it was closed, in words."""
        reason = super().close_reason
        return self.key.hide(reason) if reason else reason

    def send_now(self, frame: bytes, /) -> bool:
        """Send a frame if that needs no waiting.

        This is the library's `send` without the two coroutines and the context manager that it needs for waiting: they
        cost more than half of what sending 20 ms of audio costs.
        """
        if self.protocol.state is not State.OPEN or self.transport.get_write_buffer_size():
            return False
        self.protocol.send_binary(frame)
        self.send_data()
        return True

    async def keep_alive(self, frame: str | bytes, /) -> None:
        """Send a frame whose only purpose is to keep the socket open."""
        await self.send(frame)

    def start_keepalive(self) -> None:
        """Answer and send pings, in a task of websockets' own."""
        super().start_keepalive()
        if (task := getattr(self, "keepalive_task", None)) is not None:
            adopt_task(task)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, with a closing handshake if the peer takes part.

        The library bounds the wait for the peer's closing frame, but not the one before it: its own closing frame goes
        to the end of the send buffer, which never drains if the peer reads nothing.
        """
        try:
            async with asyncio.timeout((self.close_timeout or 0.0) + _MARGIN_SECS):
                await _WithoutGeneratorHooks(super().close(code, reason))
        except TimeoutError:
            self.abort()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MARGIN_SECS):
                    await self.wait_closed()
        except asyncio.CancelledError:
            self.abort()
            raise

    def abort(self) -> None:
        """End it now, without a closing handshake; what waits to be sent is dropped."""
        self.transport.abort()

    def release(self) -> None:
        """End it without its event loop, which has ended; the peer sees that at once."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)

    # No generator: one that is left in the middle would outlive its reader until the collector finds it.
    def __aiter__(self) -> Self:
        """Iterate over its frames."""
        return self

    async def __anext__(self) -> str | bytes:
        """Return the next frame."""
        try:
            frame = await self.recv()
        except ConnectionClosedOK:
            raise StopAsyncIteration from None
        except RuntimeError:
            if not self.loop.is_closed():
                raise
            raise GeneratorExit from None  # the loop was closed while this was read; the reader is being collected now
        return self.key.hide(frame) if isinstance(frame, str) else self.key.hide_in_bytes(frame)

    def data_received(self, data: bytes) -> None:
        """Note that the peer is alive, and pass the bytes on."""
        self._last_data_at = self.loop.time()
        super().data_received(data)

    async def keepalive(self) -> None:
        """Ping the peer, and drop the socket if nothing at all comes for `ping_timeout` while we read.

        The library waits for the pong only. The pong comes behind the frames that the caller has not read yet, and is
        not read while the receive queue is full, so that a slow reader would lose a healthy peer.
        """
        if self.ping_interval is None or self.ping_timeout is None:
            return
        while True:
            await asyncio.sleep(self.ping_interval)
            pong = asyncio.ensure_future(await self.ping())
            since, paused = self.loop.time(), False
            while not (await asyncio.wait([pong], timeout=self.ping_timeout))[0]:
                paused_before, paused = paused, self.recv_messages.paused
                if not (paused or paused_before or self._last_data_at > since):
                    async with self.send_context():
                        self.protocol.fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
                since = self.loop.time()


def _authorization(key: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.unwrap()}"}
