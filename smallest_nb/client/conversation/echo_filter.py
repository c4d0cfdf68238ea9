"""Estimates the echo of a loudspeaker in a microphone, and takes it away.

A partitioned-block frequency-domain Kalman filter (Enzner and Vary, "Frequency-domain adaptive Kalman filter for
acoustic echo control in hands-free telephones", Signal Processing 86, 2006): it learns fast, and hardly unlearns while
a person speaks too, because what it cannot explain counts as noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EchoFilter"]

_FORGETTING = 0.9995
_FIRST_UNCERTAINTY = 0.3
_NOISE_SMOOTHING = 0.7
_LEAST = 1e-10


class EchoFilter:
    """One path from a loudspeaker to a microphone.

    Args:
        frame: Samples of a frame.
        partitions: Frames that the path is long: its delay and its reflections.
    """

    def __init__(self, frame: int, partitions: int) -> None:
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        self._frame = frame
        self._last = np.zeros(frame)
        self._played = np.zeros((partitions, frame + 1), np.complex128)
        self._weights = np.zeros((partitions, frame + 1), np.complex128)
        self._uncertainty = np.full((partitions, frame + 1), _FIRST_UNCERTAINTY)
        self._noise = np.full(frame + 1, 1e-3)

    def push(self, microphone: NDArray[np.float64], loudspeaker: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take a frame of each, within -1 to 1; return the microphone without the echo."""
        import numpy as np  # noqa: PLC0415

        size = self._frame
        self._played = np.roll(self._played, 1, axis=0)
        self._played[0] = np.fft.rfft(np.concatenate([self._last, loudspeaker]))
        self._last = loudspeaker
        echo = np.fft.irfft(np.sum(self._weights * self._played, axis=0))[size:]
        rest = microphone - echo
        spectrum = np.fft.rfft(np.concatenate([np.zeros(size), rest]))
        self._noise = _NOISE_SMOOTHING * self._noise + (1 - _NOISE_SMOOTHING) * np.abs(spectrum) ** 2
        power = np.abs(self._played) ** 2
        gain = self._uncertainty / (np.sum(power * self._uncertainty, axis=0) + 2 * self._noise + _LEAST)
        step = np.fft.irfft(gain * np.conj(self._played) * spectrum, axis=1)
        step[:, size:] = 0.0
        self._weights = _FORGETTING * (self._weights + np.fft.rfft(step, axis=1))
        kept = np.maximum(0.0, 1 - 0.5 * gain * power) * self._uncertainty
        self._uncertainty = _FORGETTING**2 * kept + (1 - _FORGETTING**2) * np.abs(self._weights) ** 2
        # A filter that makes it worse has met another room; what it says is not believed.
        return rest if float(np.dot(rest, rest)) <= float(np.dot(microphone, microphone)) else microphone
