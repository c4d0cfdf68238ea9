"""Every container, coding, width and channel count that soundfile writes, and the headers that other programs write.

What is read is compared sample by sample with what was written, and what is reported with what was lost.
"""

from __future__ import annotations

import io
import itertools
import logging
import struct

import numpy as np
import pytest

from smallest_nb.audio.files import read_sound
from smallest_nb.errors import ConfigError

soundfile = pytest.importorskip("soundfile")

RATE = 16000
LOG = "smallest_nb.audio.files"
FORMATS = sorted(set(soundfile.available_formats()) - {"RAW", "SD2"})  # no header; two files
RNG = np.random.default_rng(1)


def tone(frames: int, channels: int = 1, rate: int = RATE) -> np.ndarray:
    """Voices of different pitch and a little noise, full of level, shape (frames, channels)."""
    seconds = np.arange(frames)[:, np.newaxis] / rate
    pitches = 300 + 100 * np.arange(channels)
    return 0.4 * np.cos(2 * np.pi * pitches * seconds) + 0.02 * RNG.standard_normal((frames, channels))


def encode(samples, format_, subtype=None, *, rate=RATE, **options) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=format_, subtype=subtype, **options)
    return out.getvalue()


def pcm16(floats) -> np.ndarray:
    """What is documented: channels averaged, times 32768, half to even, clipped."""
    mono = floats.mean(axis=1) if floats.ndim == 2 else floats
    return np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)


def wav(frames: bytes, *, code=1, bits=16, channels=1, rate=RATE, size=None, riff=None, extra=b"", before=b"",
        after=b"") -> bytes:  # fmt: skip
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHH", code, channels, rate, rate * align, align, bits) + extra
    body = b"WAVE" + chunk(b"fmt ", fmt) + before
    body += b"data" + struct.pack("<I", len(frames) if size is None else size) + frames
    body += bytes(len(frames) % 2) + after
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def chunk(name: bytes, body: bytes, order="<") -> bytes:
    return name + struct.pack(order + "I", len(body)) + body + bytes(len(body) % 2)


def id3(size: int) -> bytes:
    return (
        b"ID3\x04\x00\x00" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + b"\x55" * size
    )


ID3V1 = b"TAG" + b"Title".ljust(125, b" ")
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 32 + 20, 1, 0) + bytes(8)
APE = bytes(20) + APE  # one item, and the footer
LIST = chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 8) + b"Lavf61.7")


@pytest.fixture
def warned(caplog):
    caplog.set_level(logging.WARNING, LOG)

    def take() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    return take


def combinations(format_):
    for subtype in soundfile.available_subtypes(format_):
        heard = set()
        for endian, channels, frames in itertools.product(("FILE", "LITTLE", "BIG"), (1, 2, 3, 6), (1, 7, 2500)):
            if not soundfile.check_format(format_, subtype, endian):
                continue
            try:
                data = encode(tone(frames, channels), format_, subtype, endian=endian)
                expected, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
            except RuntimeError:  # soundfile cannot write this number of channels, or not read what it wrote
                continue
            if data not in heard:
                heard.add(data)
                yield f"{format_} {subtype} {endian} {channels} x {frames}", data, expected, rate


