"""PCM16, clips and WAV: sound as numpy arrays.

PCM16 means signed 16-bit little-endian mono, the only format the TTS socket sends and the STT default.
"""

from __future__ import annotations

import io
import logging
import operator
import os
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from smallest_nb.common.files import write_file
from smallest_nb.common.paths import as_path
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BYTES_PER_SAMPLE",
    "Clip",
    "StreamResampler",
    "as_pcm16",
    "as_sample_rate",
    "clipping_of",
    "describe_clipping",
    "is_byte_string",
    "pcm16_to_array",
    "silence",
]

_log = logging.getLogger(__name__)

BYTES_PER_SAMPLE = 2
_EMBED_SECONDS = 6.0
_RESAMPLED_BYTES = 2**20
_LOUD = 256
_FULL_SCALE = 1 + 2.0**-14
"""A sample that is beyond by less than two steps of 16 bits, as int16 / 32767 is, loses nothing that can be heard."""


def as_sample_rate(rate: Any, lowest: int = 1000, highest: int = 384_000) -> int:
    """Return a rate in Hz as an int; libraries give it as an int, a numpy integer or a whole float.

    Raises:
        ConfigError: Not a whole number, or out of range.
    """
    try:
        hz = int(rate) if isinstance(rate, float) or hasattr(rate, "dtype") else operator.index(rate)
        is_whole = not isinstance(rate, bool) and bool(hz == rate)
    except (TypeError, ValueError, OverflowError):
        hz, is_whole = -1, False
    if not is_whole or not lowest <= hz <= highest:
        raise ConfigError(f"sample_rate={rate!r} cannot be used; expected whole Hz from {lowest} to {highest}.")
    return hz


def is_byte_string(audio: object) -> bool:
    """Whether audio is bytes whose meaning is not stated: bytes, a bytearray, or a memoryview of single bytes."""
    if isinstance(audio, memoryview):
        return audio.format in ("B", "b", "c") and audio.ndim == 1
    return isinstance(audio, bytes | bytearray)


def describe_clipping(beyond: int, count: int, peak: float) -> str:
    """Return how many float samples were clipped and what to do, or "" if none was by more than two steps.

    Args:
        beyond: How many samples exceed 1.
        count: How many there are.
        peak: The largest magnitude.
    """
    if not beyond or peak <= _FULL_SCALE:
        return ""
    share = f"{max(beyond / count, 0.0001):.2%}" if beyond < count else "100%"
    advice = f"divide them by {peak:.6g}"
    if peak > _LOUD:  # the scale of an integer type, whose full scale is the next one above the peak
        bits = next((bits for bits in (16, 24, 32) if peak <= 2.0 ** (bits - 1)), 0)
        if bits:
            advice = f"divide what is on the scale of {bits}-bit integers by {2 ** (bits - 1)}"
    largest = f"the largest is {peak:.6g}"
    return f"{share} of its samples are beyond full scale (-1 to 1; {largest}) and are clipped; {advice} first"


def clipping_of(audio: Any) -> str:
    """Return :func:`describe_clipping` of an array that :func:`as_pcm16` takes; "" for bytes and integers."""
    if is_byte_string(audio):
        return ""
    import numpy as np  # noqa: PLC0415

    array = np.asarray(audio)
    if array.dtype.kind != "f" or not array.size:
        return ""
    size = np.abs(array)
    return describe_clipping(int(np.count_nonzero(size > 1)), size.size, float(size.max()))


