"""Where a transcription stands in the caller's audio, across sockets and keepalives, and when that audio was pushed."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

from smallest_nb.api.stt_wire import SessionTimeline
from smallest_nb.audio.clip import silence

__all__ = ["AudioClock", "PushTimes"]

_KEEPALIVE_SECS = 0.1
_PUSHES = 4096
_BURST_SECS = 30.0
"""Of live audio that comes at once because its program was busy."""


class AudioClock:
    """Counts what was sent; the service's own clock starts at zero with each socket and counts keepalives too.

    Args:
        sample_rate: Hz.
        sample_bytes: Bytes of one sample.

    Attributes:
        position: Bytes of the caller's audio before the next one to be sent.
        sent_bytes: Bytes of audio sent on all sockets, what was sent again counted again.
        timeline: Maps the service's seconds to seconds of the caller's audio.
    """

    def __init__(self, sample_rate: int, sample_bytes: int) -> None:
        self._rate = sample_rate
        self._sample_bytes = sample_bytes
        self._socket_bytes = 0
        self.position = 0
        self.sent_bytes = 0
        self.timeline = SessionTimeline()

    def seconds(self, size: int) -> float:
        """Return how long that many bytes last."""
        return size / self._sample_bytes / self._rate

    def size(self, seconds: float) -> int:
        """Return how many bytes, of whole samples, last that long."""
        return int(seconds * self._rate) * self._sample_bytes

    def new_socket(self) -> None:
        """A socket was opened."""
        self.timeline = SessionTimeline(origin=self.seconds(self.position))
        self._socket_bytes = 0

    def sent(self, size: int) -> None:
        """That many bytes of the caller's audio were sent."""
        self.position += size
        self._socket_bytes += size
        self.sent_bytes += size

    def dropped(self, size: int) -> None:
        """That many bytes will never be sent; the caller's clock goes on."""
        self.position += size

    def rewind(self, size: int) -> None:
        """That many bytes will be sent again."""
        self.position -= size

    def keepalive(self) -> bytes:
        """Return the silence (PCM16) that keeps a socket open, and note it."""
        self.timeline.insert(self.seconds(self._socket_bytes), _KEEPALIVE_SECS)
        pcm = silence(_KEEPALIVE_SECS, self._rate)
        self._socket_bytes += len(pcm)
        return pcm


class PushTimes:
    """When each moment of the caller's audio was pushed: the last few minutes of it."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=_PUSHES)
        self._times: deque[float] = deque(maxlen=_PUSHES)
        self._ahead = self._ahead_at = 0.0
        self.seconds = 0.0

    def pushed(self, seconds: float, now: float) -> None:
        """That much was pushed now."""
        ahead = self._ahead - (now - self._ahead_at) if self._ends else 0.0
        self._ahead = max(-_BURST_SECS, ahead) + seconds
        self._ahead_at = now
        self.seconds += seconds
        self._ends.append(self.seconds)
        self._times.append(now)

    def waited(self, seconds: float) -> None:
        """That long the caller had to wait: it is none the slower for it."""
        self._ahead += seconds

    def ahead(self, now: float) -> float:
        """Return the seconds of audio pushed beyond the time that passed: about 0 for a microphone, many for a file."""
        return self._ahead - (now - self._ahead_at) if self._ends else 0.0

    def when(self, seconds: float) -> float | None:
        """Return when that moment was pushed, on the monotonic clock, or None if that is not known (any more)."""
        place = bisect_left(self._ends, seconds - 0.001)
        return self._times[place] if self._ends and place < len(self._times) else None
