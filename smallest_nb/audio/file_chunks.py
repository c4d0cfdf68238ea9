"""Files made of chunks: WAV (RIFF, RF64, BW64, RIFX), W64, AIFF and CAF; and AU, whose header is as simple.

Found here: where the samples begin and end, what the header promises beyond, and what follows. A header written to a
pipe cannot state the size of what comes; what programs write in its place was measured (see `_is_placeholder`).
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

from smallest_nb.audio.file_parts import find_all, only_tags_or_zeros, read_at, without_tags

__all__ = ["SampleChunk", "find_sample_chunks"]

_TAIL_BYTES = 2**22
"""How far before the end chunks are looked for where the size of the samples is unknown."""
_MAX_CHUNKS = 10_000
_TAIL_NAMES = re.compile(
    rb"LIST|id3 |ID3 |bext|iXML|axml|cue |fact|PEAK|smpl|inst|plst|JUNK|junk|PAD |FLLR|afsp|DISP|_PMX|umid|levl|acid|"
    rb"MARK|INST|COMT|NAME|AUTH|ANNO|\(c\) |APPL|MIDI|AESD|SAXL|CHAN|chan|info|free|uuid|kuki|pakt|peak|mark|strg"
)
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")


@dataclass(frozen=True)
class SampleChunk:
    """The samples of one file among those that may be joined in one.

    Attributes:
        container: `RIFF`, `RF64`, `RIFX`, `W64`, `FORM`, `CAF` or `AU`.
        base: Offset of the file's first byte.
        fmt: The body of its format chunk (WAV: `fmt `, AIFF: `COMM`, CAF: `desc`), as much of it as is there.
        start: Offset of the first sample.
        end: Offset behind the last sample that is there.
        missing: Bytes of samples promised beyond `end`.
        is_sized: Whether the header states the size of the samples, and so that they end where they do.
        stop: Where the file ends and the next begins.
        patches: Returns what the header's sizes would have to be, by offset from `base`, if the samples ended at an
            offset of the stream.
        unread: Bytes behind the samples that are neither chunks nor padding.
    """

    container: str
    base: int
    fmt: bytes
    start: int
    end: int
    missing: int
    is_sized: bool
    stop: int
    patches: Callable[[int], tuple[tuple[int, bytes], ...]]
    unread: int = 0


@dataclass(frozen=True)
class _Dialect:
    """How one container writes its chunks."""

    name: str
    first: int
    head: int
    """Bytes of a chunk's header."""
    size: struct.Struct
    size_at: int
    size_includes_head: bool
    align: int
    fmt: bytes
    data: bytes
    skip: int
    """Bytes at the beginning of the data chunk that are no samples."""
    sign: bytes
    is_sign: Callable[[bytes], bool]

    def chunk(self, stream: BinaryIO, at: int) -> tuple[bytes, int] | None:
        """Return a chunk's name and the size of its body."""
        head = read_at(stream, at, self.head)
        if len(head) < self.head:
            return None
        (size,) = self.size.unpack_from(head, self.size_at)
        if self.size_includes_head:
            size -= self.head
        return head[:4], size

    def following(self, at: int, size: int) -> int:
        """Return where the chunk behind one would begin."""
        return at + self.head + size + -size % self.align


_U32, _U32_BIG = struct.Struct("<I"), struct.Struct(">I")


