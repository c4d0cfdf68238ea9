"""What sound files look like inside: the format of a WAV, signs of other formats, sizes that their headers state."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "CONVERT",
    "EXPECTED",
    "SCALES",
    "FileKind",
    "WavFormat",
    "block_bytes",
    "describe_file",
    "wav_format",
]

EXPECTED = "expected a sound file such as WAV, FLAC, MP3, OGG or AIFF"
CONVERT = " Convert it first: ffmpeg -i FILE sound.wav"

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def _integers(middle: float, full_scale: float) -> Callable[[Any], Any]:
    return lambda block: (block.astype("f8") - middle) / full_scale


def _floats(block: Any) -> Any:
    import numpy as np  # noqa: PLC0415

    with np.errstate(invalid="ignore"):  # a signalling NaN, which is refused later with its place
        return block.astype("f8", copy=False)


SCALES: dict[tuple[str, int], Callable[[Any], Any]] = {
    ("i", 2): _integers(0, 2.0**15),
    ("i", 4): _integers(0, 2.0**31),
    ("u", 1): _integers(128, 2.0**7),
    ("f", 2): _floats,
    ("f", 4): _floats,
    ("f", 8): _floats,
}
"""Floats of full scale -1 to 1 made of arrays, by the kind and size of their dtype."""


# WAV


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

_CODE_NAMES = {
    0x02: "MS ADPCM", 0x06: "A-law", 0x07: "mu-law", 0x11: "IMA ADPCM", 0x20: "Yamaha ADPCM", 0x22: "TrueSpeech",
    0x31: "GSM 6.10", 0x38: "AMR", 0x40: "G.721", 0x42: "G.723.1", 0x45: "G.726", 0x50: "MPEG", 0x55: "MP3",
    0x57: "AMR", 0x58: "AMR-WB", 0x64: "G.726", 0x65: "G.722", 0x83: "G.729", 0x92: "AC-3", 0xFF: "AAC",
    0x111: "G.723.1", 0x130: "ACELP", 0x160: "WMA", 0x161: "WMA", 0x162: "WMA", 0x163: "WMA", 0x270: "ATRAC3",
    0x28F: "G.722", 0x1600: "AAC", 0x1602: "AAC", 0x1610: "AAC", 0x2000: "AC-3", 0x2001: "DTS", 0x5346: "Flash ADPCM",
    0x566F: "Vorbis", 0x674F: "Vorbis", 0x6750: "Vorbis", 0x6751: "Vorbis", 0x704F: "Opus", 0x7A21: "AMR",
    0x7A22: "AMR-WB", 0xA100: "G.723.1", 0xA106: "AAC", 0xA109: "Speex", 0xF1AC: "FLAC",
}  # fmt: skip
"""Format codes of WAV (RFC 2361 and the registry of Windows' mmreg.h)."""


@dataclass(frozen=True)
class WavFormat:
    """What the `fmt ` chunk of a WAV file says.

    Attributes:
        code: Which coding, 1 for PCM and 3 for float; that of the sub-format in a WAVE_FORMAT_EXTENSIBLE.
        channels: How many.
        rate: Hz.
        block: Bytes of a frame, or of a block of a coding that has blocks.
        bits: Bits that a sample takes.
        scale: Makes floats of the samples' bytes; None if the coding is none of ours.
    """

    code: int
    channels: int
    rate: int
    block: int
    bits: int
    scale: Callable[[bytes], Any] | None

    @property
    def description(self) -> str:
        """What the file is, for messages."""
        if self.code in (_PCM, _FLOAT):
            name = "PCM" if self.code == _PCM else "float"
            channels = "1 channel" if self.channels == 1 else f"{self.channels} channels"
            return f"a WAV file of {channels} of {self.bits}-bit {name}"
        name = _CODE_NAMES.get(self.code, "")
        code = f"code 0x{self.code:04X}"
        return f"a WAV file of another coding than PCM or float: {f'{name} ({code})' if name else code}"


def wav_format(fmt: bytes, order: str = "<") -> WavFormat | None:
    """Read the body of a `fmt ` chunk; None if it is too short."""
    if len(fmt) < 16:
        return None
    code, channels, rate, _, align, bits = struct.unpack_from(order + "HHIIHH", fmt)
    if code == _EXTENSIBLE and fmt[26:40] == _SUBFORMAT_TAIL:
        code = int.from_bytes(fmt[24:26], "little")
    if code == _PCM and channels and align % channels == 0 and bits < 8 * (align // channels) <= 32:
        bits = 8 * (align // channels)  # samples stand at the upper end of wider ones, such as 24 bits in four bytes
    fits = channels > 0 and align == channels * bits // 8 and order == "<"
    return WavFormat(code, channels, rate, align, bits, _CODINGS.get((code, bits)) if fits else None)


_AIFF_BLOCKS = {b"ima4": 34, b"GSM ": 33, b"agsm": 33, b"ulaw": 1, b"alaw": 1, b"ULAW": 1, b"ALAW": 1}
"""Bytes of a block for each channel; GSM has one channel."""
_AU_WIDTHS = {2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8}


def block_bytes(container: str, fmt: bytes) -> int:
    """Return the smallest number of bytes that can be decoded; 1 if the header does not say."""
    if container in ("RIFF", "RF64", "BW64", "W64", "RIFX"):
        found = wav_format(fmt, ">" if container == "RIFX" else "<")
        return max(1, found.block) if found is not None else 1
    if container == "FORM" and len(fmt) >= 8:
        channels, _, bits = struct.unpack_from(">HIH", fmt)
        return max(1, int(channels) * _AIFF_BLOCKS.get(fmt[18:22], (int(bits) + 7) // 8))
    if container == "AU" and len(fmt) >= 12:
        coding, _, channels = struct.unpack(">III", fmt[:12])
        return max(1, int(channels) * _AU_WIDTHS.get(coding, 1))
    if container == "CAF" and len(fmt) >= 20:
        return max(1, int.from_bytes(fmt[16:20], "big"))
    return 1


# Signs


@dataclass(frozen=True)
class FileKind:
    """What a file seems to be.

    Attributes:
        name: With its article, for messages.
        is_sound: Whether libsndfile may read it; None if only trying shows.
        can_convert: Whether ffmpeg reads it.
    """

    name: str
    is_sound: bool | None
    can_convert: bool = False


_OTHER_THINGS = (
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"MThd", "a MIDI file, which holds notes and no sound"),
)
_CONVERTIBLE = (
    (4, b"ftypqt", "a QuickTime file"),
    (4, b"ftyp3g", "a 3GP file"),
    (4, b"ftyp", "an MP4 or M4A file"),
    (4, b"moov", "a QuickTime file"),
    (4, b"mdat", "a QuickTime file"),
    (4, b"wide", "a QuickTime file"),
    (4, b"free", "a QuickTime file"),
    (4, b"skip", "a QuickTime file"),
    (4, b"pnot", "a QuickTime file"),
    (0, b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "a WMA or WMV file"),
    (8, b"AVI ", "an AVI film"),
    (0, b"#!AMR", "an AMR file"),
    (0, b"#!iLBC", "an iLBC file"),
    (0, b"\x02dss", "a DSS file of a dictation machine"),
    (0, b"\x03dss", "a DSS file of a dictation machine"),
    (0, b"nut/multimedia container", "a NUT file"),
    (0, b"FLV\x01", "an FLV film"),
    (0, b"\x7f\xfe\x80\x01", "a DTS file"),
    (0, b"wvpk", "a WavPack file"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b"TTA1", "a True Audio file"),
    (0, b"MPCK", "a Musepack file"),
    (0, b"MP+", "a Musepack file"),
    (0, b".ra\xfd", "a RealAudio file"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"DSD ", "a DSD file"),
    (0, b"FRM8", "a DSD file"),
    (0, b"ajkg", "a Shorten file"),
    (0, b"ADIF", "an AAC file"),
    (0, b"\x00\x00\x01\xba", "an MPEG film"),
    (28, b"Speex   ", "an OGG file of Speex"),
    (29, b"theora", "an OGG film"),
)
_SOUNDS = (
    (0, b"fLaC", "a FLAC file"),
    (0, b"OggS", "an OGG file"),
    (0, b"ID3", "an MP3 file"),
    (8, b"AIF", "an AIFF file"),
    (8, b"8SVX", "an 8SVX file"),
    (8, b"16SV", "an 8SVX file"),
    (0, b"FORM", "an AIFF or another IFF file"),
    (0, b".snd", "an AU file"),
    (0, b"caff", "a CAF file"),
    (0, b"RF64", "an RF64 file"),
    (0, b"BW64", "a BW64 file"),
    (0, b"RIFX", "a big-endian WAV file"),
    (0, b"riff", "a W64 file"),
    (8, b"WAVE", "a WAV file"),
    (0, b"NIST_1A", "a NIST SPHERE file"),
    (0, b"Creative Voice File", "a VOC file"),
    (0, b"PVF1", "a PVF file"),
    (0, b"2BIT", "an AVR file"),
    (0, b"ALawSoundFile", "a WVE file"),
)


def describe_file(head: bytes) -> FileKind:
    """Say what a file seems to be by its first bytes, a few hundred of them."""
    for signs, is_sound, can_convert in (
        (_OTHER_THINGS, False, False),
        (_CONVERTIBLE, False, True),
        (_SOUNDS, True, True),
    ):
        for at, sign, name in signs:
            if head[at : at + len(sign)] == sign:
                return FileKind(name, is_sound, can_convert)
    if head[:2] == b"\x0b\x77":
        return FileKind("an AC-3 file", None, can_convert=True)
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return FileKind("an AAC file", None, can_convert=True)
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] >> 3 & 3 != 1:
        return FileKind("an MP3 file", True, can_convert=True)
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return FileKind("an MPEG film", False, can_convert=True)
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last letter may be cut in two
    except UnicodeDecodeError:
        text = "\0"
    if all(c.isprintable() or c.isspace() for c in text):
        return FileKind("text", None)
    return FileKind(f"something unknown that begins with the bytes {head[:8].hex(' ')}", None)
