"""Sound that grows: one copy for all who read it, and pieces that are dropped when they are old."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallest_nb import Clip
from smallest_nb.audio.pcm_buffer import PCMBuffer
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets.pcm_pieces import PCMPieces

PIECES = st.lists(st.binary(max_size=40).map(lambda data: data[: len(data) // 2 * 2]), max_size=12)
PLACES = st.integers(0, 260)


@given(PIECES, PLACES, PLACES)
def test_what_is_read_is_what_was_written(pieces, first, last):
    whole = b"".join(pieces)
    for kind in (PCMBuffer, PCMPieces):
        sound = kind()
        for piece in pieces:
            sound.write(piece)
        assert len(sound) == len(whole) // 2
        assert sound.read(first, last) == whole[2 * first : 2 * max(first, last)]


def test_a_clip_of_it_is_no_copy_and_stays_as_it_is():
    sound = PCMBuffer()
    sound.write(bytes(range(100)) * 1000)
    clip = sound.clip(8000)
    assert sound.clip(8000).pcm is clip.pcm
    sound.read(10, 20)
    assert sound.clip(8000).pcm is clip.pcm
    sound.write(b"\x07\x00")
    assert clip.pcm == bytes(range(100)) * 1000
    assert sound.clip(8000).pcm == clip.pcm + b"\x07\x00"


def test_half_a_sample_is_refused_and_nothing_of_it_kept():
    sound = PCMBuffer()
    with pytest.raises(ConfigError, match="3 bytes"):
        sound.write(b"\x00\x01\x02")
    assert len(sound) == 0


def test_one_thread_reads_what_another_one_writes():
    sound, whole = PCMBuffer(), np.arange(200_000).astype("<i2").tobytes()
    writer = threading.Thread(target=lambda: [sound.write(whole[at : at + 500]) for at in range(0, len(whole), 500)])
    writer.start()
    got = b""
    while writer.is_alive() or len(got) < len(whole):
        got += sound.read(len(got) // 2, len(got) // 2 + 3000)
    writer.join()
    assert got == whole


def test_the_oldest_pieces_are_dropped_but_none_that_is_needed():
    sound = PCMPieces()
    for number in range(10):
        sound.write(bytes([number, 0]) * 100)
    sound.drop(600, before=250)
    assert sound.first == 200
    assert sound.read(150, 301) == bytes([2, 0]) * 100 + b"\x03\x00"
    sound.drop(600, before=10_000)
    assert sound.first == 600
    assert len(sound) == 1000


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_long_clip_is_resampled_as_one(rate):
    import soxr

    samples = np.random.default_rng(5).integers(-9000, 9000, 24000 * 60).astype(np.int16)
    expected = soxr.resample(samples.astype(np.float32) / np.float32(32768), 24000, rate)
    made = Clip(samples.tobytes(), 24000).resample(rate).samples / 32768
    assert len(made) == len(expected)
    assert np.abs(made - np.clip(expected, -1, 1)).max() < 2**-15
