"""How each catalog voice sounds through espeak-ng, and what the sliders do to it.

The mapping imitates: espeak-ng knows nothing of "similarity". What each control changes was measured on one sentence
(rate 80 to 350 words a minute: 5.3 to 1.3 s; f0 93 to 242 Hz; range 0 is monotone). A voice is a variant of
espeak-ng, a pitch, a pace and the length of the vocal tract, which moves the formants: `tract` 1.05 is 5 % shorter.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from zlib import crc32

from smallest_nb.api.voices import VOICES

__all__ = ["Timbre", "prosody", "timbre_of"]

_NORMAL_RATE = 165
_MIN_RATE, _MAX_RATE = 80, 449
# Variant of espeak-ng: pitches and tracts. Those that the recogniser knows best (19 to 36 % word errors; most other
# variants 45 to 85 %): men at 80 to 105 Hz, women at 150 to 220.
_MALE = {
    "klatt5": ((18, 50), (0.93, 1.0)),
    "adam": ((18, 50), (0.93, 1.0)),
    "klatt3": ((18, 50), (0.93, 1.0)),
    "klatt4": ((18, 50), (0.95, 1.02)),
}
_FEMALE = {
    "klatt3": ((88, 99), (0.98, 1.06)),
    "f2": ((36, 62), (0.93, 1.0)),
    "adam": ((88, 99), (0.98, 1.06)),
    "f5": ((34, 58), (0.93, 1.0)),
    "klatt5": ((88, 99), (0.98, 1.06)),
}
_PACE = (0.93, 1.06)
# Multiples of these, modulo 1, fill the cube evenly (R3 sequence: powers of the inverse of 1.2207).
_SPREAD = (0.8191725, 0.6710436, 0.5497005)
_ACCENTS = {"British": "en", "Australian": "en"}
_LANGUAGES = {"en": "en-us", "zh": "cmn", "fr": "fr", "no": "nb", "pt": "pt-br", "yue": "yue"}


@dataclass(frozen=True, slots=True)
class Timbre:
    """A sound: espeak-ng's variant, pitch (0 to 99), pace (1 is normal), vocal tract (above 1 is shorter)."""

    variant: str
    pitch: int
    pace: float
    tract: float
    accent: str


_FIXED = {
    "sophia": Timbre("klatt3", 92, 1.0, 1.0, "American"),
    "magnus": Timbre("adam", 40, 0.98, 1.0, "American"),
}


@functools.cache
def _known() -> dict[str, Timbre]:
    """Spread the catalog's voices evenly over what a gender can sound like, in the catalog's order."""
    timbres: dict[str, Timbre] = {}
    counts = {"female": 0, "male": 0}
    for voice in VOICES:
        if voice.id not in timbres:
            timbres[voice.id] = _place(counts[voice.gender], voice.accent, female=voice.gender == "female")
            counts[voice.gender] += 1
    return timbres | _FIXED


def _place(number: int, accent: str, *, female: bool) -> Timbre:
    variants = _FEMALE if female else _MALE
    variant = list(variants)[number % len(variants)]
    pitch, tract = variants[variant]
    first, second, third = ((number * step) % 1 for step in _SPREAD)
    return Timbre(
        variant,
        round(pitch[0] + first * (pitch[1] - pitch[0])),
        round(_PACE[0] + third * (_PACE[1] - _PACE[0]), 3),
        round(tract[0] + second * (tract[1] - tract[0]), 4),
        accent,
    )


def timbre_of(voice_id: str) -> Timbre:
    """Return a voice's stable timbre; unknown ids (clones, newer voices) get one by their name."""
    seed = crc32(voice_id.encode())
    return _known().get(voice_id) or _place(seed >> 1, "American", female=bool(seed & 1))


def prosody(
    voice_id: str,
    language: str,
    *,
    speed: float = 1.0,
    consistency: float = 0.5,
    similarity: float = 0.0,
    enhancement: int = 1,
) -> dict[str, int | float | str]:
    """Return espeak-ng's parameters.

    Args:
        voice_id: Voice.
        language: Service code; `auto` speaks English.
        speed: Multiple of the normal rate.
        consistency: 0 to 1; higher narrows the pitch range.
        similarity: 0 to 1; higher moves the pitch further to the voice's own side.
        enhancement: 0 to 2; higher is louder, the limiter keeps it from clipping.
    """
    timbre = timbre_of(voice_id)
    base = "en" if language == "auto" else language
    name = _ACCENTS.get(timbre.accent, "en-us") if base == "en" else _LANGUAGES.get(base, base)
    pitch = timbre.pitch + similarity * (timbre.pitch - 50) * 0.6
    return {
        "voice": f"{name}+{timbre.variant}",
        # A shorter tract is made by playing faster, which this takes back.
        "rate": round(min(_MAX_RATE, max(_MIN_RATE, _NORMAL_RATE * timbre.pace * speed / timbre.tract))),
        "pitch": round(min(99, max(0, pitch))),
        "range": round(100 * (1 - consistency)),
        "volume": (60, 80, 110)[enhancement],
        "tract": timbre.tract,
    }
