"""Sound of any kind made a clip: files, bytes, arrays. Imports audio, errors and sound_formats only.

Plain WAV (PCM of 8 to 32 bits, float) is read here; every other format by libsndfile, where `soundfile` is installed.
Everything is read in blocks: besides its PCM16 nothing of a long recording is held.
"""

from __future__ import annotations

import io
import logging
import math
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from smallest_nb.audio import Clip, as_pcm16
from smallest_nb.errors import ConfigError
from smallest_nb.sound_formats import (
    CONVERTIBLE,
    EXPECTED,
    SCALES,
    SoundFile,
    WavHeader,
    promised_bytes,
    wav_header,
    what_it_is,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["MAX_FILE_BYTES", "read_sound"]

_log = logging.getLogger(__name__)

MAX_FILE_BYTES = 1_000_000_000
"""The largest sound file that is read."""

_MAX_PCM_BYTES = 2_000_000_000
_LOWEST_RATE, _HIGHEST_RATE = 8000, 192_000
_MAX_ARRAY_CHANNELS = 64
_BLOCK_SAMPLES = 2**18
_BLOCK_FRAMES = 2**14
_TOLD_SECS = 0.1
_BEYOND = 1e6


def read_sound(
    source: Clip | str | os.PathLike[str] | bytes | bytearray | memoryview | ArrayLike,
    *,
    sample_rate: int | None = None,
) -> Clip:
    """Return sound of any kind as a clip: mono PCM16 at the rate it has.

    Several channels are averaged, which is told in the log (INFO). Values beyond full scale saturate. A file that was
    cut short is read as far as it goes; how much is missing is told in the log (WARNING).

    Args:
        source: One of

            - a clip, returned as it is;
            - the path of a sound file of at most 1 GB, or the bytes of one: WAV, and where `soundfile` is installed
              (`pip install 'smallest-nb[files]'`) FLAC, MP3, OGG, AIFF, A-law, mu-law and what else libsndfile reads;
            - a numpy array, or what becomes one (a tensor), of shape `(samples,)`, `(samples, channels)` or
              `(channels, samples)`, the shorter axis being the channels, 64 at most. Full scale is -1 to 1 for float16,
              float32 and float64; -32768 to 32767 for int16; -2**31 to 2**31 - 1 for int32; 0 to 255 with silence at
              128 for uint8.
        sample_rate: Hz, 8000 to 192000. An array needs it; a file or clip says it itself, and may not be contradicted.

    Returns:
        The clip; it holds at least one sample, unless a clip was given that has none.

    Raises:
        ConfigError: No sample rate for an array, or one out of range; nothing there, a directory, an empty file, a
            header without samples, a file over 1 GB or of more than 2 GB of PCM16, something that is no sound, NaN or
            infinite samples, an array of another shape or dtype; a format that needs `soundfile` where it is missing.
    """
    rate = None if sample_rate is None else _rate(sample_rate)
    if isinstance(source, Clip):
        clip, name = source, "the clip"
    elif isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), "the sound data"
        clip = _read_file(SoundFile(name, io.BytesIO(data), len(data)))
    elif isinstance(source, str | os.PathLike):
        clip, name = _read_path(Path(source)), str(source)
    else:
        return _read_array(source, rate)
    if rate is not None and rate != clip.sample_rate:
        raise ConfigError(f"sample_rate={rate} contradicts {name}, which has {clip.sample_rate} Hz; leave it out.")
    return clip


def _rate(given: Any) -> int:
    """Return a rate in Hz; libraries give it as an int, a numpy integer or a whole float."""
    try:
        rate = int(given)
    except (TypeError, ValueError, OverflowError):
        rate = -1
    if isinstance(given, bool | str | bytes) or rate != given or not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise ConfigError(
            f"sample_rate={given!r} cannot be used; expected whole Hz from {_LOWEST_RATE} to {_HIGHEST_RATE}."
        )
    return rate


