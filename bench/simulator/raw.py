"""WebSocket by hand over a plain socket: quick, able to stop reading, and to send what no library would."""

from __future__ import annotations

import base64
import os
import socket
import struct
from typing import Self

__all__ = ["BINARY", "PING", "TEXT", "RawSocket", "frame", "handshake"]

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
_SECS = 10.0


def handshake(path: str, key: str = "sk_hostile") -> bytes:
    """Return a whole handshake request."""
    nonce = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {key}\r\n\r\n"
    ).encode()


def frame(kind: int, payload: bytes) -> bytes:
    """Return a client's frame; its mask is zero, so that the payload stays as it is."""
    size = len(payload)
    if size < 126:
        head = bytes([0x80 | kind, 0x80 | size])
    elif size < 2**16:
        head = bytes([0x80 | kind, 0x80 | 126]) + struct.pack("!H", size)
    else:
        head = bytes([0x80 | kind, 0x80 | 127]) + struct.pack("!Q", size)
    return head + bytes(4) + payload


class RawSocket:
    """An open WebSocket that reads only on request.

    Args:
        port: Of the server.
        path: Where to.
        key: Whose account.
        buffer: Bytes that the system holds for it, or None for its own size.
    """

    def __init__(self, port: int, path: str, key: str = "sk_hostile", *, buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(_SECS)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(handshake(path, key))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            piece = self.socket.recv(1)
            if not piece:
                raise ConnectionError(f"no handshake: {answer!r}")
            answer += piece
        if b" 101 " not in answer.partition(b"\r\n")[0]:
            raise ConnectionError(answer.partition(b"\r\n")[0].decode())

    def send(self, kind: int, payload: bytes) -> None:
        """Send a frame."""
        self.socket.sendall(frame(kind, payload))

    def close_code(self) -> int | None:
        """Read on until the server closes; return its code, None where it only hung up."""
        while head := self._exactly(2):
            kind, size = head[0] & 15, head[1] & 127
            if size >= 126:
                size = int.from_bytes(self._exactly(2 if size == 126 else 8), "big")
            payload = self._exactly(size)
            if kind == CLOSE:
                return int.from_bytes(payload[:2], "big")
        return None

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except OSError:
                return b""
            if not piece:
                return b""
            data += piece
        return data

    def close(self) -> None:
        """Hang up at once."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
