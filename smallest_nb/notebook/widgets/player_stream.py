"""One utterance on its way to the page: what waits, what was sent, what was played."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, as_pcm16
from smallest_nb.errors import ConfigError
from smallest_nb.results.segment_latency import StreamLatency

__all__ = ["CHUNK_SECS", "LEAD_SECS", "PlayerStream"]

LEAD_SECS = 10.0
"""Seconds of sound the kernel sends ahead of what was played; the rest waits here."""

CHUNK_SECS = 0.2
_MAX_BACKLOG = 256 * 2**20


class PlayerStream:
    """Made by `Player.open_stream`; safe to use from any thread.

    Args:
        flush: Called when there is something to send.
        name: Its id in messages.
        sample_rate: Hz.
        queued: It plays after those that were opened before.

    Attributes:
        name: Its id in messages.
        sample_rate: Hz.
        opened: Number of the message that opened it in the page.
        sent: Samples sent to the page.
        played: Samples played.
        latency: Where the milliseconds went.
    """

    def __init__(self, flush: Callable[[], None], name: str, sample_rate: int, *, queued: bool = False) -> None:
        self._flush = flush
        self.name = name
        self.sample_rate = sample_rate
        self.queued = queued
        self._pending: deque[bytes] = deque()
        self._waiting = 0
        self._lock = threading.Lock()
        self._ended = False
        self._end_sent = False
        self.opened = 0
        self.sent = 0
        self.played = 0
        self.latency = StreamLatency()

    def write(self, pcm: bytes) -> None:
        """Add PCM16 bytes.

        Raises:
            ConfigError: The stream was ended, or more than 256 MiB wait.
        """
        data = as_pcm16(pcm)
        with self._lock:
            if self._ended:
                raise ConfigError("This stream was ended; open another one.")
            if self._waiting > _MAX_BACKLOG:
                raise ConfigError("More than 256 MiB of sound wait to be played; open the widget's output first.")
            self._pending.append(data)
            self._waiting += len(data)
        self._flush()

    def end(self) -> None:
        """Say that no more will come. Idempotent."""
        with self._lock:
            self._ended = True
        self._flush()

    @property
    def in_flight_secs(self) -> float:
        """Seconds of sound that were sent and not yet played."""
        return (self.sent - self.played) / self.sample_rate

    def take(self) -> tuple[int, bytes] | None:
        """Return the next piece, with the number of its first sample, or None."""
        most = int(CHUNK_SECS * self.sample_rate) * BYTES_PER_SAMPLE
        with self._lock:
            if not self._pending:
                return None
            piece = self._pending.popleft()
            while self._pending and len(piece) + len(self._pending[0]) <= most:
                piece += self._pending.popleft()
            if len(piece) > most:
                self._pending.appendleft(piece[most:])
                piece = piece[:most]
            self._waiting -= len(piece)
            first = self.sent
            self.sent += len(piece) // BYTES_PER_SAMPLE
            return first, piece

    def finished(self) -> bool:
        """Say, once, that everything was sent, so that the end can be."""
        with self._lock:
            if self._end_sent or not self._ended or self._pending:
                return False
            self._end_sent = True
            return True

    @property
    def all_sent(self) -> bool:
        """Whether nothing of it is to be sent any more."""
        return self._end_sent