@pytest.mark.parametrize("format_", FORMATS)
def test_S2_every_file_that_soundfile_writes_is_read_sample_by_sample(format_, warned):
    seen = 0
    for what, data, expected, rate in combinations(format_):
        if not len(expected):  # libsndfile finds nothing in what it wrote (Sample Dump, PAF of 24 bits)
            with pytest.raises(ConfigError, match="no samples"):
                read_sound(data)
            continue
        clip = read_sound(data)
        samples = pcm16(expected)
        if "WAV GSM610" in what and len(expected) % 640 == 0:  # libsndfile makes up a block behind an odd number
            samples = samples[: len(clip)]
        difference = np.abs(clip.samples.astype(int) - samples) if len(clip) == len(samples) else [np.inf]
        lossy = "MPEG" in what or "VORBIS" in what or "OPUS" in what
        assert np.max(difference) <= (1 if lossy else 0), (what, len(clip), len(expected))
        assert clip.sample_rate == rate
        assert warned() == [] or np.abs(expected).max() < 2**-16, what  # ALAC of a few samples comes back as noise
        seen += 1
    assert seen


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize(
    ("code", "bits", "dtype"),
    [(1, 8, "u1"), (1, 16, "<i2"), (1, 32, "<i4"), (3, 32, "<f4"), (3, 64, "<f8")],
)
def test_S2_silence_of_every_width_is_silence(channels, code, bits, dtype, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    rest = np.full(40 * channels, 128 if dtype == "u1" else 0, dtype).tobytes()
    assert read_sound(wav(rest, code=code, bits=bits, channels=channels)).samples.tolist() == [0] * 40


# Sizes that programs write to pipes

PLACEHOLDERS = {
    "ffmpeg": (0xFFFFFFFF, 0xFFFFFFFF),
    "sox": (0x7FFFF000, 0x7FFFF024),
    "espeak-ng": (0x7FFFF000, 0x7FFFF024),
    "arecord": (0x80000000, 0x80000024),
    "lame": (0x7FFFFFFF, 0x7FFFFFFF + 36 & 0xFFFFFFFF),
    "lame, less its header": (0x7FFFFFFF - 44, 0x7FFFFFFF - 8),
    "mpg123": (0, 0),
    "mpg123, header counted": (0, 36),
    "gstreamer": (0, 0xFFFFFFFF),
}


@pytest.mark.parametrize(("bits", "dtype"), [(12, "<i2"), (20, "<i4"), (24, "<i4"), (17, "<i4"), (7, "u1")])
@pytest.mark.parametrize("channels", [1, 2])
def test_S2_samples_in_more_bytes_than_they_need(bits, dtype, channels, warned):
    values = np.round(tone(2000, channels) * 2.0 ** (bits - 1)).astype(np.int64)
    width = np.dtype(dtype).itemsize
    shifted = (values << (8 * width - bits)) + (128 if width == 1 else 0)
    data = bytearray(wav(shifted.astype(dtype).tobytes(), bits=8 * width, channels=channels))
    data[34:36] = struct.pack("<H", bits)
    assert read_sound(bytes(data)).samples.tolist() == pcm16(values / 2.0 ** (bits - 1)).tolist()
    assert warned() == []


@pytest.mark.parametrize("program", PLACEHOLDERS)
@pytest.mark.parametrize("coding", ["PCM_16", "PCM_U8", "PCM_24", "FLOAT", "ULAW", "ALAW", "IMA_ADPCM", "GSM610"])
def test_S7_wav_written_to_a_pipe_is_read_to_its_end_without_alarm(program, coding, warned):
    data = bytearray(encode(tone(3200), "WAV", coding))
    expected = read_sound(bytes(data))
    size, riff = PLACEHOLDERS[program]
    at = data.find(b"data")
    data[at + 4 : at + 8] = struct.pack("<I", size)
    data[4:8] = struct.pack("<I", riff)
    assert read_sound(bytes(data)) == expected
    assert warned() == []


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("format_", ["RF64", "W64", "AIFF", "AU", "CAF", "RIFX"])
def test_S7_other_containers_written_to_a_pipe(format_, channels, warned):
    options = {"endian": "BIG"} if format_ == "RIFX" else {}
    data = bytearray(encode(tone(3200, channels), "WAV" if format_ == "RIFX" else format_, "PCM_16", **options))
    expected = pcm16(soundfile.read(io.BytesIO(data), always_2d=True)[0]).tolist()
    at = data.find(b"SSND" if format_ == "AIFF" else b"data")
    for unknown in {
        "RF64": [(20, b"\xff" * 24), (20, bytes(24))],
        "W64": [(at + 16, b"\xff" * 7 + b"\x7f"), (at + 16, bytes(8)), (at + 16, b"\x18" + bytes(7))],
        "AIFF": [(at + 4, b"\x7f\x00\x00\x08"), (at + 4, bytes(4)), (at + 4, b"\xff" * 4)],
        "AU": [(8, b"\xff" * 4), (8, bytes(4)), (8, b"\x7f\xff\xf0\x00")],
        "CAF": [(at + 4, b"\xff" * 8)],
        "RIFX": [(at + 4, b"\xff" * 4), (at + 4, b"\x7f\xff\xf0\x00"), (at + 4, b"\x80\x00\x00\x00")],
    }[format_]:
        streamed = bytearray(data)
        streamed[unknown[0] : unknown[0] + len(unknown[1])] = unknown[1]
        if format_ == "AIFF" and unknown[1] != b"\xff" * 4:
            streamed[4:8] = bytes(4)
        assert read_sound(bytes(streamed)).samples.tolist() == expected, unknown
        assert warned() == []


# What stands around the samples

SAMPLES = (RNG.integers(-9000, 9000, 801)).astype("<i2")
EXPECTED = SAMPLES.tolist()


@pytest.mark.parametrize("size", [None, 0xFFFFFFFF, 0x7FFFF000, 0x80000000, 0])
@pytest.mark.parametrize(
    "after",
    [LIST, LIST + LIST, chunk(b"id3 ", id3(301)), chunk(b"bext", bytes(602)) + LIST, chunk(b"cue ", bytes(28)),
     chunk(b"LIST", b"INFOabc") + chunk(b"PEAK", bytes(16)), ID3V1, LIST + ID3V1],
)  # fmt: skip
def test_S11_chunks_and_tags_behind_the_samples_are_no_sound(size, after, warned):
    riff = 0xFFFFFFFF if size == 0 else None
    assert read_sound(wav(SAMPLES.tobytes(), size=size, riff=riff, after=after)).samples.tolist() == EXPECTED
    assert warned() == []


@pytest.mark.parametrize("before", [LIST, chunk(b"JUNK", bytes(27)), chunk(b"fact", bytes(4)) + LIST])
def test_S11_chunks_before_the_samples(before, warned):
    assert read_sound(wav(SAMPLES.tobytes(), before=before)).samples.tolist() == EXPECTED
    assert read_sound(wav(SAMPLES.tobytes(), before=before, size=0xFFFFFFFF)).samples.tolist() == EXPECTED
    assert warned() == []


def test_S11_an_odd_chunk_with_and_without_its_padding(warned):
    eight = np.array([128, 192, 0], "u1").tobytes()
    padded = wav(eight, bits=8, after=LIST)
    for data in (padded, padded.replace(eight + b"\0", eight)):
        assert read_sound(data).samples.tolist() == [0, 16384, -32768]
        assert read_sound(data + data).samples.tolist() == [0, 16384, -32768] * 2
    assert warned() == []


def test_S11_sound_that_only_looks_like_a_chunk_is_read(warned):
    frames = SAMPLES.tobytes() + b"LIST" + struct.pack("<I", 10**6) + SAMPLES.tobytes()
    assert len(read_sound(wav(frames, size=0xFFFFFFFF))) == len(frames) // 2
    assert warned() == []


@pytest.mark.parametrize("padding", [0, 1, 4096])
def test_padding_behind_the_file_is_not_reported(padding, warned):
    assert read_sound(wav(SAMPLES.tobytes()) + bytes(padding)).samples.tolist() == EXPECTED
    assert warned() == []


def test_S5_bytes_behind_the_samples_that_are_nothing_known_are_reported(warned):
    data = wav(SAMPLES.tobytes()) + RNG.bytes(1000).replace(b"R", b"Q")
    assert read_sound(data).samples.tolist() == EXPECTED
    (message,) = warned()
    assert "1000 bytes after its samples" in message
    data = encode(tone(4000), "AU", "PCM_16") + b"\x07" * 999
    assert len(read_sound(data)) == 4000
    (message,) = warned()
    assert "999 bytes after its samples" in message


def test_S5_a_second_data_chunk_is_reported(warned):
    more = chunk(b"data", SAMPLES.tobytes())
    for after in (more, LIST + more):
        assert read_sound(wav(SAMPLES.tobytes(), after=after)).samples.tolist() == EXPECTED
        (message,) = warned()
        assert f"{len(more)} bytes after its samples" in message


@pytest.mark.parametrize("format_", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "RIFX"])
@pytest.mark.parametrize("size", [10, 3001, 100_000])
def test_S10_an_id3_tag_in_front_of_any_file(format_, size, warned):
    data = encode(tone(8000), "WAV" if format_ == "RIFX" else format_, endian="BIG" if format_ == "RIFX" else "FILE")
    expected = read_sound(data)
    assert len(expected) == 8000
    assert read_sound(id3(size) + data) == expected
    assert read_sound(id3(size) + id3(7) + data) == expected
    assert warned() == []