def as_pcm16(audio: bytes | bytearray | memoryview | ArrayLike) -> bytes:
    """Return audio as PCM16 bytes.

    Args:
        audio: PCM16 bytes, an int16 array, or a float array within -1 to 1 (values beyond saturate); one channel. A
            memoryview of anything but bytes is taken for the array that it is.

    Raises:
        ConfigError: An odd number of bytes, more than one channel, another dtype, or values that are not finite.
    """
    if is_byte_string(audio):
        data: bytes = bytes(audio)  # type: ignore[arg-type]
        if len(data) % BYTES_PER_SAMPLE:
            raise ConfigError(f"PCM16 audio has two bytes per sample; got {len(data)} bytes.")
        return data
    import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

    array = np.asarray(audio)
    if array.dtype == object and array.ndim == 0:
        raise ConfigError(
            f"Expected PCM16 bytes or a one-dimensional array, got {type(audio).__name__}. A Clip has its "
            "samples in `pcm`, at its `sample_rate`."
        )
    if array.ndim != 1:
        raise ConfigError(f"Expected one channel as a one-dimensional array; got shape {array.shape}.")
    if array.dtype.kind == "i" and array.dtype.itemsize == BYTES_PER_SAMPLE:
        return array.astype("<i2", copy=False).tobytes()
    if not np.issubdtype(array.dtype, np.floating):
        raise ConfigError(f"Expected int16 or float samples; got dtype {array.dtype}.")
    if not np.all(np.isfinite(array)):
        raise ConfigError("The audio holds NaN or infinite samples.")
    if array.dtype.itemsize < 4:
        array = array.astype(np.float32)  # a float16 of 2 times 32768 is infinite
    pcm: bytes = np.clip(np.rint(np.clip(array, -2, 2) * 32768.0), -32768, 32767).astype("<i2").tobytes()
    return pcm


def pcm16_to_array(data: bytes) -> NDArray[np.int16]:
    """View PCM16 bytes as an int16 array, shape `(samples,)`, read-only."""
    import numpy as np  # noqa: PLC0415

    return np.frombuffer(data, dtype="<i2")


def silence(seconds: float, sample_rate: int) -> bytes:
    """Return that many seconds of digital silence as PCM16."""
    return bytes(round(seconds * sample_rate) * BYTES_PER_SAMPLE)


class StreamResampler:
    """Resamples a PCM16 stream chunk by chunk (soxr HQ, 134 dB).

    Args:
        source_rate: Hz of what is pushed.
        target_rate: Hz of what comes out.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        import soxr  # noqa: PLC0415

        source_rate, target_rate = as_sample_rate(source_rate), as_sample_rate(target_rate)
        same = source_rate == target_rate
        # float32, because soxr's int16 path dithers: the same sound would come out different each time.
        self._stream = None if same else soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32")

    def push(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Return the PCM16 that is ready; `last` flushes the tail."""
        if self._stream is None:
            return pcm
        import numpy as np  # noqa: PLC0415

        samples = pcm16_to_array(pcm).astype(np.float32) / np.float32(32768)
        return as_pcm16(self._stream.resample_chunk(samples, last=last))


