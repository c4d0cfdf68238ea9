"""Files made of chunks: WAV (RIFF, RF64, BW64, RIFX), W64, AIFF and CAF; and AU, whose header is as simple.

Found here: where the samples begin and end, what the header promises beyond, and what follows. A header written to a
pipe cannot state the size of what comes; what programs write in its place was measured (see `is_placeholder`).
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

from smallest_nb.audio.chunk_dialects import CHUNK_DIALECTS, ChunkDialect, is_placeholder
from smallest_nb.audio.file_parts import find_all, only_tags_or_zeros, read_at, without_tags

__all__ = ["SampleChunk", "find_sample_chunks"]

_TAIL_BYTES = 2**22
"""How far before the end chunks are looked for if the size of the samples is unknown."""
_MAX_CHUNKS = 10_000
_TAIL_NAMES = re.compile(
    rb"LIST|id3 |ID3 |bext|iXML|axml|cue |fact|PEAK|smpl|inst|plst|JUNK|junk|PAD |FLLR|afsp|DISP|_PMX|umid|levl|acid|"
    rb"MARK|INST|COMT|NAME|AUTH|ANNO|\(c\) |APPL|MIDI|AESD|SAXL|CHAN|chan|info|free|uuid|kuki|pakt|peak|mark|strg"
)


@dataclass(frozen=True)
class SampleChunk:
    """The samples of one file among those that may be joined in one.

    Attributes:
        container: `RIFF`, `RF64`, `RIFX`, `W64`, `FORM`, `CAF` or `AU`.
        base: Offset of the file's first byte.
        fmt: The body of its format chunk (WAV: `fmt `, AIFF: `COMM`, CAF: `desc`), as much of it as is there.
        start: Offset of the first sample.
        end: Offset after the last sample that is there.
        missing: Bytes of samples promised beyond `end`.
        is_sized: Whether the header states the size of the samples, and so confirms their end.
        stop: Offset at which the file ends and the next one begins.
        patches: Returns what the header's sizes would have to be, by offset from `base`, if the samples ended at an
            offset of the stream.
        unread: Bytes after the samples that are neither chunks nor padding.
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
        chunk = _find_samples(stream, at, size)
        if chunk is None:
            break
        found.append(chunk)
        at = chunk.stop
    if not found:
        return None
    if at < size and not only_tags_or_zeros(stream, at, size):
        found[-1] = replace(found[-1], unread=found[-1].unread + size - at)
    return found


def _find_samples(stream: BinaryIO, base: int, size: int) -> SampleChunk | None:
    head = read_at(stream, base, 64)
    if head[:4] == b".snd":
        return _find_au_samples(stream, base, size, head)
    dialect = next((d for d in CHUNK_DIALECTS if d.is_sign(head)), None)
    if dialect is None:
        return None
    fmt = b""
    at = base + dialect.first
    for _ in range(_MAX_CHUNKS):
        chunk = dialect.read_header(stream, at)
        if chunk is None:
            return None
        name, length = chunk
        body = at + dialect.head
        if name == dialect.fmt:
            fmt = read_at(stream, body, min(max(length, 0), 64))
        elif name == dialect.data:
            return _describe_samples((stream, size), dialect, base, fmt, (at, length))
        if length < 0 or is_placeholder(length):
            return None
        at = dialect.next_chunk(at, length)
    return None


def _describe_samples(
    source: tuple[BinaryIO, int], dialect: ChunkDialect, base: int, fmt: bytes, chunk: tuple[int, int]
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
    is_sized = not is_placeholder(length)
    # mpg123, and a recorder that was killed, leave 0. An empty data chunk is true only if other chunks follow it.
    if length <= 0 < there and (length < 0 or _end_of_chunks(stream, dialect, start, size) is None):
        is_sized = False
    # Without a size that can be trusted, another file's header is the only sign of where this one ends.
    joint = size
    if not is_sized or length > there:
        joint = next((i for i in find_all(stream, dialect.sign, start, size) if _begins_at(stream, dialect, i)), size)
        there = joint - start
    if is_sized:
        end = start + min(length, there)
        stop, unread = _find_stop(stream, dialect, end, -length % dialect.align, size) if length < there else (joint, 0)
    else:
        end = _find_tail(stream, dialect, start, without_tags(stream, start, joint))
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


def _patches(dialect: ChunkDialect, base: int, at: int, start: int, end: int) -> tuple[tuple[int, bytes], ...]:
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


def _begins_at(stream: BinaryIO, dialect: ChunkDialect, at: int) -> bool:
    return dialect.is_sign(read_at(stream, at, 40)) and dialect.read_header(stream, at + dialect.first) is not None


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= letter < 0x7F or letter == 0xA9 for letter in name)


def _end_of_chunks(stream: BinaryIO, dialect: ChunkDialect, at: int, size: int) -> int | None:
    """Return the end of the run of chunks that begins here, or None if no chunk does.

    Samples can look like a chunk by chance, so names must be printable, sizes must fit, and a chunk that runs beyond
    the end of the file counts only if its name is known.
    """
    for count in range(_MAX_CHUNKS):
        if at >= size:
            return at
        if any(other.is_sign(read_at(stream, at, 40)) for other in CHUNK_DIALECTS):
            return at
        chunk = dialect.read_header(stream, at)
        if chunk is None or not _is_name(chunk[0]) or chunk[1] < 0:
            return at if count else None
        if chunk[0] == dialect.data:  # a second one, whose samples would be lost
            return at if count else None
        following = dialect.next_chunk(at, chunk[1])
        if at + dialect.head + chunk[1] > size:
            if count and only_tags_or_zeros(stream, at, size):
                return at
            return size if _TAIL_NAMES.fullmatch(chunk[0]) else None
        at = following
    return None


def _find_stop(stream: BinaryIO, dialect: ChunkDialect, end: int, padding: int, size: int) -> tuple[int, int]:
    """Return where the next file may begin after the samples, and how many bytes before it are unknown.

    Some programs leave out the byte that pads a chunk of odd length.
    """
    for at in dict.fromkeys((end + padding, end)):
        if at >= size:
            return size, 0
        run = _end_of_chunks(stream, dialect, at, size)
        if run is not None:
            return min(run, size), 0
    joint = next((i for i in find_all(stream, dialect.sign, end, size) if _begins_at(stream, dialect, i)), size)
    return joint, 0 if only_tags_or_zeros(stream, end, joint) else joint - end


def _find_tail(stream: BinaryIO, dialect: ChunkDialect, start: int, end: int) -> int:
    """Return where the chunks begin that reach exactly to the end, or the end if there are none.

    A program that could not state the size of the samples may still have written its tags after them.
    """
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


def _find_au_samples(stream: BinaryIO, base: int, size: int, head: bytes) -> SampleChunk | None:
    if not _is_au(head):
        return None
    offset, length = struct.unpack_from(">II", head, 4)
    start = base + offset
    there = max(0, size - start)
    is_sized = not is_placeholder(length) and not (length == 0 < there)
    joint = size
    if not is_sized or length < there:
        after = start + (length if is_sized else 0)
        joint = next((i for i in find_all(stream, b".snd", after, size) if _is_au(read_at(stream, i, 24))), size)
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
