"""What the received sound is like: how long, how high, and what the simulator's own ears make of it."""

from __future__ import annotations

import re

import jiwer
import numpy as np

import smallest_nb as snb

RATE = 24000
_PAD_SECS = 0.4


def plain(text: str) -> str:
    """Return the words alone."""
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def word_error_rate(said: str, heard: str) -> float:
    """Return the share of words that went wrong."""
    return float(jiwer.wer(plain(said), plain(heard)))


def hear(simulator, samples: np.ndarray) -> str:
    """Let the simulator transcribe what a client received."""
    clip = snb.Clip(samples.astype("<i2").tobytes(), RATE).padded(_PAD_SECS, _PAD_SECS)
    return snb.transcribe(clip, api_key="sk_ears", base_url=simulator.base_url, timeout=60.0).text


def seconds(samples: np.ndarray) -> float:
    """Return how long the sound lasts from its first to its last loud moment."""
    loud = np.flatnonzero(np.abs(samples) > 500)
    return float(loud[-1] - loud[0]) / RATE if len(loud) else 0.0


def pitch(samples: np.ndarray) -> float:
    """Return the median fundamental in Hz, by autocorrelation of the loud 40 ms frames."""
    found, size = [], RATE // 25
    for at in range(0, len(samples) - size, size):
        frame = samples[at : at + size] - samples[at : at + size].mean()
        if np.sqrt(np.mean(frame**2)) < 800:
            continue
        match = np.correlate(frame, frame, "full")[size - 1 :]
        low, high = RATE // 350, RATE // 60
        lag = low + int(np.argmax(match[low:high]))
        if match[lag] > 0.5 * match[0]:
            found.append(RATE / lag)
    return float(np.median(found))
