"""Audio as it travels: the socket's encodings, and files of any format.

G.711 is ITU-T's: 8 bits a sample, logarithmic. linear32 is read as signed integers.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

from smallest_nb.audio.clip import Clip, pcm16_to_array
from smallest_nb.audio.files import read_sound
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BYTES_OF", "decode_samples", "encode_file", "encode_g711", "read_file"]

BYTES_OF = {"linear16": 2, "linear32": 4, "mulaw": 1, "alaw": 1}
"""Bytes of a sample."""


def decode_samples(data: bytes, encoding: str) -> bytes:
    """Return whole samples of a stream as PCM16."""
    if encoding == "linear16":
        return data
    import numpy as np  # noqa: PLC0415

    if encoding == "linear32":
        return (np.frombuffer(data, "<i4") >> 16).astype("<i2").tobytes()
    return _table(encoding)[np.frombuffer(data, np.uint8)].tobytes()


def encode_g711(pcm: bytes, encoding: str) -> bytes:
    """Return PCM16 as mu-law or A-law: the nearest value for each sample, the larger of two that are as near.

    Silence is plus zero, 0xFF and 0xD5, as encoders write it.
    """
    import numpy as np  # noqa: PLC0415

    positive = _table(encoding).astype(np.int32)[128:]  # the first bit of a code is 1 for what is not negative
    order = np.argsort(positive)
    ranked = positive[order]
    middles = (ranked[1:] + ranked[:-1]) / 2
    values = pcm16_to_array(pcm).astype(np.int32)
    codes = 128 + order[np.searchsorted(middles, np.abs(values), side="right")]
    return np.where(values < 0, codes - 128, codes).astype(np.uint8).tobytes()


@functools.cache
def _table(encoding: str) -> NDArray[np.int16]:
    import numpy as np  # noqa: PLC0415

    code = np.arange(256, dtype=np.int32)
    if encoding == "mulaw":
        code = ~code & 0xFF
        size = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
        return np.where(code & 0x80, -size, size).astype("<i2")
    code = code ^ 0x55
    exponent, mantissa = (code & 0x70) >> 4, code & 0x0F
    size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size).astype("<i2")


def encode_file(clip: Clip, output_format: str) -> bytes:
    """Return a clip in one of the service's output formats.

    Raises:
        ConfigError: It needs a library that is missing.
    """
    if output_format == "pcm":
        return clip.pcm
    if output_format == "wav":
        return clip.wav_bytes()
    if output_format in ("ulaw", "alaw"):
        return encode_g711(clip.pcm, "mulaw" if output_format == "ulaw" else "alaw")
    soundfile = _soundfile(output_format)
    out = io.BytesIO()
    soundfile.write(out, clip.samples, clip.sample_rate, format=output_format.upper())
    return out.getvalue()


def read_file(data: bytes, encoding: str, sample_rate: int) -> Clip:
    """Read a recording: a sound file as :func:`smallest_nb.read_sound` does, else raw samples of the encoding named.

    Raises:
        ConfigError: It cannot be read.
    """
    if data.startswith(_FILE_SIGNS):
        return read_sound(data)
    width = BYTES_OF.get(encoding)
    if width is None:
        raise ConfigError(f"The audio cannot be decoded: no {encoding} file.")
    return Clip(decode_samples(data[: len(data) // width * width], encoding), sample_rate)


_MPEG_SIGNS = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2", b"\xff\xe3", b"\xff\xe2")
_FILE_SIGNS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b"caff", b".snd", b"ID3", *_MPEG_SIGNS)
"""What raw samples hardly begin with. (The signs of other MPEG layers are near-silence in PCM16.)"""


def _soundfile(what: str) -> Any:
    try:
        import soundfile  # noqa: PLC0415
    except ImportError:
        raise ConfigError(f"{what} needs soundfile: pip install 'smallest-nb[simulator]'.") from None
    return soundfile
