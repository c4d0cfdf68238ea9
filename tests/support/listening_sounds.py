"""Short sounds of known level that stand for voices in listening tests."""

from __future__ import annotations

import numpy as np

from smallest_nb import Clip, SmallestTTSSettings, Take

RATE = 24000
TEXT = "The museum will be open again tomorrow morning."


def voice_like(seed: int, seconds: float = 1.2, level: float = 0.1, rate: int = RATE) -> Clip:
    """Return noise with harmonics, in syllables: no two seeds sound alike."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    pitch = 90 + 40 * (seed % 5)
    harmonics = sum(np.sin(2 * np.pi * pitch * k * time + rng.uniform(0, 6)) / k for k in range(1, 24))
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time + seed)
    sound = syllables * (harmonics + 0.1 * rng.normal(size=len(time)))
    return Clip.from_array(level * sound / np.abs(sound).max(), rate)


def take_of(number: int, voice: str, text: str = TEXT, clip: Clip | None = None, **settings) -> Take:
    """Return a take of a voice."""
    clip = clip or voice_like(number)
    return Take(number, text, SmallestTTSSettings(voice=voice, **settings), clip)
