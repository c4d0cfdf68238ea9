"""Sound of any kind made a clip: arrays, files of every format, and what is no sound at all."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import struct
import sys
import tracemalloc
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallest_nb.audio import pcm_sink
from smallest_nb.audio.clip import Clip
from smallest_nb.audio.files import read_sound
from smallest_nb.errors import ConfigError

RATE = 16000
TONE = (np.sin(np.arange(RATE) / 10) * 0.5).astype(np.float64)
LOG = "smallest_nb.audio.files"


def wav(frames: bytes, *, code=1, bits=16, channels=1, rate=RATE, size=None, riff=None, extra=b"") -> bytes:
    align = channels * bits // 8
    format_chunk = struct.pack("<HHIIHH", code, channels, rate, rate * align, align, bits) + extra
    size = len(frames) if size is None else size
    body = b"WAVE" + struct.pack("<4sI", b"fmt ", len(format_chunk)) + format_chunk
    body += struct.pack("<4sI", b"data", size) + frames
    return struct.pack("<4sI", b"RIFF", len(body) if riff is None else riff) + body


def written(format_, *, subtype=None, samples=TONE, rate=RATE) -> bytes:
    soundfile = pytest.importorskip("soundfile")
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=format_, subtype=subtype)
    return out.getvalue()


def near(clip, expected=TONE):
    assert clip.sample_rate == RATE
    assert 0 <= len(clip) - len(expected) < 600  # blocks of a coding are filled up
    got = clip.samples[: len(expected)] / 32768
    assert np.sqrt(np.mean((got - expected[: len(got)]) ** 2)) < 0.03


# WAV


@given(
    samples=st.lists(st.integers(-32768, 32767), min_size=1, max_size=300),
    rate=st.integers(8000, 192_000),
)
def test_pcm16_comes_back_bit_by_bit(samples, rate):
    clip = Clip.from_array(np.array(samples, np.int16), rate)
    assert read_sound(clip.wav_bytes()) == clip
    assert read_sound(np.array(samples, np.int16), sample_rate=rate) == clip


@given(data=st.binary(min_size=0, max_size=200), channels=st.integers(0, 9), bits=st.sampled_from([8, 16, 24, 32, 64]))
def test_any_header_gives_a_clip_or_a_reason(data, channels, bits):
    for code in (1, 3):
        with contextlib.suppress(ConfigError):
            assert read_sound(wav(data, channels=channels, bits=bits, code=code)).sample_rate == RATE


@pytest.mark.parametrize(
    ("code", "dtype", "values"),
    [
        (1, "u1", [128, 192, 0, 255]),
        (1, "<i2", [0, 16384, -32768, 32512]),
        (1, "<i4", [0, 2**30, -(2**31), 0x7F000000]),
        (3, "<f4", [0, 0.5, -1, 0.9921875]),
        (3, "<f8", [0, 0.5, -1, 0.9921875]),
    ],
)
def test_every_width_with_the_standard_library_alone(monkeypatch, tmp_path, code, dtype, values):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    path = tmp_path / "sound.wav"
    path.write_bytes(wav(np.array(values, dtype).tobytes(), code=code, bits=8 * np.dtype(dtype).itemsize))
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes())):
        assert read_sound(source).samples.tolist() == [0, 16384, -32768, 32512]


def test_24_bits_and_the_extensible_header():
    frames = b"".join(v.to_bytes(3, "little", signed=True) for v in (0, 2**22, -(2**23)))
    assert read_sound(wav(frames, bits=24)).samples.tolist() == [0, 16384, -32768]
    tail = bytes.fromhex("000000001000800000aa00389b71")
    extra = struct.pack("<HHIH", 22, 24, 0, 1) + tail
    assert read_sound(wav(frames, bits=24, code=0xFFFE, extra=extra)).samples.tolist() == [0, 16384, -32768]


@pytest.mark.parametrize("channels", [2, 7])
def test_channels_are_averaged_and_it_is_logged(caplog, channels):
    frames = np.array([[700 * (c + 1) for c in range(channels)]] * 5, "<i2")
    with caplog.at_level(logging.INFO, LOG):
        clip = read_sound(wav(frames.tobytes(), channels=channels))
    assert clip.samples.tolist() == [int(frames[0].mean())] * 5
    assert f"its {channels} channels are mixed down" in caplog.text


def test_the_standard_librarys_own_files_are_read_as_clip_reads_them(tmp_path):
    rng = np.random.default_rng(3)
    for width in (1, 2, 3, 4):
        path = tmp_path / f"{width}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((3, width, 22050, 0, "NONE", ""))
            file.writeframes(rng.bytes(3 * width * 500))
        assert read_sound(path) == Clip.from_wav(path)


# Other formats


@pytest.mark.parametrize(
    ("format_", "subtype"),
    [("FLAC", None), ("OGG", None), ("MP3", None), ("AIFF", None), ("AU", None), ("CAF", None), ("RF64", None),
     ("WAV", "ALAW"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAVEX", "PCM_24")],
)  # fmt: skip
def test_formats_that_soundfile_reads(tmp_path, format_, subtype):
    data = written(format_, subtype=subtype)
    path = tmp_path / "sound.raw"  # what it is called does not matter
    path.write_bytes(data)
    near(read_sound(path))
    assert read_sound(path) == read_sound(data)


@pytest.mark.parametrize(
    ("format_", "subtype", "what"), [("FLAC", None, "a FLAC file"), ("WAV", "ULAW", "a WAV file of another coding")]
)
def test_without_soundfile_the_error_names_the_command(monkeypatch, format_, subtype, what):
    data = written(format_, subtype=subtype)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ConfigError, match=rf"{what}.*pip install 'smallest-nb\[files\]'"):
        read_sound(data)


# Cut short


def test_a_cut_wav_is_read_as_far_as_it_goes(tmp_path, caplog):
    whole = wav((TONE * 32768).astype("<i2").tobytes())
    path = tmp_path / "cut.wav"
    path.write_bytes(whole[: 44 + RATE // 4 * 2 + 1])  # a quarter of a second and half a sample
    assert len(read_sound(path)) == RATE // 4
    assert "cut.wav is cut short: 0.75 s of the 1.00 s" in caplog.text


@pytest.mark.parametrize(
    ("format_", "subtype"), [("FLAC", None), ("AIFF", None), ("AU", None), ("WAV", "ALAW"), ("W64", None)]
)
def test_other_formats_cut_short(caplog, format_, subtype):
    sound = np.tile(TONE, 10)
    data = written(format_, subtype=subtype, samples=sound)
    clip = read_sound(data[: len(data) // 2])
    assert 3.5 < clip.duration < 5.5
    assert "is cut short: " in caplog.text
    assert "of the 10.0" in caplog.text


@pytest.mark.parametrize(("size", "riff"), [(0, 0), (0, 36), (0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFFFD3, None)])
def test_a_header_that_was_never_completed_is_no_cut(caplog, size, riff):
    assert len(read_sound(wav(bytes(3200), size=size, riff=riff))) == 1600
    assert "cut short" not in caplog.text


def test_what_follows_the_samples_is_no_sound():
    listing = b"LIST" + struct.pack("<I", 4) + b"INFO"
    assert len(read_sound(wav(bytes(6) + listing, size=6, riff=36 + 6 + len(listing)))) == 3
    with pytest.raises(ConfigError, match="no samples"):
        read_sound(wav(listing, size=0, riff=36 + len(listing)))


# What cannot be read


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "is empty .0 bytes"),
        (wav(b""), "holds no samples"),
        (wav(b"", size=3200), "holds no samples"),
        (wav(b"")[:30], "header ends before any samples"),
        (b"RIFF\x04\x00\x00\x00WAVEdata\x04\x00\x00\x00\x00\x00\x00\x00", "does not state its format"),
        ("Minutes of the meeting, für alle.\n".encode() * 40, "is text"),
        (bytes(np.random.default_rng(5).integers(0, 256, 5000, np.uint8)), "something unknown"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "a PNG image"),
        (b"\x00\x00\x00\x18ftypM4A " + bytes(300), "an MP4 or M4A file.*ffmpeg"),
        (b"fLaC" + bytes(300), "a FLAC file of 304 bytes and cannot be read"),
        (wav(bytes(32), channels=0), "cannot be read"),
        (wav(bytes(32), rate=4000), "4000 Hz; expected 8000 to 192000"),
        (wav(bytes(32), rate=200_000), "200000 Hz; expected 8000 to 192000"),
        (wav(np.array([0, np.nan], "<f4").tobytes(), code=3, bits=32), "NaN or infinite samples, the first at 0.000"),
        (wav(np.array([0, np.inf], "<f8").tobytes(), code=3, bits=64), "NaN or infinite"),
    ],
)
def test_what_is_no_sound_is_named(tmp_path, content, found):
    path = tmp_path / "thing.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"(?s)thing.wav.*{found}.*") as caught:
        read_sound(path)
    assert "expected" in str(caught.value)
    with pytest.raises(ConfigError, match="the sound data"):
        read_sound(content)


def test_places_where_no_file_is(tmp_path):
    with pytest.raises(ConfigError, match="is a directory; expected a sound file"):
        read_sound(tmp_path)
    with pytest.raises(ConfigError, match="none.wav does not exist; expected a sound file"):
        read_sound(tmp_path / "none.wav")
    with pytest.raises(ConfigError, match="cannot be a path"):
        read_sound("a\0b.wav")
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ConfigError, match="not a regular file"):
            read_sound(tmp_path / "pipe")


def test_too_large(tmp_path, monkeypatch):
    path = tmp_path / "huge.wav"
    with path.open("wb") as file:
        file.truncate(10**9 + 1)
    with pytest.raises(ConfigError, match=r"huge.wav has 1.00 GB; expected at most 1 GB"):
        read_sound(path)
    monkeypatch.setattr(pcm_sink, "_MAX_PCM_BYTES", 100_000)
    with pytest.raises(ConfigError, match="the sound data holds more than"):
        read_sound(written("FLAC", samples=np.tile(TONE, 10)))


# Arrays


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([0, 16384, -32768], "<i2"), ([0, 16384, -32768], ">i2"), ([0, 2**30, -(2**31)], "i4"), ([128, 192, 0], "u1"),
     ([0, 0.5, -1], "f4"), ([0, 0.5, -1], "f8"), ([0, 0.5, -1.5], "f2"), ([0, 0.5, -1e308], "f8")],
)  # fmt: skip
def test_arrays_of_every_dtype(values, dtype):
    assert read_sound(np.array(values, dtype), sample_rate=48000) == Clip.from_array(
        np.array([0, 16384, -32768], np.int16), 48000
    )


def test_the_shorter_axis_is_the_channels():
    left, right = np.full(50, 100, np.int16), np.full(50, 300, np.int16)
    for stacked in (np.stack([left, right]), np.stack([left, right], axis=1)):
        assert read_sound(stacked, sample_rate=8000).samples.tolist() == [200] * 50
    assert len(read_sound(left[:, None], sample_rate=8000)) == 50


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros(3, np.int64), "dtype int64; expected int16"),
        (np.zeros(3, complex), "complex"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.zeros((100, 200)), "at most 64 channels"),
        (np.zeros(()), r"shape \(\)"),
        (np.zeros(0), "no samples"),
        (np.zeros((2, 0)), "no samples"),
        (np.array([0, np.nan]), "NaN"),
        ([0.0, 0.5], "A list cannot be read as sound"),
        (None, "A NoneType cannot"),
    ],
)
def test_arrays_that_cannot_be_read(source, message):
    with pytest.raises(ConfigError, match=message):
        read_sound(source, sample_rate=16000)


def test_the_rate_of_an_array():
    with pytest.raises(ConfigError, match="sample_rate=16000"):
        read_sound(np.zeros(3))
    for bad in (7999, 192_001, 16000.5, "16000", True, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="whole Hz from 8000 to 192000"):
            read_sound(np.zeros(3), sample_rate=bad)
    for good in (np.int64(16000), 16000.0):
        assert read_sound(np.zeros(3), sample_rate=good).sample_rate == 16000


def test_a_clip_is_returned_and_nothing_is_contradicted():
    clip = Clip(bytes(20), 4000)
    assert read_sound(clip) is clip
    clip = Clip(bytes(20), 16000)
    assert read_sound(clip, sample_rate=16000) is clip
    for source in (clip, clip.wav_bytes()):
        with pytest.raises(ConfigError, match="sample_rate=8000 contradicts .* 16000 Hz"):
            read_sound(source, sample_rate=8000)


# Memory


def test_a_long_file_needs_little_more_than_its_samples(tmp_path):
    path = tmp_path / "long.wav"
    minute = np.repeat((np.tile(TONE, 60) * 9000).astype("<i2"), 2).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        for _ in range(20):
            file.writeframes(minute)
    del minute
    tracemalloc.start()
    try:
        clip = read_sound(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert clip.duration == 1200
    assert peak < 2 * len(clip.pcm)
