"""What goes up to the service, and what must go up again after a loss."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import NamedTuple

from smallest_nb.api import stt_wire as wire
from smallest_nb.audio.clip import BYTES_PER_SAMPLE
from smallest_nb.client.audio_clock import AudioClock
from smallest_nb.client.send_queue import SendQueue
from smallest_nb.client.unacknowledged_audio import ReplayBuffer
from smallest_nb.results.transcript import Segment

__all__ = ["Coverage", "Uplink"]

_TAIL_SECS = 2.0
"""A final without times covers what was sent until so much audio ago: the service's documented time from the end of
speech to a final is 1.59 s (99th percentile). What is sent again for it is found by its words (`TextAlignment`)."""
_LAG_SECS = 2.0
"""... and until this long ago on the clock: a recording is sent much faster than it is heard."""
_SENDS = 1024
_ROUNDING_SECS = 0.1


class Coverage(NamedTuple):
    """How much of the caller's audio a final covers, in bytes from the start: surely so much, possibly so much."""

    at_least: int
    at_most: int


class Uplink:
    """The outbox, what the service has not yet transcribed, and the clock that counts both.

    An item goes `take` -> (sent on a socket) -> `sent`; after a loss, `restore` puts everything that no final
    covers in front of the outbox again, in order.

    Args:
        sample_rate: Hz.
        unsent_secs: Seconds of audio kept before it is sent.
        resend_secs: Seconds of audio kept after that, until it is transcribed.
    """

    def __init__(self, sample_rate: int, unsent_secs: float, resend_secs: float) -> None:
        self.unsent_secs = unsent_secs
        self.resend_secs = resend_secs
        self.outbox = SendQueue(int(unsent_secs * sample_rate) * BYTES_PER_SAMPLE)
        self.clock = AudioClock(sample_rate)
        self._rate = sample_rate
        self._replay = ReplayBuffer(int(resend_secs * sample_rate) * BYTES_PER_SAMPLE)
        self._in_hand: bytes | str | None = None
        self._finalized_at: int | None = None
        self._sends: deque[tuple[float, int]] = deque(maxlen=_SENDS)
        self.close_sent = False
        self.acknowledged = 0
        """Bytes of the caller's audio that are transcribed for certain, on whichever socket."""

    @property
    def untranscribed(self) -> bool:
        """Whether audio was sent that no final covers."""
        return bool(self._replay)

    def put_audio(self, data: bytes) -> int:
        """Append audio; return how many bytes of older audio had to go."""
        lost = self.outbox.put(data)
        self.clock.dropped(lost)
        return lost

    def take(self) -> None:
        """Hold the next item."""
        self._in_hand = self.outbox.get()

    def hold(self, item: bytes | str) -> None:
        """Hold an item that is sent out of turn."""
        self._in_hand = item

    @property
    def in_hand(self) -> bytes | str | None:
        """The item that is being sent; None where a loss took it back."""
        return self._in_hand

    def sent(self) -> None:
        """The item in hand is on the socket."""
        item, self._in_hand = self._in_hand, None
        if isinstance(item, bytes):
            self._replay.sent(self.clock.position, item)
            self.clock.sent(len(item))
            self._sends.append((monotonic(), self.clock.position))
            self.outbox.wake()
        elif item == wire.FINALIZE:
            self._finalized_at = self.clock.position
        elif item is not None:
            self.close_sent = True

    def new_socket(self) -> None:
        """A socket was opened: the service's clock starts at zero, and nothing of earlier sockets was sent on it."""
        self.clock.new_socket()
        self._sends.clear()

    def confirm(self, final: Segment, *, from_finalize: bool = False, ends_exactly: bool = True) -> Coverage:
        """Forget the audio that a final covers.

        Args:
            final: The final.
            from_finalize: The service says that it answers a finalize; it does not always say so.
            ends_exactly: Whether `final.end` is the end of its last word, and not of one before.
        """
        finalized, here = self._finalized_at, self.clock.position
        end_is_known = final.end is not None and self.clock.seconds(here) + _ROUNDING_SECS >= final.end
        ends_exactly = ends_exactly and end_is_known  # no service has heard what was not sent
        if finalized is not None and (from_finalize or not ends_exactly):
            self._finalized_at = None
            covered = Coverage(finalized, finalized)
        elif final.end is None or not end_is_known:
            covered = Coverage(self._covered_at_least(), here)
        else:
            end = min(int(final.end * self._rate) * BYTES_PER_SAMPLE, here)
            covered = Coverage(end, end if ends_exactly else here)
        self._replay.confirm(covered.at_least)
        self.acknowledged = max(self.acknowledged, covered.at_least)
        return covered

    def _covered_at_least(self) -> int:
        tail = self.clock.position - int(_TAIL_SECS * self._rate) * BYTES_PER_SAMPLE
        until = monotonic() - _LAG_SECS
        old = next((position for sent, position in reversed(self._sends) if sent <= until), 0)
        return max(0, min(tail, old))

    def restore(self) -> int:
        """Put what the lost socket did not transcribe in front of the outbox. Idempotent.

        Returns:
            Bytes that were sent too long ago to be kept, and are lost.
        """
        pieces, forgotten = self._replay.take()
        self.clock.rewind(sum(map(len, pieces)))
        again: list[bytes | str] = [*pieces]
        if self._finalized_at is not None:
            again.append(wire.FINALIZE)
        if self._in_hand is not None:
            again.append(self._in_hand)
        if self.close_sent:
            again.append(wire.CLOSE_STREAM)
        self._finalized_at = self._in_hand = None
        self.close_sent = False
        self.outbox.put_front(again)
        return forgotten
