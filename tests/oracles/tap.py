"""A wire tap: relays TCP to a server and keeps every request, header and WebSocket frame that passed.

The simulator's own record leaves out queries, headers and audio, and is no witness in its own cause.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

_MAX_FRAME = 2**24


@dataclass
class Message:
    """A text or binary message; `data` is what JSON holds, or the bytes."""

    t: float
    client: bool
    data: Any


@dataclass
class Connection:
    """One TCP connection: the HTTP request, the answer's status, and then the messages of both sides in order."""

    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    messages: list[Message] = field(default_factory=list)

    def sent(self) -> list[Any]:
        """Return what the client sent."""
        return [m.data for m in self.messages if m.client]

    def got(self) -> list[Any]:
        """Return what the server sent."""
        return [m.data for m in self.messages if not m.client]

    def parse(self, reader: StreamReader, *, client: bool) -> Generator[None]:
        """Read one direction as its bytes arrive."""
        first = (yield from reader.read_line(2**16)).decode().split(" ")
        if client:
            parts = urlsplit(first[1])
            self.path, self.query = parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))
        else:
            self.status = int(first[1])
        while line := (yield from reader.read_line(2**16)).strip():
            name, _, value = line.decode().partition(":")
            if client:
                self.headers[name.lower()] = value.strip()
        if "upgrade" not in self.headers or (not client and self.status != 101):
            return
        parts_of_message: list[bytes] = []
        text = False
        while True:
            frame = yield from Frame.parse(reader.read_exact, mask=client, max_size=_MAX_FRAME)
            if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                continue
            text = text if frame.opcode is Opcode.CONT else frame.opcode is Opcode.TEXT
            parts_of_message.append(bytes(frame.data))
            if frame.fin:
                data = b"".join(parts_of_message)
                self.messages.append(Message(monotonic(), client, _loads(data) if text else data))
                parts_of_message.clear()


def _loads(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


class Tap:
    """Listens on a port of its own and relays to `port`.

    Attributes:
        connections: What passed, in the order of connecting.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []
        self.connections: list[Connection] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Hang up everywhere."""
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [near, far]
                seen = Connection()
                self.connections.append(seen)
                for source, sink, client in ((near, far, True), (far, near, False)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=_relay, args=(source, sink, seen, client), daemon=True).start()


def _relay(source: socket.socket, sink: socket.socket, seen: Connection, client: bool) -> None:
    reader = StreamReader()
    parser = seen.parse(reader, client=client)
    next(parser)
    with contextlib.suppress(OSError):
        while data := source.recv(2**16):
            reader.feed_data(data)
            try:
                next(parser)
            except StopIteration:  # no WebSocket, or broken: let it pass unread
                pass
            except ProtocolError as error:
                seen.messages.append(Message(monotonic(), client, f"a broken frame: {error}"))
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
