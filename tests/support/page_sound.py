"""The sound that a page rendered, beside the sound that it was sent."""

from __future__ import annotations

import base64

import numpy as np
import soxr

from smallest_nb import Clip


def rendered(notes) -> tuple[np.ndarray, int]:
    """What the page has rendered up to now, and its rate."""
    notes.page.evaluate("() => window.__tap.settle()")
    data = base64.b64decode(notes.page.evaluate("() => window.__tap.read()"))
    return np.frombuffer(data, "<f4").astype(float), notes.page.evaluate("() => window.__tap.rate")


def align(sound: np.ndarray, heard: np.ndarray) -> int:
    """Where the sound begins in what was heard."""
    size = 1 << (len(sound) + len(heard)).bit_length()
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sound, size)), size)
    return int(np.argmax(match[: len(heard)]))


def assert_same_sound(sent: Clip, heard: np.ndarray, rate: int) -> None:
    expected = soxr.resample(sent.samples.astype(float) / 32768, sent.sample_rate, rate)
    start = align(expected, heard)
    part = heard[start : start + len(expected)]
    assert len(part) == len(expected), "the end was not rendered"
    assert np.corrcoef(part, expected)[0, 1] > 0.99
    window = rate // 20
    for at in range(0, len(expected) - window, window):
        a, b = part[at : at + window], expected[at : at + window]
        if np.sqrt(np.mean(b**2)) > 0.01:  # a gap or a click would show here and drown in the whole
            assert np.corrcoef(a, b)[0, 1] > 0.99, f"not the same sound at {at / rate:.2f} s"
    rest = np.concatenate([heard[:start], heard[start + len(expected) :]])
    assert np.max(np.abs(rest), initial=0) < 0.01, "something else was heard too"


def assert_nothing_lost(sent: Clip, heard: np.ndarray, rate: int, *, most_silence_secs: float = 3.0) -> None:
    """All of the sound was rendered and in order; where the page ran dry, silence may stand between.

    Where it had little in hand, up to 20 ms at a time may be heard twice; they count as silence. For sound that is
    made in real time while the processors are busy with other tests. That it never runs dry is measured by
    `bench.page.audio` on a quiet machine.
    """
    expected = soxr.resample(sent.samples.astype(float) / 32768, sent.sample_rate, rate)
    window = rate // 50
    began = shift = align(expected[: rate // 2], heard)
    damaged = 0
    for at in range(0, len(expected) - window, window):
        part = expected[at : at + window]
        if not _is_at(part, heard, at + shift):
            later = at + shift + align(part, heard[at + shift : at + shift + rate + window])
            if _is_at(part, heard, later):
                between = heard[at + shift + window : later - window]
                assert np.max(np.abs(between), initial=0) < 0.01, f"not silence but other sound at {at / rate:.2f} s"
                shift = later - at
            else:  # the silence begins or ends within it
                damaged += 1
                assert damaged <= 2, f"sound is missing at {at / rate:.2f} s"
                continue
        damaged = 0
    assert shift - began <= most_silence_secs * rate, f"{(shift - began) / rate:.2f} s of silence in it"


def _is_at(part: np.ndarray, heard: np.ndarray, place: int) -> bool:
    there = heard[place : place + len(part)]
    return len(there) == len(part) and np.std(there) > 0 and np.corrcoef(there, part)[0, 1] > 0.99
