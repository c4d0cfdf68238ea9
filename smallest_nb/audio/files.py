"""Reads sound of any kind as a clip: files, bytes, arrays.

Plain WAV (PCM of 8 to 32 bits, float) is read here; every other format by libsndfile, if `soundfile` is installed.
Everything is read in blocks: of a long recording little more than its PCM16 is held in memory.
"""

from __future__ import annotations

import array
import io
import operator
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from smallest_nb.audio.clip import Clip, as_sample_rate, is_byte_string
from smallest_nb.audio.file_decoder import decode
from smallest_nb.audio.file_formats import EXPECTED, SCALES
from smallest_nb.audio.file_parts import SoundFile
from smallest_nb.audio.pcm_sink import HIGHEST_RATE, LOWEST_RATE, SampleSink
from smallest_nb.common.paths import as_path
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["MAX_FILE_BYTES", "open_sound", "read_sound"]

MAX_FILE_BYTES = 1_000_000_000
"""The largest sound file that is read."""

_MAX_ARRAY_CHANNELS = 64
_BLOCK_SAMPLES = 2**18


def read_sound(
    source: Clip | str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | ArrayLike,
    *,
    sample_rate: int | None = None,
    channel: int | None = None,
) -> Clip:
    """Return sound of any kind as a clip: mono PCM16 at the rate it has.

    Several channels are averaged, which is logged (INFO), unless they cancel each other: then the loudest is read
    alone. Values beyond full scale are clipped. Files that are joined or chained are read one after the other to the
    last byte. A file that was cut short is read as far as it goes. What is lost or guessed is logged (WARNING), once.

    Args:
        source: One of

            - a clip, returned as it is;
            - the path of a sound file of at most 1 GB (`~` is the home directory; URLs are not fetched), the bytes of
              one, or a binary file object, which is read from where it stands (from its beginning, if it stands at its
              end): WAV, and if `soundfile` is installed (`pip install 'smallest-nb[files]'`) FLAC, MP3, OGG, AIFF,
              A-law, mu-law and what else libsndfile reads;
            - a numpy array, or what becomes one (a tensor, an `array.array`, a memoryview of numbers), of shape
              `(samples,)`, `(samples, channels)` or `(channels, samples)`, the shorter axis being the channels, 64 at
              most. Full scale is -1 to 1 for float16, float32 and float64; -32768 to 32767 for int16; -2**31 to
              2**31 - 1 for int32; 0 to 255 with silence at 128 for uint8.
        sample_rate: Hz, 8000 to 192000. An array needs it. A file or clip states its own; another one is refused.
        channel: Which channel is read, from 0. None mixes all of them to one.

    Returns:
        The clip; it holds at least one sample, unless a clip was given that has none.

    Raises:
        ConfigError: No sample rate for an array, or one out of range; a channel that is not there; nothing there, a
            directory, an empty file, a header without samples, a file over 1 GB or of more than 2 GB of PCM16,
            something that is not sound, NaN or infinite samples, an array of another shape or dtype; a format that
            needs `soundfile` if that is missing.
    """
    rate = None if sample_rate is None else as_sample_rate(sample_rate, LOWEST_RATE, HIGHEST_RATE)
    channel = _checked_channel(channel)
    if isinstance(source, Clip):
        clip, name = source, "the clip"
        if channel:
            raise ConfigError(f"channel={channel} is not there: a clip has one channel, 0.")
    elif is_byte_string(source):
        data, name = bytes(source), "the sound data"  # type: ignore[arg-type]
        clip = _read_file(SoundFile(name, io.BytesIO(data), len(data)), channel)
    elif isinstance(source, str | os.PathLike):
        path = as_path(source)
        clip, name = _read_path(path, channel), str(path)
    elif hasattr(source, "read"):
        file = open_sound(source)
        clip, name = _read_file(file, channel), file.name
    else:
        return _read_array(source, rate, channel)
    if rate is not None and rate != clip.sample_rate:
        raise ConfigError(f"sample_rate={rate} contradicts {name}, which has {clip.sample_rate} Hz; leave it out.")
    return clip


def _checked_channel(channel: Any) -> int | None:
    """Return a channel's number, or None."""
    if channel is None:
        return None
    try:
        number = -1 if isinstance(channel, bool) else operator.index(channel)
    except TypeError:
        number = -1
    if number < 0:
        raise ConfigError(
            f"channel={channel!r} cannot be used; expected the number of a channel from 0, or None to mix all."
        )
    return number


