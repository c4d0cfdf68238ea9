"""One utterance on its way to the page: what waits, what was sent, what was played."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, as_pcm16
from smallest_nb.audio.pcm_buffer import PCMBuffer
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets.pcm_pieces import PCMPieces
from smallest_nb.results.segment_latency import StreamLatency

__all__ = ["CHUNK_SECS", "FILL_RATE", "LEAD_SECS", "NOT_OPENED", "START_SECS", "PlayerStream"]

LEAD_SECS = 10.0
"""Seconds of sound the kernel sends ahead of what was played, and of what has arrived; the rest waits here."""

START_SECS = 3.0
"""Of these, seconds that are sent at once; they cover a cell that keeps the GIL for so long right after a press."""

FILL_RATE = 5.0
"""Seconds of sound a second in which the others follow.

JupyterLab handles a message in 5 to 10 ms, and so many at once would keep the page from playing the first of them.
"""

CHUNK_SECS = 0.2
NOT_OPENED = sys.maxsize
"""Of a stream that no page knows yet: later than any message."""
_MAX_BACKLOG = 256 * 2**20
_MAX_KEPT = 96 * 2**20
"""Bytes that are kept after they were played, for a page that goes back to them; a page keeps as many."""


class PlayerStream:
    """Made by `Player.open_stream`; safe to use from any thread.

    Args:
        flush: Called when there is something to send.
        name: Its id in messages.
        sample_rate: Hz; 0 if it is not known before the first sound.
        queued: It plays after those that were opened before.
        sound: What is played while another one writes it; None for a stream that is written itself.

    Attributes:
        name: Its id in messages.
        sample_rate: Hz, or 0 while it is not known.
        opened: Number of the message that opened it in the page.
        length: Samples written.
        sent: Samples sent to the page.
        received: Samples that the page has.
        played: Samples played, or where the page goes on.
        latency: Where the milliseconds went.
    """

    def __init__(
        self,
        flush: Callable[[], None],
        name: str,
        sample_rate: int,
        *,
        queued: bool = False,
        sound: PCMBuffer | None = None,
    ) -> None:
        self._flush = flush
        self.name = name
        self.sample_rate = sample_rate
        self.queued = queued
        self._own: PCMPieces | None = None
        self._sound: PCMPieces | PCMBuffer
        if sound is None:
            self._own = self._sound = PCMPieces()
        else:
            self._sound = sound
        self._lock = threading.Lock()
        self._ended = False
        self._end_sent = False
        self.opened = NOT_OPENED
        self.length = 0
        self.sent = 0
        self.received = 0
        self.played = 0
        self.latency = StreamLatency()

    def write(self, pcm: bytes) -> None:
        """Add PCM16 bytes.

        Raises:
            ConfigError: The stream was ended, or more than 256 MiB wait, or the sound is written by another one.
        """
        data = as_pcm16(pcm)
        with self._lock:
            if self._ended:
                raise ConfigError("This stream was ended; open another one.")
            if self._own is None:
                raise ConfigError("This stream plays a buffer: write to that, and call follow().")
            if (self.length - self.sent) * BYTES_PER_SAMPLE > _MAX_BACKLOG:
                raise ConfigError("More than 256 MiB of sound wait to be played; open the widget's output first.")
            self._own.write(data)
            self.length = len(self._own)
            self._own.drop(_MAX_KEPT, before=min(self.played, self.sent))
        self._flush()

    def follow(self) -> None:
        """Play what was written to the sound meanwhile."""
        with self._lock:
            if not self._ended:
                self.length = len(self._sound)
        self._flush()

    def end(self) -> None:
        """Say that no more will come. Idempotent."""
        with self._lock:
            self._ended = True
        self._flush()

    @property
    def in_flight_secs(self) -> float:
        """Seconds of sound that were sent and not yet played."""
        return (self.sent - self.played) / (self.sample_rate or 1)

    @property
    def on_its_way_secs(self) -> float:
        """Seconds of sound that were sent and have, as far as is known, not arrived."""
        return (self.sent - self.received) / (self.sample_rate or 1)

    def take(self) -> tuple[int, bytes] | None:
        """Return the next piece, with the number of its first sample, or None."""
        with self._lock:
            first, last = self.sent, min(self.length, self.sent + int(CHUNK_SECS * self.sample_rate))
            if first >= last:
                return None
            self.sent = last
            return first, self._sound.read(first, last)

    def go_on_from(self, sample: int) -> bool:
        """Send from a sample on, for a page that has not got it; return whether it is here, or still comes."""
        with self._lock:
            kept_from = 0 if self._own is None else self._own.first
            if sample < kept_from or (sample > self.length and self._ended):
                return False
            self.sent = self.received = sample
            self._end_sent = False
            return True

    def cut(self) -> None:
        """End it with what was sent; nothing more can be written."""
        with self._lock:
            self._ended = True
            self._end_sent = False
            self.length = min(self.length, self.sent)
            if self._own is not None:
                self._own.cut(self.sent)

    def rewind(self) -> None:
        """Go back to the beginning, as if no page had heard of it."""
        if self.go_on_from(0):
            self.played, self.opened = 0, NOT_OPENED
            self.latency.sent = None  # in place: a take holds it

    @property
    def is_empty(self) -> bool:
        """Whether it was ended before its sample rate was known: there is nothing to play."""
        return self._ended and not self.sample_rate

    def finished(self) -> bool:
        """Say, once, that its length is known, so that the page can hear of it."""
        with self._lock:
            if self._end_sent or not self._ended:
                return False
            self._end_sent = True
            return True

    @property
    def all_sent(self) -> bool:
        """Whether nothing of it is to be sent any more."""
        return self._end_sent and self.sent >= self.length
