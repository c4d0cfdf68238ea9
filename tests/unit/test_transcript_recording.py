"""The sound beside a transcript: bounded, on the session's clock, the same as one big array."""

from __future__ import annotations

import math
import pickle
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smallest_nb.audio.clip import Clip
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Recording, Segment, Transcript, Word

RATE = 1000


def sound(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32767, samples, dtype=np.int16)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3000) | st.integers(30_000, 80_000), max_size=12),
    st.integers(1, 200_000),
    st.integers(0, 300_000),
    st.integers(0, 300_000),
)
@example([40_000, 1, 40_000, 100_000], 33_000, 0, 300_000)
@example([70_000], 10, 0, 300_000)
def test_a_clip_is_the_same_slice_of_one_big_array(chunks, bound, start, end):
    whole = sound(sum(chunks))
    recording = Recording(RATE, bound / RATE)
    at = 0
    for size in chunks:
        recording.write(whole[at : at + size].tobytes())
        at += size
    kept = max(0, len(whole) - bound)
    assert recording.duration == len(whole) / RATE
    assert recording.kept_from == recording.dropped_seconds == kept / RATE
    expected = whole[max(start, kept) : max(end, kept)]
    if len(expected):
        assert np.array_equal(recording.clip(start / RATE, end / RATE).samples, expected)
    else:
        with pytest.raises(ConfigError, match="kept"):
            recording.clip(start / RATE, end / RATE)


@pytest.mark.parametrize("size", [0, 1, 50_000])
def test_a_recording_of_a_clip_is_the_clip_and_can_go_on(size):
    clip = Clip(sound(size).tobytes(), RATE)
    recording = Recording.of(clip)
    assert recording.duration == clip.duration
    assert recording.dropped_seconds == 0
    if size:
        assert recording.clip(0, 1e6) == clip
    recording.write(sound(100).tobytes())
    assert recording.duration == (size + 100) / RATE


def test_memory_stays_bounded_by_what_is_kept():
    recording = Recording(16_000, 10)
    for size in (33, 100_001, 2, 4_000_000):
        for _ in range(20):
            recording.write(bytes(size - size % 2))
    assert len(pickle.dumps(recording)) <= 10 * 32_000 + 2 * 65_536 + 4096


def test_what_is_not_kept_is_reported():
    recording = Recording(RATE, 2)
    with pytest.raises(ConfigError, match="nothing is kept"):
        recording.clip(0, 1)
    recording.write(bytes(RATE * 2 * 5))
    with pytest.raises(ConfigError, match=r"0\.00 s to 3\.00 s; 3\.00 s to 5\.00 s are kept"):
        recording.clip(0, 3)
    assert recording.clip(-5, math.inf).duration == 2
    for start, end in ((4, 4), (5, 6), (4.5, 4)):
        with pytest.raises(ConfigError):
            recording.clip(start, end)
    with pytest.raises(ConfigError, match="start="):
        recording.clip(math.nan, 1)


def test_clear_starts_the_clock_again_or_lets_it_go_on():
    recording = Recording(RATE, 2)
    recording.write(sound(3000).tobytes())
    recording.clear(restart=False)
    assert (recording.duration, recording.kept_from) == (3.0, 3.0)
    after = sound(500, 1)
    recording.write(after.tobytes())
    assert np.array_equal(recording.clip(0, 10).samples, after)
    recording.clear()
    assert (recording.duration, recording.kept_from, recording.dropped_seconds) == (0, 0, 0)


def test_writing_costs_the_same_however_much_is_held():
    def cost(recording: Recording) -> float:
        best = math.inf
        for _ in range(5):
            before = time.perf_counter()
            for _ in range(2000):
                recording.write(chunk)
            best = min(best, time.perf_counter() - before)
        return best

    chunk = bytes(640)
    empty, full = Recording(16_000, 3600), Recording(16_000, 3600)
    for _ in range(60):
        full.write(bytes(2 * 16_000 * 60))
    assert full.duration == 3600
    assert cost(full) < 20 * cost(empty)  # copying an hour each time would be thousands


def test_threads_write_and_read_at_once():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # so that a missing lock shows
    recording = Recording(16_000, 60)
    errors: list[BaseException] = []

    def write() -> None:
        for _ in range(3000):
            recording.write(b"\x01\x02" * 3210)

    def read() -> None:
        try:
            for _ in range(500):
                if recording.duration:
                    assert np.all(recording.clip(0, math.inf).samples == 0x0201)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=f) for f in (write, write, read, read)]
    try:
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert errors == []
    assert recording.duration == 2 * 3000 * 3210 / 16_000


@pytest.mark.parametrize("bound", [0, -1, math.inf, math.nan, "1", True])
def test_bounds_and_sound_that_cannot_be_are_refused(bound):
    with pytest.raises(ConfigError, match="max_seconds"):
        Recording(16_000, bound)
    with pytest.raises(ConfigError, match="sample_rate"):
        Recording(10)
    with pytest.raises(ConfigError, match="two bytes"):
        Recording(16_000).write(b"abc")


def test_a_slice_of_a_transcript_has_its_sound():
    whole = sound(10 * RATE)
    recording = Recording(RATE)
    recording.write(whole.tobytes())
    segments = [
        Segment("a", start=0.5, end=1.0),
        Segment("b", words=(Word("b", 2.0, 2.5),)),
        Segment("c"),
        Segment("d", start=6, end=7),
    ]
    transcript = Transcript(segments, recording=recording)
    assert np.array_equal(transcript[1:].clip.samples, whole[2000:7000])
    assert np.array_equal(transcript[:2].clip.samples, whole[500:2500])
    with pytest.raises(ConfigError, match="word_timestamps=True"):
        _ = transcript[2:3].clip
    with pytest.raises(ConfigError, match="Recording"):
        _ = Transcript(segments).clip