def _riff_sign(name: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == name and head[8:12] == b"WAVE"


def _riff(name: str, size: struct.Struct) -> _Dialect:
    sign = name.encode()
    return _Dialect(name, 12, 8, size, 4, False, 2, b"fmt ", b"data", 0, sign, _riff_sign(sign))


_DIALECTS = (
    _riff("RIFF", _U32),
    _riff("RF64", _U32),
    _riff("BW64", _U32),
    _riff("RIFX", _U32_BIG),
    _Dialect("FORM", 12, 8, _U32_BIG, 4, False, 2, b"COMM", b"SSND", 8, b"FORM",
             lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")),
    _Dialect("CAF", 8, 12, struct.Struct(">q"), 4, False, 1, b"desc", b"data", 4, b"caff\x00\x01\x00\x00",
             lambda head: head[:8] == b"caff\x00\x01\x00\x00"),
    _Dialect("W64", 40, 24, struct.Struct("<q"), 16, True, 8, b"fmt ", b"data", 0, _W64_RIFF,
             lambda head: head[:16] == _W64_RIFF),
)  # fmt: skip


def _is_placeholder(size: int) -> bool:
    """Whether a size is what programs write where they cannot go back to the header.

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


def find_sample_chunks(stream: BinaryIO, base: int, size: int) -> list[SampleChunk] | None:
    """Find the samples of a file and of all that are joined to it.

    Args:
        stream: The file.
        base: Where it begins.
        size: How long the stream is.

    Returns:
        At least one, or None if the file is of another kind, or its header ends before the samples.
    """
    found: list[SampleChunk] = []
    at = base
    while at < size and len(found) < _MAX_CHUNKS:
        chunk = _sample_chunk(stream, at, size)
        if chunk is None:
            break
        found.append(chunk)
        at = chunk.stop
    if not found:
        return None
    if at < size and not only_tags_or_zeros(stream, at, size):
        found[-1] = replace(found[-1], unread=found[-1].unread + size - at)
    return found


def _sample_chunk(stream: BinaryIO, base: int, size: int) -> SampleChunk | None:
    head = read_at(stream, base, 64)
    if head[:4] == b".snd":
        return _au(stream, base, size, head)
    dialect = next((d for d in _DIALECTS if d.is_sign(head)), None)
    if dialect is None:
        return None
    fmt = b""
    at = base + dialect.first
    for _ in range(_MAX_CHUNKS):
        chunk = dialect.chunk(stream, at)
        if chunk is None:
            return None
        name, length = chunk
        body = at + dialect.head
        if name == dialect.fmt:
            fmt = read_at(stream, body, min(max(length, 0), 64))
        elif name == dialect.data:
            return _described((stream, size), dialect, base, fmt, (at, length))
        if length < 0 or _is_placeholder(length):
            return None
        at = dialect.following(at, length)
    return None


def _described(
    source: tuple[BinaryIO, int], dialect: _Dialect, base: int, fmt: bytes, chunk: tuple[int, int]
) -> SampleChunk:
    """Describe the samples of a data chunk, given its offset and size."""
    stream, size = source
    at, length = chunk
    body = at + dialect.head
    start = body + dialect.skip
    stated = read_at(stream, base, 48)
    if dialect.name in ("RF64", "BW64") and length == 0xFFFFFFFF and stated[12:16] == b"ds64":
        length = int.from_bytes(stated[28:36], "little", signed=True)
    length -= dialect.skip
    there = max(0, size - start)
    is_sized = not _is_placeholder(length)
    if length <= 0 < there and (length < 0 or _run_of_chunks(stream, dialect, start, size) is None):
        is_sized = False  # by mpg123, or by a recorder that was killed
    joint = size
    if not is_sized or length > there:
        joint = next((i for i in find_all(stream, dialect.sign, start, size) if _sign_at(stream, dialect, i)), size)
        there = joint - start
    if is_sized:
        end = start + min(length, there)
        stop, unread = _behind(stream, dialect, end, -length % dialect.align, size) if length < there else (joint, 0)
    else:
        end = _before_tail(stream, dialect, start, without_tags(stream, start, joint))
        stop, unread = joint, 0
    missing = max(0, length - there) if is_sized else 0
    end = max(start, end)
    return SampleChunk(
        container=dialect.name,
        base=base,
        fmt=fmt,
        start=start,
        end=end,
        missing=missing,
        is_sized=is_sized,
        stop=stop,
        patches=functools.partial(_patches, dialect, base, at, start),
        unread=unread,
    )


def _patches(dialect: _Dialect, base: int, at: int, start: int, end: int) -> tuple[tuple[int, bytes], ...]:
    """Return the header's sizes as they would be if it had been finished."""
    sound = end - start + dialect.skip
    whole = end - base
    if dialect.name in ("RF64", "BW64"):
        sizes = struct.pack("<qqq", whole - 8, sound, 0)
        marks = ((0, b"RF64"), (20, sizes))
        return (*marks, (at - base + 4, b"\xff\xff\xff\xff"))
    patches = [(at - base + dialect.size_at, dialect.size.pack(sound + dialect.head * dialect.size_includes_head))]
    if dialect.name == "W64":
        patches.append((16, dialect.size.pack(whole)))
    elif dialect.name != "CAF":
        patches.append((4, dialect.size.pack(whole - 8)))
    return tuple(patches)


def _sign_at(stream: BinaryIO, dialect: _Dialect, at: int) -> bool:
    return dialect.is_sign(read_at(stream, at, 40)) and dialect.chunk(stream, at + dialect.first) is not None


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= letter < 0x7F or letter == 0xA9 for letter in name)


def _run_of_chunks(stream: BinaryIO, dialect: _Dialect, at: int, size: int) -> int | None:
    """Return where the chunks end that begin here, or None if none does."""
    for count in range(_MAX_CHUNKS):
        if at >= size:
            return at
        if any(other.is_sign(read_at(stream, at, 40)) for other in _DIALECTS):
            return at
        chunk = dialect.chunk(stream, at)
        if chunk is None or not _is_name(chunk[0]) or chunk[1] < 0:
            return at if count else None
        if chunk[0] == dialect.data:  # a second one, whose samples would be lost
            return at if count else None
        following = dialect.following(at, chunk[1])
        if at + dialect.head + chunk[1] > size:
            if count and only_tags_or_zeros(stream, at, size):
                return at
            return size if _TAIL_NAMES.fullmatch(chunk[0]) else None
        at = following
    return None


def _behind(stream: BinaryIO, dialect: _Dialect, end: int, padding: int, size: int) -> tuple[int, int]:
    """Return where the next file may begin behind the samples, and how many bytes before it are nothing known.

    Some programs leave out the byte that pads a chunk of odd length.
    """
    for at in dict.fromkeys((end + padding, end)):
        if at >= size:
            return size, 0
        run = _run_of_chunks(stream, dialect, at, size)
        if run is not None:
            return min(run, size), 0
    joint = next((i for i in find_all(stream, dialect.sign, end, size) if _sign_at(stream, dialect, i)), size)
    return joint, 0 if only_tags_or_zeros(stream, end, joint) else joint - end


def _before_tail(stream: BinaryIO, dialect: _Dialect, start: int, end: int) -> int:
    """Return where the chunks begin that reach exactly to the end, or the end."""
    first = max(start, end - _TAIL_BYTES)
    tail = read_at(stream, first, end - first)
    for match in _TAIL_NAMES.finditer(tail):
        at = match.start()
        for _ in range(_MAX_CHUNKS):
            if at + dialect.head > len(tail) or not _is_name(tail[at : at + 4]):
                break
            (length,) = dialect.size.unpack_from(tail, at + dialect.size_at)
            if length < 0:
                break
            at += dialect.head + length
            if at in (len(tail), len(tail) - 1) or (at == len(tail) + 1 and length % 2):
                return first + match.start()
            at += -length % dialect.align
    return end


_AU_CODINGS = range(1, 28)


def _au(stream: BinaryIO, base: int, size: int, head: bytes) -> SampleChunk | None:
    if not _is_au(head):
        return None
    offset, length = struct.unpack_from(">II", head, 4)
    start = base + offset
    there = max(0, size - start)
    is_sized = not _is_placeholder(length) and not (length == 0 < there)
    joint = size
    if not is_sized or length < there:
        behind = start + (length if is_sized else 0)
        joint = next((i for i in find_all(stream, b".snd", behind, size) if _is_au(read_at(stream, i, 24))), size)
    end = start + min(length, there) if is_sized else max(start, without_tags(stream, start, joint))
    unread = 0 if not is_sized or only_tags_or_zeros(stream, end, joint) else joint - end
    return SampleChunk(
        container="AU",
        base=base,
        fmt=head[12:24],
        start=start,
        end=end,
        missing=max(0, length - there) if is_sized else 0,
        is_sized=is_sized,
        stop=joint,
        patches=lambda end: ((8, struct.pack(">I", end - start)),),
        unread=unread,
    )


def _is_au(head: bytes) -> bool:
    if len(head) < 24 or head[:4] != b".snd":
        return False
    offset, _, coding, rate, channels = struct.unpack_from(">IIIII", head, 4)
    return 24 <= offset < 2**20 and coding in _AU_CODINGS and 1000 <= rate < 2**20 and 1 <= channels <= 1024
