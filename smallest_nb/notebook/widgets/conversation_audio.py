"""A conversation's ears and mouth in the page: the microphone as its source, the player as its sink."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from smallest_nb.audio.clip import BYTES_PER_SAMPLE
from smallest_nb.errors import FrontEndError
from smallest_nb.notebook.widgets.microphone import Microphone
from smallest_nb.notebook.widgets.player import Player, PlayerStream

__all__ = ["MicrophoneAudio", "PlayerSink"]

_MOST_CHUNKS = 500
"""40 s of sound at 80 ms; the oldest is dropped when the conversation is held up for longer."""
_LEAD_SECS = 10.0
_ANSWER_SECS = 0.6
"""A page says within this where it has paused; else its latest report counts."""
_LOOK_SECS = 0.25


class MicrophoneAudio:
    """What a microphone records, until it stops; an `AudioSource`. Lives on the background loop.

    Args:
        microphone: Records; chunks that come before the iteration are kept.

    Attributes:
        sample_rate: Hz.
        dropped_chunks: Chunks that were dropped because the conversation was held up.
    """

    def __init__(self, microphone: Microphone) -> None:
        self.sample_rate = int(microphone.sample_rate)
        self.dropped_chunks = 0
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_CHUNKS)

    def write(self, pcm: bytes) -> None:
        """Add a chunk."""
        if self._chunks.full():
            self._chunks.get_nowait()
            self.dropped_chunks += 1
        self._chunks.put_nowait(pcm)

    def end(self) -> None:
        """No more comes."""
        if self._chunks.full():
            self._chunks.get_nowait()
        self._chunks.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the chunks as they come."""
        while (pcm := await self._chunks.get()) is not None:
            yield pcm


class PlayerSink:
    """Plays answers in the page, and knows by its reports how much was heard; an `AudioSink`. On the background loop.

    Args:
        player: Plays.
    """

    def __init__(self, player: Player) -> None:
        self._player = player
        self._stream: PlayerStream | None = None
        self._rate = 24000
        self._written = 0
        self._reported = (0.0, monotonic())
        """The position of the latest report, and when it came."""
        self._stopped_at: float | None = None
        self._moved = asyncio.Event()
        player.on_moved(self._report)

    @property
    def position(self) -> float:
        """Seconds of the present answer that were played; between two reports of the page it is extrapolated."""
        if self._stopped_at is not None:
            return self._stopped_at
        if self._stream is None:
            return 0.0
        at, since = self._reported
        ahead = monotonic() - since if self._player.state == "playing" else 0.0
        return min(at + ahead, self._written / self._rate)

    def begin(self, sample_rate: int) -> None:
        """A new answer begins."""
        self._rate, self._written, self._stopped_at = sample_rate, 0, None
        self._stream = self._player.open_stream(sample_rate)
        self._reported = (0.0, monotonic())

    async def write(self, pcm: bytes) -> None:
        """Take PCM16; waits while more than 10 s have not been played."""
        if self._stream is None:
            return
        self._stream.write(pcm)
        self._written += len(pcm) // BYTES_PER_SAMPLE
        while self._player.shown and self._written / self._rate - self.position > _LEAD_SECS:
            await self._wait()

    async def pause(self) -> float:
        """Stop the sound at once and keep the place."""
        self._player.pause()
        await self._wait_for_state("paused", "idle")
        self._stopped_at = self.position
        return self._stopped_at

    async def resume(self) -> None:
        """Go on where it stopped."""
        self._stopped_at = None
        self._reported = (self._reported[0], monotonic())
        self._player.resume()

    async def stop(self) -> float:
        """Stop the sound at once and forget what waits."""
        played = self._stopped_at if self._stopped_at is not None else await self.pause()
        self._player.stop()
        self._stream = None
        return played

    async def finish(self) -> float:
        """Wait until the page has played all that was written.

        Raises:
            FrontEndError: No page shows the widget any more.
        """
        stream = self._stream
        if stream is None:
            return self.position
        stream.end()
        while not (stream.all_sent and stream.played >= stream.sent):
            if not self._player.shown:
                raise FrontEndError("No page shows the conversation any more, so its answer cannot be heard.")
            if stream is not self._stream:
                return self.position
            await self._wait()
        self._stopped_at = self._written / self._rate
        return self._stopped_at

    def _report(self) -> None:
        self._reported = (self._player.position, monotonic())
        self._moved.set()

    async def _wait_for_state(self, *states: str) -> None:
        if not self._player.shown:
            return
        try:
            async with asyncio.timeout(_ANSWER_SECS):
                while self._player.state not in states:
                    await self._wait()
        except TimeoutError:
            pass

    async def _wait(self) -> None:
        """Wait for the page's next report; it reports nothing while nothing changes, and after it has gone."""
        self._moved.clear()
        try:
            async with asyncio.timeout(_LOOK_SECS):
                await self._moved.wait()
        except TimeoutError:
            pass
