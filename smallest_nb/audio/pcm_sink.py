"""Collects sound of any number of channels block by block into one clip, and notes what was lost on the way."""

from __future__ import annotations

import io
import logging
import math
from typing import TYPE_CHECKING, Any

from smallest_nb.audio.clip import Clip, StreamResampler, as_pcm16, describe_clipping
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["HIGHEST_RATE", "LOWEST_RATE", "SampleSink"]

_log = logging.getLogger("smallest_nb.audio.files")

LOWEST_RATE, HIGHEST_RATE = 8000, 192_000
_MAX_PCM_BYTES = 2_000_000_000
_LARGEST = 1e12
_WINDOW_SECS = 0.5
_SMALLEST = 2.0**-16
"""Half a step of 16 bits, full scale being 1: what never exceeds it is rounded to silence."""
_LOSSY_PEAK = 1.5
"""Decoders of MP3, Vorbis and Opus overshoot full scale if the sound was loud; a peak beyond this is no overshoot."""
_CANCELLED_SHARE = 0.1


class SampleSink:
    """Collects the samples of one file or array, which may have several parts, in one clip.

    Args:
        name: What is being read, for messages.
        channel: Which channel is taken; None mixes them.
        loudest: The channel to take because the channels cancel each other; None if that is not known yet.
    """

    def __init__(self, name: str, channel: int | None = None, loudest: int | None = None) -> None:
        self.name = name
        self.rate = 0
        self.warnings: list[str] = []
        self._channel = channel
        self._loudest = loudest
        self._pcm = io.BytesIO()
        self._part_rate = 0
        self._channels = 1
        self._most_channels = 1
        self._taken = 0
        self._resampler: StreamResampler | None = None
        self._is_float = self._is_lossy = False
        self._peak = 0.0
        self._beyond = self._counted = 0
        self._loudest_sample = 0.0  # of any channel; not followed once it is louder than silence
        self._cancelled = self._loud = self._mixed = 0.0
        self._energies: dict[int, float] = {}

    @property
    def seconds(self) -> float:
        """How much there is so far."""
        return self._pcm.tell() / 2 / self.rate if self.rate else 0.0

    def begin(self, sample_rate: int, channels: int, *, is_float: bool = False, is_lossy: bool = False) -> None:
        """Begin a part.

        Args:
            sample_rate: Hz. That of the first part is the clip's; others are resampled to it.
            channels: How many there are.
            is_float: Whether values beyond full scale can be stored, so that their number is to be mentioned.
            is_lossy: Whether a decoder made the values, which overshoots.

        Raises:
            ConfigError: A rate or number of channels out of range, or a missing channel.
        """
        self.end_part()
        if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
            raise ConfigError(
                f"{self.name} has a sample rate of {sample_rate} Hz; expected {LOWEST_RATE} to {HIGHEST_RATE} Hz."
            )
        if channels < 1:
            raise ConfigError(f"{self.name} has {channels} channels; expected one or more.")
        if self._channel is not None and self._channel >= channels:
            there = "one channel, 0" if channels == 1 else f"{channels} channels, 0 to {channels - 1}"
            since = f" from {self.seconds:.2f} s on" if self.rate else ""
            raise ConfigError(
                f"channel={self._channel} is not there: {self.name} has {there}{since}. "
                "Leave channel out to mix all channels."
            )
        if not self.rate:
            self.rate = sample_rate
        elif sample_rate != self.rate:
            self.warnings.append(
                f"{self.name} changes its sample rate at {self.seconds:.2f} s: what follows has {sample_rate} Hz and "
                f"is resampled to {self.rate} Hz"
            )
            self._resampler = StreamResampler(sample_rate, self.rate)
        self._part_rate, self._channels = sample_rate, channels
        self._most_channels = max(self._most_channels, channels)
        self._is_float, self._is_lossy = is_float, is_lossy
        self._taken = 0

    @property
    def part_frames(self) -> int:
        """How many frames of this part were taken."""
        return self._taken

    def add_pcm(self, data: bytes) -> None:
        """Take PCM16 of one channel."""
        self._taken += len(data) // 2
        self._write(data)

    def _write(self, data: bytes, *, last: bool = False) -> None:
        if self._resampler is not None:
            data = self._resampler.push(data, last=last)
        if self._pcm.tell() + len(data) > _MAX_PCM_BYTES:
            raise ConfigError(
                f"{self.name} holds more than {self.seconds / 3600:.1f} hours of sound at {self.rate} Hz; expected at "
                f"most {_MAX_PCM_BYTES // 10**9} GB of 16-bit mono samples. Split it."
            )
        self._pcm.write(data)

    def end_part(self) -> None:
        """End a part; only a resampled one needs that."""
        if self._resampler is not None:
            self._write(b"", last=True)
            self._resampler = None

    def add(self, block: NDArray[np.floating[Any]]) -> None:
        """Take samples of shape `(frames, channels)`, full scale -1 to 1."""
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        if self._channel is not None:
            block = block[:, self._channel : self._channel + 1]
        if self._is_float or self._is_lossy:
            finite = np.isfinite(block)
            if not finite.all():
                at = self.seconds + int(np.argmin(finite.all(axis=1))) / self._part_rate
                raise ConfigError(
                    f"{self.name} holds NaN or infinite samples, the first at {at:.3f} s; expected sound."
                )
            block = np.clip(block, -_LARGEST, _LARGEST)  # whose mean cannot overflow
        if self._loudest is not None and self._loudest < block.shape[1]:
            block = block[:, self._loudest : self._loudest + 1]
        wide = block.astype(np.float64, copy=False)
        mono = wide[:, 0]
        if wide.shape[1] > 1:
            mono = mono.copy()
            for number in range(1, wide.shape[1]):  # much faster than a mean over a short axis
                mono += wide[:, number]
            mono /= wide.shape[1]
            self._compare(wide, mono)
        self._measure(mono, wide)
        self._taken += len(mono)
        self._write(as_pcm16(mono))

    def _measure(self, mono: NDArray[np.float64], wide: NDArray[np.float64]) -> None:
        import numpy as np  # noqa: PLC0415

        peak = float(max(mono.max(initial=0.0), -mono.min(initial=0.0)))
        self._peak = max(self._peak, peak)
        if self._loudest_sample <= _SMALLEST:
            self._loudest_sample = max(self._loudest_sample, float(np.abs(wide).max(initial=0.0)))
        if self._is_float or self._is_lossy:
            self._counted += len(mono)
            if peak > 1:
                self._beyond += int(np.count_nonzero(np.abs(mono) > 1))

    def _compare(self, wide: NDArray[np.float64], mono: NDArray[np.float64]) -> None:
        """Note in which windows the mix is far quieter than its channels.

        A channel that speaks alone comes into the mix with one over the number of channels of its amplitude. If the
        mix has less than half of that, other channels cancel it. A constant offset is no sound and does not count.
        """
        import numpy as np  # noqa: PLC0415

        length = max(1, int(_WINDOW_SECS * self._part_rate))
        for at in range(0, len(mono), length):
            window = wide[at : at + length]
            size = len(window)
            each = np.einsum("ij,ij->j", window, window) - window.sum(axis=0) ** 2 / size
            mixed = mono[at : at + length]
            mix = float(mixed @ mixed - mixed.sum() ** 2 / size)
            loudest = float(each.max())
            self._loud += loudest
            self._mixed += mix
            if mix < loudest / (2 * wide.shape[1]) ** 2:
                self._cancelled += loudest
            for number, energy in enumerate(each):
                self._energies[number] = self._energies.get(number, 0.0) + float(energy)

    @property
    def cancelling_channel(self) -> int | None:
        """The loudest channel if mixing lost sound, else None."""
        if self._cancelled > _CANCELLED_SHARE * self._loud and self._loud > 0:
            return max(self._energies, key=lambda number: self._energies[number])
        return None

    def describe_cancellation(self) -> str:
        """Describe how much the mix lost."""
        quieter = 10 * math.log10(self._loud / self._mixed) if self._mixed > self._loud * 1e-12 else math.inf
        much = "silent" if quieter == math.inf else f"{quieter:.0f} dB quieter than the loudest"
        return (
            f"{self.name}: its {self._most_channels} channels cancel each other (mixed to one they are {much}); "
            f"channel {self.cancelling_channel} is read alone. channel=0 to channel={self._most_channels - 1} chooses "
            "another"
        )

    def finish(self) -> Clip:
        """Return what was taken, and log what was lost.

        Raises:
            ConfigError: Nothing was taken.
        """
        self.end_part()
        if not self._pcm.tell():
            raise ConfigError(f"{self.name} holds no samples; expected sound.")
        if self._most_channels > 1 and self._channel is None and self._loudest is None:
            _log.info("%s: its %d channels are mixed down to one", self.name, self._most_channels)
        if self._beyond and (self._is_float or self._peak > _LOSSY_PEAK):
            clipping = describe_clipping(self._beyond, self._counted, self._peak)
            if clipping:
                self.warnings.append(f"{self.name}: {clipping}")
        if 0 < self._loudest_sample <= _SMALLEST:
            level = 20 * math.log10(self._loudest_sample)
            self.warnings.append(
                f"{self.name}: its loudest sample is at {level:.0f} dB, which is silence in 16 bits. Make 16-bit "
                "values in a wider type int16 first: samples.astype(numpy.int16)"
            )
        for warning in self.warnings:
            _log.warning("%s", warning)
        return Clip(self._pcm.getvalue(), self.rate)
