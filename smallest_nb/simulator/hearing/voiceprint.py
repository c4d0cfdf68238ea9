"""What a voice sounds like, as a few numbers that depend little on what is said and how loudly.

Each voiced frame of 25 ms yields cepstra (the shape of the vocal tract) and a fundamental frequency; their means and
deviations over a stretch of speech are turned by a matrix so that one voice varies by about 1 in every direction.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smallest_nb.audio.clip import pcm16_to_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FRAME_RATE", "Frames", "compute_voiceprint", "find_voiced_frames"]

FRAME_RATE = 100
_RATE = 16000
_HOP = _RATE // FRAME_RATE
_PITCH_WINDOW, _SHAPE_WINDOW = 640, 400  # the pitch of a deep voice needs 40 ms
_BLOCK = 1000  # frames at a time, so that a long utterance does not take much memory
_LOWEST, _HIGHEST = 65, 400
_BANDS, _CEPSTRA = 24, 15
_PERIODIC = 0.6
_BELOW_LOUDEST_DB = 25
_FLOOR = 1e-3  # of the frame's mean band: what noise at 20 dB fills anyway
_OCTAVE = 20.0
# Learnt by discriminant analysis of 40 random timbres of espeak-ng and 10 readers of LibriSpeech, clean and at 20 dB.
MATRIX = (
    (0.021, 0.021, -0.066, 0.010, -0.070, -0.029, 0.004, -0.034, -0.008, -0.011),
    (0.040, 0.047, -0.064, 0.059, -0.068, -0.040, -0.031, -0.063, -0.013, -0.059),
    (-0.006, 0.004, 0.026, 0.036, 0.086, 0.046, 0.023, -0.020, -0.053, -0.009),
    (-0.052, -0.007, -0.029, 0.117, -0.191, -0.063, -0.187, 0.049, 0.088, 0.012),
    (0.017, 0.121, -0.087, 0.037, 0.065, -0.118, 0.175, -0.045, -0.165, -0.105),
    (-0.109, -0.026, 0.055, 0.258, -0.152, 0.170, -0.271, -0.017, -0.139, -0.106),
    (-0.011, 0.158, -0.127, 0.124, -0.180, -0.319, 0.260, 0.283, -0.083, -0.062),
    (0.118, 0.278, -0.043, 0.102, 0.283, -0.064, -0.149, -0.277, -0.048, -0.019),
    (-0.008, 0.220, -0.064, 0.333, -0.194, 0.383, 0.175, 0.198, 0.016, 0.116),
    (-0.089, 0.252, -0.051, 0.089, 0.314, -0.437, -0.390, 0.102, -0.044, 0.122),
    (-0.082, 0.191, 0.092, 0.300, 0.171, 0.338, 0.298, 0.090, 0.320, -0.346),
    (-0.058, 0.259, 0.152, 0.281, -0.101, -0.253, 0.047, -0.395, -0.038, 0.475),
    (-0.195, 0.353, 0.172, -0.153, 0.136, 0.048, -0.263, 0.198, 0.209, -0.489),
    (-0.240, 0.144, 0.462, -0.179, -0.300, -0.108, 0.206, -0.186, -0.025, 0.108),
    (-0.074, 0.396, 0.310, -0.602, -0.414, 0.041, -0.026, 0.263, -0.122, -0.073),
    (0.010, 0.002, -0.055, 0.006, -0.030, -0.019, -0.021, 0.000, 0.038, -0.019),
    (-0.008, 0.065, -0.017, -0.048, 0.060, 0.116, -0.032, 0.067, -0.054, 0.025),
    (0.027, 0.085, 0.003, -0.050, 0.076, -0.052, -0.018, -0.045, 0.040, 0.103),
    (-0.108, -0.012, 0.081, -0.027, 0.087, 0.104, -0.076, 0.094, -0.089, 0.000),
    (-0.002, -0.081, 0.115, 0.022, -0.105, -0.027, 0.095, 0.089, 0.040, 0.025),
    (-0.086, -0.030, 0.131, 0.112, -0.002, -0.177, -0.071, 0.019, 0.012, -0.051),
    (-0.131, -0.148, 0.135, 0.126, 0.036, -0.139, 0.037, -0.097, -0.046, 0.008),
    (0.030, -0.013, 0.242, 0.063, -0.012, -0.076, 0.038, -0.190, -0.147, -0.042),
    (-0.118, -0.110, 0.185, 0.039, 0.059, -0.019, -0.118, -0.094, 0.122, 0.095),
    (-0.023, -0.248, 0.330, 0.075, -0.093, -0.250, -0.075, 0.126, -0.110, -0.066),
    (-0.078, -0.031, 0.326, 0.304, -0.090, -0.120, -0.152, -0.099, -0.152, 0.163),
    (-0.160, -0.018, 0.194, 0.071, 0.034, 0.003, -0.088, 0.321, 0.263, 0.181),
    (-0.203, 0.039, 0.459, 0.275, 0.126, -0.236, 0.203, -0.261, -0.057, -0.460),
    (-0.021, 0.081, 0.200, 0.121, 0.049, -0.302, 0.133, 0.233, 0.230, 0.238),
    (-0.025, 0.221, 0.160, 0.242, -0.065, 0.074, 0.049, 0.141, 0.010, -0.365),
    (0.378, 0.189, 0.158, 0.047, -0.045, -0.002, -0.048, 0.034, 0.028, -0.022),
    (-0.018, 0.011, -0.020, 0.005, -0.002, 0.000, 0.012, -0.040, 0.072, -0.015),
)


@dataclass(frozen=True, slots=True)
class Frames:
    """The voiced frames of an utterance.

    Attributes:
        at: Number of each frame, `FRAME_RATE` a second, rising.
        pitch: Fundamental of each, in octaves (log2 of Hz).
        shape: Cepstra of each, without the first (loudness).
    """

    at: NDArray[np.int64]
    pitch: NDArray[np.float64]
    shape: NDArray[np.float64]


def find_voiced_frames(pcm: bytes) -> Frames:
    """Find the voiced frames of PCM16 mono at 16 kHz."""
    import numpy as np  # noqa: PLC0415

    samples = pcm16_to_array(pcm).astype(np.float32) / np.float32(32768)
    if len(samples) < _PITCH_WINDOW:
        return Frames(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, _CEPSTRA)))
    windows = np.lib.stride_tricks.sliding_window_view(samples, _PITCH_WINDOW)[::_HOP]
    loudness = np.concatenate(
        [10 * np.log10(np.var(windows[i : i + _BLOCK], axis=1) + 1e-10) for i in range(0, len(windows), _BLOCK)]
    )
    loud = np.flatnonzero(loudness > np.percentile(loudness, 95) - _BELOW_LOUDEST_DB)
    at, pitch, shape = [], [], []
    for start in range(0, len(loud), _BLOCK):
        chosen = loud[start : start + _BLOCK]
        block = windows[chosen] - windows[chosen].mean(axis=1, keepdims=True)
        hertz, periodic = _pitch(block)
        voiced = periodic > _PERIODIC
        at.append(chosen[voiced])
        pitch.append(np.log2(hertz[voiced]))
        shape.append(_shape(block[voiced]))
    return Frames(np.concatenate(at), np.concatenate(pitch), np.concatenate(shape))


def compute_voiceprint(found: Frames, start: int, stop: int) -> NDArray[np.float64]:
    """Return the voice of the voiced frames `start` to `stop` (positions in `found`), at least two of them."""
    import numpy as np  # noqa: PLC0415

    shape = found.shape[start:stop]
    low, middle, high = np.percentile(found.pitch[start:stop], [15, 50, 85])
    features = np.concatenate([shape.mean(axis=0), shape.std(axis=0), [_OCTAVE * middle, _OCTAVE * (high - low)]])
    return np.asarray(features @ np.asarray(MATRIX))


def _pitch(block: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each frame's fundamental in Hz and how periodic it is, 0 to 1."""
    import numpy as np  # noqa: PLC0415

    window, low_pass, own, bias = _pitch_tools()
    power = np.abs(np.fft.rfft(block * window, 2 * len(window))) ** 2 * low_pass
    match = np.fft.irfft(power, axis=1)[:, : len(own)]
    match = match / (match[:, :1] + 1e-12) / own
    shortest = _RATE // _HIGHEST
    # Twice the period matches as well as the period: the shorter one wins unless the longer is clearly better.
    lag = np.argmax(match[:, shortest:] - bias[shortest:], axis=1) + shortest
    return _RATE / lag, match[np.arange(len(lag)), lag]


