"""The port: aiohttp's server reads requests; WebSocket handshakes become sessions, others are REST calls."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
from typing import Any, cast

from aiohttp import web

from smallest_nb.errors import ConfigError
from smallest_nb.simulator.admission import Admission
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.connection import Connection, is_handshake, read_body, read_head, send_answer
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.http import json_answer
from smallest_nb.simulator.rest import RestCalls, body_limit
from smallest_nb.simulator.sockets import Sockets

__all__ = ["Listener"]

_BACKLOG = 1024
_FLUSH_SECS = 10.0
_STOP_SECS = 2.0
_AGAIN_SECS = 0.1
_TURNS_OF_ACCEPT = 3
"""Turns of the loop from asyncio's accept to `connection_made`: a task, a transport, a callback."""


class Listener:
    """Serves one port, on the loop on which it is started.

    Args:
        backend: The engines.
        behaviour: Limits and faults, read for each session.
        admission: Which requests are for this server.

    Attributes:
        sockets: The WebSocket sessions.
    """

    def __init__(self, backend: Backend, behaviour: Behaviour, admission: Admission) -> None:
        self._admission = admission
        self._calls = RestCalls(backend, behaviour)
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.sockets = Sockets(backend, behaviour)

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port.

        Raises:
            ConfigError: The address cannot be listened on.
        """
        server = web.Server(self._handle)
        try:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(server, self._connections), host, port, backlog=_BACKLOG
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(
                    f"Port {port} on {host} is in use; choose another with --port, or 0 for a free one."
                ) from None
            raise ConfigError(f"The simulator cannot listen on {host}:{port}: {error}") from None
        self._guard = asyncio.create_task(self._cut_stuck_connections())
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, *, hurry: bool = False) -> None:
        """Listen no more, and end every connection.

        Args:
            hurry: Cut the sessions off, instead of closing them with code 1001 within two seconds.
        """
        self._guard.cancel()
        await self._accept_no_more()
        self._server.close()
        if not hurry:
            await self.sockets.close_all(_STOP_SECS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        closed = asyncio.ensure_future(self._server.wait_closed())
        while self._connections or not closed.done():  # others may have been accepted meanwhile
            for connection in list(self._connections):
                connection.link.abort()
            await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0)), closed], timeout=_AGAIN_SECS)

    async def _accept_no_more(self) -> None:
        """Have all that was accepted become connections: a server that is closed forgets the others' sockets."""
        loop = asyncio.get_running_loop()
        for listening in self._server.sockets:
            with contextlib.suppress(NotImplementedError):  # Windows' loop has no readers
                loop.remove_reader(listening.fileno())
        for _ in range(_TURNS_OF_ACCEPT):
            await asyncio.sleep(0)

    async def _cut_stuck_connections(self) -> None:
        """Abort what has been closing for longer than ten seconds.

        A transport is closed only when its last byte has been sent, so a client that does not read would keep it.
        """
        before: set[Connection] = set()
        while True:
            await asyncio.sleep(_FLUSH_SECS)
            closing = {connection for connection in self._connections if connection.link.is_closing()}
            for connection in before & closing:
                connection.link.abort()
            before = closing

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        try:
            with cast("Connection", request.protocol).handling(request):
                return await self._answer(request)
        finally:
            self._tasks.discard(task)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        reason = self._admission.refuse(request.headers.items())
        if reason is not None:
            return await send_answer(request, json_answer(403, {"status": "error", "message": reason}), close=True)
        head = read_head(request)
        if is_handshake(request):
            if cast("Connection", request.protocol).ended:
                raise ConnectionResetError("the client has left")
            return await self.sockets.handle(request, head)
        limit = body_limit(head.path)
        try:
            body = await read_body(request, limit)
        except TimeoutError:
            return await send_answer(request, json_answer(408, {"message": "The body did not come"}), close=True)
        if body is None:
            too_large = json_answer(413, {"message": f"The body is larger than {limit} bytes"})
            return await send_answer(request, too_large, close=True)
        return await send_answer(request, await self._calls.answer(dataclasses.replace(head, body=body)))
