"""What can be measured of speech without a listener: rate, loudness, pitch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from smallest_nb.audio.clip import Clip
from smallest_nb.audio.loudness import float_samples
from smallest_nb.results.listening.bars import bars_of
from smallest_nb.results.listening.preparation import trimmed
from smallest_nb.results.listening.results import ListeningResults
from smallest_nb.results.listening.statistics import rank_correlation
from smallest_nb.results.listening.stimulus import Stimulus, is_known

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FIGURES", "Pitch", "correlations", "figures_of", "pitch_of"]

FIGURES = ("duration_s", "words_per_s", "lufs", "pitch_hz", "pitch_range_semitones", "ttfb_ms", "wer")
"""What is measured of each stimulus; `wer` if it was transcribed."""
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 420.0
_FRAME_SECS, _STEP_SECS = 0.05, 0.01
_VOICED = 0.6
_RATE = 16000


class Pitch(NamedTuple):
    """Median and range of a voice's pitch; NaN if nothing is voiced."""

    median_hz: float
    range_semitones: float


def pitch_of(clip: Clip) -> Pitch:
    """Return the pitch of a clip's voiced frames, by autocorrelation (60 to 420 Hz).

    The range is from the 5th to the 95th percentile, so that a frame an octave off does not count.
    """
    import numpy as np  # noqa: PLC0415

    samples = float_samples(clip.resample(_RATE))
    size, step = round(_FRAME_SECS * _RATE), round(_STEP_SECS * _RATE)
    if len(samples) < size:
        return Pitch(math.nan, math.nan)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::step]
    levels = np.sqrt((frames**2).mean(axis=1))
    frames = frames[levels > 0.1 * levels.max()] if levels.max() > 0 else frames[:0]
    found = _voiced_pitches(frames)
    if len(found) < 3:
        return Pitch(math.nan, math.nan)
    low, high = np.percentile(found, [5, 95])
    return Pitch(float(np.median(found)), float(12 * math.log2(high / low)))


def figures_of(stimulus: Stimulus) -> dict[str, float]:
    """Return the figures of a stimulus but for its words' errors; NaN for what is not known."""
    speech = max(1e-3, trimmed(stimulus.clip).duration - 0.2)  # without the silence that trimming leaves
    pitch = pitch_of(stimulus.clip)
    words = len(stimulus.text.split()) if is_known(stimulus.text) else 0
    return {
        "duration_s": stimulus.clip.duration,
        "words_per_s": words / speech if words else math.nan,
        "lufs": stimulus.lufs,
        "pitch_hz": pitch.median_hz,
        "pitch_range_semitones": pitch.range_semitones,
        "ttfb_ms": math.nan if stimulus.ttfb_ms is None else stimulus.ttfb_ms,
    }


def correlations(results: ListeningResults, rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return Spearman's correlation, and its p, of each figure with the listeners' figures; none for ABX.

    Args:
        results: Of the listeners.
        rows: The figures of each stimulus, with its `system`.
    """
    if results.design.kind == "abx" or len(results.design.names) < 3:
        return {}
    heard = {bar.name: bar.value for bar in bars_of(results)}
    found = {}
    for name in FIGURES:
        means: dict[str, list[float]] = {}
        for row in rows:
            if row["system"] in heard and math.isfinite(row.get(name, math.nan)):
                means.setdefault(row["system"], []).append(row[name])
        systems = list(means)
        figures = [sum(means[s]) / len(means[s]) for s in systems]
        result = rank_correlation(figures, [heard[s] for s in systems])
        if result is not None:
            found[name] = result
    return found


def _voiced_pitches(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415

    low, high = int(_RATE / _HIGHEST_HZ), int(_RATE / _LOWEST_HZ)
    size = frames.shape[1]
    window = np.hanning(size)
    length = 1 << (2 * size - 1).bit_length()

    def autocorrelation(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.fft.irfft(np.abs(np.fft.rfft(rows, length)) ** 2, length)[..., :size]
        return found

    # Divided by the window's own autocorrelation (Boersma, 1993): else shorter lags look better.
    alike = autocorrelation((frames - frames.mean(axis=1, keepdims=True)) * window)
    alike = alike / (alike[:, :1] + 1e-12) / (autocorrelation(window) / autocorrelation(window)[0] + 1e-12)
    part = alike[:, low : high + 1]
    # The shortest lag that is nearly as good as the best: a multiple of the period is as good as the period.
    best = part.max(axis=1, initial=0.0)
    lags = low + np.argmax(part >= 0.95 * best[:, None], axis=1)
    for _ in range(3):  # climb to the top of that peak
        after = np.minimum(lags + 1, size - 1)
        rows = np.arange(len(lags))
        lags = np.where(alike[rows, after] > alike[rows, lags], after, lags)
    pitches: NDArray[np.float64] = _RATE / lags[best > _VOICED]
    return pitches
