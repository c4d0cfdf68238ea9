"""PCM16, clips and WAV: sound as numpy arrays. Imports errors only.

PCM16 means signed 16-bit little-endian mono, the only format the TTS socket sends and the STT default.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from smallest_nb.errors import ConfigError
from smallest_nb.files import write_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["BYTES_PER_SAMPLE", "Clip", "StreamResampler", "as_pcm16", "pcm16_to_array", "silence"]

BYTES_PER_SAMPLE = 2
_EMBED_SECONDS = 6.0


def as_pcm16(audio: bytes | bytearray | memoryview | ArrayLike) -> bytes:
    """Return audio as PCM16 bytes.

    Args:
        audio: PCM16 bytes, an int16 array, or a float array within -1 to 1 (values beyond saturate); one channel.

    Raises:
        ConfigError: An odd number of bytes, more than one channel, another dtype, or values that are not finite.
    """
    if isinstance(audio, bytes | bytearray | memoryview):
        data = bytes(audio)
        if len(data) % BYTES_PER_SAMPLE:
            raise ConfigError(f"PCM16 audio has two bytes per sample; got {len(data)} bytes.")
        return data
    import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

    array = np.asarray(audio)
    if array.ndim != 1:
        raise ConfigError(f"Expected one channel as a one-dimensional array; got shape {array.shape}.")
    if array.dtype == np.int16:
        return array.astype("<i2", copy=False).tobytes()
    if not np.issubdtype(array.dtype, np.floating):
        raise ConfigError(f"Expected int16 or float samples; got dtype {array.dtype}.")
    if not np.all(np.isfinite(array)):
        raise ConfigError("The audio holds NaN or infinite samples.")
    return np.clip(np.rint(array * 32768.0), -32768, 32767).astype("<i2").tobytes()


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
        if not isinstance(self.sample_rate, int) or not 1000 <= self.sample_rate <= 384_000:
            raise ConfigError(f"sample_rate={self.sample_rate!r} cannot be used; expected Hz from 1000 to 384000.")

    @classmethod
    def from_array(cls, samples: ArrayLike, sample_rate: int) -> Clip:
        """Make a clip from an int16 or float array of shape `(samples,)`."""
        return cls(as_pcm16(samples), sample_rate)

    @classmethod
    def from_wav(cls, source: str | Path | bytes | BinaryIO) -> Clip:
        """Read a WAV file of 8, 16, 24 or 32-bit PCM; several channels are averaged.

        Raises:
            ConfigError: Not a WAV file, or not PCM.
        """
        import numpy as np  # noqa: PLC0415

        opened: Any = io.BytesIO(source) if isinstance(source, bytes) else source
        name = str(source) if isinstance(source, str | Path) else "the WAV data"
        try:
            with wave.open(str(opened) if isinstance(opened, Path) else opened, "rb") as file:
                width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
                raw = file.readframes(file.getnframes())
        except (wave.Error, EOFError) as error:
            raise ConfigError(f"{name} cannot be read as PCM WAV ({error}); convert it to 16-bit PCM WAV.") from error
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
        if sample_rate == self.sample_rate:
            return self
        return Clip(StreamResampler(self.sample_rate, sample_rate).push(self.pcm, last=True), sample_rate)

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

    def to_wav(self, path: str | Path) -> Path:
        """Write a 16-bit mono WAV file, the former one or the whole new one at every moment, and return its path.

        Raises:
            OSError: It cannot be written; what was there before is still there.
        """
        return write_file(path, self.wav_bytes())

    def __repr__(self) -> str:
        return f"Clip({self.duration:.2f} s, {self.sample_rate} Hz)"

    def _repr_html_(self) -> str:
        import base64  # noqa: PLC0415

        if self.duration > _EMBED_SECONDS:
            return f"<span>{self!r}: use a Player to hear it, or .to_wav(path) to keep it</span>"
        data = base64.b64encode(self.resample(16000).wav_bytes()).decode()
        return f'<span>{self!r}</span><br><audio controls src="data:audio/wav;base64,{data}"></audio>'
