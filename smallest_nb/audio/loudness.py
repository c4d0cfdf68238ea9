"""Loudness after ITU-R BS.1770, and clips brought to one loudness; needs the extra `eval`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from smallest_nb.audio.clip import Clip
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SHORTEST_SECS", "TARGET_LUFS", "at_one_loudness", "float_samples", "loudness_lufs"]

TARGET_LUFS = -23.0
"""EBU R 128's level for programmes."""
SHORTEST_SECS = 0.4
"""One gating block of BS.1770."""
_HEADROOM_DB = 1.0


def float_samples(clip: Clip) -> NDArray[np.float64]:
    """Return a clip's samples as floats, full scale 1."""
    array: NDArray[np.float64] = clip.samples.astype(float) / 32768
    return array


def loudness_lufs(clip: Clip) -> float:
    """Return the integrated loudness of a clip in LUFS; minus infinity for silence.

    Raises:
        ConfigError: It is shorter than 0.4 s, or pyloudnorm is missing.
    """
    if clip.duration < SHORTEST_SECS:
        raise ConfigError(
            f"A clip of {clip.duration:.2f} s has no loudness: BS.1770 measures blocks of 0.4 s. Use a longer one."
        )
    meter = _meter(clip.sample_rate)
    if not clip.samples.any():
        return -math.inf
    return float(meter.integrated_loudness(float_samples(clip)))


def at_one_loudness(clips: Sequence[Clip], target: float = TARGET_LUFS) -> tuple[list[Clip], float]:
    """Return clips at one loudness, and that loudness in LUFS.

    It is the target, or as much lower as keeps the peak of every clip 1 dB below full scale.

    Args:
        clips: None of them silent.
        target: LUFS.

    Raises:
        ConfigError: A clip is silent or too short, or pyloudnorm is missing.
    """
    import numpy as np  # noqa: PLC0415

    levels = [loudness_lufs(clip) for clip in clips]
    for number, level in enumerate(levels, 1):
        if not math.isfinite(level):
            raise ConfigError(f"Clip {number} is silent, so it cannot be brought to a loudness.")
    for clip, level in zip(clips, levels, strict=True):
        peak = float(np.abs(float_samples(clip)).max())
        target = min(target, level - 20 * math.log10(peak) - _HEADROOM_DB)
    gains = [10 ** ((target - level) / 20) for level in levels]
    return [Clip.from_array(float_samples(c) * g, c.sample_rate) for c, g in zip(clips, gains, strict=True)], target


def _meter(rate: int) -> Any:
    try:
        import pyloudnorm  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError("Loudness needs pyloudnorm: pip install 'smallest-nb[eval]'.") from error
    return pyloudnorm.Meter(rate)
