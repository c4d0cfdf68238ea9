"""PCM16, clips, WAV and resampling."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

import smallest_nb as snb
from smallest_nb.audio.clip import Clip, StreamResampler, as_pcm16
from smallest_nb.errors import ConfigError


def wav(width: int, channels: int, frames: bytes, rate: int = 8000) -> bytes:
    with io.BytesIO() as buffer:
        with wave.open(buffer, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(width)
            file.setframerate(rate)
            file.writeframes(frames)
        return buffer.getvalue()


def test_floats_round_and_saturate():
    values = np.array([0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 1 / 65536])
    assert np.frombuffer(as_pcm16(values), "<i2").tolist() == [0, 16384, -16384, 32767, -32768, 32767, -32768, 0]


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (b"\x00", "1 bytes"),
        (np.zeros((2, 2), np.int16), r"\(2, 2\)"),
        (np.zeros(2, np.int32), "int32"),
        (np.array([np.nan]), "NaN"),
    ],
)
def test_audio_of_the_wrong_kind(audio, message):
    with pytest.raises(ConfigError, match=message):
        as_pcm16(audio)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_wav_of_every_width_and_several_channels(width):
    value = {1: b"\xc0", 2: b"\x00\x40", 3: b"\x00\x00\x40", 4: b"\x00\x00\x00\x40"}[width]
    zero = {1: b"\x80", 2: b"\x00\x00", 3: b"\x00\x00\x00", 4: b"\x00\x00\x00\x00"}[width]
    assert Clip.from_wav(wav(width, 1, value * 3)).samples.tolist() == [16384] * 3
    assert Clip.from_wav(wav(width, 2, (value + zero) * 2)).samples.tolist() == [8192] * 2


@pytest.mark.parametrize("data", [b"", b"not a wav file at all, just text", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_wav_says_so(data):
    with pytest.raises(ConfigError, match="16-bit PCM WAV"):
        Clip.from_wav(data)


def test_a_clip_goes_round(tmp_path):
    clip = Clip.from_array(np.sin(np.arange(4800) / 10), 24000)
    assert Clip.from_wav(clip.to_wav(tmp_path / "clip.wav")) == clip
    assert clip.duration == pytest.approx(0.2)
    assert len(clip.padded(0.1, 0.2)) == 4800 + 7200
    assert repr(clip) == "Clip(0.20 s, 24000 Hz)"


def test_what_is_written_has_the_plain_header(tmp_path):
    """Readers that do not look at the sub-format of WAVE_FORMAT_EXTENSIBLE read noise."""
    header = Clip(bytes(480), 24000).to_wav(tmp_path / "clip.wav").read_bytes()[:44]
    assert header[20:22] == (1).to_bytes(2, "little")
    assert header[34:36] == (16).to_bytes(2, "little")
    assert header[36:40] == b"data"


def test_a_stream_resampled_in_pieces_is_the_whole_resampled():
    rng = np.random.default_rng(1)
    pcm = (rng.standard_normal(24000) * 3000).astype("<i2").tobytes()
    whole = StreamResampler(24000, 16000).push(pcm, last=True)
    stream, pieces = StreamResampler(24000, 16000), []
    for at in range(0, len(pcm), 1234):
        pieces.append(stream.push(pcm[at : at + 1234]))
    pieces.append(stream.push(b"", last=True))
    difference = np.frombuffer(b"".join(pieces), "<i2").astype(int) - np.frombuffer(whole, "<i2")
    assert len(whole) == 32000
    assert np.abs(difference).max() <= 1


def test_a_bad_rate_is_named():
    with pytest.raises(ConfigError, match="sample_rate=0"):
        Clip(b"", 0)


def test_L5_sound_of_another_type_is_refused_by_its_name():
    with pytest.raises(ConfigError, match=r"got Clip.*`pcm`"):
        as_pcm16(Clip(bytes(4), 16000))
    with pytest.raises(ConfigError, match="got NoneType"):
        as_pcm16(None)


@pytest.mark.parametrize("call", [snb.speak, snb.transcribe])
@pytest.mark.parametrize("timeout", ["5", float("nan"), [1], object()])
def test_L5_a_time_limit_that_is_no_number_is_refused_in_words(call, timeout):
    what = "Hi" if call is snb.speak else Clip(bytes(4), 16000)
    with pytest.raises(ConfigError, match="timeout=.*expected seconds"):
        call(what, timeout=timeout, api_key="sk_x", base_url="ws://127.0.0.1:9")
