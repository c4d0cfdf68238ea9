"""Files joined byte by byte whose containers are rare or whose ends no header states, and what stands behind a FLAC."""

from __future__ import annotations

import io
import logging
import struct

import numpy as np
import pytest

from smallest_nb.audio.files import read_sound
from smallest_nb.errors import ConfigError

soundfile = pytest.importorskip("soundfile")

RATE = 16000
SPEECH = 0.4 * np.sin(np.arange(30_000) * 0.1) + 0.02 * np.random.default_rng(4).standard_normal(30_000)
MP3 = io.BytesIO()
soundfile.write(MP3, SPEECH, RATE, format="MP3")
MP3_BYTES = MP3.getvalue()


def encode(samples, format_, subtype="PCM_16") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, RATE, format=format_, subtype=subtype)
    return out.getvalue()


@pytest.fixture
def warned(caplog):
    caplog.set_level(logging.WARNING, "smallest_nb.audio.files")

    def take() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    return take


@pytest.mark.parametrize("format_", "AVR HTK IRCAM MAT4 MAT5 MPC2K NIST PAF PVF SVX VOC".split())
def test_S5_joined_files_of_rare_containers_are_read_to_the_last(format_, warned):
    parts = [encode(SPEECH[:size], format_) for size in (3001, 2000, 1500)]
    alone = [read_sound(part).samples for part in parts]
    assert [len(samples) for samples in alone] == [3001, 2000, 1500]
    assert np.array_equal(read_sound(b"".join(parts)).samples, np.concatenate(alone))
    assert warned() == []


def test_S5_joined_wve_files(warned):
    out = io.BytesIO()
    soundfile.write(out, SPEECH[:3000], 8000, format="WVE", subtype="ALAW")
    part = out.getvalue()
    assert np.array_equal(read_sound(part * 2).samples, np.tile(read_sound(part).samples, 2))
    assert warned() == []


def free_format(mp3: bytes) -> bytes:
    """Take the bit rate out of each header of an MP3 whose frames are of one size."""
    data = bytearray(mp3)
    size = mp3.index(mp3[:3], 4)
    for at in range(0, len(data), size):
        assert data[at : at + 3] == mp3[:3]
        data[at + 2] &= 0x0F
    return bytes(data)


@pytest.mark.parametrize("channels", [1, 2])
def test_S5_joined_mp3s_of_free_format(channels, warned):
    parts = []
    for size in (9000, 20_000):
        out = io.BytesIO()
        sound = np.stack([SPEECH[:size]] * channels, axis=1)
        soundfile.write(out, sound, RATE, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5)
        parts.append(free_format(out.getvalue()))
    alone = [read_sound(part).samples for part in parts]
    assert [len(samples) for samples in alone] == [9000, 20_000]
    assert np.array_equal(read_sound(b"".join(parts)).samples, np.concatenate(alone))
    assert warned() == []


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("behind", [MP3_BYTES, b"\xff" * 1000, b"hello" * 100, b"\xff\xf8\xff\xf9" * 50])
def test_S5_what_stands_behind_the_frames_of_a_flac_is_reported(stated, channels, behind, warned):
    data = encode(np.stack([SPEECH] * channels, axis=1), "FLAC")
    if not stated:
        data = data[:21] + bytes([data[21] & 0xF0]) + bytes(4) + data[26:]
    expected = read_sound(data)
    assert len(expected) == len(SPEECH)
    assert warned() == []
    assert read_sound(data + bytes(999)) == expected
    assert warned() == []
    assert read_sound(data + behind) == expected
    (message,) = warned()
    assert f"{len(behind)} bytes after its last FLAC frame are not read" in message


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("format_", ["MP3", "OGG", "FLAC"])
def test_S4_reading_in_blocks_gives_the_samples_of_one_reading(format_, level):
    """A frame of MP3 needs bits of those before it, which are missing after a seek."""
    seconds = np.arange(3 * 44100) / 44100
    sound = 0.5 * np.sin(2 * np.pi * np.outer(seconds, [440, 660]))
    out = io.BytesIO()
    options = {"bitrate_mode": "VARIABLE", "compression_level": level} if format_ == "MP3" else {}
    soundfile.write(out, sound, 44100, format=format_, **options)
    at_once = soundfile.read(io.BytesIO(out.getvalue()))[0].mean(axis=1)
    assert np.abs(read_sound(out.getvalue()).samples - at_once * 32768).max() <= 0.501


def voc_of_blocks(*blocks: bytes) -> bytes:
    first = struct.pack("<IBBHI", RATE, 16, 1, 4, 0)
    bodies = [b"\x09" + (len(first) + len(blocks[0])).to_bytes(3, "little") + first + blocks[0]]
    bodies += [b"\x02" + len(block).to_bytes(3, "little") + block for block in blocks[1:]]
    version = 0x010A
    head = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, version, (~version + 0x1234) & 0xFFFF)
    return head + b"".join(bodies) + b"\0"


def test_S11_block_headers_of_voc_are_not_read_as_samples():
    block = (SPEECH[:1000] * 32768).astype("<i2").tobytes()
    assert read_sound(voc_of_blocks(block)).pcm[:2000] == block
    for end in (None, -1):
        with pytest.raises(ConfigError, match=r"is a VOC file of several blocks, .*: ffmpeg -i FILE sound\.wav$"):
            read_sound(voc_of_blocks(block, block, block)[:end])


def test_S2_two_channels_one_after_the_other_are_not_read_as_interleaved():
    mono = encode(SPEECH[:1000], "SVX", "PCM_S8")
    stereo = mono.replace(b"BODY", b"CHAN\0\0\0\4\0\0\0\6BODY")
    with pytest.raises(ConfigError, match=r"is an 8SVX file of two channels, .*: ffmpeg -i FILE sound\.wav$"):
        read_sound(stereo)
