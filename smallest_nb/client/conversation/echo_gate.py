"""Leaves out of a microphone what the loudspeaker explains, by the level and the spectrum of what is played.

It is no echo canceller: browsers have one. It says of each 32 ms whether there is more in it than the echo of what was
played in the last 0.4 s, and passes the sound or silence. The echo's gain is learnt band by band: it is the least that
was measured lately, because a person only adds to it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, pcm16_to_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EchoGate"]

FRAME_SECS = 0.032
_WINDOW_FRAMES = 2
"""A spectrum is taken of so many frames, the latest last."""
_BANDS = 32
_LOWEST, _HIGHEST = 100.0, 7600.0
_TAIL_FRAMES = 14
"""Frames of what was played that may still be heard: the device's delay and the room."""
_FIRST_GAIN = 0.5
"""Power of the echo before anything was measured: -3 dB of what is played, more than any device lets through."""
_MARGIN = 3.0
_FALL, _RISE = 0.35, 1.01
"""How fast the gain follows a lower measurement, and how much it may rise with a frame."""
_OPEN_SHARE = 0.3
"""Share of a frame's power that the echo does not explain, from which it is a person's."""
_FLOOR = 3e-7
"""Power of a band that is heard as nothing, -65 dBFS."""
_HOLD_FRAMES = 6
_LOOK_BACK_FRAMES = 4


class EchoGate:
    """One microphone beside one loudspeaker.

    Args:
        sample_rate: Hz of both.

    Attributes:
        is_open: Whether the latest frame had a person in it.
        is_active: Whether something that is played may be heard now.
    """

    def __init__(self, sample_rate: int) -> None:
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        self.frame = round(FRAME_SECS * sample_rate)
        self.is_open = False
        self._held = 0
        self._microphone = np.zeros(self.frame * _WINDOW_FRAMES)
        self._loudspeaker = np.zeros(self.frame * _WINDOW_FRAMES)
        self._window = np.hanning(self.frame * _WINDOW_FRAMES)
        frequencies = np.fft.rfftfreq(self.frame * _WINDOW_FRAMES, 1 / sample_rate)
        edges = np.geomspace(_LOWEST, min(_HIGHEST, sample_rate / 2), _BANDS + 1)
        self._starts = np.maximum.accumulate(np.searchsorted(frequencies, edges))
        self._played: deque[NDArray[np.float64]] = deque(maxlen=_TAIL_FRAMES)
        self._gain = np.full(_BANDS, _FIRST_GAIN)
        self._silent_frames = _TAIL_FRAMES
        self._waiting: deque[bytes] = deque()

    @property
    def is_active(self) -> bool:
        """Whether something that was played may be heard now."""
        return self._silent_frames < _TAIL_FRAMES

    def push(self, microphone: bytes, loudspeaker: bytes) -> tuple[bytes, bytes]:
        """Take one frame of each.

        Args:
            microphone: PCM16, `frame` samples.
            loudspeaker: What was played meanwhile, as long.

        Returns:
            What is heard now, for voice activity detection: the frame, or silence. And what is to be transcribed, which
            is later by four frames while something is played, so that the beginning of a word is not cut off.
        """
        import numpy as np  # noqa: PLC0415

        played = pcm16_to_array(loudspeaker).astype(np.float64) / 32768
        heard = pcm16_to_array(microphone).astype(np.float64) / 32768
        self._loudspeaker = np.concatenate([self._loudspeaker[self.frame :], played])
        self._microphone = np.concatenate([self._microphone[self.frame :], heard])
        is_playing = bool(np.dot(played, played) > _FLOOR * self.frame)
        self._silent_frames = 0 if is_playing else min(_TAIL_FRAMES, self._silent_frames + 1)
        self._played.append(self._spectrum(self._loudspeaker))
        if not self.is_active:
            self.is_open, self._held = True, 0
            late = b"".join(self._waiting) + microphone
            self._waiting.clear()
            return microphone, late
        self._decide()
        return self._pass(microphone)

    def _spectrum(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the power of each band; all of them together are the mean square."""
        import numpy as np  # noqa: PLC0415

        power = np.abs(np.fft.rfft(samples * self._window)) ** 2
        sums = np.concatenate([[0.0], np.cumsum(power)])
        scale = 2 / len(samples) / float(np.sum(self._window**2))
        return np.asarray((sums[self._starts[1:]] - sums[self._starts[:-1]]) * scale)

    def _decide(self) -> None:
        import numpy as np  # noqa: PLC0415

        heard = self._spectrum(self._microphone)
        reference = np.max(self._played, axis=0)
        expected = self._gain * reference
        more = np.maximum(0.0, heard - _MARGIN * expected - _FLOOR)
        total = float(np.sum(heard))
        is_person = total > _FLOOR * 8 and float(np.sum(more)) >= _OPEN_SHARE * total
        audible = reference > _FLOOR * 10
        measured = np.where(audible, heard / np.maximum(reference, _FLOOR), self._gain)
        lower = self._gain + _FALL * (measured - self._gain)
        higher = np.minimum(measured, self._gain * _RISE)
        self._gain = np.maximum(1e-5, np.where(measured < self._gain, lower, higher))
        if is_person:
            self._held = _HOLD_FRAMES
        elif self._held:
            self._held -= 1
        self.is_open = self._held > 0

    def _pass(self, microphone: bytes) -> tuple[bytes, bytes]:
        quiet = bytes(len(microphone))
        if self.is_open:
            late = b"".join(self._waiting) + microphone
            self._waiting.clear()
            return microphone, late
        self._waiting.append(microphone)
        if len(self._waiting) <= _LOOK_BACK_FRAMES:
            return quiet, b""
        self._waiting.popleft()
        return quiet, quiet

    def flush(self) -> bytes:
        """Return what waits to be transcribed, as silence: the person has said nothing in it."""
        waiting = sum(map(len, self._waiting))
        self._waiting.clear()
        return bytes(waiting // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE)
