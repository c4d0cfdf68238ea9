"""How long rare containers are by their own headers, which libsndfile does not compare with what is there."""

from __future__ import annotations

import re
import struct

__all__ = ["stated_bytes"]


def stated_bytes(head: bytes) -> tuple[int, int]:
    """Return where the samples begin and where the file ends by its header; (0, 0) if it does not say.

    AVR, HTK, 8SVX, MATLAB 4 and 5, MPC 2000, NIST SPHERE, Sample Dump, VOC and Psion WVE. (PAF, PVF and IRCAM state no
    length.)

    Args:
        head: The first kilobyte of the file.
    """
    try:
        return _stated(head)
    except (struct.error, IndexError, ZeroDivisionError):  # the header itself is cut
        return 0, 0


def _stated(head: bytes) -> tuple[int, int]:
    if head[:4] == b"2BIT":
        stereo, bits = struct.unpack_from(">HH", head, 12)
        (frames,) = struct.unpack_from(">I", head, 26)
        return 128, 128 + frames * (2 if stereo else 1) * (bits // 8)
    if head[:4] == b"FORM" and head[8:12] in (b"8SVX", b"16SV"):
        return 12, 8 + int.from_bytes(head[4:8], "big")
    if head[:7] == b"NIST_1A":
        return _nist(head)
    if head[:19] == b"Creative Voice File":
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
    fields = dict(re.findall(rb"(\w+) -i (\d+)", head))
    start = int(head[8:16].strip() or b"0")
    needed = [fields.get(name) for name in (b"sample_count", b"channel_count", b"sample_n_bytes")]
    if not start or any(value is None or len(value) > 12 for value in needed):
        return 0, 0
    count, channels, width = (int(value or 0) for value in needed)
    return start, start + count * channels * width


def _mat5(head: bytes) -> tuple[int, int]:
    order = "<" if head[126:128] == b"IM" else ">"
    (first,) = struct.unpack_from(order + "I", head, 132)
    at = 128 + 8 + first + 8 + 48  # behind the sample rate, and the flags, dimensions and name of the samples
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