def _shape(block: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each frame's cepstra."""
    import numpy as np  # noqa: PLC0415

    bank, cosines = _shape_tools()
    margin = (_PITCH_WINDOW - _SHAPE_WINDOW) // 2
    middle = block[:, margin : margin + _SHAPE_WINDOW] * np.hamming(_SHAPE_WINDOW).astype(np.float32)
    bands = np.abs(np.fft.rfft(middle, 512)) ** 2 @ bank
    bands = bands + _FLOOR * bands.mean(axis=1, keepdims=True) + 1e-12
    return np.asarray(10 * np.log10(bands) @ cosines, np.float64)


@functools.cache
def _pitch_tools() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    import numpy as np  # noqa: PLC0415

    window = np.hanning(_PITCH_WINDOW).astype(np.float32)
    hertz = np.fft.rfftfreq(2 * _PITCH_WINDOW, 1 / _RATE)
    own = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * _PITCH_WINDOW)) ** 2)[: _RATE // _LOWEST + 1]
    bias = 0.12 * np.log2(np.maximum(1, np.arange(len(own))))
    return window, (hertz < 1000).astype(np.float32), (own / own[0]).astype(np.float32), bias.astype(np.float32)


@functools.cache
def _shape_tools() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np  # noqa: PLC0415

    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (100, 7000))
    edges = 700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(512, 1 / _RATE)[:, None]
    rise, fall = (hertz - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - hertz) / np.diff(edges)[1:]
    bank = np.maximum(0, np.minimum(rise, fall))
    orders = np.arange(1, _CEPSTRA + 1)
    cosines = np.cos(np.pi * np.outer(np.arange(_BANDS) + 0.5, orders) / _BANDS) * np.sqrt(2 / _BANDS)
    return bank / bank.sum(axis=0), cosines
