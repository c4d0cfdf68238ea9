"""Audio that was sent but not yet transcribed, kept to be sent again on another socket."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from smallest_nb.api.segment import Segment
from smallest_nb.client.audio_clock import AudioClock

__all__ = ["Coverage", "UnacknowledgedAudio"]

_TAIL_SECS = 2.0
"""A final without times covers what was sent until so much audio ago: the service's documented time from the end of
speech to a final is 1.59 s (99th percentile). What is sent again for it is found by its words (`TextAlignment`)."""
_LAG_SECS = 2.0
"""... and until this long ago on the clock: a recording is sent much faster than it is heard."""
_SENDS = 1024
_SEND_SECS = 0.1
"""Between two notes of how much was sent: a note for each block would cost more than it is worth."""
_FINALIZES = 64
_ROUNDING_SECS = 0.1


class Coverage(NamedTuple):
    """How much of the caller's audio a final covers, in bytes from the start: surely so much, possibly so much."""

    at_least: int
    at_most: int


class UnacknowledgedAudio:
    """Keeps what was sent since the last final, bounded, and decides how much of it a final covers.

    Args:
        clock: Counts what is sent.
        limit: Bytes kept; the oldest is forgotten first, and counted by `take_back` unless a final covers it.
        sample_bytes: Bytes of one sample.
        is_timed: Whether bytes can be reckoned in seconds; a compressed stream's cannot.

    Attributes:
        acknowledged: Bytes of the caller's audio that are transcribed for certain, on whichever socket.
    """

    def __init__(self, clock: AudioClock, limit: int, *, sample_bytes: int, is_timed: bool) -> None:
        self._clock = clock
        self._limit = limit
        self._sample_bytes = sample_bytes
        self._is_timed = is_timed
        self._pieces: deque[bytes] = deque()
        self._bytes = 0
        self._settled = 0
        self._sends: deque[tuple[float, int]] = deque(maxlen=_SENDS)
        self._is_answered = False
        self.acknowledged = 0
        self._finalizes: deque[int] = deque(maxlen=_FINALIZES)

    def __len__(self) -> int:
        return self._bytes

    @property
    def awaits_finalize(self) -> bool:
        """Whether a `finalize` is not answered yet."""
        return bool(self._finalizes)

    def sent(self, audio: bytes, now: float) -> None:
        """A piece is on the socket."""
        clock = self._clock
        self._pieces.append(audio)
        self._bytes += len(audio)
        clock.sent(len(audio))
        if not self._sends or now - self._sends[-1][0] >= _SEND_SECS:
            self._sends.append((now, clock.position))
        while self._bytes > self._limit:
            self._bytes -= len(self._pieces.popleft())

    def tail(self, size: int) -> bytes:
        """Return the last bytes that were sent and are not transcribed, at most so many."""
        pieces: deque[bytes] = deque()
        for piece in reversed(self._pieces):
            if size <= 0:
                break
            pieces.appendleft(piece[-size:])
            size -= len(piece)
        return b"".join(pieces)

    def dropped(self, size: int) -> None:
        """That many bytes, the next ones, will never be sent, and this was reported."""
        self._clock.dropped(size)
        self._settled += size

    def finalize_sent(self) -> None:
        """A `finalize` is on the socket."""
        self._finalizes.append(self._clock.position)
        self._is_answered = False

    def new_socket(self) -> None:
        """A socket was opened, on which nothing was sent."""
        self._sends.clear()

    def confirm(
        self, final: Segment, now: float, *, from_finalize: bool = False, ends_exactly: bool = True
    ) -> Coverage:
        """Forget the audio that a final covers.

        Args:
            final: The final.
            now: Seconds on a monotonic clock.
            from_finalize: The service says that it answers a finalize; it does not always say so.
            ends_exactly: Whether `final.end` is the end of its last word, and not of one before.
        """
        here = self._clock.position
        end = final.end if self._is_timed else None
        if end is not None and self._clock.seconds(here) + _ROUNDING_SECS < end:
            end = None  # no service has heard what was not sent
        is_inexact = end is None or not ends_exactly
        if self._finalizes and (from_finalize or (is_inexact and not self._is_answered)):
            finalized = self._finalizes.popleft()
            covered = Coverage(finalized, finalized)
        elif end is None:
            covered = Coverage(self._covered_at_least(now), here)
        else:
            until = min(self._clock.size(end), here)
            covered = Coverage(until, until if ends_exactly else here)
        # A final with times may be the answer to a finalize or not; one without that comes after it surely is not.
        if self._is_answered and is_inexact:
            self._finalizes.clear()
        self._is_answered = bool(self._finalizes) and not is_inexact
        self._forget(covered.at_least)
        self.acknowledged = max(self.acknowledged, covered.at_least)
        return covered

    def _covered_at_least(self, now: float) -> int:
        tail = self._clock.position - self._clock.size(_TAIL_SECS)
        old = next((position for sent, position in reversed(self._sends) if sent <= now - _LAG_SECS), 0)
        return max(0, min(tail, old))

    def _forget(self, position: int) -> None:
        self._settled = max(self._settled, position)
        covered = position - (self._clock.position - self._bytes)  # what is kept ends where the sending stands
        while self._pieces and covered > 0:
            audio = self._pieces.popleft()
            self._bytes -= len(audio)
            keep = audio[covered // self._sample_bytes * self._sample_bytes :]
            covered -= len(audio)
            if keep:
                self._pieces.appendleft(keep)
                self._bytes += len(keep)
                break

    def take_back(self) -> tuple[list[bytes], int]:
        """Return everything that is kept, oldest first, to be sent again, and how many bytes are lost.

        Lost is what no final covers and was forgotten since; it is counted once.
        """
        pieces = list(self._pieces)
        self._pieces.clear()
        self._bytes = 0
        self._clock.rewind(sum(map(len, pieces)))
        lost = max(0, self._clock.position - self._settled)
        self._settled = self._clock.position
        self._finalizes.clear()
        return pieces, lost
