"""How each container writes its chunks: WAV (RIFF, RF64, BW64, RIFX), W64, AIFF and CAF."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from smallest_nb.audio.file_parts import read_at

__all__ = ["CHUNK_DIALECTS", "ChunkDialect", "is_placeholder"]

_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")


@dataclass(frozen=True)
class ChunkDialect:
    """How one container writes its chunks.

    Attributes:
        name: The container.
        first: Offset of the first chunk.
        head: Bytes of a chunk's header.
        size: How the size of a chunk is packed, ...
        size_at: ... where in the header it stands, ...
        size_includes_head: ... and whether it counts the header too.
        align: A chunk begins at a multiple of so many bytes.
        fmt: Name of the chunk that describes the samples.
        data: Name of the chunk that holds them.
        skip: Bytes at the beginning of the data chunk that are not samples.
        sign: How a file begins.
        is_sign: Whether a file begins with these bytes; `sign` alone also occurs among samples.
    """

    name: str
    first: int
    head: int
    size: struct.Struct
    size_at: int
    size_includes_head: bool
    align: int
    fmt: bytes
    data: bytes
    skip: int
    sign: bytes
    is_sign: Callable[[bytes], bool]

    def read_header(self, stream: BinaryIO, at: int) -> tuple[bytes, int] | None:
        """Return a chunk's name and the size of its body."""
        head = read_at(stream, at, self.head)
        if len(head) < self.head:
            return None
        (size,) = self.size.unpack_from(head, self.size_at)
        if self.size_includes_head:
            size -= self.head
        return head[:4], size

    def next_chunk(self, at: int, size: int) -> int:
        """Return where the chunk after one would begin."""
        return at + self.head + size + -size % self.align


_U32, _U32_BIG = struct.Struct("<I"), struct.Struct(">I")


def _riff_sign(name: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == name and head[8:12] == b"WAVE"


def _riff(name: str, size: struct.Struct) -> ChunkDialect:
    sign = name.encode()
    return ChunkDialect(name, 12, 8, size, 4, False, 2, b"fmt ", b"data", 0, sign, _riff_sign(sign))


CHUNK_DIALECTS = (
    _riff("RIFF", _U32),
    _riff("RF64", _U32),
    _riff("BW64", _U32),
    _riff("RIFX", _U32_BIG),
    ChunkDialect("FORM", 12, 8, _U32_BIG, 4, False, 2, b"COMM", b"SSND", 8, b"FORM",
             lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")),
    ChunkDialect("CAF", 8, 12, struct.Struct(">q"), 4, False, 1, b"desc", b"data", 4, b"caff\x00\x01\x00\x00",
             lambda head: head[:8] == b"caff\x00\x01\x00\x00"),
    ChunkDialect("W64", 40, 24, struct.Struct("<q"), 16, True, 8, b"fmt ", b"data", 0, _W64_RIFF,
             lambda head: head[:16] == _W64_RIFF),
)  # fmt: skip


def is_placeholder(size: int) -> bool:
    """Whether a size is what programs write if they cannot go back to the header to correct it.

    ffmpeg FFFFFFFF, sox and espeak-ng 7FFFF000 (AIFF 7F000000), arecord 80000000, lame 7FFFFFFF less its header; CAF
    and 64-bit sizes: -1. Bytes of the header itself may have been added or left out. (mpg123 writes 0.)
    """
    return (
        size < 0
        or 0x7F000000 <= size < 0x7F001000
        or 0x7FFF0000 <= size < 0x80001000
        or 0xFFFF0000 <= size < 2**32
        or size >= 2**60
    )
