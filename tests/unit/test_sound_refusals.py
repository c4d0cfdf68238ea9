"""Files that cannot be read are named for what they are, with what to do."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallest_nb.audio.files import read_sound
from smallest_nb.errors import ConfigError

soundfile = pytest.importorskip("soundfile")

NOISE = np.random.default_rng(3).bytes(4000)
ADTS = b"".join(b"\xff\xf1\x6c\x40\x10\x1f\xfc" + NOISE[:121] for _ in range(20))
ID3 = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)


def atom(name: bytes, size: int = 2000) -> bytes:
    return struct.pack(">I", size) + name + NOISE[: size - 8]


def wav_of(code: int) -> bytes:
    fmt = struct.pack("<HHIIHH", code, 1, 16000, 2000, 1, 0)
    body = b"WAVE" + b"fmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", 2000) + NOISE[:2000]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def ogg_of(codec: bytes) -> bytes:
    return b"OggS\0\2" + bytes(20) + b"\x01\x50" + codec + NOISE


CONVERTIBLE = [
    (ADTS, "an AAC file"),
    (ADTS.replace(b"\xff\xf1", b"\xff\xf9"), "an AAC file"),
    (ID3 + ADTS, "an AAC file"),
    (b"ADIF" + NOISE, "an AAC file"),
    (b"#!AMR\n" + NOISE, "an AMR file"),
    (b"#!AMR-WB\n" + NOISE, "an AMR file"),
    (atom(b"wide", 8) + atom(b"mdat"), "a QuickTime file"),
    (atom(b"free") + atom(b"moov"), "a QuickTime file"),
    (atom(b"skip"), "a QuickTime file"),
    (atom(b"moov"), "a QuickTime file"),
    (atom(b"mdat"), "a QuickTime file"),
    (atom(b"ftypqt  "), "a QuickTime file"),
    (atom(b"ftyp3gp4"), "a 3GP file"),
    (atom(b"ftypM4A "), "an MP4 or M4A file"),
    (wav_of(0xA109), r"a WAV file .*: Speex \(code 0xA109\)"),
    (wav_of(0x0083), r"a WAV file .*: G\.729 \(code 0x0083\)"),
    (wav_of(0x0042), r"a WAV file .*: G\.723\.1 \(code 0x0042\)"),
    (wav_of(0x0161), r"a WAV file .*: WMA \(code 0x0161\)"),
    (wav_of(0x0020), r"a WAV file .*: Yamaha ADPCM \(code 0x0020\)"),
    (wav_of(0x566F), r"a WAV file .*: Vorbis \(code 0x566F\)"),
    (wav_of(0x1234), "a WAV file .*: code 0x1234"),
    (ogg_of(b"Speex   1.2"), "an OGG file of Speex"),
    (b"\x1aE\xdf\xa3" + NOISE, "a WebM or Matroska file"),
    (b"\x0b\x77" + NOISE, "an AC-3 file"),
    (b"wvpk" + NOISE, "a WavPack file"),
    (b"\x02dss" + NOISE, "a DSS file of a dictation machine"),
    (b"\x03dss" + NOISE, "a DSS file of a dictation machine"),
    (b"#!iLBC30\n" + NOISE, "an iLBC file"),
    (b"nut/multimedia container\0" + NOISE, "a NUT file"),
    (b"FORM\0\0\1\0MAUDMHDR" + NOISE, "an AIFF or another IFF file"),
    (b"RIFF\0\0\1\0AVI " + NOISE, "an AVI film"),
]


@pytest.mark.parametrize(("data", "what"), CONVERTIBLE)
def test_S13_what_ffmpeg_reads_is_named_with_the_same_advice(data, what):
    advice = r"; expected a sound file.*: ffmpeg -i FILE sound\.wav$"
    with pytest.raises(ConfigError, match=f"is {what}.*{advice}") as error:
        read_sound(data)
    assert "Malformed" not in str(error.value)


@pytest.mark.parametrize(("code", "bits", "name"), [(1, 64, "PCM"), (3, 16, "float"), (1, 0, "PCM")])
def test_S13_pcm_that_cannot_be_read_is_not_called_another_coding(code, bits, name):
    data = bytearray(wav_of(code))
    data[32:36] = struct.pack("<HH", bits // 8, bits)
    with pytest.raises(ConfigError, match=f"is a WAV file of 1 channel of {bits}-bit {name} and cannot be read"):
        read_sound(bytes(data))


@pytest.mark.parametrize("format_", ["MP3", "FLAC", "OGG", "AIFF", "AU", "CAF", "W64"])
def test_S13_the_first_bytes_of_a_file_are_named_without_a_misleading_reason(format_):
    out = io.BytesIO()
    soundfile.write(out, np.zeros(9000), 16000, format=format_)
    for size in (4, 7, 20):
        with pytest.raises(
            ConfigError, match=f"file of {size} bytes and cannot be read.*ffmpeg|holds no samples"
        ) as error:
            read_sound(out.getvalue()[:size])
        assert "pipe" not in str(error.value)
        assert "not exist" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "text"),
        (b"version https://git-lfs.github.com/spec/v1\n", "text"),
        (b"RIFF\0\0\1\0WEBPVP8 " + NOISE, "a WebP image"),
        (b"MThd\0\0\0\6" + NOISE, "a MIDI file"),
        (bytes(1000), "something unknown that begins with the bytes 00 00"),
        (ID3, "holds a tag and no sound"),
        (ID3[:60], "holds a tag and no sound"),
    ],
)
def test_S13_other_files_are_named_without_that_advice(data, what):
    with pytest.raises(ConfigError, match=what) as error:
        read_sound(data)
    assert "ffmpeg" not in str(error.value)


def test_S1_text_is_refused_without_soundfile_too(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ConfigError, match="is text; expected a sound file"):
        read_sound(b"Minutes of the meeting")
    with pytest.raises(ConfigError, match="is a NIST SPHERE file, which needs soundfile"):
        read_sound(b"NIST_1A\n   1024\nsample_count -i 1\nend_head\n".ljust(1024) + bytes(2))


def written(format_, subtype=None) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, 0.3 * np.cos(np.arange(1200) / 9), 16000, format=format_, subtype=subtype)
    return out.getvalue()


SEEDS = [
    written(*name.split())
    for name in (
        "WAV PCM_16,WAV FLOAT,WAV IMA_ADPCM,RF64 PCM_16,W64 PCM_16,AIFF PCM_16,AIFF IMA_ADPCM,AU ULAW,CAF PCM_24,"
        "NIST PCM_16,VOC PCM_16,MAT5 PCM_16,SDS PCM_16,FLAC,MP3,OGG VORBIS"
    ).split(",")
]


@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 400), st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 65])), max_size=6),
    end=st.integers(-400, 0),
    more=st.binary(max_size=40),
)
def test_S4_whatever_the_bytes_only_a_config_error_is_raised(seed, changes, end, more):
    data = bytearray(seed)
    for place, value in changes:
        data[place % len(data)] = value
    data = bytes(data[: len(data) + end] if end else data) + more
    try:
        clip = read_sound(data)
    except ConfigError:
        return
    assert len(clip)
