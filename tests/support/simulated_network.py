"""The misbehaving server of the bench behind a simulated network, for a transcription in simulated time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from types import SimpleNamespace

from websockets.exceptions import ConnectionClosedError

from bench.faults.frames import CLIENT_LIMIT, RAW
from bench.faults.plan import Plan
from bench.faults.state import State
from bench.faults.stt import Listening
from bench.faults.wire import Gone, Wire
from smallest_nb.api.error_shapes import error_from_http
from smallest_nb.client.connection import State as ConnectionState
from smallest_nb.errors import ConnectionLost

LATENCY_SECS = 0.002
PING_SECS, PONG_SECS, CLOSE_SECS = 8.0, 10.0, 2.0
SEND_SECS = 10.0
BUFFER_BYTES = 256 * 1024
_GONE_CODE = 1006


class SimulatedServer:
    """Serves by a plan of the bench."""

    def __init__(self, plan: Plan, place: str = "server") -> None:
        self.state = State(plan, self._begin_outage)
        self.place = place
        self.frozen_until = 0.0
        self._away_until = 0.0
        self._handshakes = self._accepted = 0
        self._sockets: set[SimulatedSocket] = set()

    def _begin_outage(self, secs: float) -> None:
        self._away_until = asyncio.get_running_loop().time() + secs
        for socket in list(self._sockets):
            socket.end()

    def freeze(self, secs: float) -> None:
        """Neither read nor answer for a while: the process is suspended."""
        self.frozen_until = asyncio.get_running_loop().time() + secs

    async def thaw(self) -> None:
        """Wait until the process goes on."""
        while (left := self.frozen_until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)

    async def accept(self, url: str, open_timeout: float) -> SimulatedSocket:
        """Shake hands, as the plan has it."""
        await asyncio.sleep(LATENCY_SECS)
        if self.place == "nowhere":
            raise ConnectionLost("the host name was not found")
        if self.place == "refused":
            raise ConnectionLost("the connection was refused")
        if asyncio.get_running_loop().time() < self._away_until:
            raise ConnectionLost("the connection was refused; is the server running?")
        ledger = self.state.ledger
        ledger.handshakes.append(asyncio.get_running_loop().time())
        fault = self.state.script.take("handshake", self._handshakes)
        self._handshakes += 1
        socket = SimulatedSocket(self)
        if fault is not None:
            wire = Wire(socket, self.state)
            wire.record.faulted = True
            ledger.note_fault()
            if fault.do == "hang":
                await asyncio.sleep(open_timeout)
                raise ConnectionLost(f"no answer within {open_timeout:g} s")
            if fault.do == "reset":
                raise ConnectionLost("reset in the handshake")
            body = json.dumps({"error": {"message": "as planned", "code": "planned"}}).encode()
            raise error_from_http(fault.code, body, url=url, retry_after=f"{fault.secs:g}" if fault.secs else None)
        self._sockets.add(socket)
        socket.serving = asyncio.ensure_future(self._serve(socket, url.partition("?")[2]))
        return socket

    async def _serve(self, socket: SimulatedSocket, query: str) -> None:
        wire = Wire(socket, self.state)
        with contextlib.suppress(Gone, ConnectionClosedError):
            await wire.at("accepted", self._accepted)
            self._accepted += 1
            await Listening(wire, query).run()
            await socket.close(1000, "")
        self._sockets.discard(socket)


class SimulatedSocket:
    """Both ends of one connection; `Wire` sees the server's as a connection of the library."""

    def __init__(self, server: SimulatedServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._to_server: deque[str | bytes] = deque()
        self._on_the_way: tuple[deque[str | bytes], deque[str | bytes]] = (deque(), deque())
        self._arrived = asyncio.Event()
        self._drained = asyncio.Event()
        self._written = b""
        self.buffered = 0
        self.lost: ConnectionLost | None = None
        self.on_frame = self.on_lost = lambda _: None
        self.serving: asyncio.Future[None] | None = None
        self.transport = SimpleNamespace(
            abort=self.end,
            write=self._write,
            write_eof=self.end,
            get_extra_info=lambda _: SimpleNamespace(setsockopt=lambda *_: None),
        )

    # The server's end.

    async def recv(self) -> str | bytes:
        await self._server.thaw()
        while not self._to_server:
            self._refuse_when_lost()
            self._arrived.clear()
            await self._arrived.wait()
        await self._server.thaw()
        frame = self._to_server.popleft()
        self.buffered -= len(frame)
        self._drained.set()
        return frame

    async def send(self, frame: str | bytes) -> None:
        await self._server.thaw()
        self._refuse_when_lost()
        if len(frame) > CLIENT_LIMIT:
            self.end(1009)
        else:
            self._carry(0, frame)

    async def ping(self) -> asyncio.Future[None]:
        return asyncio.ensure_future(asyncio.sleep(2 * LATENCY_SECS))

    async def close(self, code: int, reason: str) -> None:
        await (await self.ping())
        self.end(code, reason)

    async def wait_closed(self) -> None:
        while self.lost is None:
            await asyncio.sleep(LATENCY_SECS)

    def _write(self, data: bytes) -> None:
        """Take bytes that the server writes past the library."""
        self._written += data
        if self._written in RAW.values():
            self.end(1002)
        elif self._written[:2] == b"\x81\x7e" and len(self._written) == 4 + int.from_bytes(self._written[2:4], "big"):
            self._carry(0, self._written[4:].decode())
            self._written = b""

    def _refuse_when_lost(self) -> None:
        if self.lost is not None:
            raise ConnectionClosedError(None, None)

    def end(self, code: int = _GONE_CODE, reason: str = "") -> None:
        """End both ends; what is on its way to the client arrives before that."""
        if self.lost is None:
            self.lost = ConnectionLost("The connection was lost", code=code, reason=reason)
            self._arrived.set()
            self._drained.set()
            self._loop.call_later(LATENCY_SECS, lambda: self.on_lost(self.lost))

    def _carry(self, way: int, frame: str | bytes) -> None:
        """Have a frame arrive a little later, in order: timers that are due at once have none."""
        self._on_the_way[way].append(frame)
        self._loop.call_later(LATENCY_SECS, self._arrive, way)

    def _arrive(self, way: int) -> None:
        frame = self._on_the_way[way].popleft()
        if way == 0:
            self.on_frame(frame)
        else:
            self._to_server.append(frame)
            self._arrived.set()

    # The client's end.

    def put(self, frame: str | bytes) -> None:
        self.buffered += len(frame)
        self._carry(1, frame)

    async def wait_for_room(self) -> None:
        while self.buffered > BUFFER_BYTES and self.lost is None:
            self._drained.clear()
            await self._drained.wait()

    async def keep_alive(self) -> None:
        """Ping: a server that reads nothing does not answer, and is given up."""
        while self.lost is None:
            await asyncio.sleep(PING_SECS)
            limit = self._loop.time() + PONG_SECS + CLOSE_SECS
            while self._to_server or self._loop.time() < self._server.frozen_until:
                if self._loop.time() >= limit:
                    self.end()
                    return
                await asyncio.sleep(0.05)


class SimulatedConnection:
    """What `Connection` is to the service, over simulated sockets.

    Args:
        server: Where to.
        url: Returns the URL.
        events: The service's handlers of frames, errors and losses.
    """

    def __init__(self, server, _target, url, *, on_frame, on_frame_error, on_lost, open_timeout, **_unused) -> None:
        self._server = server
        self._url = url
        self._on_frame, self._on_frame_error, self._on_lost = on_frame, on_frame_error, on_lost
        self._open_timeout = open_timeout
        self._socket: SimulatedSocket | None = None
        self._pinging: asyncio.Future[None] | None = None
        self._closed = asyncio.Event()
        self.state = ConnectionState.IDLE

    async def open(self) -> float | None:
        self.state = ConnectionState.OPENING
        try:
            socket = await self._server.accept(self._url(), self._open_timeout)
        except BaseException:
            self.state = ConnectionState.CLOSED if self._closed.is_set() else ConnectionState.LOST
            raise
        self._socket, self.state = socket, ConnectionState.OPEN
        socket.on_frame, socket.on_lost = self._receive, self._lose
        self._pinging = asyncio.ensure_future(socket.keep_alive())
        return LATENCY_SECS

    async def wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)

    def _receive(self, frame) -> None:
        if self.state is ConnectionState.OPEN:
            try:
                self._on_frame(frame)
            except Exception as error:
                self._on_frame_error(error)

    def _lose(self, error) -> None:
        if self.state is ConnectionState.OPEN:
            self._leave(ConnectionState.LOST)
            self._on_lost(error)

    def _leave(self, state) -> None:
        socket, self._socket, self.state = self._socket, None, state
        if self._pinging is not None:
            self._pinging.cancel()
        if socket is not None:
            socket.on_frame = socket.on_lost = lambda _: None
            socket.end()

    def send_now(self, frame) -> bool:
        if self._socket is None or self._socket.lost or self._socket.buffered > BUFFER_BYTES:
            return False
        self._socket.put(frame)
        return True

    async def send(self, frame) -> None:
        socket = self._socket
        if socket is None:
            raise ConnectionLost("The connection is not open.")
        try:
            async with asyncio.timeout(SEND_SECS):
                await socket.wait_for_room()
        except TimeoutError:
            lost = ConnectionLost("The service took no data.")
            self._lose(lost)
            raise lost from None
        if socket.lost is not None:
            raise socket.lost
        socket.put(frame)

    async def close(self) -> None:
        self._closed.set()
        self._leave(ConnectionState.CLOSED)

    def release(self) -> bool:
        return False

    def prepare_spare(self, url) -> None:
        pass

    def swap(self) -> bool:
        return False