@pytest.mark.parametrize("tag", [ID3V1, APE, APE + ID3V1])
@pytest.mark.parametrize("format_", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "AU"])
def test_tags_at_the_end_are_neither_sound_nor_reported(format_, tag, warned):
    data = encode(tone(8000), format_)
    assert read_sound(data + tag) == read_sound(data)
    assert warned() == []


@pytest.mark.parametrize("size", [1024, 2048])
def test_S1_a_nist_sphere_header_padded_with_blanks(size, warned):
    fields = "sample_count -i 801\nsample_n_bytes -i 2\nchannel_count -i 1\nsample_byte_format -s2 01\n"
    fields += "sample_rate -i 16000\nsample_coding -s3 pcm\nend_head\n"
    header = f"NIST_1A\n{size:7d}\n{fields}".ljust(size)
    data = header.encode() + SAMPLES.tobytes()
    assert read_sound(data).samples.tolist() == EXPECTED
    assert warned() == []
    with pytest.raises(ConfigError, match="is text"):
        read_sound(header.replace("NIST_1A", "NIST_2A").encode())
    for cut in (header.encode(), header.encode()[:300]):
        with pytest.raises(ConfigError, match="NIST SPHERE|no samples"):
            read_sound(cut)


# FLAC


def with_samples(flac: bytes, count: int) -> bytes:
    """State another number of samples in STREAMINFO."""
    return flac[:21] + bytes([flac[21] & 0xF0 | count >> 32]) + (count & 0xFFFFFFFF).to_bytes(4, "big") + flac[26:]