class _Sink:
    """Takes sound block by block and makes one clip of it.

    Args:
        name: What is being read, for messages.
        sample_rate: Hz.
        channels: How many there are.

    Raises:
        ConfigError: A rate or a number of channels that cannot be.
    """

    def __init__(self, name: str, sample_rate: int, channels: int) -> None:
        if not _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE:
            raise ConfigError(
                f"{name} has a sample rate of {sample_rate} Hz; expected {_LOWEST_RATE} to {_HIGHEST_RATE} Hz."
            )
        if channels < 1:
            raise ConfigError(f"{name} has {channels} channels; expected one or more.")
        self.name = name
        self.rate = sample_rate
        self.channels = channels
        self._pcm = io.BytesIO()
        if channels > 1:
            _log.info("%s: its %d channels are mixed down to one", name, channels)

    @property
    def frames(self) -> int:
        """How many samples there are so far."""
        return self._pcm.tell() // 2

    def add_pcm(self, data: bytes) -> None:
        """Take PCM16 of one channel."""
        if self._pcm.tell() + len(data) > _MAX_PCM_BYTES:
            raise ConfigError(
                f"{self.name} holds more than {self.frames / self.rate / 3600:.1f} hours of sound at {self.rate} Hz; "
                f"expected at most {_MAX_PCM_BYTES // 10**9} GB of 16-bit mono samples. Cut it up."
            )
        self._pcm.write(data)

    def add(self, block: NDArray[np.floating[Any]]) -> None:
        """Take samples of shape `(frames, channels)`, full scale -1 to 1."""
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        finite = np.isfinite(block)
        if not finite.all():
            at = (self.frames + int(np.argmin(finite.all(axis=1)))) / self.rate
            raise ConfigError(f"{self.name} holds NaN or infinite samples, the first at {at:.3f} s; expected sound.")
        wide = np.clip(block, -_BEYOND, _BEYOND).astype(np.float64, copy=False)  # a mean of these cannot overflow
        self.add_pcm(as_pcm16(wide.mean(axis=1) if self.channels > 1 else wide[:, 0]))

    def clip(self) -> Clip:
        """Return what was taken.

        Raises:
            ConfigError: Nothing was.
        """
        if not self.frames:
            raise ConfigError(f"{self.name} holds no samples; expected sound.")
        return Clip(self._pcm.getvalue(), self.rate)


# Arrays


def _read_array(source: Any, rate: int | None) -> Clip:
    import numpy as np  # noqa: PLC0415

    if not hasattr(source, "__array__"):
        raise ConfigError(
            f"A {type(source).__name__} cannot be read as sound; expected a Clip, the path or the bytes of a sound "
            "file, or a numpy array together with sample_rate."
        )
    samples = np.asarray(source)
    if rate is None:
        raise ConfigError("An array does not say its rate; give it as well, as in sample_rate=16000.")
    scale = SCALES.get((samples.dtype.kind, samples.dtype.itemsize))
    if scale is None:
        raise ConfigError(f"The array has dtype {samples.dtype}; expected int16, int32, uint8, float32 or float64.")
    shape = samples.shape
    if samples.ndim == 2 and shape[0] < shape[1]:
        samples = samples.T
    if samples.ndim == 1:
        samples = samples[:, np.newaxis]
    if samples.ndim != 2 or (samples.size and samples.shape[1] > _MAX_ARRAY_CHANNELS):
        raise ConfigError(
            f"The array has shape {shape}; expected (samples,), (samples, channels) or (channels, samples), with at "
            f"most {_MAX_ARRAY_CHANNELS} channels."
        )
    sink = _Sink("the array", rate, max(samples.shape[1], 1))
    if samples.size:
        step = max(_BLOCK_SAMPLES // sink.channels, 1)
        for at in range(0, len(samples), step):
            sink.add(scale(samples[at : at + step]))
    return sink.clip()


# Files


def _read_path(path: Path) -> Clip:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ConfigError(f"{path} is a directory; {EXPECTED}.")
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is no regular file; {EXPECTED}.")
        with path.open("rb") as stream:
            return _read_file(SoundFile(str(path), stream, found.st_size))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; {EXPECTED}.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}; {EXPECTED}.") from error
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{str(path)!r} cannot be a path ({error}); {EXPECTED}.") from error


