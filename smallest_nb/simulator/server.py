"""The simulator's server: one port, its sessions and calls, and its life in a thread. Imports everything beside it.

It binds 127.0.0.1 unless another address is given, connects to no other host, and refuses web pages.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import http
import logging
import os
import threading
from collections.abc import Collection, Iterable
from pathlib import Path
from time import monotonic
from typing import Any, Self
from weakref import WeakSet

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from smallest_nb.common.paths import as_path
from smallest_nb.common.secret import RedactingFilter, Secret
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError
from smallest_nb.simulator.admission import Admission, is_wildcard
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.door import Door
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.http import Answer, HTTPExchange, json_answer
from smallest_nb.simulator.recorder import Recorder
from smallest_nb.simulator.rest import RestCalls, body_limit
from smallest_nb.simulator.sockets import Sockets

__all__ = ["Simulator"]

_wire_log = logging.getLogger("smallest_nb.simulator.websockets")
_wire_log.addFilter(RedactingFilter())
_MAX_MESSAGE = 4 * 2**20
_MAX_PORT = 65535
_BACKLOG = 1024
_WATCH_SECS = 0.5
_MAX_UNREAD = 4 * 2**20
_START_SECS = 30.0
_STOP_SECS = 10.0
_AGAIN_SECS = 0.1
_EXIT_SECS = 3.0
"""Of all simulators together, at the end of the process."""


_running: WeakSet[Simulator] = WeakSet()


def running_simulators() -> set[Simulator]:
    """Return the simulators of this process that run."""
    return set(_running)


def stop_all() -> None:
    """End, with the process, what was not stopped before; engines that are half-started end by themselves."""
    with contextlib.suppress(KeyboardInterrupt):
        running = list(_running)
        for simulator in running:
            simulator._hurry = True  # noqa: SLF001 - the same file
        threads = [simulator._ask_to_stop() for simulator in running]  # noqa: SLF001
        deadline = monotonic() + _EXIT_SECS
        for thread in threads:
            if thread is not None and thread.ident is not None:
                thread.join(max(0.0, deadline - monotonic()))


class Simulator:
    """A local stand-in for the service, as a context manager in a thread.

    Args:
        port: Port to listen on; 0 takes a free one.
        host: Address to listen on.
        behaviour: Limits and faults; may be changed while it runs.
        record: Folder for wire logs and audio, or None.
        key: The only key that it accepts; None accepts every key that begins with `sk_`.
        allowed_hosts: Names under which it may be asked for, beside `localhost`, its address and names without a dot.
        allowed_origins: Web origins whose pages may use it, such as `http://localhost:5173`, or `*`; else none may.

    Attributes:
        port: The port it listens on.
        key: The only key that it accepts, or None.
        base_url: What goes into a service's `base_url`.

    Raises:
        ConfigError: The port is out of range or in use.

    Example:
        >>> with Simulator() as simulator:
        ...     service = SmallestTTSService(api_key="sk_test", base_url=simulator.base_url)
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        behaviour: Behaviour | None = None,
        record: str | Path | None = None,
        key: str | Secret | None = None,
        allowed_hosts: Collection[str] = (),
        allowed_origins: Collection[str] = (),
    ) -> None:
        key = key if key is None or isinstance(key, Secret) else Secret(key, "the simulator")
        if not 0 <= port <= _MAX_PORT:
            raise ConfigError(f"port={port} cannot be used; expected 0 (a free one) to {_MAX_PORT}.")
        self.port = port
        self.host = host
        self.behaviour = behaviour or Behaviour()
        self.key = key
        self._admission = Admission(host, allowed_hosts, allowed_origins)
        self._recorder = Recorder(as_path(record) if record else None)
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: asyncio.Event | None = None
        self._process = 0
        self._stop_asked = self._hurry = False
        self._sockets: Sockets | None = None

    @property
    def base_url(self) -> str:
        """What goes into a service's `base_url`."""
        host = self.host
        if is_wildcard(host):  # nothing can connect to it on Windows, and it is no address that a person would give
            host = "::1" if ":" in host else "127.0.0.1"
        return f"ws://[{host}]:{self.port}" if ":" in host else f"ws://{host}:{self.port}"

    @property
    def sessions(self) -> int:
        """WebSocket sessions so far."""
        return self._sockets.count if self._sockets is not None else 0

    async def start_async(self) -> None:
        """Listen, on the caller's event loop."""
        self._backend = Backend(self.behaviour, self._recorder, self.key)
        sockets = self._sockets = Sockets(self._backend, self.behaviour)
        self._calls = HTTPExchange(RestCalls(self._backend, self.behaviour), body_limit, self._foreign)
        self._waiting: set[asyncio.Transport] = set()
        self._transports: WeakSet[asyncio.Transport] = WeakSet()

        def open_door(*args: Any, **kwargs: Any) -> Door:
            return Door(ServerConnection(*args, **kwargs), self._calls, self._waiting, self._transports)

        async def route(_connection: ServerConnection, request: Request) -> Response | None:
            refused = self._foreign(request.headers.raw_items()) or await sockets.refusal(request)
            return None if refused is None else _response(refused)

        try:
            self._server = await serve(
                sockets.handle,
                self.host,
                self.port,
                process_request=route,
                create_connection=open_door,  # type: ignore[arg-type] # a wrapper, as its documentation allows
                compression=None,
                max_size=_MAX_MESSAGE,
                ping_interval=20,
                close_timeout=1,
                server_header=None,
                logger=_wire_log,
                backlog=_BACKLOG,
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(
                    f"Port {self.port} on {self.host} is in use; choose another with --port, or 0 for a free one."
                ) from None
            raise ConfigError(f"The simulator cannot listen on {self.host}:{self.port}: {error}") from None
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._guard = asyncio.create_task(self._watch())
        self._warming = asyncio.create_task(self._backend.speech.warm())

    def _foreign(self, headers: Iterable[tuple[str, str]]) -> Answer | None:
        reason = self._admission.refusal(headers)
        return None if reason is None else json_answer(403, {"status": "error", "message": reason})

    async def stop_async(self) -> None:
        """Close every session and end the engines."""
        if self._server is not None:
            self._guard.cancel()
            self._server.close()
            self._abort()
            await self._calls.close()
            closing = asyncio.ensure_future(self._server.wait_closed())
            while not (await asyncio.wait([closing], timeout=_AGAIN_SECS))[0]:
                self._abort()  # one that was accepted meanwhile
            self._server = None
            self._warming.cancel()  # a worker that is just being started is ended by it
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._backend.close()

    def _abort(self) -> None:
        """Cut off who has said nothing yet, and at the end of the process everybody."""
        for transport in list(self._transports if self._hurry else self._waiting):
            transport.abort()

    async def _watch(self) -> None:
        """Cut off who does not read: pings are answered whatever waits already, and would fill the memory."""
        while self._server is not None:
            await asyncio.sleep(_WATCH_SECS)
            for connection in self._server.connections:
                if connection.transport.get_write_buffer_size() > _MAX_UNREAD:
                    connection.transport.abort()

    @shortens
    def start(self) -> Self:
        """Listen, in a thread of its own, until :meth:`stop` or the end of the process. Idempotent."""
        if self._thread is not None:
            return self
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        try:
            self._process, self._stop_asked, self._loop = os.getpid(), False, None
            self._thread = threading.Thread(
                target=self._run, args=(started,), name="smallest_nb simulator", daemon=True
            )
            _running.add(self)
            self._thread.start()
            started.result(_START_SECS)
            return self  # noqa: TRY300 - an interrupt may come here too
        except BaseException:  # a server that is left running here would be out of reach
            self.stop()
            raise

    def _run(self, started: concurrent.futures.Future[None]) -> None:
        async def main() -> None:
            self._asked = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            if self._stop_asked:  # before there was a loop to be asked
                self._asked.set()
            try:
                await self.start_async()
            except BaseException as error:
                started.set_exception(error)
                return
            started.set_result(None)
            try:
                await self._asked.wait()
            finally:
                await self.stop_async()

        asyncio.run(main())

    def stop(self) -> None:
        """End the thread and everything it holds. Idempotent."""
        thread = self._ask_to_stop()
        if thread is not None and thread.ident is not None:
            thread.join(_STOP_SECS)

    def _ask_to_stop(self) -> threading.Thread | None:
        """Have the thread end, and return it; None where it does not run in this process."""
        thread, self._stop_asked = self._thread, True
        if thread is None or self._process != os.getpid():
            return None  # in a forked process there is no such thread, and the sockets are the parent's
        if self._loop is not None and self._asked is not None:
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(self._asked.set)
        self._thread = None
        _running.discard(self)
        return thread

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Simulator({self.base_url})"


def _response(answer: Answer) -> Response:
    """Return an answer as websockets sends it instead of a handshake."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    headers = Headers({"Content-Type": answer.content_type, "Content-Length": str(len(body)), "Connection": "close"})
    for name, value in answer.headers.items():
        headers[name] = value
    return Response(answer.status, http.HTTPStatus(answer.status).phrase, headers, body)
