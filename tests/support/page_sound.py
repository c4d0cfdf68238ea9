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
