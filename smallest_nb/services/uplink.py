"""What goes up to the service, and what must go up again after a loss. Imports protocol, outbox, replay, clock."""

from __future__ import annotations

from collections import deque
from time import monotonic

from smallest_nb.audio import BYTES_PER_SAMPLE
from smallest_nb.protocol import stt as wire
from smallest_nb.services.clock import AudioClock
from smallest_nb.services.outbox import Outbox
from smallest_nb.services.replay import ReplayBuffer
from smallest_nb.transcript import Segment

__all__ = ["Uplink"]

_TAIL_SECS = 0.5
"""A final without times covers what was sent until half a second of audio ago: less than the usual end of speech."""
_LAG_SECS = 0.5
"""... and until this long ago on the clock: a recording is sent much faster than it is heard."""
_SENDS = 1024


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
        self.outbox = Outbox(int(unsent_secs * sample_rate) * BYTES_PER_SAMPLE)
        self.clock = AudioClock(sample_rate)
        self._rate = sample_rate
        self._replay = ReplayBuffer(int(resend_secs * sample_rate) * BYTES_PER_SAMPLE)
        self._in_hand: bytes | str | None = None
        self._finalized_at: int | None = None
        self._sends: deque[tuple[float, int]] = deque(maxlen=_SENDS)
        self.close_sent = False
        self.uncertain_secs = 0.0
        """How much audio the last final may have covered without saying so; it is sent again after a loss."""

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

    def confirm(self, final: Segment, *, from_finalize: bool = False) -> None:
        """Forget the audio that a final covers.

        Args:
            final: The final.
            from_finalize: The service says that it answers a finalize; it does not always say so.
        """
        told = self._finalized_at
        self.uncertain_secs = 0.0
        if told is not None and (from_finalize or final.end is None):
            covered, self._finalized_at = told, None
        elif final.end is not None:
            covered = int(final.end * self._rate) * BYTES_PER_SAMPLE
        else:
            covered = self._covered_at_least()
            self.uncertain_secs = self.clock.seconds(self.clock.position - covered)
        self._replay.confirm(covered)

    def _covered_at_least(self) -> int:
        tail = self.clock.position - int(_TAIL_SECS * self._rate) * BYTES_PER_SAMPLE
        until = monotonic() - _LAG_SECS
        old = next((position for sent, position in reversed(self._sends) if sent <= until), 0)
        return min(tail, old)

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
