"""MPEG audio (MP3) as a row of frames: how many there are, and where one file ends and a joined one begins.

No length is taken from the file's size or its first bit rate. Sources: ISO 11172-3 and 13818-3 (frame headers), the
Xing and VBRI headers as LAME and Fraunhofer write them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import BinaryIO

from smallest_nb.audio.file_parts import (
    Layout,
    SoundPart,
    find_all,
    id3_size,
    only_tags_or_zeros,
    read_at,
    without_tags,
)

__all__ = ["find_free_format_parts", "find_mpeg_parts"]

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_BIT_RATES = {  # kbit/s by (MPEG 1?, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_BLOCK_BYTES = 2**18
_LOOK_BACK = 2**13
_MAX_FRAME_BYTES = 2881
_FIRST_FRAME_WITHIN = 2**16
_UNKNOWN_SIZE = 2**40
"""Bytes that an MP3 without an Info frame is said to have: any estimate made of them is longer than the sound."""


@dataclass(frozen=True)
class _Frame:
    size: int
    kind: tuple[int, int, int, bool]
    """Version, layer, rate, mono: frames of one stream have all in common."""


def _parse_frame(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bit_rate, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return None
    hz = _RATES[version][rate]
    bits = _BIT_RATES[version == 3, layer][bit_rate - 1] * 1000
    padding = head[2] >> 1 & 1
    if layer == 1:
        size = (12 * bits // hz + padding) * 4
    else:
        size = (72 if layer == 3 and version != 3 else 144) * bits // hz + padding
    return _Frame(size, (version, layer, hz, head[3] >> 6 == 3))


class _Reader:
    """Bytes of a stream by offset, read in blocks."""

    def __init__(self, stream: BinaryIO, end: int) -> None:
        self._stream, self.end = stream, end
        self._start, self._data = 0, b""

    def bytes_at(self, at: int, size: int) -> bytes:
        size = min(size, self.end - at)
        if size <= 0:
            return b""
        if not self._start <= at <= self._start + len(self._data) - size:
            self._start = max(0, at - _LOOK_BACK)  # so that reading ahead and then back again costs one read
            self._data = read_at(self._stream, self._start, min(_BLOCK_BYTES, self.end - self._start))
        return self._data[at - self._start : at - self._start + size]


@dataclass(frozen=True)
class _Info:
    """What a Xing, Info or VBRI frame says; None if it does not."""

    frames: int | None
    size: int | None


def _parse_info(frame: bytes, kind: tuple[int, int, int, bool]) -> _Info | None:
    """Read an Info frame. It is a frame without sound whose side information is followed by a sign."""
    version, layer, _, mono = kind
    if layer != 3:
        return None
    at = 4 + ((17 if mono else 32) if version == 3 else (9 if mono else 17))
    if frame[at + 2 : at + 6] in (b"Xing", b"Info"):  # after a checksum
        at += 2
    if frame[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(frame[at + 4 : at + 8], "big")
        numbers = [int.from_bytes(frame[at + 8 + 4 * i : at + 12 + 4 * i], "big") for i in range(2)]
        frames = numbers.pop(0) if flags & 1 else None
        return _Info(frames, numbers[0] if flags & 2 else None)
    if frame[36:40] == b"VBRI":
        return _Info(int.from_bytes(frame[50:54], "big"), int.from_bytes(frame[46:50], "big"))
    return None


@dataclass
class _Piece:
    """Frames that are decoded as one stream."""

    start: int
    kind: tuple[int, int, int, bool]
    info: _Info | None
    info_size: int
    end: int
    frames: int = 0
    is_cut: bool = False
    is_interrupted: bool = False

    def part(self) -> SoundPart:
        """Return how it is to be decoded.

        An Info frame is kept if it is true: it also says which samples are the encoder's padding. It is left out
        if it counts fewer frames than there are, because decoding would end there.
        """
        lacks_end = "its last frame is incomplete" if self.is_cut else ""
        stated = self.info.frames if self.info is not None else None
        if stated and stated >= self.frames and not self.is_interrupted:
            size = (self.info.size or 0) if self.info is not None else 0
            return SoundPart(
                self.start, self.end, claimed_size=size if size < _UNKNOWN_SIZE else 0, lacks_end=lacks_end
            )
        start = self.start + self.info_size
        return SoundPart(start, self.end, claimed_size=_UNKNOWN_SIZE, stated_frames=0, lacks_end=lacks_end)


def find_mpeg_parts(stream: BinaryIO, start: int, end: int) -> Layout | None:
    """Walk the frames.

    A new part begins with an Info frame, after an ID3v2 tag, and if version, layer, rate or mono changes.

    Args:
        stream: The file.
        start: Where frames are expected; without one within 64 kB this is not MPEG audio.
        end: Offset after the last byte.

    Returns:
        None if there are no frames.
    """
    end = without_tags(stream, start, end)
    reader = _Reader(stream, end)
    at = _find_next_frame(reader, start, min(end, start + _FIRST_FRAME_WITHIN))
    if at is None:
        return None
    pieces: list[_Piece] = []
    unread = 0
    fresh = True  # whether the next frame begins a piece
    while at < end:
        head = reader.bytes_at(at, 4)
        frame = _parse_frame(head)
        if frame is None or (not fresh and frame.kind[:3] != pieces[-1].kind[:3] and not _is_run(reader, at)):
            if pieces and end - at < 4 and head[:1] == b"\xff":
                pieces[-1].is_cut = True
                break
            following = _find_next_frame(reader, at + (id3_size(reader.bytes_at(at, 10)) or 1), end)
            following = end if following is None else min(following, end)
            if not only_tags_or_zeros(stream, at, following):
                unread += following - at
                if pieces:
                    pieces[-1].is_interrupted = following < end
            fresh = True
            at = following
            continue
        data = reader.bytes_at(at, 160)
        info = _parse_info(data, frame.kind)
        if fresh or info is not None or frame.kind != pieces[-1].kind:
            info_size = frame.size if info is not None else 0
            pieces.append(_Piece(at, frame.kind, info, info_size, at))
            fresh = False
        piece = pieces[-1]
        piece.is_cut = at + frame.size > end
        at += frame.size
        piece.end = min(at, end)
        if info is None and not piece.is_cut:
            piece.frames += 1
    notes = [f"{unread} bytes between or after its frames are not MPEG audio and are not read"] if unread else []
    return Layout([piece.part() for piece in pieces if piece.frames or len(pieces) == 1], notes)


def find_free_format_parts(stream: BinaryIO, start: int, end: int) -> Layout:
    """Find files of free format that are joined: each begins with an Info frame.

    Their headers state no bit rate, and so no size of a frame: only a decoder can walk them.

    Args:
        stream: The file.
        start: Where it begins.
        end: Offset after the last byte.
    """
    signs = (at for sign in (b"Info", b"Xing") for at in find_all(stream, sign, start, end))
    frames = {
        at - side for at in signs for side in (13, 21, 36) if at - side > start and _is_free_info(stream, at, side)
    }
    edges = [start, *sorted(frames), end]
    return Layout([SoundPart(a, b, claimed_size=_UNKNOWN_SIZE, stated_frames=0) for a, b in itertools.pairwise(edges)])


def _is_free_info(stream: BinaryIO, at: int, side: int) -> bool:
    """Whether a sign is that of an Info frame of free format which begins so many bytes before it."""
    head = read_at(stream, at - side, 4)
    if head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[2] >> 4:
        return False
    version, mono = head[1] >> 3 & 3, head[3] >> 6 == 3
    return version != 1 and side == 4 + ((17 if mono else 32) if version == 3 else (9 if mono else 17))


def _is_run(reader: _Reader, at: int) -> bool:
    """Whether a frame is followed by another of its kind, or by the end."""
    frame = _parse_frame(reader.bytes_at(at, 4))
    if frame is None:
        return False
    if at + frame.size >= reader.end:
        return at + frame.size == reader.end
    following = reader.bytes_at(at + frame.size, 10)
    other = _parse_frame(following)
    if other is not None:
        return other.kind == frame.kind
    return following[:3] in (b"ID3", b"TAG") or following[:8] == b"APETAGEX"


def _find_next_frame(reader: _Reader, start: int, end: int) -> int | None:
    """Find the next frame that is followed by another one."""
    at = start
    first = reader.bytes_at(at, 4)
    if _parse_frame(first) is not None and (_is_run(reader, at) or at + _MAX_FRAME_BYTES >= reader.end):
        return at
    while at < end:
        data = reader.bytes_at(at, min(_BLOCK_BYTES, end - at))
        found = data.find(b"\xff")
        while found >= 0:
            if _is_run(reader, at + found):
                return at + found
            found = data.find(b"\xff", found + 1)
        at += len(data)
    return None
