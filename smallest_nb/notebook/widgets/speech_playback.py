"""Speech that a player plays while it is received: reads an iterator of audio into a stream of the page."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import AsyncIterable, Callable, Generator, Sequence
from typing import Protocol, Self

from smallest_nb.audio.clip import Clip
from smallest_nb.client import background_loop
from smallest_nb.client.cleanup import adopt_task
from smallest_nb.client.tts_events import AudioChunk, WordTiming
from smallest_nb.common.tracebacks import shorten, shortens
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.notebook.widgets.player_stream import PlayerStream

__all__ = ["Speech", "SpeechPlayback", "SpeechPlayer"]

Speech = AsyncIterable[AudioChunk | WordTiming | Clip]
_log = logging.getLogger(__name__)
_MOST_AHEAD_SECS = 600.0
"""Of sound that was received and not played: then the voice waits for the listener."""
_LOOK_SECS = 0.25
_POLL_SECS = 0.05


class SpeechPlayer(Protocol):
    """What a playback needs of a player."""

    @property
    def shown(self) -> bool:
        """Whether any page shows it."""

    def drop(self, stream: PlayerStream) -> None:
        """Play a stream no further."""

    def show_words(self, stream: PlayerStream, words: Sequence[tuple[str, float, float]], *, estimated: bool) -> None:
        """Show the words of a stream."""


class SpeechPlayback:
    """Speech on its way into a player; `Player.play` makes it.

    `await playback` waits until all of it was received (not until it was heard: that is `await player.wait()`), and
    returns the playback. It raises what the iterator raised; what was received until then is played all the same.
    A cancelled `await`, such as an interrupted cell, cancels the playback.

    Args:
        player: Plays it.
        speech: Yields `AudioChunk`, `Clip` or `WordTiming`; is closed in the end.
        stream: What is played, of a sample rate that the first piece of sound brings.

    Attributes:
        error: What the iterator raised, or None.
        is_cancelled: Whether it was ended before the iterator was.
    """

    def __init__(self, player: SpeechPlayer, speech: Speech, stream: PlayerStream) -> None:
        self.error: BaseException | None = None
        self.is_cancelled = False
        self._player, self._speech, self._stream = player, speech, stream
        self._over = threading.Event()
        self._loop = _running_loop()
        self._words: list[tuple[str, float, float]] = []
        self._future: concurrent.futures.Future[None] | None = None

    def start(self, on_over: Callable[[SpeechPlayback], None]) -> None:
        """Begin to read: on the event loop that runs in this thread, else on the background loop.

        Args:
            on_over: Called when nothing more is read, with the playback, in any thread.
        """
        if self._loop is None:
            self._future = background_loop.submit(self._read())
        else:
            self._future = asyncio.run_coroutine_threadsafe(self._read(), self._loop)
        self._future.add_done_callback(lambda future: self._end(future, on_over))

    @property
    def stream(self) -> PlayerStream:
        """The stream that the player plays."""
        return self._stream

    @property
    def is_done(self) -> bool:
        """Whether nothing more is received, because it is complete, has failed or was cancelled."""
        return self._over.is_set()

    @property
    def duration(self) -> float:
        """Seconds of sound received so far."""
        rate = self._stream.sample_rate
        return self._stream.length / rate if rate else 0.0

    def cancel(self) -> None:
        """Close the iterator, which cancels its request, and stop the sound; from any thread, and again at will."""
        self._player.drop(self._stream)  # first: the end of the reading lets the player go on with what is queued
        if self._future is not None:
            self._future.cancel()

    def result(self, timeout: float | None = None) -> Self:
        """Block until all of it was received, as `await` waits; for scripts and threads.

        Args:
            timeout: Seconds, or None for no limit. The playback goes on after them.

        Raises:
            ConfigError: It is read by the event loop of this very thread, which must not be blocked.
            TimeoutError: It took longer.
            Exception: What the iterator raised.
        """
        if background_loop.on_loop_thread() or (self._loop is not None and self._loop is _running_loop()):
            raise ConfigError("result() would wait for this thread's own event loop; write `await playback`.")
        if not self._over.wait(timeout):
            raise TimeoutError(f"Not all of the speech was received within {timeout:g} s.")
        return self._outcome()

    def __await__(self) -> Generator[None, None, Self]:
        return self._wait().__await__()

    @shortens
    async def _wait(self) -> Self:
        try:
            while not self.is_done:
                await asyncio.sleep(_POLL_SECS)  # `background_loop` says why a cell polls
        except BaseException:
            self.cancel()
            raise
        return self._outcome()

    def _outcome(self) -> Self:
        if self.error is not None:
            raise shorten(self.error)
        return self

    async def _read(self) -> None:
        if (task := asyncio.current_task()) is not None:
            adopt_task(task)
        pieces = aiter(self._speech)
        try:
            async for piece in pieces:
                await self._take(piece)
        finally:
            if (close := getattr(pieces, "aclose", None)) is not None:
                await close()

    async def _take(self, piece: AudioChunk | WordTiming | Clip) -> None:
        if isinstance(piece, WordTiming):
            self._words.append((piece.word, piece.start, piece.end))
            return
        if not isinstance(piece, AudioChunk | Clip):
            raise ConfigError(
                f"{type(piece).__name__} cannot be played; expected AudioChunk, Clip or WordTiming from the iterator, "
                "as `tts.run_tts(text)` yields them."
            )
        stream = self._stream
        if stream.sample_rate and stream.sample_rate != piece.sample_rate:
            raise ConfigError(
                f"The sound changed from {stream.sample_rate} to {piece.sample_rate} Hz; resample it, or play it as "
                "another one with queued=True."
            )
        stream.sample_rate = piece.sample_rate
        try:
            stream.write(piece.pcm)
        except ConfigError:
            if not self.is_done:  # cancelled by another thread meanwhile
                raise
            return
        while self._player.shown and (stream.length - stream.played) / stream.sample_rate > _MOST_AHEAD_SECS:
            await asyncio.sleep(_LOOK_SECS)

    def _end(self, future: concurrent.futures.Future[None], on_over: Callable[[SpeechPlayback], None]) -> None:
        if future.cancelled():
            self.is_cancelled = True
        else:
            self.error = future.exception()
        self._over.set()
        self._stream.end()
        if self._words and not self.is_cancelled:
            self._player.show_words(self._stream, self._words, estimated=False)
        if isinstance(self.error, SmallestError):
            _log.info("speech failed after %.1f s of it: %s", self.duration, self.error)
        elif self.error is not None:
            _log.error("speech failed after %.1f s of it", self.duration, exc_info=self.error)
        on_over(self)

    def __repr__(self) -> str:
        ended = "cancelled" if self.is_cancelled else "failed" if self.error else "complete"
        state = ended if self.is_done else "receiving"
        return f"SpeechPlayback({state}, {self.duration:.1f} s)"


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
