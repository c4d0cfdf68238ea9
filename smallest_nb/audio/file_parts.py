"""Parts of a sound file: byte ranges that are decoded one after the other, and windows onto them.

One file may hold several sounds, one after the other: text-to-speech services and `cat` join files byte by byte, radio
recorders chain Ogg streams. libsndfile stops after the first, so each is given to it as a file of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

__all__ = ["Layout", "Section", "SoundFile", "SoundPart", "find_all", "only_tags_or_zeros", "read_at", "without_tags"]

_SEARCH_BYTES = 2**20
_ID3V1_BYTES = 128


@dataclass(frozen=True)
class SoundFile:
    """An open file.

    Attributes:
        name: For messages.
        stream: Its bytes, seekable.
        size: How many there are.
    """

    name: str
    stream: BinaryIO
    size: int


@dataclass(frozen=True)
class SoundPart:
    """A stretch of a file that is decoded by itself.

    Attributes:
        start: Offset of its first byte, that of its header.
        end: Offset after its last byte.
        missing_share: How many bytes of sound the header promises beyond those that are there, as a multiple of those.
        patches: Bytes to be read in place of those of the file, by offset from `start`: sizes that the header does not
            state, or states wrongly.
        claimed_size: Bytes that the decoder is to believe it has. mpg123 estimates the length of an MP3 without an Info
            frame from it and stops there, so it must not be too small.
        stated_frames: How many frames the header states; 0 if it does not, None if the decoder's count is right.
        most_frames: How many frames to decode at most, because the decoder would invent more; 0 for its own count.
        lacks_end: Why the end is known to be missing, if nothing states how much that is.
    """

    start: int
    end: int
    missing_share: float = 0.0
    patches: tuple[tuple[int, bytes], ...] = ()
    claimed_size: int = 0
    stated_frames: int | None = None
    most_frames: int = 0
    lacks_end: str = ""


@dataclass
class Layout:
    """The parts of a file in their order.

    Attributes:
        parts: At least one.
        notes: What is not read and why, for the log.
    """

    parts: list[SoundPart]
    notes: list[str] = field(default_factory=list)


class Section:
    """A read-only window onto a part of a stream, as soundfile wants it.

    It has no name: soundfile takes a file called .raw, .vox or .gsm for what it is called.
    """

    def __init__(self, stream: BinaryIO, part: SoundPart) -> None:
        self._stream = stream
        self._part = part
        self._size = max(part.claimed_size, part.end - part.start)
        self._at = self._sought = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, as files do."""
        self._at = self._sought = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, patched; none beyond the part's end."""
        there = max(0, self._part.end - self._part.start - self._at)
        if not there and self._at == self._sought == self._size - _ID3V1_BYTES:
            return bytes(_ID3V1_BYTES)  # mpg123 looks for a tag there, and refuses a file that it cannot read there
        self._stream.seek(self._part.start + self._at)
        data = self._stream.read(there if size < 0 else min(size, there))
        for offset, patch in self._part.patches:
            low, high = max(offset, self._at), min(offset + len(patch), self._at + len(data))
            if low < high:
                data = data[: low - self._at] + patch[low - offset : high - offset] + data[high - self._at :]
        self._at += len(data)
        return data


def read_at(stream: BinaryIO, offset: int, size: int) -> bytes:
    """Return so many bytes from an offset."""
    stream.seek(offset)
    return stream.read(size)


def find_all(stream: BinaryIO, pattern: bytes, start: int, end: int) -> Iterator[int]:
    """Yield the offsets of a pattern between two offsets, reading block by block."""
    at = start
    while at < end:
        data = read_at(stream, at, min(_SEARCH_BYTES + len(pattern) - 1, end - at))
        found = data.find(pattern)
        while found >= 0:
            yield at + found
            found = data.find(pattern, found + 1)
        at += _SEARCH_BYTES


def without_tags(stream: BinaryIO, start: int, end: int) -> int:
    """Return the offset of the tags (ID3v1, APE, Lyrics3) at the end of a file, or the end if there are none."""
    while end > start:
        if end - start >= 128 and read_at(stream, end - 128, 3) == b"TAG":
            end -= 128
            continue
        footer = read_at(stream, max(start, end - 32), 32)
        if len(footer) == 32 and footer[:8] == b"APETAGEX":
            size = int.from_bytes(footer[12:16], "little") + 32 * (footer[23] >> 7)
            if 32 <= size <= end - start:
                end -= size
                continue
        if footer[-9:] == b"LYRICS200" and footer[-15:-9].isdigit():
            size = int(footer[-15:-9]) + 15
            if size <= end - start and read_at(stream, end - size, 11) == b"LYRICSBEGIN":
                end -= size
                continue
        break
    return end


def only_tags_or_zeros(stream: BinaryIO, start: int, end: int) -> bool:
    """Whether the bytes between two offsets are known not to be sound: tags and padding."""
    end = without_tags(stream, start, end)
    while start < end:
        head = read_at(stream, start, 32)
        size = id3_size(head) or (128 if head[:3] == b"TAG" and end - start >= 128 else 0)
        if head[:8] == b"APETAGEX" and len(head) == 32:
            size = 32 + int.from_bytes(head[12:16], "little")
        if not size:
            break
        start += size
    while start < end:
        data = read_at(stream, start, min(_SEARCH_BYTES, end - start))
        if not data or data.count(0) != len(data):
            return not data
        start += len(data)
    return True


def id3_size(head: bytes) -> int:
    """Return the size of the ID3v2 tag that begins with these ten bytes, 0 if none does."""
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or max(head[6:10]) > 0x7F:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)
