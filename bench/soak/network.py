"""A TCP relay between the kernel and the service whose connections can be cut."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from typing import Self

__all__ = ["CuttableNetwork"]

_PIECE = 1 << 16


class CuttableNetwork:
    """Relays TCP connections to a port of this machine, on a thread of its own.

    Args:
        port: Where the service listens.

    Attributes:
        port: Where the relay listens.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._refuses = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="soak network", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def cut(self, seconds: float) -> None:
        """Reset every connection, and refuse new ones for some seconds; return at once."""
        self._loop.call_soon_threadsafe(self._cut, seconds)

    def _cut(self, seconds: float) -> None:
        self._refuses = True
        for writer in list(self._writers):
            _reset(writer)
        self._loop.call_later(seconds, self._accept_again)

    def _accept_again(self) -> None:
        self._refuses = False

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._relay, "127.0.0.1", 0)

    async def _stop(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            _reset(writer)
        await asyncio.wait_for(self._server.wait_closed(), 5)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            _reset(writer)
            return
        try:
            service, to_service = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        pair = {writer, to_service}
        self._writers |= pair
        try:
            await asyncio.gather(_copy(reader, to_service), _copy(service, writer))
        finally:
            self._writers -= pair
            for each in pair:
                each.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass  # one side is gone: the other one is closed below
    finally:
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a network that is gone."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
