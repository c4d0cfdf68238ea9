"""Decodes a sound file part by part: plain WAV here, everything else by libsndfile."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from smallest_nb.audio.file_chunks import SampleChunk, find_sample_chunks
from smallest_nb.audio.file_formats import (
    CONVERT,
    EXPECTED,
    FileKind,
    WavFormat,
    block_bytes,
    describe_file,
    wav_format,
)
from smallest_nb.audio.file_parts import Layout, Section, SoundFile, SoundPart, id3_size, only_tags_or_zeros, read_at
from smallest_nb.audio.mpeg_parts import find_free_format_parts, find_mpeg_parts
from smallest_nb.audio.ogg_flac_parts import end_of_flac_frames, find_flac_parts, find_ogg_parts
from smallest_nb.audio.pcm_sink import SampleSink
from smallest_nb.audio.rare_formats import HEAD_BYTES, find_joint, misread_as, stated_size
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import types

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["decode"]

_BLOCK_SAMPLES = 2**18
_BLOCK_FRAMES = 2**14
_LOSSY_SECS = 0.1
"""If a lossy file lacks less than this, nothing is reported: decoders differ in the padding that they remove."""
_LOSSY = ("MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III", "VORBIS", "OPUS")
_MPEG_CODES = (0x50, 0x55)
_UNKNOWN_FRAMES = 2**40
_MAX_ID3_TAGS = 100
_MAX_JOINED = 10_000
_MEANINGLESS = ("possibly a pipe", "Format not recognised", "System error", "Malformed 'fmt ' chunk")
"""What libsndfile says of any stream that it cannot read and any coding of WAV that it does not know."""


def decode(file: SoundFile, sink: SampleSink) -> None:
    """Decode a file into a sink.

    Raises:
        ConfigError: It holds no sound, or needs a library that is missing.
    """
    base = _skip_id3_tags(file)
    head = read_at(file.stream, base, HEAD_BYTES)
    if not head:
        raise ConfigError(f"{file.name} holds a tag and no sound; {EXPECTED}.")
    kind = describe_file(head)
    chunks = find_sample_chunks(file.stream, base, file.size)
    if chunks is not None:
        for chunk in chunks:
            _decode_chunk(file, chunk, kind, sink)
        return
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        raise ConfigError(
            f"{file.name} is a WAV file of {file.size} bytes whose header ends before any samples; {EXPECTED}."
        )
    if kind.is_sound is False:
        raise _refuse_file(file, kind)
    _decode_layout(file, _find_layout(file, base, head, kind), kind, sink)


def _skip_id3_tags(file: SoundFile) -> int:
    """Return where the file begins after its ID3v2 tags, which not only MP3 files have."""
    at = 0
    for _ in range(_MAX_ID3_TAGS):
        size = id3_size(read_at(file.stream, at, 10))
        if not size:
            break
        at += size
    return min(at, file.size)


def _find_layout(file: SoundFile, base: int, head: bytes, kind: FileKind) -> Layout:
    if head[:4] == b"OggS":
        return find_ogg_parts(file.stream, base, file.size)
    if head[:4] == b"fLaC":
        return find_flac_parts(file.stream, base, file.size)
    if base or kind.name == "an MP3 file":
        layout = find_mpeg_parts(file.stream, base, file.size)
        if layout is not None:
            return layout
        if kind.name == "an MP3 file":
            return find_free_format_parts(file.stream, base, file.size)
    parts: list[SoundPart] = []
    while len(parts) < _MAX_JOINED and base < file.size:
        stop = find_joint(file.stream, base, file.size)
        parts.append(_find_rare_part(file, base, stop))
        base = stop
    return Layout(parts)


def _find_rare_part(file: SoundFile, base: int, stop: int) -> SoundPart:
    if misread := misread_as(file.stream, base, stop):
        raise ConfigError(f"{file.name} is {misread}, which cannot be read; {EXPECTED}.{CONVERT}")
    size = stop - base
    stated = stated_size(read_at(file.stream, base, HEAD_BYTES), size)
    if stated.whole <= stated.start and not stated.end <= stated.start:
        raise ConfigError(f"{file.name} holds no samples: it is cut short before the first; {EXPECTED}.")
    part = SoundPart(base, base + stated.whole, patches=stated.patches, most_frames=stated.most_frames)
    if stated.end > size > stated.start:
        part = replace(part, missing_share=(stated.end - size) / (size - stated.start))
    return part


def _decode_layout(file: SoundFile, layout: Layout, kind: FileKind, sink: SampleSink) -> None:
    for part in layout.parts:
        _decode_part(file, part, kind, sink)
    sink.warnings += [f"{file.name}: {note}" for note in layout.notes]


def _decode_chunk(file: SoundFile, chunk: SampleChunk, kind: FileKind, sink: SampleSink) -> None:
    found = None
    if chunk.container in ("RIFF", "RF64", "BW64"):
        found = wav_format(chunk.fmt)
        if found is None:
            raise ConfigError(f"{file.name} is a WAV file that does not state its format; {EXPECTED}.")
        if found.scale is None and kind.name.startswith("a WAV"):
            kind = replace(kind, name=found.description)
    if found is not None and found.scale is not None:
        _decode_wav(file, chunk, found, sink)
    elif (
        found is not None
        and found.code in _MPEG_CODES
        and (layout := find_mpeg_parts(file.stream, chunk.start, chunk.end))
    ):
        _decode_layout(file, layout, kind, sink)
    else:
        _decode_part(file, _part_of_chunk(chunk), kind, sink)
    if chunk.unread:
        sink.warnings.append(
            f"{file.name}: {chunk.unread} bytes after its samples are not known to be sound and are not read"
        )


def _part_of_chunk(chunk: SampleChunk) -> SoundPart:
    size = chunk.end - chunk.start
    block = block_bytes(chunk.container, chunk.fmt)
    # libsndfile makes up a block of GSM in WAV if the number of bytes is odd.
    frames = size // 65 * 320 if chunk.container in ("RIFF", "RF64") and block == 65 else 0
    if chunk.is_sized and not chunk.missing:
        return SoundPart(chunk.base, chunk.stop, most_frames=frames)
    whole = size - size % block
    missing = (chunk.missing + size - whole) // block * block  # what is left of a block cannot be decoded
    share = missing / whole if whole and chunk.missing else 0.0
    end = chunk.start + whole
    return SoundPart(chunk.base, end, missing_share=share, patches=chunk.patches(end), most_frames=frames)


def _decode_wav(file: SoundFile, chunk: SampleChunk, wav: WavFormat, sink: SampleSink) -> None:
    assert wav.scale is not None  # noqa: S101 - for the type checker
    sink.begin(wav.rate, wav.channels, is_float=wav.code == 3)
    is_pcm16 = (wav.code, wav.bits, wav.channels) == (1, 16, 1)
    step = max(_BLOCK_SAMPLES // wav.channels, 1) * wav.block
    left = (chunk.end - chunk.start) // wav.block * wav.block
    file.stream.seek(chunk.start)
    while left > 0 and (data := file.stream.read(min(step, left))):
        left -= len(data)
        data = data[: len(data) // wav.block * wav.block]
        if is_pcm16:
            sink.add_pcm(data)
        else:
            sink.add(wav.scale(data).reshape(-1, wav.channels))
    if chunk.missing or left > 0:
        promised = (chunk.end - chunk.start + chunk.missing) / wav.block / wav.rate
        _report_cut(sink, promised - sink.part_frames / wav.rate, sink.part_frames / wav.rate)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.005 or not seconds else f"{seconds * 1000:.2g} ms"


def _report_cut(sink: SampleSink, missing: float, there: float) -> None:
    sink.warnings.append(
        f"{sink.name} is cut short: {_seconds(missing)} of the {missing + there:.2f} s that its header promises are "
        f"missing; the {there:.2f} s before are read"
    )


def _refuse_file(file: SoundFile, kind: FileKind, error: Exception | None = None) -> ConfigError:
    """Return the error for a file that holds no sound that can be read; `error` is what libsndfile said."""
    text = f"{file.name} is {kind.name}"
    if error is not None and kind.is_sound is not None:
        reason = _reason(error)
        size = f" of {file.size} bytes" if file.size < HEAD_BYTES else ""
        text += f"{size} and cannot be read{f' ({reason})' if reason else ''}"
    return ConfigError(f"{text}; {EXPECTED}.{CONVERT if kind.can_convert else ''}")


def _reason(error: Exception) -> str:
    text = str(error).rpartition(": ")[2].rstrip(".")
    return "" if any(phrase in text for phrase in _MEANINGLESS) else text


def _soundfile(file: SoundFile, kind: FileKind) -> types.ModuleType:
    try:
        import soundfile  # noqa: PLC0415
    except (ImportError, OSError):  # OSError: its library is missing
        if kind.name == "text":
            raise _refuse_file(file, kind) from None
        raise ConfigError(
            f"{file.name} is {kind.name}, which needs soundfile: pip install 'smallest-nb[files]'. PCM WAV needs "
            "nothing."
        ) from None
    module: types.ModuleType = soundfile
    return module


def _decode_part(file: SoundFile, part: SoundPart, kind: FileKind, sink: SampleSink) -> None:
    """Decode what libsndfile reads."""
    soundfile = _soundfile(file, kind)
    try:
        opened = soundfile.SoundFile(Section(file.stream, part))
    except (RuntimeError, TypeError) as error:
        if not sink.seconds:
            raise _refuse_file(file, kind, error) from error
        sink.warnings.append(f"{file.name}: {part.end - part.start} bytes at {sink.seconds:.2f} s cannot be decoded")
        return
    # soundfile seeks after each block, to where it is: libmpg123 lacks the bits of a frame that are in those before
    # (whole blocks of VBR are silent), and libFLAC fails if no frame is at the file's end.
    opened.seekable = lambda: False
    with opened as sound:
        lossy = sound.subtype in _LOSSY
        sink.begin(
            int(sound.samplerate), int(sound.channels), is_float=sound.subtype in ("FLOAT", "DOUBLE"), is_lossy=lossy
        )
        stated = part.stated_frames
        if stated is None:
            stated = part.most_frames or (sound.frames if 0 < sound.frames < _UNKNOWN_FRAMES else 0)
        fault = _read_into(sound, sink, part.most_frames or sound.frames)
        if fault is not None and not sink.seconds:
            raise _refuse_file(file, kind, fault) from fault
        there = sink.part_frames / int(sound.samplerate)
    promised = max(stated / int(sound.samplerate), there * (1 + part.missing_share))
    missing = promised - there
    if missing >= _LOSSY_SECS or (not lossy and (missing >= 0.5 / sound.samplerate or part.missing_share)):
        _report_cut(sink, missing, there)
    elif part.lacks_end:
        sink.warnings.append(f"{file.name} is cut short: {part.lacks_end}; the {there:.2f} s before are read")
    elif fault is not None:
        end = end_of_flac_frames(file.stream, part.start, part.end) if sound.format == "FLAC" else None
        _report_fault(file, part, end, sink, is_sized=bool(stated))


def _report_fault(file: SoundFile, part: SoundPart, end: int | None, sink: SampleSink, *, is_sized: bool) -> None:
    """Report the failure of a decoder if no samples are known to be missing.

    Args:
        file: The file.
        part: The part of it that was decoded.
        end: Where the last whole frame ends; None if that is not known.
        sink: What was decoded.
        is_sized: Whether the header stated how many samples there are, so that all were found.
    """
    if end is not None:
        if not only_tags_or_zeros(file.stream, end, part.end):
            sink.warnings.append(f"{file.name}: {part.end - end} bytes after its last FLAC frame are not read")
    elif not is_sized:
        sink.warnings.append(
            f"{file.name} is cut short or damaged: after {sink.seconds:.2f} s nothing more can be decoded"
        )


def _read_into(sound: Any, sink: SampleSink, frames: int) -> RuntimeError | None:
    """Read to the end, or to the fault that is returned.

    soundfile raises if a block was read in part only. What was read is in the array all the same, and NaN after it.
    """
    import numpy as np  # noqa: PLC0415

    step = max(_BLOCK_FRAMES // math.isqrt(sound.channels), 1)
    array: NDArray[np.float64] = np.empty((step, sound.channels))
    while (left := frames - sink.part_frames) > 0:
        array.fill(np.nan)
        try:
            block = sound.read(dtype="float64", out=array[:left])
        except RuntimeError as error:
            there = np.isnan(array).all(axis=1)
            block = array[: int(np.argmax(there)) if there.any() else step][:left]
            if len(block):
                sink.add(block)
            return error
        if not len(block):
            break
        sink.add(block)
    return None
