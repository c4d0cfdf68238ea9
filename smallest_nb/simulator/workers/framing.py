"""The pipe between the simulator and its engine workers: typed, length-prefixed messages. Standard library only.

One byte of kind, four bytes of length (little-endian), the payload. The workers import this file and no other of
the package, so that they start quickly and the GPL engine stays in a process of its own.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

__all__ = ["HEADER", "pack", "pack_json", "read", "write"]

HEADER = struct.Struct("<cI")


def pack(kind: bytes, payload: bytes = b"") -> bytes:
    """Return one message."""
    return HEADER.pack(kind, len(payload)) + payload


def pack_json(kind: bytes, value: Any) -> bytes:
    """Return one message that carries JSON."""
    return pack(kind, json.dumps(value).encode())


def read(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """Read one message, or return None at the end of the stream."""
    head = stream.read(HEADER.size)
    if len(head) < HEADER.size:
        return None
    kind, size = HEADER.unpack(head)
    return kind, stream.read(size)


def write(stream: BinaryIO, message: bytes) -> None:
    """Write and flush one message."""
    stream.write(message)
    stream.flush()
