"""The simulator and its life in a thread.

It binds 127.0.0.1 unless another address is given, connects to no other host, and refuses web pages.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Collection
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self
from weakref import WeakSet

from smallest_nb.common.paths import as_path
from smallest_nb.common.secret import Secret
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError
from smallest_nb.simulator.admission import Admission, is_wildcard
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.recorder import Recorder

if TYPE_CHECKING:
    from smallest_nb.simulator.listener import Listener

__all__ = ["Simulator", "stop_all"]

_MAX_PORT = 65535
_START_SECS = 45.0
_STOP_SECS = 10.0
_EXIT_SECS = 3.0
"""Of all simulators together, at the end of the process."""


_created: WeakSet[Simulator] = WeakSet()
_running: WeakSet[Simulator] = WeakSet()


def running_simulators() -> set[Simulator]:
    """Return the simulators of this process that run."""
    return set(_running)


def stop_all() -> None:
    """End, with the process, what was not stopped before; engines that are half-started end by themselves."""
    with contextlib.suppress(KeyboardInterrupt):
        threads = [simulator.request_stop(hurry=True) for simulator in list(_running)]
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
        ConfigError: The port is out of range or in use, or the voice that was chosen cannot speak.

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
        self._backend: Backend | None = None
        self._listener: Listener | None = None
        self._warming: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_event: asyncio.Event | None = None
        self._process = 0
        self._changing = threading.RLock()
        """Held while it starts or stops, by one thread at a time; a start that fails stops it."""
        _created.add(self)
        self._stop_requested = self._hurry = False

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
        return self._listener.sockets.count if self._listener is not None else 0

    @property
    def open_sessions(self) -> int:
        """WebSocket sessions that are open."""
        return self._listener.sockets.open_count if self._listener is not None else 0

    async def start_async(self) -> None:
        """Listen, on the caller's event loop.

        Raises:
            ConfigError: aiohttp is missing, the port is in use, or the voice that was chosen cannot speak.
        """
        backend = Backend(self.behaviour, self._recorder, self.key)
        listener = _load_listener()(backend, self.behaviour, self._admission)
        try:
            await backend.start(self.behaviour)
            self.port = await listener.start(self.host, self.port)
        except BaseException:
            await backend.close()
            raise
        self._backend, self._listener = backend, listener
        self._warming = asyncio.create_task(backend.warm(self.behaviour))

    async def stop_async(self) -> None:
        """Close every session and end the engines."""
        if self._listener is not None and self._warming is not None:
            await self._listener.stop(hurry=self._hurry)
            self._warming.cancel()  # a worker that is just being started is ended by it
            await asyncio.gather(self._warming, return_exceptions=True)
            self._warming = None
        if self._backend is not None:
            await self._backend.close()

    @shortens
    def start(self) -> Self:
        """Listen, in a thread of its own, until :meth:`stop` or the end of the process. Idempotent."""
        try:
            with self._changing:
                return self._start()
        except BaseException:  # an interrupt may come after the start too: what is left running would be out of reach
            self.stop()
            raise

    def _start(self) -> Self:
        if self._thread is not None:
            return self
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._process, self._stop_requested, self._loop = os.getpid(), False, None
        self._thread = threading.Thread(target=self._run, args=(started,), name="smallest_nb simulator", daemon=True)
        _running.add(self)
        self._thread.start()
        started.result(_START_SECS)
        return self

    def _run(self, started: concurrent.futures.Future[None]) -> None:
        async def main() -> None:
            self._stop_event = asyncio.Event()
            self._loop = asyncio.get_running_loop()
            if self._stop_requested:  # before there was an event to set
                self._stop_event.set()
            try:
                await self.start_async()
            except BaseException as error:
                started.set_exception(error)
                return
            started.set_result(None)
            try:
                await self._stop_event.wait()
            finally:
                await self.stop_async()

        asyncio.run(main())

    def stop(self) -> None:
        """End the thread and everything it holds. Idempotent."""
        with self._changing:
            thread = self.request_stop()
            if thread is not None and thread.ident is not None:
                thread.join(_STOP_SECS)

    def request_stop(self, *, hurry: bool = False) -> threading.Thread | None:
        """Make the thread end, and return it without waiting; None if it does not run in this process.

        Args:
            hurry: Cut the sessions off instead of closing them.
        """
        self._hurry = hurry
        thread, self._stop_requested = self._thread, True
        if thread is None or self._process != os.getpid():
            return None  # in a forked process there is no such thread, and the sockets are the parent's
        if self._loop is not None and self._stop_event is not None:
            with contextlib.suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(self._stop_event.set)
        self._thread = None
        _running.discard(self)
        return thread

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Simulator({self.base_url})"


def _forget_locks() -> None:
    """Make the locks again in a forked process: the threads that hold them stayed with the parent."""
    for simulator in list(_created):
        simulator._changing = threading.RLock()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)


def _load_listener() -> type[Listener]:
    """Import what needs aiohttp, which only the extra brings: what a simulator is can be asked without it."""
    try:
        from smallest_nb.simulator.listener import Listener  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "smallest_nb":
            raise
        raise ConfigError(
            f'The simulator needs {error.name}, which is not installed: pip install "smallest-nb[simulator]"'
        ) from None
    return Listener
