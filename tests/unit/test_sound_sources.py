"""What may be given in place of a file's path: file objects, memoryviews, `~`, numpy's numbers; and what may not."""

from __future__ import annotations

import array
import io
import logging
import tempfile
import urllib.parse
from pathlib import Path

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.audio.clip import Clip, StreamResampler, as_pcm16
from smallest_nb.audio.files import read_sound
from smallest_nb.client.audio_format import AudioFormat
from smallest_nb.common.paths import as_path
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Recording, Segment, Transcript
from smallest_nb.testing import cassette

CLIP = Clip.from_array((np.sin(np.arange(4000) / 10) * 9000).astype(np.int16), 16000)
WAV = CLIP.wav_bytes()


# File objects


class Pipe(io.RawIOBase):
    """Bytes that can be read once, as a response of a server."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def read(self, size=-1):
        return self._data.read(size)


def at_its_end(data: bytes) -> io.BytesIO:
    stream = io.BytesIO()
    stream.write(data)
    return stream


def behind_a_prefix(data: bytes) -> io.BytesIO:
    stream = io.BytesIO(b"prefix" + data)
    stream.seek(6)
    return stream


def spooled(data: bytes) -> tempfile.SpooledTemporaryFile:
    stream = tempfile.SpooledTemporaryFile()  # noqa: SIM115
    stream.write(data)
    return stream


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO, Pipe, at_its_end, behind_a_prefix, spooled])
def test_A4_bytes_and_file_objects_of_every_kind(make):
    source = make(WAV)
    assert read_sound(source) == CLIP
    if isinstance(source, io.BytesIO) and make is not behind_a_prefix:
        assert read_sound(source) == CLIP, "a second time"


def test_A4_an_open_file_is_read_and_stays_open(tmp_path):
    path = CLIP.to_wav(tmp_path / "talk.wav")
    with path.open("rb") as file:
        assert read_sound(file) == CLIP
        assert not file.closed
    with pytest.raises(ConfigError, match=r"talk\.wav cannot be read: .*closed file"):
        read_sound(file)
    with path.open("r", errors="replace") as file, pytest.raises(ConfigError, match="returns text; expected bytes"):
        read_sound(file)
    with pytest.raises(ConfigError, match="returns str; expected bytes"):
        read_sound(type("Text", (), {"read": lambda self, size: "text"})())


# Paths


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def test_A4_the_tilde_is_the_home_directory_wherever_a_path_is_taken(home):
    assert CLIP.to_wav("~/talk.wav") == home / "talk.wav"
    assert read_sound("~/talk.wav") == read_sound(Path("~/talk.wav")) == Clip.from_wav("~/talk.wav") == CLIP
    segment = Segment(text="hello", start=0.0, end=1.0, is_final=True)
    assert Transcript([segment]).save("~/talk.srt") == home / "talk.srt"
    with cassette.record("~/tape.cassette"):
        pass
    assert (home / "tape.cassette").is_file()
    with cassette.replay("~/tape.cassette"):
        pass
    assert cassette.load(Path("~/tape.cassette")).sessions == []


URLS = [
    "https://example.com/talk.wav",
    "http://example.com/talk.wav",
    "HTTPS://EXAMPLE.COM/talk.wav",
    "s3://bucket/talk.wav",
    "gs://bucket/talk.wav",
    "file:///tmp/talk.wav",
    "data:audio/wav;base64,UklGRg==",
    Path("https://example.com/talk.wav"),
]


@pytest.mark.parametrize("url", URLS)
def test_A4_urls_are_not_fetched(url):
    for use in (read_sound, snb.transcribe, Clip.from_wav, CLIP.to_wav, Transcript([]).save, cassette.record):
        with pytest.raises(ConfigError, match="URLs are not fetched"):
            use(url)


def test_A4_what_no_wav_can_be_read_from_is_named(tmp_path):
    for path, reason in ((tmp_path, "directory"), (tmp_path / "no.wav", "No such file"), (b"", "ends before"),
                         ("x" * 5000, "too long")):  # fmt: skip
        with pytest.raises(ConfigError, match=reason):
            Clip.from_wav(path)


@pytest.mark.parametrize(
    ("path", "found"),
    [("", "cannot be a path"), ("a\0b", "cannot be a path"), (b"talk.wav", "a path of bytes"), (3, "A int is not"),
     (None, "A NoneType is not a path"), ("~nosuchuser-x/talk.wav", "cannot be a path")],
)  # fmt: skip
def test_A4_what_is_no_path_is_named(path, found):
    with pytest.raises(ConfigError, match=found):
        as_path(path)


def test_A4_files_whose_names_look_like_urls_can_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("12:30.wav", "a b%20c.wav", "C-major.wav", urllib.parse.quote("https://x/y.wav", safe="")):
        CLIP.to_wav(name)
        assert read_sound(name) == CLIP


# Arrays


@pytest.mark.parametrize(
    "rate", [16000, np.int64(16000), np.uint16(16000), 16000.0, np.float32(16000), np.array(16000)]
)
def test_A1_rates_of_every_number_type(rate):
    made = [Clip(b"\0\0", rate), CLIP.resample(rate), read_sound(np.zeros(3), sample_rate=rate), Recording(rate)]
    assert [(type(thing.sample_rate), thing.sample_rate) for thing in made] == [(int, 16000)] * 4
    assert StreamResampler(rate, np.int32(8000)).push(bytes(3200), last=True) == bytes(1600)
    assert Clip(b"\0\0", rate) == Clip(b"\0\0", 16000)
    assert Clip(b"\0\0", rate).wav_bytes() == Clip(b"\0\0", 16000).wav_bytes()


@pytest.mark.parametrize(
    "rate", [16000.5, "16000", b"16000", True, None, np.nan, np.inf, 0, -16000, 10**9, 1j, [16000]]
)
def test_A1_what_is_no_rate_is_refused_with_its_range(rate):
    for use in (lambda: Clip(b"", rate), lambda: CLIP.resample(rate), lambda: Recording(rate)):
        with pytest.raises(ConfigError, match="expected whole Hz from 1000 to 384000"):
            use()


FLOATS = np.array([0, 0.5, -1], "f4")
PCM = np.array([0, 16384, -32768], "<i2")


def encoded(encoding, audio):
    """Return what a service sends of pushed audio."""
    return b"".join(AudioFormat(encoding, None).pieces(audio))


@pytest.mark.parametrize(
    "audio",
    [memoryview(FLOATS), memoryview(FLOATS.astype("f8")), memoryview(FLOATS.astype("f2")), memoryview(PCM), PCM,
     memoryview(PCM.tobytes()), memoryview(bytearray(PCM.tobytes())), bytearray(PCM.tobytes()),
     array.array("f", FLOATS),
     array.array("h", PCM), PCM.astype(">i2"), np.repeat(PCM, 2)[::2], memoryview(np.repeat(PCM, 2)[::2]),
     FLOATS.astype(">f4")],
)  # fmt: skip
def test_A3_a_memoryview_of_numbers_is_an_array(audio):
    assert as_pcm16(audio) == PCM.tobytes()
    assert encoded("linear16", audio) == PCM.tobytes()
    assert Clip(audio, 16000).pcm == PCM.tobytes()


@pytest.mark.parametrize(
    ("audio", "found"),
    [
        (memoryview(PCM.astype("i4")), "int32"),
        (memoryview(PCM.view("u2")), "uint16"),
        (memoryview(PCM.astype("q")), "int64"),
        (memoryview(np.zeros((4, 2), "i2")), "shape"),
        (memoryview(np.zeros((4, 1), "f4")), "shape"),
        (array.array("B", b"abcd"), "uint8"),
        (memoryview(b"abc"), "3 bytes"),
    ],
)
def test_A3_other_memoryviews_are_refused(audio, found):
    with pytest.raises(ConfigError, match=found):
        encoded("linear16", audio)


@pytest.mark.parametrize("audio", [memoryview(FLOATS), memoryview(PCM), FLOATS, array.array("h", PCM), [1, 2], "text"])
def test_A3_other_encodings_take_bytes_only(audio):
    with pytest.raises(ConfigError, match="encoding='mulaw' takes bytes; got a"):
        encoded("mulaw", audio)
    for given in (b"\xff\x7f", bytearray(b"\xff\x7f"), memoryview(b"\xff\x7f")):
        assert encoded("mulaw", given) == b"\xff\x7f"


def test_A3_a_memoryview_of_numbers_needs_its_rate_when_it_is_read():
    for numbers in (memoryview(FLOATS), array.array("f", FLOATS), memoryview(PCM), array.array("h", PCM)):
        assert read_sound(numbers, sample_rate=16000).pcm == PCM.tobytes()
    with pytest.raises(ConfigError, match="does not say its rate"):
        read_sound(memoryview(FLOATS))


@pytest.mark.parametrize(
    "make",
    [lambda a: a, np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2], lambda a: a.T, lambda a: a[::-1][::-1],
     lambda a: a.astype(a.dtype.newbyteorder(">"))],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["i2", "i4", "u1", "f2", "f4", "f8"])
def test_arrays_in_every_memory_layout(make, dtype):
    scale = {"i2": 2**15, "i4": 2**31, "u1": 2**7}.get(dtype, 1)
    base = np.array([[0, 0], [0.5, 0.25], [-0.5, -0.25], [0.25, 0.25]]) * scale + (128 if dtype == "u1" else 0)
    made = make(base.astype(dtype))
    made.flags.writeable = False
    assert read_sound(made, sample_rate=16000).samples.tolist() == [0, 12288, -12288, 8192]
    assert read_sound(made, sample_rate=16000, channel=1).samples.tolist() == [0, 8192, -8192, 8192]


# Beyond full scale


@pytest.fixture
def warned(caplog):
    caplog.set_level(logging.WARNING, "smallest_nb")

    def take() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    return take


SPEECH = np.sin(np.arange(16000) / 10)


@pytest.mark.parametrize(
    ("floats", "share", "advice"),
    [
        (SPEECH * 20000, "99", "scale of 16-bit integers by 32768"),
        (SPEECH * 2.0**22, "99", "scale of 24-bit integers by 8388608"),
        (SPEECH * 2.0**30, "99", "scale of 32-bit integers by 2147483648"),
        (SPEECH * 1.5, "53", "divide them by 1.5"),
        (np.where(np.arange(16000) == 5, 1.2, 0.1), "0.01%", "divide them by 1.2"),
        (SPEECH * 1e12, "99", "divide them by 1e+12"),
    ],
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_S17_floats_beyond_full_scale_are_reported_with_their_share(floats, share, advice, dtype, warned):
    soundfile = pytest.importorskip("soundfile")
    floats = floats.astype(dtype)
    file = io.BytesIO()
    soundfile.write(file, floats, 16000, format="WAV", subtype={"f4": "FLOAT", "f8": "DOUBLE"}[dtype])
    aiff = io.BytesIO()
    soundfile.write(aiff, floats, 16000, format="AIFF", subtype={"f4": "FLOAT", "f8": "DOUBLE"}[dtype])
    for read in (
        lambda: read_sound(floats, sample_rate=16000),
        lambda: read_sound(np.stack([floats, floats]), sample_rate=16000),
        lambda: read_sound(np.stack([floats, 0 * floats]), sample_rate=16000, channel=0),
        lambda: read_sound(file),
        lambda: read_sound(aiff),
        lambda: Clip.from_array(floats, 16000),
        lambda: encoded("linear16", floats),
        lambda: encoded("linear16", memoryview(floats)),
    ):
        read()
        (message,) = warned()
        assert share in message
        assert "of its samples are beyond full scale" in message
        assert advice in message


def test_S17_send_reports_once_a_session(warned):
    pushed = AudioFormat("linear16", None)
    for _ in range(50):
        list(pushed.pieces(SPEECH * 30000))
    assert len(warned()) == 1


@pytest.mark.parametrize(
    "fine",
    [SPEECH, SPEECH * 1.0, np.array([1.0, -1.0]), np.arange(-32768, 32768) / 32767, np.zeros(10), SPEECH * 0.001,
     np.array([32767, -32768], np.int16), np.array([2**31 - 1, -(2**31)], np.int32), np.array([0, 255], np.uint8)],
)  # fmt: skip
def test_S17_what_loses_nothing_is_not_reported(fine, warned):
    read_sound(fine, sample_rate=16000)
    if fine.dtype.kind == "f":
        Clip.from_array(fine, 16000)
        encoded("linear16", fine)
    assert warned() == []


@pytest.mark.parametrize("peak", [40_000, 2**20, 2**23 - 1])
def test_S17_int32_that_holds_24_bit_values_is_reported(peak, warned):
    values = np.round(SPEECH * peak).astype(np.int32)
    for samples in (values, np.stack([values, values], axis=1)):
        read_sound(samples, sample_rate=16000)
        (message,) = warned()
        assert "If these are 24-bit values, move them up first: samples << 8" in message
    read_sound(values << 8, sample_rate=16000)
    read_sound(np.round(SPEECH * peak / 256).astype(np.int32) << 8, sample_rate=16000)  # quiet, but of 24 bits
    assert warned() == []


@pytest.mark.parametrize("peak", [1, 300, 20000, 32768])
def test_S17_int32_that_holds_16_bit_values_is_reported(peak, warned):
    soundfile = pytest.importorskip("soundfile")
    values = np.round(SPEECH * peak).astype(np.int32)
    file = io.BytesIO()
    soundfile.write(file, values, 16000, format="WAV", subtype="PCM_32")
    stereo = np.stack([values, values], axis=1)
    for read in (
        lambda: read_sound(values, sample_rate=16000),
        lambda: read_sound(stereo, sample_rate=16000),
        lambda: read_sound(stereo, sample_rate=16000, channel=1),
        lambda: read_sound(file),
        lambda: read_sound(SPEECH * 2.0**-17, sample_rate=16000),
    ):
        read()
        (message,) = warned()
        assert "silence in 16 bits" in message
        assert "samples.astype(numpy.int16)" in message
    read_sound(values.astype(np.int16), sample_rate=16000)
    read_sound(np.zeros(100, np.int32), sample_rate=16000)
    assert warned() == []


@pytest.mark.parametrize("format_", ["MP3", "OGG"])
def test_S17_the_overshoot_of_a_decoder_is_not_reported(format_, warned):
    soundfile = pytest.importorskip("soundfile")
    loud = np.sign(np.sin(np.arange(32000) / 30)) * 0.99
    file = io.BytesIO()
    soundfile.write(file, loud, 16000, format=format_)
    assert np.abs(soundfile.read(io.BytesIO(file.getvalue()))[0]).max() > 1.01
    read_sound(file)
    assert warned() == []


# Channels


LEFT = (np.sin(np.arange(32000) / 10) * 9000).astype(np.int16)
RIGHT = (np.sin(np.arange(32000) / 17) * 5000).astype(np.int16)


def stereo_files(*channels):
    soundfile = pytest.importorskip("soundfile")
    samples = np.stack(channels, axis=1)
    yield samples
    yield samples.T
    for format_, subtype in (("WAV", "PCM_16"), ("WAV", "PCM_24"), ("FLAC", "PCM_16"), ("AIFF", "PCM_16")):
        file = io.BytesIO()
        soundfile.write(file, samples, 16000, format=format_, subtype=subtype)
        yield file.getvalue()


def rate_of(source):
    return {"sample_rate": 16000} if isinstance(source, np.ndarray) else {}


@pytest.mark.parametrize(
    ("channels", "taken", "level"),
    [
        ((LEFT, -LEFT), 0, "silent"),
        ((-RIGHT, RIGHT), 0, "silent"),
        ((LEFT, (-0.9 * LEFT).astype(np.int16)), 0, "26 dB"),
        (((-0.8 * LEFT).astype(np.int16), LEFT), 1, "20 dB"),
        ((LEFT, -LEFT, RIGHT // 50), 0, "dB quieter"),
        ((LEFT, -LEFT, 0 * LEFT, 0 * LEFT, LEFT, -LEFT), 0, "silent"),
        ((np.where(np.arange(32000) < 16000, LEFT, RIGHT), np.where(np.arange(32000) < 16000, LEFT, -RIGHT)), 0, "dB"),
    ],
)
def test_S16_channels_that_cancel_each_other_are_not_mixed(channels, taken, level, warned):
    for source in stereo_files(*channels):
        clip = read_sound(source, **rate_of(source))
        assert clip.samples.tolist() == channels[taken].tolist()
        (message,) = warned()
        assert f"its {len(channels)} channels cancel each other" in message
        assert level in message
        assert f"channel {taken} is read alone" in message
        for number, samples in enumerate(channels):
            assert read_sound(source, channel=number, **rate_of(source)).samples.tolist() == samples.tolist()
        assert warned() == []


@pytest.mark.parametrize(
    "channels",
    [
        (LEFT, RIGHT),
        (LEFT, LEFT),
        (LEFT, 0 * LEFT),
        (0 * LEFT, RIGHT, 0 * LEFT, 0 * LEFT, 0 * LEFT, 0 * LEFT),
        (LEFT, (-0.3 * LEFT).astype(np.int16)),
        (LEFT, (-0.45 * LEFT).astype(np.int16)),
        (0 * LEFT, 0 * LEFT),
        (LEFT + 9000, RIGHT - 9000),
        (np.where(np.arange(32000) < 16000, LEFT, 0), np.where(np.arange(32000) < 16000, 0, RIGHT)),
    ],
)
def test_S16_channels_that_do_not_cancel_are_mixed_without_a_warning(channels, warned):
    expected = np.rint(np.mean(channels, axis=0)).tolist()
    assert read_sound(np.stack(channels), sample_rate=16000).samples.tolist() == expected
    assert warned() == []


def test_S16_a_call_with_a_speaker_on_each_channel():
    for source in stereo_files(LEFT, RIGHT):
        assert read_sound(source, channel=0, **rate_of(source)).samples.tolist() == LEFT.tolist()
        assert read_sound(source, channel=np.int64(1), **rate_of(source)).samples.tolist() == RIGHT.tolist()
        with pytest.raises(ConfigError, match=r"channel=2 is not there: .* has 2 channels, 0 to 1\."):
            read_sound(source, channel=2, **rate_of(source))


@pytest.mark.parametrize("channel", [-1, True, "0", 0.0, 1.5, [0]])
def test_S16_what_is_no_channel_is_refused(channel):
    for source in (WAV, CLIP):
        with pytest.raises(ConfigError, match="cannot be used; expected the number of a channel from 0, or None"):
            read_sound(source, channel=channel)


def test_S16_one_channel():
    assert read_sound(WAV, channel=0) == read_sound(CLIP, channel=0) == CLIP
    for source in (WAV, CLIP):
        with pytest.raises(ConfigError, match=r"channel=1 is not there: .* one channel, 0\."):
            read_sound(source, channel=1)


def test_S16_a_joined_file_with_fewer_channels_says_where():
    soundfile = pytest.importorskip("soundfile")
    stereo, mono = io.BytesIO(), io.BytesIO()
    soundfile.write(stereo, np.stack([LEFT, RIGHT], axis=1), 16000, format="WAV")
    soundfile.write(mono, LEFT, 16000, format="WAV")
    with pytest.raises(ConfigError, match=r"has one channel, 0 from 2\.00 s on"):
        read_sound(stereo.getvalue() + mono.getvalue(), channel=1)
