"""A clip that plays the microphone's part: same chunks, same handlers."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from numbers import Real
from time import monotonic

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.client import background_loop
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets.microphone_source import SourceReport

__all__ = ["ClipSource", "check_pace"]


def check_pace(pace: float) -> None:
    """Refuse what is no positive multiple of real time.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(pace, bool) or not isinstance(pace, Real) or not pace > 0:  # so written, it refuses NaN too
        raise ConfigError(f"pace={pace!r} cannot be used; expected a positive multiple of real time.")


class ClipSource:
    """Plays one clip at a time.

    Args:
        clip: What `start` plays, or None.
        state: Returns the microphone's state, which must be "idle" for a clip to begin.
        sample_rate: Returns Hz of what comes out.
        chunk_ms: Returns the length of a chunk.
        progress: Called with the fraction of the clip that was played, a hundred times at most.
    """

    on_pcm: Callable[[bytes], None]
    on_state: Callable[[SourceReport], None]

    def __init__(
        self,
        clip: Clip | None,
        *,
        state: Callable[[], str],
        sample_rate: Callable[[], int],
        chunk_ms: Callable[[], int],
        progress: Callable[[float], None],
    ) -> None:
        self.clip = clip
        self._state = state
        self._sample_rate = sample_rate
        self._chunk_ms = chunk_ms
        self._progress = progress
        self._playing: concurrent.futures.Future[None] | None = None
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether a clip plays, or is about to: the microphone's state says so only once the loop has begun."""
        return self._playing is not None and not self._playing.done()

    def start(self) -> None:
        """Play the clip in real time."""
        if self.clip is not None:
            self.play(self.clip, 1.0)

    def stop(self) -> None:
        """End the clip at once."""
        playing = self._playing
        if playing is not None:
            playing.cancel()

    def play(self, clip: Clip, pace: float) -> concurrent.futures.Future[None]:
        """Play a clip at a multiple of real time; from any thread.

        Raises:
            ConfigError: A recording or another clip is running, or `pace` is not positive.
        """
        check_pace(pace)
        resampled = clip.resample(self._sample_rate())
        with self._lock:
            if self.busy:
                raise ConfigError("The microphone plays a clip already; stop it before feeding another one.")
            self._check_idle()
            self._playing = background_loop.submit(self._play(resampled, pace))
            return self._playing

    def _check_idle(self) -> None:
        if self._state() != "idle":
            raise ConfigError(f"The microphone is {self._state()}; stop it before feeding a clip.")

    async def _play(self, clip: Clip, pace: float) -> None:
        self._check_idle()  # a recording may have begun meanwhile
        rate = clip.sample_rate
        size = rate * self._chunk_ms() // 1000 * BYTES_PER_SAMPLE
        self.on_state(SourceReport("recording"))
        started = monotonic()
        try:
            for at in range(0, len(clip.pcm), size):
                self.on_pcm(clip.pcm[at : at + size])
                self._progress(round(min(1.0, (at + size) / len(clip.pcm)), 2))
                due = started + (at + size) / BYTES_PER_SAMPLE / rate / pace
                await asyncio.sleep(max(0.0, due - monotonic()))
            self._playing = None  # a handler of "idle" may feed the next one
        finally:
            self.on_state(SourceReport("idle"))
