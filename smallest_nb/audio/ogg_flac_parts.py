"""Ogg pages, FLAC headers and frames: where a chained or joined stream begins, and whether its end is there.

Sources: RFC 3533 (Ogg), RFC 9639 (FLAC).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from smallest_nb.audio.file_parts import Layout, SoundPart, find_all, only_tags_or_zeros, read_at, without_tags

__all__ = ["end_of_flac_frames", "find_flac_parts", "find_ogg_parts"]

_PAGE = struct.Struct("<4sBBqIIIB")
_FIRST, _LAST = 2, 4
_SIGN = b"OggS\0"
_MIRRORED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def _crc(page: bytes) -> int:
    """Return Ogg's checksum: the polynomial of zlib's, but with the bits of each byte the other way round."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


@dataclass
class _Link:
    """One link of a chain of Ogg streams."""

    start: int
    serial: int
    has_last_page: bool = False


def find_ogg_parts(stream: BinaryIO, start: int, end: int) -> Layout:
    """Find the links of a chain. Each begins with the first pages of its streams.

    Args:
        stream: The file.
        start: Where its first page begins.
        end: Offset after the last byte.
    """
    end = without_tags(stream, start, end)
    links: list[_Link] = []
    damaged = unread = cut = 0
    in_first_pages = False
    at = start
    while at < end:
        page = _read_page(stream, at, end)
        if page is None:
            following = next(find_all(stream, _SIGN, at + 1, end), end)
            if following == end and read_at(stream, at, 4) == _SIGN[: min(4, end - at)]:
                cut = end - at
            elif not only_tags_or_zeros(stream, at, following):
                unread += following - at
            at = following
            continue
        _, _, kind, _, serial, _, checksum, _ = _PAGE.unpack_from(page)
        damaged += _crc(page[:22] + bytes(4) + page[26:]) != checksum
        if not links or (kind & _FIRST and not in_first_pages):
            links.append(_Link(at, serial))
        in_first_pages = bool(kind & _FIRST)
        if kind & _LAST and serial == links[-1].serial:
            links[-1].has_last_page = True
        at += len(page)
    notes = []
    if damaged:
        notes.append(f"{damaged} of its Ogg pages are damaged and are not read")
    if unread:
        notes.append(f"{unread} bytes between or after its Ogg pages are not read")
    return Layout(_parts_of_links(links, start, end, cut), notes)


def _parts_of_links(links: list[_Link], start: int, end: int, cut: int) -> list[SoundPart]:
    if not links:
        return [SoundPart(start, end)]
    ends = [link.start for link in links[1:]] + [end]
    parts = []
    for link, link_end in zip(links, ends, strict=True):
        lacks = "" if link.has_last_page else "its last Ogg page is missing"
        if cut and link_end == end:
            lacks = f"its last Ogg page ends after {cut} bytes"
        parts.append(SoundPart(link.start, link_end, lacks_end=lacks))
    return parts


def _read_page(stream: BinaryIO, at: int, end: int) -> bytes | None:
    """Return a whole page, or None if there is none."""
    head = read_at(stream, at, min(_PAGE.size + 255, end - at))
    if len(head) < _PAGE.size or head[:5] != _SIGN:
        return None
    segments = head[26]
    size = _PAGE.size + segments + sum(head[_PAGE.size : _PAGE.size + segments])
    return read_at(stream, at, size) if at + size <= end and len(head) >= _PAGE.size + segments else None


# FLAC

_MARK = b"fLaC\x00\x00\x00\x22"
_MARK_LAST = b"fLaC\x80\x00\x00\x22"
_STREAMINFO_SIZE = 8 + 34


def _is_streaminfo(head: bytes) -> bool:
    """Whether a FLAC file begins here whose parameters can be."""
    if len(head) < _STREAMINFO_SIZE or head[:8] not in (_MARK, _MARK_LAST):
        return False
    smallest, largest = struct.unpack_from(">HH", head, 8)
    rate = int.from_bytes(head[18:21], "big") >> 4
    return 16 <= smallest <= largest and 0 < rate <= 655_350