@dataclass(frozen=True, eq=False)
class Clip:
    """A piece of mono sound.

    Attributes:
        pcm: PCM16 bytes.
        sample_rate: Hz.
    """

    pcm: bytes
    sample_rate: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "pcm", as_pcm16(self.pcm))
        object.__setattr__(self, "sample_rate", as_sample_rate(self.sample_rate))

    @classmethod
    def from_array(cls, samples: ArrayLike, sample_rate: int) -> Clip:
        """Make a clip from an int16 or float array of shape `(samples,)`.

        Floats beyond full scale (-1 to 1) are clipped, which is logged (WARNING).
        """
        pcm = as_pcm16(samples)
        if clipping := clipping_of(samples):
            _log.warning("the array: %s", clipping)
        return cls(pcm, sample_rate)

    @classmethod
    def from_wav(cls, source: str | os.PathLike[str] | bytes | bytearray | BinaryIO) -> Clip:
        """Read a WAV file of 8, 16, 24 or 32-bit PCM; several channels are averaged.

        :func:`smallest_nb.read_sound` reads other files too, and reports what is missing from one that was cut short.

        Raises:
            ConfigError: Not a WAV file, not PCM, or nothing that can be opened.
        """
        import numpy as np  # noqa: PLC0415

        opened: Any = source
        name = "the WAV data"
        if is_byte_string(source):
            opened = io.BytesIO(source)  # type: ignore[arg-type]
        elif not hasattr(source, "read"):
            opened = name = str(as_path(source))  # type: ignore[arg-type]
        try:
            with wave.open(opened, "rb") as file:
                width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
                raw = file.readframes(file.getnframes())
        except (wave.Error, EOFError) as error:
            reason = str(error) or "it ends before its samples"
            raise ConfigError(f"{name} cannot be read as PCM WAV ({reason}); convert it to 16-bit PCM WAV.") from error
        except OSError as error:
            raise ConfigError(f"{name} cannot be read ({error.strerror or error}); expected a WAV file.") from error
        raw = raw[: len(raw) - len(raw) % (width * channels)]
        if width == 1:
            wide = (np.frombuffer(raw, np.uint8).astype(np.int32) - 128) << 24
        else:
            padded = np.zeros((len(raw) // width, 4), np.uint8)
            padded[:, 4 - width :] = np.frombuffer(raw, np.uint8).reshape(-1, width)
            wide = padded.view("<i4").reshape(-1)
        mono = wide.reshape(-1, channels).mean(axis=1) / 2.0**31
        return cls.from_array(mono, rate)

    @property
    def samples(self) -> NDArray[np.int16]:
        """The samples as an int16 array of shape `(samples,)`, read-only."""
        return pcm16_to_array(self.pcm)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self) / self.sample_rate

    def __len__(self) -> int:
        return len(self.pcm) // BYTES_PER_SAMPLE

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Clip):
            return NotImplemented
        return self.sample_rate == other.sample_rate and self.pcm == other.pcm

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Clip) -> Clip:
        return Clip(self.pcm + other.resample(self.sample_rate).pcm, self.sample_rate)

    def resample(self, sample_rate: int) -> Clip:
        """Return the clip at another rate."""
        sample_rate = as_sample_rate(sample_rate)
        if sample_rate == self.sample_rate:
            return self
        resampler, made = StreamResampler(self.sample_rate, sample_rate), io.BytesIO()
        for at in range(0, len(self.pcm), _RESAMPLED_BYTES):  # as floats the whole of it would be several times as much
            made.write(resampler.push(self.pcm[at : at + _RESAMPLED_BYTES]))
        made.write(resampler.push(b"", last=True))
        return Clip(made.getvalue(), sample_rate)

    def padded(self, before: float = 0.0, after: float = 0.0) -> Clip:
        """Return the clip with that many seconds of silence around it."""
        rate = self.sample_rate
        return Clip(silence(before, rate) + self.pcm + silence(after, rate), rate)

    def wav_bytes(self) -> bytes:
        """Return the clip as a WAV file in memory."""
        with io.BytesIO() as buffer:
            with wave.open(buffer, "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(BYTES_PER_SAMPLE)
                file.setframerate(self.sample_rate)
                file.writeframes(self.pcm)
            return buffer.getvalue()

    def to_wav(self, path: str | os.PathLike[str]) -> Path:
        """Write a 16-bit mono WAV file and return its path; a reader sees the former file or the whole new one.

        Args:
            path: `~` is the home directory.

        Raises:
            ConfigError: Not a path on this machine.
            OSError: It cannot be written; what was there before is still there.
        """
        return write_file(as_path(path), self.wav_bytes())

    def __repr__(self) -> str:
        return f"Clip({self.duration:.2f} s, {self.sample_rate} Hz)"

    def _repr_html_(self) -> str:
        import base64  # noqa: PLC0415

        if self.duration > _EMBED_SECONDS:
            return f"<span>{self!r}: use a Player to hear it, or .to_wav(path) to keep it</span>"
        data = base64.b64encode(self.resample(16000).wav_bytes()).decode()
        return f'<span>{self!r}</span><br><audio controls src="data:audio/wav;base64,{data}"></audio>'
