"""Where a conversation's voice sounds: a protocol, and a sink that only keeps what was played."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.client.conversation.clock import ConversationClock

__all__ = ["ArraySink", "AudioSink", "PlayedPart"]

_LEAD_SECS = 10.0
_FINEST_WAIT_SECS = 0.002


class AudioSink(Protocol):
    """Plays one answer after the other, and knows how much of the present one was really played.

    Attributes:
        position: Seconds of the present answer that were played; it keeps its value after `stop` until `begin`.
    """

    @property
    def position(self) -> float:
        """Seconds of the present answer that were played."""

    def begin(self, sample_rate: int) -> None:
        """A new answer begins, at so many Hz; the one before has ended or was stopped."""

    async def write(self, pcm: bytes) -> None:
        """Take PCM16; returns as soon as there is room for more."""

    async def pause(self) -> float:
        """Stop the sound at once and keep the place; return `position`."""

    async def resume(self) -> None:
        """Go on where it stopped."""

    async def stop(self) -> float:
        """Stop the sound at once and forget what waits; return `position`."""

    async def finish(self) -> float:
        """Wait until all that was written has been played; return `position`."""


@dataclass(frozen=True, slots=True)
class PlayedPart:
    """A stretch of sound that was played without a gap.

    Attributes:
        answer: Which answer, counted from 0.
        at: When its first sample was played, seconds of the clock.
        clip: The sound.
    """

    answer: int
    at: float
    clip: Clip

    @property
    def until(self) -> float:
        """When its last sample was played."""
        return self.at + self.clip.duration


class ArraySink:
    """Plays nothing, takes as long as playing, and keeps what would have been heard and when.

    Args:
        clock: The clock of the conversation; None for real time.
        keep_secs: Seconds of sound that are kept; the oldest is dropped.

    Attributes:
        parts: What was played, in stretches without a gap.
    """

    def __init__(self, clock: ConversationClock | None = None, *, keep_secs: float = 3600.0) -> None:
        self.clock = clock or ConversationClock()
        self.parts: list[PlayedPart] = []
        self._keep_secs = keep_secs
        self._rate = 24000
        self._answer = -1
        self._pcm = bytearray()  # of the present answer
        self._played = 0.0  # seconds before `_since`
        self._since: float | None = None  # when the present stretch began; None while nothing sounds
        self._from = 0.0  # where in the answer it began
        self._is_paused = False
        self._changed = asyncio.Event()

    @property
    def _written(self) -> float:
        return len(self._pcm) / BYTES_PER_SAMPLE / self._rate

    @property
    def position(self) -> float:
        """Seconds of the present answer that were played."""
        if self._since is None:
            return self._played
        return min(self._written, self._played + self.clock.now() - self._since)

    def begin(self, sample_rate: int) -> None:
        """A new answer begins."""
        self._end_part(self.position)
        self._rate = sample_rate
        self._answer += 1
        self._pcm.clear()
        self._played, self._since, self._is_paused = 0.0, None, False

    async def write(self, pcm: bytes) -> None:
        """Take PCM16; waits while more than 10 s have not been played."""
        self._settle()
        self._pcm += pcm
        self._start()
        while (ahead := self._written - self.position) > _LEAD_SECS:
            await self._wait(ahead - _LEAD_SECS)

    async def pause(self) -> float:
        """Stop at once and keep the place."""
        self._halt()
        self._is_paused = True
        self._changed.set()
        return self._played

    async def resume(self) -> None:
        """Go on where it stopped."""
        self._is_paused = False
        self._start()
        self._changed.set()

    async def stop(self) -> float:
        """Stop at once and forget what waits."""
        self._halt()
        del self._pcm[round(self._played * self._rate) * BYTES_PER_SAMPLE :]
        self._changed.set()
        return self._played

    async def finish(self) -> float:
        """Wait until all that was written has been played."""
        while (left := self._written - self.position) > 1e-6:
            await self._wait(left)
        self._halt()
        return self._played

    def heard(self) -> Clip:
        """Return all that is kept of what was played, one stretch after the other, without the pauses."""
        if not self.parts:
            return Clip(b"", self._rate)
        whole = self.parts[0].clip
        for part in self.parts[1:]:
            whole += part.clip
        return whole

    def _start(self) -> None:
        if self._since is None and not self._is_paused and self._written > self._played:
            self._since, self._from = self.clock.now(), self._played

    def _settle(self) -> None:
        """Note a gap: everything that was written before was played already."""
        if self._since is not None and self._played + self.clock.now() - self._since > self._written:
            self._halt()

    def _halt(self) -> None:
        position = self.position
        self._end_part(position)
        self._played, self._since = position, None

    def _end_part(self, position: float) -> None:
        if self._since is None or position <= self._from:
            return
        first, last = (round(at * self._rate) * BYTES_PER_SAMPLE for at in (self._from, position))
        self.parts.append(PlayedPart(self._answer, self._since, Clip(bytes(self._pcm[first:last]), self._rate)))
        kept = sum(part.clip.duration for part in self.parts)
        while len(self.parts) > 1 and kept > self._keep_secs:
            kept -= self.parts.pop(0).clip.duration
        self._since = None

    async def _wait(self, seconds: float) -> None:
        """Wait so long, or until something else is to be done; a pause has no end of its own."""
        self._changed.clear()
        limit = None if self._is_paused else max(_FINEST_WAIT_SECS, seconds / self.clock.speed)
        try:
            async with asyncio.timeout(limit):
                await self._changed.wait()
        except TimeoutError:
            pass