@pytest.mark.parametrize("frames", [1, 4096, 4097, 30_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
def test_S8_flac_of_unknown_length_is_read_to_its_end(frames, channels, subtype, warned):
    data = encode(tone(frames, channels), "FLAC", subtype)
    expected = pcm16(soundfile.read(io.BytesIO(data), always_2d=True)[0])
    for stated in (0, frames // 2):
        assert np.array_equal(read_sound(with_samples(data, stated)).samples, expected)
    assert np.array_equal(read_sound(with_samples(data, 0) + ID3V1).samples, expected)
    assert warned() == []
    assert np.array_equal(read_sound(with_samples(data, frames + RATE)).samples, expected)
    (message,) = warned()
    assert "cut short: 1.00 s of the" in message


def test_S8_flac_of_unknown_length_that_is_cut_says_so(warned):
    data = with_samples(encode(tone(30_000), "FLAC"), 0)
    assert 20_000 < len(read_sound(data[:-100])) < 30_000
    (message,) = warned()
    assert "is cut short or damaged: after 1." in message


# Joined and chained files


@pytest.mark.parametrize("format_", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "RIFX"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_S5_joined_files_are_read_to_the_last(format_, subtype, warned):
    options = {"endian": "BIG"} if format_ == "RIFX" else {}
    parts = [
        encode(tone(frames), "WAV" if format_ == "RIFX" else format_, subtype, **options)
        for frames in (3001, 2000, 1, 1500)
    ]
    expected = [pcm16(soundfile.read(io.BytesIO(part))[0]) for part in parts]
    assert np.array_equal(read_sound(b"".join(parts)).samples, np.concatenate(expected))
    assert warned() == []


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0])
def test_S5_joined_wavs_of_unknown_size(size, warned):
    part = wav(SAMPLES.tobytes(), size=size, riff=0xFFFFFFFF)
    assert read_sound(part * 3).samples.tolist() == EXPECTED * 3
    assert read_sound(wav(SAMPLES.tobytes(), after=LIST) + part).samples.tolist() == EXPECTED * 2
    assert warned() == []


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("channels", [1, 2])
def test_S5_chained_ogg_is_read_to_its_last_link(subtype, channels, warned):
    parts = [encode(tone(frames, channels), "OGG", subtype) for frames in (48_000, 32_000, 5000)]
    clip = read_sound(b"".join(parts))
    assert len(clip) == 85_000
    expected = np.concatenate([soundfile.read(io.BytesIO(part), always_2d=True)[0].mean(axis=1) for part in parts])
    assert np.corrcoef(clip.samples, expected)[0, 1] > 0.999
    assert warned() == []


def test_S5_parts_of_another_rate_are_resampled_and_it_is_reported(warned):
    data = encode(tone(16_000), "WAV") + encode(tone(24_000, rate=24_000), "WAV", rate=24_000)
    assert len(read_sound(data)) == pytest.approx(32_000, abs=2)
    (message,) = warned()
    assert "changes its sample rate at 1.00 s: what follows has 24000 Hz and is resampled to 16000 Hz" in message


# MP3

FIVE = np.concatenate([tone(RATE * 2), 0.02 * tone(RATE), tone(RATE * 2)])[:, 0]


def mp3(samples=FIVE, mode="CONSTANT", **options) -> bytes:
    return encode(samples, "MP3", bitrate_mode=mode, **options)


def without_info(data: bytes) -> bytes:
    """Take away the first frame, which says how many there are."""
    assert b"Info" in data[:60] or b"Xing" in data[:60]
    start = next(i for i in range(100, 3000) if data[i : i + 2] == data[:2] and data[i + 2] & 0x0C == data[2] & 0x0C)
    return data[start:]


def same_sound(clip, samples, most=2400):
    """What was written comes back, behind the encoder's delay, with some padding at the end."""
    assert len(samples) <= len(clip) <= len(samples) + most, (len(clip), len(samples))
    got = clip.samples.astype(float)
    lag = int(np.argmax(np.correlate(got[: 4000 + most], samples[:4000])))
    assert np.corrcoef(got[lag : lag + 4000], samples[:4000])[0, 1] > 0.98


@pytest.mark.parametrize("mode", ["CONSTANT", "AVERAGE", "VARIABLE"])
def test_mp3_with_its_info_frame_has_the_length_that_was_written(mode, warned):
    clip = read_sound(mp3(mode=mode))
    assert len(clip) == len(FIVE)
    same_sound(clip, FIVE, 1)
    assert warned() == []


def test_S3_a_cbr_mp3_behind_a_large_tag_promises_nothing(warned):
    for size in (0, 100_000, 400_000):
        same_sound(read_sound(id3(size) + without_info(mp3())), FIVE)
    assert warned() == []


@pytest.mark.parametrize("channels", [1, 2])
def test_S4_a_vbr_mp3_without_its_xing_frame_is_read_whole(channels, warned):
    for loud_first in (True, False):
        quiet = 0.001 * tone(RATE * 4, channels)
        samples = np.concatenate([tone(RATE, channels), quiet] if loud_first else [quiet, tone(RATE, channels)])
        data = mp3(samples, "VARIABLE", compression_level=0.2)
        clip = read_sound(without_info(data))
        assert 0 <= len(clip) - len(samples) <= 2400
    assert warned() == []


def test_S4_an_info_frame_that_counts_too_few_frames_is_not_believed(warned):
    data = bytearray(mp3())
    at = max(data[:60].find(b"Info"), data[:60].find(b"Xing"))
    data[at + 8 : at + 12] = (20).to_bytes(4, "big")
    same_sound(read_sound(bytes(data)), FIVE)
    assert warned() == []


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_S5_joined_mp3s_are_read_to_the_last(mode, warned):
    three, two = mp3(tone(3 * RATE)[:, 0], mode), mp3(tone(2 * RATE)[:, 0], mode)
    assert len(read_sound(three + two)) == 5 * RATE
    assert len(read_sound(three + ID3V1 + id3(200) + two + ID3V1)) == 5 * RATE
    assert len(read_sound(id3(50) + three + APE + two)) == 5 * RATE
    assert 0 <= len(read_sound(without_info(three) + two)) - 5 * RATE <= 2400
    assert 0 <= len(read_sound(three + without_info(two))) - 5 * RATE <= 4800
    assert 0 <= len(read_sound(without_info(three) + without_info(two))) - 5 * RATE <= 4800
    assert warned() == []


def test_S5_joined_mp3s_of_another_kind(warned):
    stereo = mp3(tone(2 * RATE, 2))
    assert len(read_sound(mp3(FIVE) + stereo)) == 7 * RATE
    assert len(read_sound(stereo + mp3(FIVE))) == 7 * RATE
    assert warned() == []
    other = encode(tone(2 * 24_000, rate=24_000), "MP3", rate=24_000)
    assert len(read_sound(mp3(FIVE) + other)) == pytest.approx(7 * RATE, abs=2)
    assert "24000 Hz" in warned()[0]


def test_S5_what_is_no_mp3_between_the_frames_is_reported(warned):
    data = mp3()
    assert len(read_sound(data + b"\x01\x02\x03" * 500)) == len(FIVE)
    (message,) = warned()
    assert "1500 bytes" in message
    assert "are not read" in message
    assert len(read_sound(data + bytes(5000))) == len(FIVE)
    assert warned() == []
    middle = without_info(data)
    cut = middle.find(middle[:2], len(middle) // 2)
    same_sound(read_sound(data[: -len(middle)] + middle[:cut] + b"\x01" * 3000 + middle[cut:]), FIVE)
    (message,) = warned()
    assert "3000 bytes" in message


def test_S4_mp3_inside_wav(warned):
    data = mp3()
    extra = struct.pack("<HHIHHH", 12, 1, 2, 288, 1, 1393)
    for frames, most in ((data, 0), (without_info(data), 2400)):
        for size in (None, 0xFFFFFFFF):
            clip = read_sound(wav(frames, code=0x55, bits=0, extra=extra, size=size, after=LIST))
            assert 0 <= len(clip) - len(FIVE) <= most
    assert warned() == []


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_damaged_or_missing_ogg_page_is_reported(subtype, warned):
    data = bytearray(encode(tone(60_000), "OGG", subtype))
    pages = [i for i in range(len(data)) if data[i : i + 4] == b"OggS"]
    assert len(pages) >= 4
    data[pages[3] + 200] ^= 0xFF
    assert len(read_sound(bytes(data))) <= 60_000
    assert any("1 of its Ogg pages are damaged" in message for message in warned())
    whole = encode(tone(60_000), "OGG", subtype)
    last = whole.rfind(b"OggS")
    for cut, reason in (
        (last, "its last Ogg page is missing"),
        (last + 40, "its last Ogg page ends after 40"),
    ):
        assert len(read_sound(whole[:cut])) < 60_000
        (message,) = warned()
        assert reason in message


def test_S5_links_of_different_codecs_and_channels(warned):
    vorbis, opus = encode(tone(48_000, 2), "OGG", "VORBIS"), encode(tone(48_000), "OGG", "OPUS")
    assert len(read_sound(vorbis + opus)) == 96_000
    assert warned() == []
