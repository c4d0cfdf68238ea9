"""Auditions: latest wins, what was heard before is heard again for nothing. Runs on the background loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from smallest_nb.audio import Clip
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.services.tts import AudioChunk, SmallestTTSService, WordTiming
from smallest_nb.settings import SmallestTTSSettings
from smallest_nb.takes import Take, Takes, TakeWord, estimated_words
from smallest_nb.widgets.meter import Meter
from smallest_nb.widgets.player import Player, PlayerStream

__all__ = ["Auditions"]

_log = logging.getLogger(__name__)


class Auditions:
    """Speaks one text at a time; a new one cancels the one under way.

    Args:
        service: Who speaks.
        player: Where it is heard.
        takes: Where it is kept.
        meter: Where it is counted.
        kept: Called with each new take.

    Attributes:
        heard: The take that was played last.
    """

    def __init__(
        self, service: SmallestTTSService, player: Player, takes: Takes, meter: Meter, kept: Callable[[Take], None]
    ) -> None:
        self._service = service
        self._player = player
        self._takes = takes
        self._meter = meter
        self._kept = kept
        self._task: asyncio.Task[Take] | None = None
        self._own: set[str] = set()
        self.heard: Take | None = None

    async def latest(self, text: str, settings: SmallestTTSSettings, *, fresh: bool = False) -> Take:
        """Hear a text with these settings, in place of what is under way.

        Args:
            text: What to say.
            settings: A complete snapshot.
            fresh: Ask the service even where there is a take of the same text and settings.

        Raises:
            SmallestError: What went wrong; the player shows it too.
        """
        if not isinstance(text, str):
            raise ConfigError(f"A text is expected, got {type(text).__name__}: {text!r:.80}.")
        self.cancel()
        known = None if fresh else self.known(text, settings)
        if known is not None:
            self.play(known)
            return known
        self._task = task = asyncio.ensure_future(self._speak(text, settings))
        # Not in the task itself: one that is cancelled before its first step never comes to its end.
        task.add_done_callback(self._at_rest)
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled() and not _cancelling():
                raise SmallestError("The audition was given up: stop() or a newer one took its place.") from None
            task.cancel()
            raise

    def cancel(self) -> None:
        """Give up what is under way."""
        if self._task is not None and not self._task.done():
            self._task.cancel()

    def _at_rest(self, task: asyncio.Task[Take]) -> None:
        if self._task is task:
            self._player.busy = False

    def play(self, take: Take) -> None:
        """Hear a take again."""
        self.cancel()
        self._player.error = ""
        stream = self._player.play(take.clip)
        self._show_words(stream, take)
        self.heard = take
        self._player.waterfall = take.waterfall
        self._player.status = repr(take)

    def known(self, text: str, settings: SmallestTTSSettings) -> Take | None:
        """Return the take that would be heard again, or None where the service would be asked."""
        # A take that was loaded is no answer of this service: it may be another's, or another rate.
        mine = (t for t in reversed(self._takes) if t.uid in self._own)
        same = (t for t in mine if t.text == text and t.settings == settings)
        return next((t for t in same if t.metrics is not None and t.metrics.complete), None)

    async def _speak(self, text: str, settings: SmallestTTSSettings) -> Take:
        player = self._player
        player.error = player.status = ""
        player.busy = True
        stream: PlayerStream | None = None
        pieces: list[bytes] = []
        words: list[TakeWord] = []
        counted = False
        try:
            await self._service.update_settings(settings)
            self._meter.begun(len(text))
            counted = True
            async with contextlib.aclosing(self._service.run_tts(text)) as events:
                async for event in events:
                    if isinstance(event, AudioChunk):
                        stream = stream or player.open_stream(event.sample_rate)
                        stream.write(event.pcm)
                        pieces.append(event.pcm)
                    elif isinstance(event, WordTiming):
                        words.append(TakeWord(event.word, event.start, event.end))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            player.error = str(error) or type(error).__name__
            _log.info("an audition failed: %s", error)
            raise
        finally:
            if stream is not None:
                stream.end()
            if counted:
                seconds = sum(map(len, pieces)) / 2 / self._service.sample_rate
                self._meter.ended(seconds, unspoken=0 if pieces else len(text))
        clip = Clip(b"".join(pieces), self._service.sample_rate)
        take = Take(
            number=self._takes.next_number,
            text=text,
            settings=settings,
            clip=clip,
            metrics=self._service.metrics[-1],
            words=tuple(words) or estimated_words(text, clip),
            stream=stream.latency if stream is not None else None,
        )
        if stream is not None:
            self._show_words(stream, take)
        self._own = {t.uid for t in self._takes if t.uid in self._own} | {take.uid}
        self.heard = take
        self._kept(take)
        return take

    def _show_words(self, stream: PlayerStream, take: Take) -> None:
        self._player.show_words(stream, [(w.text, w.start, w.end) for w in take.words], estimated=take.words_estimated)


def _cancelling() -> bool:
    """Say whether whoever awaits was cancelled itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
