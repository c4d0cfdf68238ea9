"""The test signal: words as tones, for load, for languages that the recogniser does not know, for exact round trips.

It is no speech and does not pretend to be: each word is a burst that opens with a pilot tone (its pitch is the voice)
and goes on with one symbol for each byte of the word in UTF-8 and for a checksum. A symbol is two tones, one of 16
for each half of the byte. The words are decoded from the sound alone.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["GAP_SECS", "SYMBOL_SECS", "burst_of", "read_burst", "voice_number"]

SYMBOL_SECS = 0.04
"""A symbol at normal speed."""
GAP_SECS = 0.08
"""Between two words at normal speed."""
_HIGH, _LOW, _PILOT, _STEP = 600.0, 1500.0, 2500.0, 50.0
_PILOTS = 18
_LEVEL = 0.22
_RAMP_SECS = 0.002
_GUARD = 0.1
_LOUD = 0.04
_PILOT_BLOCK_SECS = 0.005


def voice_number(voice: str) -> int:
    """Return which pilot tone a voice has, 0 to 17."""
    return crc32(voice.encode()) % _PILOTS


def burst_of(word: str, voice: int, symbol_secs: float, rate: int) -> NDArray[np.float64]:
    """Return a word's burst, shape `(samples,)`, within -1 to 1."""
    import numpy as np  # noqa: PLC0415

    data = word.encode()
    tones = [(_PILOT + _STEP * voice, 0.0)]
    tones += [(_HIGH + _STEP * (b >> 4), _LOW + _STEP * (b & 15)) for b in (*data, _check(data))]
    edges = [round(symbol_secs * rate * i) for i in range(len(tones) + 1)]
    sound = np.concatenate([
        _LEVEL * (np.sin(2 * np.pi * first * at) + np.sin(2 * np.pi * second * at))
        for (first, second), begin, end in zip(tones, edges, edges[1:], strict=False)
        for at in (np.arange(begin, end) / rate,)
    ])  # fmt: skip
    ramp = np.minimum(1.0, np.arange(len(sound)) / (_RAMP_SECS * rate))
    return np.asarray(sound * ramp * ramp[::-1])


def read_burst(sound: NDArray[np.float64], rate: int) -> tuple[str | None, int, float]:
    """Read a burst.

    Args:
        sound: From its first to its last loud sample, within -1 to 1.
        rate: Hz.

    Returns:
        The word, None if the checksum is wrong; the number of its voice; 0 to 1, how purely it sounded.
    """
    import numpy as np  # noqa: PLC0415

    loud = np.flatnonzero(np.abs(sound) > _LOUD)
    if not len(loud):
        return None, 0, 0.0
    sound = sound[loud[0] : loud[-1] + 1]
    pilot_samples = _symbol_samples(sound, rate)
    count = round(len(sound) / pilot_samples) if pilot_samples else 0
    if count < 3:
        return None, 0, 0.0
    symbol = len(sound) / count
    found = [_strengths(sound[round(symbol * (i + _GUARD)) : round(symbol * (i + 1 - _GUARD))], rate)
             for i in range(count)]  # fmt: skip
    pilot = int(np.argmax(found[0][32:]))
    halves = [(int(np.argmax(s[:16])), int(np.argmax(s[16:32]))) for s in found[1:]]
    purity = float(np.mean([s[h] + s[16 + w] for s, (h, w) in zip(found[1:], halves, strict=True)]))
    *data, check = bytes((h << 4) + w for h, w in halves)
    right = check == _check(bytes(data))
    try:
        return (bytes(data).decode() if right else None), pilot, round(min(1.0, purity), 3)
    except UnicodeDecodeError:
        return None, pilot, 0.0


def _check(data: bytes) -> int:
    return crc32(data) & 0xFF


def _symbol_samples(sound: NDArray[np.float64], rate: int) -> int:
    """Return how long the pilot tone is: as long as every symbol."""
    size = round(_PILOT_BLOCK_SECS * rate)
    for block in range(len(sound) // size):
        strengths = _strengths(sound[block * size : (block + 1) * size], rate)
        if strengths[32:].max() < strengths[:32].max():
            return block * size
    return 0


def _strengths(piece: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Return each tone's share of the energy: 16 of the high half, 16 of the low, 18 pilots."""
    import numpy as np  # noqa: PLC0415

    energy = float(np.dot(piece, piece)) * len(piece) / 2 or 1.0
    # Not `@`: for products as small as this BLAS starts threads that spin a core away.
    return np.asarray(np.abs(np.einsum("ij,j->i", _tones(len(piece), rate), piece)) ** 2 / energy)


@functools.lru_cache(maxsize=32)
def _tones(size: int, rate: int) -> NDArray[np.complex128]:
    import numpy as np  # noqa: PLC0415

    bank = [_HIGH + _STEP * i for i in range(16)] + [_LOW + _STEP * i for i in range(16)]
    bank += [_PILOT + _STEP * i for i in range(_PILOTS)]
    return np.asarray(np.exp(-2j * np.pi * np.outer(bank, np.arange(size)) / rate))
