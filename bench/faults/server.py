"""A server that misbehaves as planned. A process of its own, because it resets, stops and suspends itself.

JSON lines on stdin say what to do: `{"do": "plan", "plan": {...}}` begins with a new plan and answers the URL;
`{"do": "report"}` answers the ledger. It prints a hello first and ends when stdin does. `FaultServer` is the same
within a running loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import sys
from http import HTTPStatus
from time import monotonic
from typing import Any, Self

from websockets.asyncio.server import Request, Response, Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.faults.plan import Plan
from bench.faults.state import State
from bench.faults.stt import Listening
from bench.faults.tts import Speaking
from bench.faults.wire import Gone, Wire

_HUNG_S = 60.0
_SMALL_BUFFER = 16384
"""Of the socket, so that a client notices at once that the server does not read."""


class FaultServer:
    """Serves on a port of its own, within the running loop."""

    def __init__(self) -> None:
        self._server: Server | None = None
        self._outage: asyncio.Task[None] | None = None
        self._wires: set[Wire] = set()
        self._handshakes = 0
        self._accepted = 0
        self.state = State(Plan(), self._begin_outage)
        self.port = 0

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.plan(Plan())
        await self._leave()

    @property
    def url(self) -> str:
        """Where to find it, without a path."""
        return f"ws://127.0.0.1:{self.port}"

    async def plan(self, plan: Plan) -> None:
        """Forget all that was and behave like this from now on."""
        if self._outage is not None:
            self._outage.cancel()
            await asyncio.gather(self._outage, return_exceptions=True)
            self._outage = None
        self._hang_up()
        self.state = State(plan, self._begin_outage)
        self._handshakes = self._accepted = 0
        if self._server is None:
            await self._listen()

    def report(self) -> dict[str, Any]:
        """Return the ledger as plain data."""
        return dataclasses.asdict(self.state.ledger)

    async def _listen(self) -> None:
        sock = socket.create_server(("127.0.0.1", self.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        self.port = sock.getsockname()[1]
        self._server = await serve(
            self._serve,
            sock=sock,
            process_request=self._greet,
            compression=None,
            ping_interval=None,
            open_timeout=None,
            close_timeout=0.5,
            max_queue=1,
        )

    async def _leave(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close(close_connections=False)
        self._hang_up()
        if server is not None:
            await server.wait_closed()

    def _hang_up(self) -> None:
        for wire in self._wires:
            wire.reset_now()

    def _begin_outage(self, secs: float) -> None:
        self._outage = asyncio.create_task(self._be_away(secs))

    async def _be_away(self, secs: float) -> None:
        await self._leave()
        await asyncio.sleep(secs)
        await self._listen()

    async def _greet(self, ws: ServerConnection, _request: Request) -> Response | None:
        self.state.ledger.handshakes.append(monotonic())
        fault = self.state.script.take("handshake", self._handshakes)
        self._handshakes += 1
        if fault is None:
            return None
        wire = Wire(ws, self.state)
        wire.record.faulted = True
        self.state.ledger.note_fault()
        if fault.do == "hang":
            self._wires.add(wire)
            await asyncio.wait({asyncio.ensure_future(ws.wait_closed())}, timeout=_HUNG_S)
            self._wires.discard(wire)
        elif fault.do == "reset":
            wire.reset_now()
        else:
            return _refusal(ws, fault.code, fault.secs)
        return None

    async def _serve(self, ws: ServerConnection) -> None:
        wire = Wire(ws, self.state)
        self._wires.add(wire)
        try:
            with contextlib.suppress(Gone, ConnectionClosed):
                await wire.at("accepted", self._accepted)
                self._accepted += 1
                await self._talk(wire)
        finally:
            self._wires.discard(wire)

    async def _talk(self, wire: Wire) -> None:
        path, _, query = wire.ws.request.path.partition("?") if wire.ws.request else ("", "", "")
        if path in ("/waves/v1/stt/live", "/waves/v1/pulse/get_text"):
            await Listening(wire, query).run()
        elif path == "/waves/v1/tts/live" or path.endswith("/get_speech/stream"):
            await Speaking(wire).run()


def _refusal(ws: ServerConnection, status: int, retry_after: float) -> Response:
    response = ws.respond(HTTPStatus(status), json.dumps({"error": {"message": "as planned", "code": "planned"}}))
    if retry_after:
        response.headers["Retry-After"] = f"{retry_after:g}"
    return response


async def main() -> None:
    """Serve until stdin ends."""
    loop, orders = asyncio.get_running_loop(), asyncio.StreamReader(limit=2**20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with FaultServer() as server:
        print(json.dumps({"ready": True}), flush=True)
        while line := await orders.readline():
            order = json.loads(line)
            if order["do"] == "plan":
                await server.plan(Plan.from_json(order["plan"]))
                print(json.dumps({"url": server.url}), flush=True)
            else:
                print(json.dumps(server.report()), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