def _read_file(file: SoundFile) -> Clip:
    if not file.size:
        raise ConfigError(f"{file.name} is empty (0 bytes); {EXPECTED}.")
    if file.size > MAX_FILE_BYTES:
        raise ConfigError(
            f"{file.name} has {file.size / 1e9:.2f} GB; expected at most {MAX_FILE_BYTES / 1e9:g} GB. Cut it up, or "
            "make it mono at 16000 Hz."
        )
    head = file.stream.read(512)
    wav = wav_header(file) if head[:4] == b"RIFF" and head[8:12] == b"WAVE" else None
    if wav is not None and wav.scale is not None:
        return _read_wav(file, wav)
    return _read_other(file, head)


def _read_wav(file: SoundFile, wav: WavHeader) -> Clip:
    assert wav.scale is not None  # noqa: S101 - for the type checker
    sink = _Sink(file.name, wav.rate, wav.channels)
    frame = wav.width * wav.channels
    left = wav.there // frame * frame
    step = max(_BLOCK_SAMPLES // wav.channels, 1) * frame
    file.stream.seek(wav.start)
    while left > 0 and (data := file.stream.read(min(step, left))):
        left -= len(data)
        data = data[: len(data) // frame * frame]
        if frame == 2:  # of these only PCM16 has two bytes
            sink.add_pcm(data)
        else:
            sink.add(wav.scale(data).reshape(-1, wav.channels))
    clip = sink.clip()
    if wav.missing or left > 0:
        promised = (wav.there + wav.missing) / frame / wav.rate
        _tell_missing(file.name, promised - clip.duration, clip.duration)
    return clip


def _tell_missing(name: str, missing: float, there: float) -> None:
    _log.warning(
        "%s is cut short: %.2f s of the %.2f s that its header promises are missing; the %.2f s before are read",
        name, missing, missing + there, there,
    )  # fmt: skip


def _read_other(file: SoundFile, head: bytes) -> Clip:
    """Read what libsndfile reads."""
    what, is_sound = what_it_is(head)
    if is_sound is False:
        advice = " Convert it first: ffmpeg -i FILE sound.wav" if what.startswith(CONVERTIBLE) else ""
        raise ConfigError(f"{file.name} is {what}; {EXPECTED}.{advice}")
    try:
        import soundfile  # noqa: PLC0415
    except (ImportError, OSError):  # OSError: its library is missing
        raise ConfigError(
            f"{file.name} is {what}, which needs soundfile: pip install 'smallest-nb[files]'. PCM WAV needs nothing."
        ) from None
    file.stream.seek(0)
    try:
        opened = soundfile.SoundFile(_Nameless(file.stream))
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"{file.name} is {what} and cannot be read ({_short(error)}); {EXPECTED}.") from error
    with opened as sound:
        sink = _Sink(file.name, int(sound.samplerate), int(sound.channels))
        fault = _copy(sound, sink)
        if fault is not None and not sink.frames:
            raise ConfigError(f"{file.name} is {what} and cannot be read ({_short(fault)}); {EXPECTED}.") from fault
        promised = sound.frames / sink.rate if 0 < sound.frames < 2**40 else 0.0
    clip = sink.clip()
    missing_bytes = promised_bytes(head) - file.size
    if missing_bytes > 0:
        promised = max(promised, clip.duration * (1 + missing_bytes / file.size))
    if promised - clip.duration >= _TOLD_SECS:
        _tell_missing(file.name, promised - clip.duration, clip.duration)
    elif fault is not None:
        _log.warning("%s is damaged after %.2f s (%s); what is before is read", file.name, clip.duration, fault)
    return clip


def _copy(sound: Any, sink: _Sink) -> RuntimeError | None:
    """Read to the end, or to the fault that is returned."""
    step = max(_BLOCK_FRAMES // math.isqrt(sink.channels), 1)
    while True:
        try:
            block = sound.read(step, dtype="float32" if sink.channels == 1 else "float64", always_2d=True)
        except RuntimeError as error:
            return error
        if not len(block):
            return None
        sink.add(block)


def _short(error: Exception) -> str:
    return str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__


class _Nameless:
    """A stream without a name: soundfile takes a file called .raw, .vox or .gsm for what it is called."""

    def __init__(self, stream: BinaryIO) -> None:
        self.read, self.seek, self.tell = stream.read, stream.seek, stream.tell
