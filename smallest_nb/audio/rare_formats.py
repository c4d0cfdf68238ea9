"""Rare containers: how long they are by their own headers, and what libsndfile reads wrongly without an error."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from smallest_nb.audio.file_parts import find_all, read_at

__all__ = ["HEAD_BYTES", "StatedSize", "find_joint", "misread_as", "stated_size"]

HEAD_BYTES = 1024
"""What of a file's beginning is looked at."""
_MAX_VOC_BLOCKS = 100_000
_BY_SIGN = re.compile(rb"Creative Voice File|PVF1\n| paf|fap |\x64\xa3[\x01-\x04]\x00|\x00[\x01-\x04]\xa3\x64")
"""PVF, PAF and IRCAM, whose headers state no length, and VOC, of which sox states eight bytes too few."""
_SIGN_BYTES = 14


@dataclass(frozen=True)
class StatedSize:
    """Where the samples of a file begin and end.

    Attributes:
        start: Offset of the first.
        end: Offset after the last by the header; 0 if it does not say.
        whole: Offset after the last whole block.
        patches: What libsndfile has to read in place of the header's bytes.
        most_frames: How many frames the whole blocks hold, 0 if libsndfile knows by itself.
    """

    start: int
    end: int
    whole: int
    patches: tuple[tuple[int, bytes], ...] = ()
    most_frames: int = 0


