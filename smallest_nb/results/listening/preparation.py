"""Sounds for a listening test: trimmed, of one length; the anchor of BS.1534, and a degraded one for checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smallest_nb.audio.clip import Clip, silence
from smallest_nb.audio.loudness import float_samples
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ANCHOR_HZ", "anchor", "degraded", "of_one_length", "trimmed"]

ANCHOR_HZ = 3500
"""The low anchor of ITU-R BS.1534-3: passed up to here, 25 dB down at 4 kHz, 50 dB at 4.5 kHz."""
_LEAD_SECS = 0.1
_FADE_SECS = 0.005
_FLOOR = 0.01
"""Of the peak, -40 dB: speech begins and ends there."""
_FRAME_SECS = 0.01
_DEGRADED_Q_DB = 0.0
_DEGRADED_SEED = 810


def trimmed(clip: Clip) -> Clip:
    """Return a clip with the same short silence before and after its speech, so that timing gives no cue."""
    import numpy as np  # noqa: PLC0415

    size = max(1, round(_FRAME_SECS * clip.sample_rate))
    samples = float_samples(clip)
    frames = np.abs(samples[: len(samples) // size * size]).reshape(-1, size).max(axis=1)
    loud = np.flatnonzero(frames > _FLOOR * frames.max(initial=0.0))
    if not len(loud) or not frames.max():
        return clip
    lead = round(_LEAD_SECS * clip.sample_rate)
    first, last = int(loud[0]) * size, (int(loud[-1]) + 1) * size
    begin, end = max(0, first - lead), min(len(samples), last + lead)
    cut = _faded(samples[begin:end], round(_FADE_SECS * clip.sample_rate))
    before, after = lead - (first - begin), lead - (end - last)
    return Clip.from_array(np.concatenate([np.zeros(before), cut, np.zeros(after)]), clip.sample_rate)


def of_one_length(clips: Sequence[Clip]) -> list[Clip]:
    """Return clips of one rate, with silence at the end of the shorter ones: the position shows no difference."""
    longest = max(len(clip) for clip in clips)
    return [
        Clip(clip.pcm + silence((longest - len(clip)) / clip.sample_rate, clip.sample_rate), clip.sample_rate)
        for clip in clips
    ]


def anchor(clip: Clip) -> Clip:
    """Return the low anchor of BS.1534: the clip without what is above 3.5 kHz, in time with it.

    Raises:
        ConfigError: The clip has nothing above 3.5 kHz, or scipy is missing.
    """
    if clip.sample_rate < 2.4 * ANCHOR_HZ:
        raise ConfigError(
            f"An anchor is the reference without what is above 3.5 kHz, and at {clip.sample_rate} Hz there is hardly "
            "anything: use sounds of 16000 Hz or more."
        )
    try:
        from scipy import signal  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError("An anchor needs scipy: pip install 'smallest-nb[eval]'.") from error
    # 0.1 dB of ripple up to 3.5 kHz, 60 dB down from 4 kHz on.
    taps, beta = signal.kaiserord(60, 500 / (clip.sample_rate / 2))
    taps |= 1  # odd: the delay is a whole number of samples
    kernel = signal.firwin(taps, 3750, window=("kaiser", beta), fs=clip.sample_rate)
    return Clip.from_array(signal.fftconvolve(float_samples(clip), kernel, mode="same"), clip.sample_rate)


def degraded(clip: Clip) -> Clip:
    """Return a clip that anybody hears to be worse: the modulated noise of ITU-T P.810 at Q = 0 dB."""
    import numpy as np  # noqa: PLC0415

    noise = np.random.default_rng(_DEGRADED_SEED).standard_normal(len(clip))
    noisy = float_samples(clip) * (1 + 10 ** (-_DEGRADED_Q_DB / 20) * noise)
    return Clip.from_array(noisy / max(1.0, float(np.abs(noisy).max())), clip.sample_rate)


def _faded(samples: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415

    size = min(size, len(samples) // 2)
    ramp = np.linspace(0, 1, size)
    faded = samples.copy()
    faded[:size] *= ramp
    faded[len(faded) - size :] *= ramp[::-1]
    return faded
