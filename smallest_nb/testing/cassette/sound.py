"""How a cassette's sound tracks are packed: losslessly, with the standard library alone.

Coding `delta2x2-xz` is one xz stream with two byte-wise delta filters of distance 2 before LZMA2, which the stream's
header names, so that any xz tool reads it. The filters suit PCM16; any other sound comes back unchanged too. Of speech
52 % are left (xz without the filters 62 %; FLAC, which would need `soundfile` for every replay, 48 %).
"""

from __future__ import annotations

import lzma

from smallest_nb.errors import CassetteError

__all__ = ["CODING", "decode", "encode"]

CODING = "delta2x2-xz"
MAX_BYTES = 1 << 30
"""A track longer than this is refused: six hours of speech at 24 kHz."""
_MAX_MEMORY = 64 * 2**20
"""Bytes that unpacking may take; what is packed here needs 9 MiB, but a file may name any size of dictionary."""
_DELTA = {"id": lzma.FILTER_DELTA, "dist": 2}
_FILTERS = [_DELTA, _DELTA, {"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 0, "lp": 1, "pb": 1}]


def encode(sound: bytes) -> bytes:
    """Pack a track."""
    return lzma.compress(sound, filters=_FILTERS)


def decode(packed: bytes, size: int) -> bytes:
    """Unpack a track.

    Args:
        packed: What `encode` returned.
        size: Bytes that must come out; never more are unpacked.

    Raises:
        CassetteError: It is damaged, or has another size.
    """
    if not 0 <= size <= MAX_BYTES:
        raise CassetteError(f"A sound track of {size} bytes; expected 0 to {MAX_BYTES}.")
    try:
        sound = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_MEMORY).decompress(packed, max_length=size + 1)
    except lzma.LZMAError as error:
        raise CassetteError(f"A sound track cannot be unpacked ({error}); record it again.") from None
    if len(sound) != size:
        raise CassetteError(f"A sound track has {len(sound)} bytes where the cassette says {size}.")
    return sound
