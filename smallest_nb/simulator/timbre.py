"""How each catalog voice sounds through espeak-ng, and what the sliders do to it. Imports voices and settings.

The mapping imitates: espeak-ng knows nothing of "similarity". What each control changes was measured on one sentence
(rate 80 to 350 words a minute: 5.3 to 1.3 s; f0 93 to 242 Hz; range 0 is monotone).
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from smallest_nb.voices import VOICES, Voice

__all__ = ["Timbre", "prosody", "timbre_of"]

_NORMAL_RATE = 165
_MIN_RATE, _MAX_RATE = 80, 449
# The Klatt variants are what the recogniser hears best (14 to 24 % word errors; plain en-us 61 %).
_MALE = (("klatt5", 30, 50), ("klatt3", 32, 48), ("klatt4", 30, 46))
_FEMALE = (("klatt4", 70, 88), ("klatt6", 70, 88), ("klatt5", 72, 88))
_ACCENTS = {"British": "en", "Australian": "en", "Indian": "en"}
_LANGUAGES = {"en": "en-us", "zh": "cmn", "fr": "fr", "no": "nb", "pt": "pt-br", "yue": "yue"}


@dataclass(frozen=True, slots=True)
class Timbre:
    """A sound: espeak-ng's variant, pitch (0 to 99) and pace (1 is normal)."""

    variant: str
    pitch: int
    pace: float
    accent: str


_FIXED = {"sophia": Timbre("klatt4", 78, 1.0, "American"), "magnus": Timbre("klatt5", 40, 0.98, "American")}


def timbre_of(voice_id: str) -> Timbre:
    """Return a voice's stable timbre; unknown ids (clones, newer voices) get one by their name."""
    if voice_id in _FIXED:
        return _FIXED[voice_id]
    seed = crc32(voice_id.encode())
    known: Voice | None = next((v for v in VOICES if v.id == voice_id), None)
    female = known.gender == "female" if known else bool(seed & 1)
    variants = _FEMALE if female else _MALE
    variant, low, high = variants[(seed >> 4) % len(variants)]
    pitch = low + (seed >> 8) % (high - low + 1)
    pace = 0.92 + (seed >> 16) % 17 / 100
    return Timbre(variant, pitch, pace, known.accent if known else "American")


def prosody(
    voice_id: str,
    language: str,
    *,
    speed: float = 1.0,
    consistency: float = 0.5,
    similarity: float = 0.0,
    enhancement: int = 1,
) -> dict[str, int | str]:
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
        "rate": round(min(_MAX_RATE, max(_MIN_RATE, _NORMAL_RATE * timbre.pace * speed))),
        "pitch": round(min(99, max(0, pitch))),
        "range": round(100 * (1 - consistency)),
        "volume": (60, 80, 110)[enhancement],
    }