def find_flac_parts(stream: BinaryIO, start: int, end: int) -> Layout:
    """Find FLAC files that are joined, by their STREAMINFO blocks.

    Args:
        stream: The file.
        start: Where the first begins.
        end: Offset after the last byte.
    """
    end = without_tags(stream, start, end)
    begins = [start]
    for mark in (_MARK, _MARK_LAST):
        begins += [
            at
            for at in find_all(stream, mark, _skip_metadata(stream, start, end), end)
            if _is_streaminfo(read_at(stream, at, _STREAMINFO_SIZE))
        ]
    begins.sort()
    stops = [*begins[1:], end]
    return Layout(
        [_flac_part(stream, at, without_tags(stream, at, stop)) for at, stop in zip(begins, stops, strict=True)]
    )


def _flac_part(stream: BinaryIO, start: int, end: int) -> SoundPart:
    """Let it be decoded to its end, whatever number of samples it states: encoders on pipes write 0."""
    head = read_at(stream, start, _STREAMINFO_SIZE)
    if not _is_streaminfo(head):
        return SoundPart(start, end)
    stated = int.from_bytes(head[21:26], "big") & 0xF_FFFF_FFFF
    unknown = bytes([head[21] & 0xF0]) + bytes(4)
    return SoundPart(start, end, patches=((21, unknown),), stated_frames=stated)


def _skip_metadata(stream: BinaryIO, start: int, end: int) -> int:
    """Return the offset of the frames: a picture in the metadata may hold bytes that look like a frame."""
    at = start + 4
    while at + 4 <= end:
        head = read_at(stream, at, 4)
        at += 4 + int.from_bytes(head[1:4], "big")
        if head[0] & 0x80:
            break
    return min(at, end)


_SYNC = (b"\xff\xf8", b"\xff\xf9")
"""How a frame begins: with blocks of one size, and of several."""
_MAX_FLAC_HEADER_BYTES = 16
_MAX_FLAC_FRAME_BYTES = 2**20
_LONG_BLOCK_CODES, _LONG_RATE_CODES = {6: 1, 7: 2}, {12: 1, 13: 2, 14: 2}
"""How many bytes state the size of a block, and the rate, that have no code."""


def _crc_table(polynomial: int, bits: int) -> list[int]:
    table = []
    for value in range(256):
        crc = value << (bits - 8)
        for _ in range(8):
            crc = (crc << 1) ^ (polynomial if crc >> (bits - 1) else 0)
            crc &= (1 << bits) - 1
        table.append(crc)
    return table


_CRC8, _CRC16 = _crc_table(0x07, 8), _crc_table(0x8005, 16)


def _is_flac_frame(head: bytes) -> bool:
    """Whether a frame's header begins here, by its checksum."""
    if len(head) < 6 or head[:2] not in _SYNC or head[3] & 1:
        return False
    number = head[4]
    coded = 1 if number < 0x80 else 8 - (number ^ 0xFF).bit_length()
    size = 4 + coded + _LONG_BLOCK_CODES.get(head[2] >> 4, 0) + _LONG_RATE_CODES.get(head[2] & 15, 0)
    crc = 0
    for byte in head[: size + 1]:
        crc = _CRC8[crc ^ byte]
    return len(head) > size and crc == 0


def end_of_flac_frames(stream: BinaryIO, start: int, end: int) -> int | None:
    """Return where the last frame ends, by the checksum after it.

    Args:
        stream: The file.
        start: Where the FLAC file begins.
        end: Offset after the last byte that may belong to it.

    Returns:
        None if there is no frame or the last one is incomplete.
    """
    frames = _skip_metadata(stream, start, end)
    found = [
        at
        for sync in _SYNC
        for at in find_all(stream, sync, frames, end)
        if _is_flac_frame(read_at(stream, at, min(_MAX_FLAC_HEADER_BYTES, end - at)))
    ]
    if not found:
        return None
    last = max(found)
    crc = 0
    for at, byte in enumerate(read_at(stream, last, min(_MAX_FLAC_FRAME_BYTES, end - last)), last + 1):
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
        if crc == 0 and at - last > _MAX_FLAC_HEADER_BYTES:
            return at
    return None
