"""Leaves out of a microphone what the loudspeaker explains, by the level and the spectrum of what is played.

First the echo is estimated and taken away, as far as the path is known by then. Of what is left the gate says, for
each 32 ms, whether it may be the rest of the echo, and passes it or silence. How much of the echo is left is learnt
from what was left lately; before anything was measured, most of it is expected.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, as_pcm16, pcm16_to_array
from smallest_nb.client.conversation.echo_filter import EchoFilter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EchoGate"]

FRAME_SECS = 0.032
_BANDS = 24
_LOWEST, _HIGHEST = 100.0, 7600.0
_TAIL_FRAMES = 14
"""Frames of what was played that may still be heard: the delay of the devices, and the room."""
_FIRST_RATIO = 0.5
"""What is left of the power of what is played, before it was measured: -3 dB, more than most devices let through."""
_LEAST_RATIO, _MOST_RATIO = 1e-4, 1.0
_MEASURED_FRAMES, _ENOUGH_FRAMES = 150, 20
_QUANTILE = 0.95
_RISE = 1.3
_MARGIN = 2.5
_OPEN_SHARE = 0.2
"""Share of what is left that the echo does not explain, from which it is a person's."""
_FLOOR = 1e-6
"""Power that is heard as nothing, -60 dBFS."""
_OPEN_FRAMES, _LITTLE_RATIO = 2, 0.003
"""Frames with a person in them that open the gate; one if what is left of the echo is 25 dB below what is played."""
_HOLD_FRAMES = 8
_LOOK_BACK_FRAMES = 5


class EchoGate:
    """One microphone beside one loudspeaker.

    Args:
        sample_rate: Hz of both.

    Attributes:
        frame: Samples of a frame.
        is_open: Whether the latest frame had a person in it.
    """

    def __init__(self, sample_rate: int) -> None:
        import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

        self.frame = round(FRAME_SECS * sample_rate)
        self.is_open = False
        self._filter = EchoFilter(self.frame, _TAIL_FRAMES)
        self._held = self._person_frames = 0
        self._rest = np.zeros(self.frame * 2)
        self._loudspeaker = np.zeros(self.frame * 2)
        self._window = np.hanning(self.frame * 2)
        frequencies = np.fft.rfftfreq(self.frame * 2, 1 / sample_rate)
        edges = np.geomspace(_LOWEST, min(_HIGHEST, sample_rate / 2), _BANDS + 1)
        self._edges = np.searchsorted(frequencies, edges)
        self._played: deque[NDArray[np.float64]] = deque(maxlen=_TAIL_FRAMES)
        self._ratios: deque[float] = deque(maxlen=_MEASURED_FRAMES)
        self._ratio = _FIRST_RATIO
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
            The frame without the echo, for voice activity detection. And what is to be transcribed, which is silence
            where there is no person in it, and later by five frames while something is played, so that the beginning of
            a word is not cut off.
        """
        import numpy as np  # noqa: PLC0415

        played = pcm16_to_array(loudspeaker).astype(np.float64) / 32768
        is_playing = bool(np.dot(played, played) > _FLOOR * self.frame)
        was_active = self.is_active
        self._silent_frames = 0 if is_playing else min(_TAIL_FRAMES, self._silent_frames + 1)
        self._loudspeaker = np.concatenate([self._loudspeaker[self.frame :], played])
        self._played.append(self._spectrum(self._loudspeaker))
        if not (self.is_active or was_active):
            self.is_open, self._held = True, 0
            return microphone, self._let_through(microphone)
        rest = self._filter.push(pcm16_to_array(microphone).astype(np.float64) / 32768, played)
        self._rest = np.concatenate([self._rest[self.frame :], rest])
        self._decide()
        piece = as_pcm16(np.clip(rest, -1, 1))
        return piece, self._delay(piece)

    def _spectrum(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the power of each band; all of them together are about the mean square."""
        import numpy as np  # noqa: PLC0415

        power = np.abs(np.fft.rfft(samples * self._window)) ** 2
        sums = np.concatenate([[0.0], np.cumsum(power)])
        scale = 2 / len(samples) / float(np.sum(self._window**2))
        return np.asarray((sums[self._edges[1:]] - sums[self._edges[:-1]]) * scale)

    def _decide(self) -> None:
        import numpy as np  # noqa: PLC0415

        rest = self._spectrum(self._rest)
        reference = np.max(self._played, axis=0)
        total, loudest = float(np.sum(rest)), float(np.max(np.sum(self._played, axis=1)))
        more = float(np.sum(np.maximum(0.0, rest - _MARGIN * self._ratio * (reference + _FLOOR))))
        is_person = total > _FLOOR * 4 and more >= _OPEN_SHARE * total
        self._person_frames = self._person_frames + 1 if is_person else 0
        if loudest > _FLOOR * 10:
            self._measure(total / loudest)
        if self._person_frames >= (1 if self._ratio < _LITTLE_RATIO else _OPEN_FRAMES):
            self._held = _HOLD_FRAMES
        elif self._held:
            self._held -= 1
        self.is_open = self._held > 0

    def _measure(self, ratio: float) -> None:
        """Learn how much is left; a person adds to it, and so it cannot rise fast."""
        import numpy as np  # noqa: PLC0415

        self._ratios.append(min(ratio, self._ratio * _RISE))
        if len(self._ratios) >= _ENOUGH_FRAMES:
            left = float(np.quantile(self._ratios, _QUANTILE))
            self._ratio = min(_MOST_RATIO, max(_LEAST_RATIO, left))

    def _let_through(self, piece: bytes) -> bytes:
        late = b"".join(self._waiting) + piece
        self._waiting.clear()
        return late

    def _delay(self, piece: bytes) -> bytes:
        if self.is_open:
            return self._let_through(piece)
        self._waiting.append(piece)
        if len(self._waiting) <= _LOOK_BACK_FRAMES:
            return b""
        return bytes(len(self._waiting.popleft()))

    def flush(self) -> bytes:
        """Return what waits to be transcribed, as silence: the person has said nothing in it."""
        waiting = sum(map(len, self._waiting))
        self._waiting.clear()
        return bytes(waiting // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE)
