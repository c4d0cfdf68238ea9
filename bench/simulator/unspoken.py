"""Sound without speech: silence, noise, hum, tones, keystrokes, music; PCM16 at 16 kHz, always the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["unspoken"]

_RATE = 16000
_NOTES = (261.6, 329.6, 392.0, 523.3, 440.0, 349.2)


def unspoken(seconds: int) -> dict[str, bytes]:
    """Return sounds by name, each so long."""
    rng = np.random.default_rng(11)
    count = seconds * _RATE
    time = np.arange(count) / _RATE
    white = rng.standard_normal(count)
    hum = np.sin(2 * np.pi * 50 * time) + 0.3 * np.sin(2 * np.pi * 150 * time)
    tones = np.sin(2 * np.pi * np.repeat(rng.uniform(300, 2000, seconds), _RATE) * time)
    return {
        "silence": bytes(2 * count),
        "white noise": _pcm(white * 0.02),
        "pink noise": _pcm(_pink(white) * 0.05),
        "hum": _pcm(hum * 0.05),
        "tones": _pcm(tones * 0.2),
        "keystrokes": _pcm(_keystrokes(rng, count)),
        "music": _pcm(_music(rng, seconds)),
    }


def _pcm(sound: NDArray[np.float64]) -> bytes:
    return bytes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def _pink(white: NDArray[np.float64]) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    sound = np.fft.irfft(spectrum, len(white))
    return sound / sound.std()


def _keystrokes(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    sound = rng.standard_normal(count) * 1e-3
    at = 0
    while (at := at + int(rng.uniform(0.08, 0.4) * _RATE)) < count - 800:
        sound[at : at + 800] += rng.standard_normal(800) * np.exp(-np.arange(800) / 90) * rng.uniform(0.1, 0.4)
    return sound


def _music(rng: np.random.Generator, seconds: int) -> NDArray[np.float64]:
    """Return plucked chords over a bass, two a second."""
    half = _RATE // 2
    time = np.arange(half) / _RATE
    chords = []
    for _ in range(seconds * 2):
        notes = rng.choice(_NOTES, 3)
        parts = [np.sin(2 * np.pi * n * k * time) / k for n in (*notes, notes[0] / 4) for k in (1, 2, 3)]
        chords.append(np.sum(parts, axis=0) * np.exp(-4 * time) * 0.08)
    return np.concatenate(chords)
