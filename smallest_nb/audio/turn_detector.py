"""Finds when a speaker starts and stops, in the audio that is pushed.

The rule and its parameters are Pipecat's (`VADParams`), so that what is tuned here holds in a bot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, StreamResampler, pcm16_to_array
from smallest_nb.audio.vad import FRAME_SAMPLES, SAMPLE_RATE, Vad, VADParams, make_vad

__all__ = ["Turn", "TurnDetector"]

_FRAME_SECS = FRAME_SAMPLES / SAMPLE_RATE
_FRAME_BYTES = FRAME_SAMPLES * BYTES_PER_SAMPLE
_LOUDNESS_FRAMES = round(0.4 / _FRAME_SECS)
_SMOOTHING = 0.2


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of voice activity.

    Attributes:
        speaking: True if somebody starts to speak, False if they stop.
        at: When, in seconds of the pushed audio: the first or the last moment of speech, not that of the decision.
    """

    speaking: bool
    at: float


class TurnDetector:
    """Finds turns in PCM16.

    Args:
        sample_rate: Hz of what is pushed.
        params: Thresholds.
        vad: Tells speech from the rest; None takes the best that is installed.

    Attributes:
        speaking: Whether somebody speaks.
    """

    def __init__(self, sample_rate: int, params: VADParams, vad: Vad | None = None) -> None:
        self._params = params
        self._vad = vad or make_vad()
        self._resampler = StreamResampler(sample_rate, SAMPLE_RATE)
        self._start_frames = max(1, round(params.start_secs / _FRAME_SECS))
        self._stop_frames = max(1, round(params.stop_secs / _FRAME_SECS))
        self._held = b""
        self._frames = 0
        self._energies: list[float] = []
        self._volume = 0.0
        self._run = 0
        self.speaking = False

    @property
    def pending_secs(self) -> float:
        """Seconds for which the sound has been the opposite of `speaking`, and does not count as a change yet."""
        return self._run * _FRAME_SECS

    @property
    def seconds(self) -> float:
        """Seconds of sound that were decided about."""
        return self._frames * _FRAME_SECS

    def push(self, pcm: bytes, *, is_ignored: bool = False) -> list[Turn]:
        """Take audio; return the changes decided by it, oldest first.

        Args:
            pcm: PCM16.
            is_ignored: What is complete with it is known to be no speech, such as an echo.
        """
        self._held += self._resampler.push(pcm)
        turns: list[Turn] = []
        whole = len(self._held) // _FRAME_BYTES * _FRAME_BYTES
        for at in range(0, whole, _FRAME_BYTES):
            turn = self._frame(self._held[at : at + _FRAME_BYTES], is_ignored=is_ignored)
            if turn is not None:
                turns.append(turn)
        self._held = self._held[whole:]
        return turns

    def _frame(self, frame: bytes, *, is_ignored: bool) -> Turn | None:
        self._frames += 1
        loud = self._loudness(frame) >= self._params.min_volume
        speech = self._vad.probability(frame) >= self._params.confidence and loud and not is_ignored
        self._run = self._run + 1 if speech is not self.speaking else 0
        if self._run < (self._stop_frames if self.speaking else self._start_frames):
            return None
        at = (self._frames - self._run) * _FRAME_SECS
        self._run = 0
        self.speaking = speech
        return Turn(speech, round(at, 3))

    def _loudness(self, frame: bytes) -> float:
        """Return the smoothed level of the last 0.4 s, -110 dBFS as 0 and -10 dBFS as 1."""
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        samples = pcm16_to_array(frame).astype(np.float64) / 32768
        self._energies = [*self._energies[1 - _LOUDNESS_FRAMES :], float(np.mean(samples**2))]
        level = 10 * math.log10(sum(self._energies) / len(self._energies) + 1e-12)
        volume = min(1.0, max(0.0, (level + 110) / 100))
        self._volume += _SMOOTHING * (volume - self._volume)
        return self._volume
