"""What sound files look like inside: scales of samples, the header of a WAV, signs of a format. Imports errors only."""

from __future__ import annotations

import codecs
import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from smallest_nb.errors import ConfigError

__all__ = ["CONVERTIBLE", "EXPECTED", "SCALES", "SoundFile", "WavHeader", "promised_bytes", "wav_header", "what_it_is"]

_log = logging.getLogger(__name__)

EXPECTED = "expected a sound file such as WAV, FLAC, MP3, OGG or AIFF"

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_UNKNOWN_SIZE = 0xFFFFFF00
"""From here on, and just below 2**31, are what programs write that cannot go back to the header."""
_FORMAT = struct.Struct("<HHIIHH")


def _integers(middle: float, full_scale: float) -> Callable[[Any], Any]:
    return lambda block: (block.astype("f8") - middle) / full_scale


SCALES: dict[tuple[str, int], Callable[[Any], Any]] = {
    ("i", 2): _integers(0, 2.0**15),
    ("i", 4): _integers(0, 2.0**31),
    ("u", 1): _integers(128, 2.0**7),
    ("f", 2): lambda block: block.astype("f8"),
    ("f", 4): lambda block: block.astype("f8"),
    ("f", 8): lambda block: block.astype("f8", copy=False),
}


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
class WavHeader:
    """What the header of a WAV file says.

    Attributes:
        channels: How many.
        rate: Hz.
        width: Bytes of a sample.
        scale: Makes floats of the samples' bytes; None where the coding is none of ours.
        start: Place of the first sample's first byte.
        there: Bytes of samples that there are.
        missing: Bytes of samples that were promised beyond them.
    """

    channels: int
    rate: int
    width: int
    scale: Callable[[bytes], Any] | None
    start: int
    there: int
    missing: int


def _wide(data: bytes) -> Any:
    """Make integers of 24 bits into those of 32."""
    import numpy as np  # noqa: PLC0415

    padded = np.zeros((len(data) // 3, 4), np.uint8)
    padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return padded.view("<i4").reshape(-1)


def _plain(dtype: str) -> Callable[[bytes], Any]:
    def convert(data: bytes) -> Any:
        import numpy as np  # noqa: PLC0415

        samples = np.frombuffer(data, dtype)
        return SCALES[samples.dtype.kind, samples.dtype.itemsize](samples)

    return convert


_CODINGS: dict[tuple[int, int], Callable[[bytes], Any]] = {
    (_PCM, 8): _plain("u1"),
    (_PCM, 16): _plain("<i2"),
    (_PCM, 24): lambda data: SCALES["i", 4](_wide(data)),
    (_PCM, 32): _plain("<i4"),
    (_FLOAT, 32): _plain("<f4"),
    (_FLOAT, 64): _plain("<f8"),
}
"""By format code and bits a sample."""


def wav_header(file: SoundFile) -> WavHeader:
    """Walk the chunks up to the samples."""
    told = b""
    at = 12
    while at + 8 <= file.size:
        file.stream.seek(at)
        kind, size = struct.unpack("<4sI", file.stream.read(8))
        if kind == b"fmt ":
            told = file.stream.read(min(size, 40))
        elif kind == b"data":
            if len(told) < _FORMAT.size:
                raise ConfigError(f"{file.name} is a WAV file that does not say its format; {EXPECTED}.")
            return _described(file, told, at + 8, size)
        at += 8 + size + size % 2
    raise ConfigError(
        f"{file.name} is a WAV file of {file.size} bytes whose header ends before any samples; {EXPECTED}."
    )


def _described(file: SoundFile, told: bytes, start: int, size: int) -> WavHeader:
    code, channels, rate, _, align, bits = _FORMAT.unpack(told[: _FORMAT.size])
    if code == _EXTENSIBLE and len(told) == 40 and told[26:] == _SUBFORMAT_TAIL:
        code = int.from_bytes(told[24:26], "little")
    there = file.size - start
    file.stream.seek(4)
    (riff,) = struct.unpack("<I", file.stream.read(4))
    streamed = size >= _UNKNOWN_SIZE or 0x7FFFFF00 <= size <= 0x7FFFFFFF
    unfinished = size == 0 and there > 0 and (riff + 8 <= start or riff >= _UNKNOWN_SIZE)
    if streamed or unfinished:  # written to a pipe, or by a recorder that was killed
        _log.info("%s: its header does not say how long it is; it is read to the end", file.name)
        size = there
    fits = channels > 0 and align == channels * bits // 8
    return WavHeader(
        channels=channels,
        rate=rate,
        width=bits // 8,
        scale=_CODINGS.get((code, bits)) if fits else None,
        start=start,
        there=min(size, there),
        missing=max(size - there, 0),
    )


_OTHER_THINGS = (
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (4, b"ftyp", "an MP4 or M4A file"),
    (0, b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "a WMA or WMV file"),
    (8, b"AVI ", "an AVI film"),
)
_SOUNDS = (
    (0, b"fLaC", "a FLAC file"),
    (0, b"OggS", "an OGG file"),
    (0, b"ID3", "an MP3 file"),
    (0, b"FORM", "an AIFF file"),
    (0, b".snd", "an AU file"),
    (0, b"caff", "a CAF file"),
    (0, b"RF64", "an RF64 file"),
    (0, b"RIFX", "a big-endian WAV file"),
    (0, b"riff", "a W64 file"),
    (8, b"WAVE", "a WAV file of another coding than PCM or float"),
)
CONVERTIBLE = ("an MP4", "a WebM", "a WMA", "an AVI")


def promised_bytes(head: bytes) -> int:
    """Return how many bytes the file has by its own header: RIFF, RF64, W64, AIFF and AU say so; else 0."""
    if head[:4] == b"RIFF":
        size = int.from_bytes(head[4:8], "little") + 8
    elif head[:4] == b"FORM":
        size = int.from_bytes(head[4:8], "big") + 8
    elif head[:4] == b".snd":
        size = int.from_bytes(head[4:8], "big") + int.from_bytes(head[8:12], "big")
    elif head[:4] == b"RF64" and head[12:16] == b"ds64":
        size = int.from_bytes(head[20:28], "little") + 8
    elif head[:4] == b"riff":
        size = int.from_bytes(head[16:24], "little")
    else:
        size = 0
    return size if size < 0x7FFFFF00 else 0


def what_it_is(head: bytes) -> tuple[str, bool | None]:
    """Say what a file seems to be, and whether that is sound (None: nobody knows)."""
    for things, sound in ((_OTHER_THINGS, False), (_SOUNDS, True)):
        for at, magic, name in things:
            if head[at : at + len(magic)] == magic:
                return name, sound
    if head[0] == 0xFF and len(head) > 1 and head[1] & 0xE0 == 0xE0 and head[1] >> 1 & 3 in (1, 2):
        return "an MP3 file", True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last letter may be cut in two
    except UnicodeDecodeError:
        text = "\0"
    if all(c.isprintable() or c.isspace() for c in text):
        return "text", False
    return f"something unknown that begins with the bytes {head[:8].hex(' ')}", None