def _read_twice_if_cancelled(name: str, channel: int | None, fill: Callable[[SampleSink], None]) -> Clip:
    """Read once, and a second time if the channels turn out to cancel each other, which is known only at the end."""
    sink = SampleSink(name, channel)
    fill(sink)
    loudest = sink.cancelling_channel
    if loudest is not None:
        warning = sink.describe_cancellation()
        sink = SampleSink(name, channel, loudest)
        sink.warnings.append(warning)
        fill(sink)
    return sink.finish()


# Arrays


def _read_array(source: Any, rate: int | None, channel: int | None) -> Clip:
    import numpy as np  # noqa: PLC0415

    if not hasattr(source, "__array__") and not isinstance(source, memoryview | array.array):
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
    channels = max(samples.shape[1], 1)

    def fill(sink: SampleSink) -> None:
        sink.begin(rate, channels, is_float=samples.dtype.kind == "f")
        step = max(_BLOCK_SAMPLES // channels, 1)
        for at in range(0, len(samples) if samples.size else 0, step):
            sink.add(scale(samples[at : at + step]))
        if quiet:
            sink.warnings.append(f"{sink.name}: {quiet}")

    quiet = _warn_of_24_bits(samples)
    return _read_twice_if_cancelled("the array", channel, fill)


def _warn_of_24_bits(samples: Any) -> str:
    """Return a warning if an int32 array seems to hold 24-bit values, which are 48 dB too quiet, else "".

    The lowest byte of quiet sound that was widened from 24 bits as it should be is zero.
    """
    if samples.dtype.kind != "i" or samples.dtype.itemsize != 4 or not samples.size:
        return ""
    peak = max(int(samples.max()), -int(samples.min()))
    if not 2**15 < peak <= 2**23 or not (samples & 0xFF).any():
        return ""
    return (
        f"its largest value is {peak}, which is quiet in 32 bits. If these are 24-bit values, move them up first: "
        "samples << 8"
    )


# Files


def open_sound(stream: Any) -> SoundFile:
    """Return a binary file object as a file: from where it stands, or from its beginning if it stands at its end.

    Raises:
        ConfigError: A text file, a closed one, or more than 1 GB of one that cannot seek.
    """
    name = getattr(stream, "name", None)
    name = name if isinstance(name, str) else "the file object"
    try:
        if not hasattr(stream, "seekable") or not stream.seekable():
            data = stream.read(MAX_FILE_BYTES + 1)
            if not isinstance(data, bytes):
                raise ConfigError(f"{name} returns {type(data).__name__}; expected bytes: open it with mode 'rb'.")
            return SoundFile(name, io.BytesIO(data), len(data))
        if not isinstance(stream.read(0), bytes):
            raise ConfigError(f"{name} returns text; expected bytes: open it with mode 'rb'.")
        at = stream.tell()
        end = stream.seek(0, os.SEEK_END)
        end = stream.tell() if end is None else end
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{name} cannot be read: {error}; {EXPECTED}.") from error
    if at in (0, end):
        stream.seek(0)
        return SoundFile(name, stream, end)
    stream.seek(at)
    data = stream.read(MAX_FILE_BYTES + 1)
    return SoundFile(name, io.BytesIO(data), len(data))


def _read_path(path: Path, channel: int | None) -> Clip:
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ConfigError(f"{path} is a directory; {EXPECTED}.")
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is not a regular file; {EXPECTED}.")
        with path.open("rb") as stream:
            return _read_file(SoundFile(str(path), stream, found.st_size), channel)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; {EXPECTED}.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}; {EXPECTED}.") from error
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{str(path)!r} cannot be a path ({error}); {EXPECTED}.") from error


def _read_file(file: SoundFile, channel: int | None) -> Clip:
    if not file.size:
        raise ConfigError(f"{file.name} is empty (0 bytes); {EXPECTED}.")
    if file.size > MAX_FILE_BYTES:
        raise ConfigError(
            f"{file.name} has {file.size / 1e9:.2f} GB; expected at most {MAX_FILE_BYTES / 1e9:g} GB. Split it, or "
            "make it mono at 16000 Hz."
        )
    return _read_twice_if_cancelled(file.name, channel, lambda sink: decode(file, sink))