def stated_size(head: bytes, size: int) -> StatedSize:
    """Read AVR, HTK, 8SVX, MATLAB 4 and 5, MPC 2000, NIST SPHERE, PAF, Sample Dump, VOC and Psion WVE.

    PAF, PVF and IRCAM state no length.

    Args:
        head: The first :data:`HEAD_BYTES` of the file.
        size: How long it is.
    """
    try:
        start, end = _stated(head)
        block, per_block = 1, 0
        if head[:4] in (b" paf", b"fap "):
            order = ">" if head[:4] == b" paf" else "<"
            kind, channels = struct.unpack_from(order + "II", head, 16)
            start, block = 2048, 32 * channels if kind == 1 else 1
        elif head[:2] == b"\xf0\x7e":
            block, per_block = 127, 120 // -(-head[6] // 7)
        is_htk = start == 12 and head[:4] != b"FORM"
    except (struct.error, IndexError, ZeroDivisionError, ValueError):  # the header itself is cut
        return StatedSize(0, 0, size)
    whole = size - (size - start) % block if size > start and block > 0 else size
    if is_htk and end > size:  # libsndfile refuses it if its size is not the stated one
        whole = size - size % 2
        return StatedSize(start, end, whole, ((0, struct.pack(">I", max(0, whole - 12) // 2)),))
    return StatedSize(start, end, whole, most_frames=(whole - start) // block * per_block if whole < size else 0)


def find_joint(stream: BinaryIO, base: int, size: int) -> int:
    """Return the offset of the next file that is joined to one, or the end.

    Args:
        stream: The file.
        base: Where the first one begins.
        size: How long the stream is.
    """
    head = read_at(stream, base, HEAD_BYTES)
    if _BY_SIGN.match(head):
        sign = head[:_SIGN_BYTES]
        return next(find_all(stream, sign, base + len(sign), size), size)
    stated = stated_size(head, size - base)
    joint = base + stated.end
    if not base + stated.start < joint < size:
        return size
    following = read_at(stream, joint, HEAD_BYTES)
    return joint if stated_size(following, size - joint).start else size


def misread_as(stream: BinaryIO, base: int, end: int) -> str:
    """Return what a file is if libsndfile would read it wrongly, else ""."""
    head = read_at(stream, base, HEAD_BYTES)
    if head[:19] == _VOC and _has_several_blocks(stream, base + int.from_bytes(head[20:22], "little"), end):
        return "a VOC file of several blocks"
    if head[:4] == b"FORM" and head[8:12] in (b"8SVX", b"16SV"):
        at = head.find(b"CHAN\0\0\0\4")
        if at >= 0 and head[at + 8 : at + 12] == b"\0\0\0\6":
            return "an 8SVX file of two channels"
    return ""


_VOC = b"Creative Voice File"
_VOC_SOUND = frozenset({1, 2, 3, 9})
"""Blocks of samples, of more samples, of silence, and of samples with a longer header."""


def _has_several_blocks(stream: BinaryIO, at: int, end: int) -> bool:
    """Whether a VOC file has several blocks of sound, whose headers libsndfile takes for samples."""
    sounds = 0
    for _ in range(_MAX_VOC_BLOCKS):
        head = read_at(stream, at, 4)
        if not head or not head[0]:
            break
        sounds += head[0] in _VOC_SOUND
        at += 4 + int.from_bytes(head[1:], "little")
    return sounds > 1 and end - at in (0, 1)


def _stated(head: bytes) -> tuple[int, int]:
    if head[:4] == b"2BIT":
        stereo, bits = struct.unpack_from(">HH", head, 12)
        (frames,) = struct.unpack_from(">I", head, 26)
        return 128, 128 + frames * (2 if stereo else 1) * (bits // 8)
    if head[:4] == b"FORM" and head[8:12] in (b"8SVX", b"16SV"):
        return 12, 8 + int.from_bytes(head[4:8], "big")
    if head[:7] == b"NIST_1A":
        return _nist(head)
    if head[:19] == _VOC:
        start = int.from_bytes(head[20:22], "little")
        return start + 4, start + 4 + int.from_bytes(head[start + 1 : start + 4], "little")
    if head[:13] == b"ALawSoundFile":
        return 32, 32 + int.from_bytes(head[18:22], "big")
    if head[:2] == b"\x01\x04" and head[2:19].isascii():
        return 42, 42 + 2 * (head[21] + 1) * int.from_bytes(head[26:30], "little")
    if head[:2] == b"\xf0\x7e" and head[3:4] == b"\x01":
        samples = head[10] | head[11] << 7 | head[12] << 14
        per_packet = 120 // -(-head[6] // 7)
        return 21, 21 + 127 * -(-samples // per_packet)
    if head[:6] == b"MATLAB":
        return _mat5(head)
    if head[20:31] == b"samplerate\0":
        return _mat4(head)
    return _htk(head)


def _nist(head: bytes) -> tuple[int, int]:
    fields = dict(re.findall(rb"(\w+) -\w+ (\d+)", head))
    start = int(head[8:16].strip() or b"0")
    needed = [fields.get(name) for name in (b"sample_count", b"channel_count", b"sample_n_bytes")]
    if not start or any(value is None or len(value) > 12 for value in needed):
        return 0, 0
    count, channels, width = (int(value or 0) for value in needed)
    return start, start + count * channels * width


def _mat5(head: bytes) -> tuple[int, int]:
    order = "<" if head[126:128] == b"IM" else ">"
    (first,) = struct.unpack_from(order + "I", head, 132)
    at = 128 + 8 + first + 8 + 48  # after the sample rate, and the flags, dimensions and name of the samples
    kind, size = struct.unpack_from(order + "II", head, at)
    return (at + 8, at + 8 + size) if kind < 0x10000 else (0, 0)


def _mat4(head: bytes) -> tuple[int, int]:
    order = "<" if head[:4] == b"\0\0\0\0" else ">"
    at = 20 + 11 + 8
    kind, rows, columns, _, name = struct.unpack_from(order + "IIIII", head, at)
    width = {0: 8, 1: 4, 2: 4, 3: 2, 4: 2, 5: 1}.get(kind // 10 % 10, 0)
    start = at + 20 + name
    return start, start + rows * columns * width


def _htk(head: bytes) -> tuple[int, int]:
    """HTK has no sign: its kind is 0 (a waveform) and its samples have two bytes."""
    samples, period, width, kind = struct.unpack_from(">IIHH", head)
    if kind != 0 or width != 2 or not 50 < period < 2000 or not samples:
        return 0, 0
    return 12, 12 + 2 * samples
