"""A TCP server that answers the WebSocket handshake and then does nothing more."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from contextlib import asynccontextmanager

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SMALL_BUFFER = 4096


@asynccontextmanager
async def reads_nothing(*, after: bytes = b""):
    """A server that answers the handshake, writes `after`, and never reads again; gives its URL and its connections."""
    held: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(line[19:].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        token = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + token + b"\r\n\r\n" + after)
        writer.transport.pause_reading()  # the kernel's buffer fills, then the client's
        held.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=_SMALL_BUFFER)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", held
    finally:
        for writer in held:
            writer.transport.abort()
        server.close()
