"""Auditions and previews: the latest wins, and what was spoken before is played again at no cost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.audio.pcm_buffer import PCMBuffer
from smallest_nb.client.tts import RetryWait, SmallestTTSService, WordTiming
from smallest_nb.errors import (
    AuthError,
    ConfigError,
    ConnectionLost,
    IncompleteError,
    ModelRetiredError,
    RateLimitError,
    ServiceError,
    SmallestError,
)
from smallest_nb.notebook.widgets.lifetime import weakly
from smallest_nb.notebook.widgets.player import Player, PlayerStream
from smallest_nb.notebook.widgets.usage_meter import UsageMeter
from smallest_nb.results.takes import Take, Takes, TakeWord, estimated_words

__all__ = ["ANSWER_SECS", "AuditionRunner"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
ANSWER_SECS = 15.0
"""How long the service may be silent before a request counts as broken."""
_SILENT_SECS = 3.0
"""How long it may be before the page says so."""
_MOST_PREVIEWS = 24
_MAX_PREVIEW_SECS = 30.0


@dataclass(slots=True)
class _Received:
    """What has come of an audition so far."""

    sound: PCMBuffer = field(default_factory=PCMBuffer)
    words: list[TakeWord] = field(default_factory=list)
    stream: PlayerStream | None = None

    def clip(self, sample_rate: int) -> Clip:
        return self.sound.clip(sample_rate)


class _Preview(NamedTuple):
    """A sample of a voice that was spoken."""

    text: str
    settings: SmallestTTSSettings
    clip: Clip


class AuditionRunner:
    """Speaks one text at a time; a new one cancels the one under way. Runs on the background loop.

    Args:
        service: Speaks.
        player: Plays it.
        takes: Keeps it.
        meter: Counts it.
        on_take: Called with each new take.
        on_replaced: Called with the settings that were asked for and those that speak, when the service replaced a
            withdrawn default model.
        on_refused: Called with the settings and the error when a chosen model was withdrawn; returns what
            the player says.
        on_key_refused: Called when the service refused the key; returns what the player says.
        on_said: Called with the text that is spoken or played from now on; empty for a sample of a voice.

    Attributes:
        current: The take that was played last.
        models_used: The models that spoke.
    """

    def __init__(
        self,
        service: SmallestTTSService,
        player: Player,
        takes: Takes,
        meter: UsageMeter,
        on_take: Callable[[Take], None],
        *,
        on_replaced: Callable[[SmallestTTSSettings, SmallestTTSSettings], None],
        on_refused: Callable[[SmallestTTSSettings, ModelRetiredError], str],
        on_key_refused: Callable[[], str],
        on_said: Callable[[str], None],
    ) -> None:
        self._service = service
        self._player = player
        self._takes = takes
        self._meter = meter
        self._on_take = on_take
        self._on_replaced = on_replaced
        self._on_refused = on_refused
        self._on_key_refused = on_key_refused
        self._on_said = on_said
        self._task: asyncio.Task[Take] | asyncio.Task[Clip] | None = None
        self._own: set[str] = set()
        self._previews: deque[_Preview] = deque(maxlen=_MOST_PREVIEWS)
        self.current: Take | None = None
        self.models_used: set[str] = set()
        service.event_handler("on_retry")(weakly(self._show_retry))

    async def run(
        self, text: str, settings: SmallestTTSSettings, *, fresh: bool = False, play: bool = True, queued: bool = False
    ) -> Take:
        """Speak a text with these settings, in place of what is under way.

        Args:
            text: What to say.
            settings: A complete snapshot.
            fresh: Ask the service even if there is a take of the same text and settings.
            play: Play it in the page; else it is only kept.
            queued: Play it after what sounds, else in its place.

        Raises:
            SmallestError: What went wrong; the player shows it too.
        """
        if not isinstance(text, str):
            raise ConfigError(f"A text is expected, got {type(text).__name__}: {text!r:.80}.")
        self.cancel()
        known = None if fresh else self.find_take(text, settings)
        if known is not None:
            if play:
                self.play(known, queued=queued)
            return known
        self._on_said(text)
        return await self._run_alone(self._speak(text, settings, play=play, queued=queued))

    async def preview(self, text: str, settings: SmallestTTSSettings) -> Clip:
        """Speak a sample of a voice and play it, in place of what is under way; it is no take.

        Args:
            text: A short text.
            settings: A complete snapshot.

        Raises:
            SmallestError: What went wrong; the player shows it too.
        """
        self.cancel()
        self._on_said("")
        known = next((p.clip for p in self._previews if p.text == text and p.settings == settings), None)
        if known is not None:
            self._player.error = ""
            self._player.play(known)
            self._show_preview(settings)
            return known
        return await self._run_alone(self._speak_preview(text, settings))

    async def _run_alone(self, speaking: Coroutine[None, None, _T]) -> _T:
        """Run what speaks as the one task that `cancel` ends."""
        task = asyncio.ensure_future(speaking)
        self._task = task  # type: ignore[assignment]
        # Not in the task itself: one that is cancelled before its first step never comes to its end.
        task.add_done_callback(self._task_done)
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled() and not _cancelling():
                raise SmallestError("The audition was cancelled by stop() or by a newer one.") from None
            task.cancel()
            raise

    def cancel(self) -> None:
        """Cancel what is under way."""
        if self._task is not None and not self._task.done():
            self._task.cancel()

    def _task_done(self, task: asyncio.Task[_T]) -> None:
        if self._task is task:
            self._player.busy = False
            self._player.waiting = {}

    def forget_service(self) -> None:
        """What was spoken up to now came from elsewhere: it is no answer of the service in use."""
        self._own.clear()
        self._previews.clear()

    def play(self, take: Take, *, queued: bool = False) -> None:
        """Play a take again, after what sounds if it is queued."""
        self.cancel()
        self._on_said(take.text)
        self._player.error = ""
        stream = self._player.play(take.clip, queued=queued)
        self._show_words(stream, take)
        self.current = take
        self._player.waterfall = take.waterfall
        self._player.status = f"Take {take.number}"

    def find_take(self, text: str, settings: SmallestTTSSettings) -> Take | None:
        """Return the take that would be played again, or None if the service would be asked."""
        # A take that was loaded did not come from this service: it may be another's, or another rate.
        mine = (t for t in reversed(self._takes) if t.uid in self._own)
        same = (t for t in mine if t.text == text and t.settings == settings)
        return next((t for t in same if t.metrics is not None and t.metrics.complete), None)

    async def _speak(self, text: str, settings: SmallestTTSSettings, *, play: bool, queued: bool) -> Take:
        received = await self._receive_all(text, settings, play=play, queued=queued)
        spoken = self._service.model_fallback.adapt(settings)
        clip = received.clip(self._service.sample_rate)
        take = Take(
            number=self._takes.next_number,
            text=text,
            settings=spoken,
            clip=clip,
            metrics=self._service.metrics[-1],
            words=tuple(received.words) or estimated_words(text, clip),
            stream=received.stream.latency if received.stream is not None else None,
        )
        if received.stream is not None:
            self._show_words(received.stream, take)
        self.models_used.add(str(spoken.model))
        self._own = {t.uid for t in self._takes if t.uid in self._own} | {take.uid}
        self.current = take
        self._on_take(take)
        return take

    async def _speak_preview(self, text: str, settings: SmallestTTSSettings) -> Clip:
        received = await self._receive_all(text, settings, play=True, queued=False, is_preview=True)
        clip = received.clip(self._service.sample_rate)
        if clip.duration <= _MAX_PREVIEW_SECS:
            self._previews.append(_Preview(text, settings, clip))
        self._show_preview(settings)
        return clip

    async def _receive_all(
        self, text: str, settings: SmallestTTSSettings, *, play: bool, queued: bool, is_preview: bool = False
    ) -> _Received:
        """Have the service speak, show what it does, and count it."""
        player, received = self._player, _Received()
        player.error = ""
        player.status = "Waiting for the service…"
        player.waterfall, player.waiting = {}, {}
        player.busy = True
        self.current = None
        silent = asyncio.get_running_loop().call_later(_SILENT_SECS, self._say_silent, received)
        counted = False
        try:
            await self._service.update_settings(settings)
            self._meter.begin(len(text))
            counted = True
            await self._receive(text, received, play=play, queued=queued)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            player.error = self._error_text(error, settings, is_preview=is_preview)
            _log.info("an audition failed: %s", error)
            raise
        finally:
            silent.cancel()
            player.status, player.waiting = "", {}
            spoken = self._service.model_fallback.adapt(settings)
            if spoken is not settings and not is_preview:
                self._on_replaced(settings, spoken)
            if received.stream is not None:
                received.stream.end()
            if counted:
                samples = len(received.sound)
                self._meter.end(samples / self._service.sample_rate, unspoken=0 if samples else len(text))
        return received

    async def _receive(self, text: str, received: _Received, *, play: bool, queued: bool) -> None:
        async with contextlib.aclosing(self._service.run_tts(text, into=received.sound)) as events:
            async for event in events:
                if isinstance(event, WordTiming):
                    received.words.append(TakeWord(event.word, event.start, event.end))
                    continue
                if not event.start:
                    self._player.status, self._player.waiting = "", {}
                if play and received.stream is None:
                    received.stream = self._player.open_stream(event.sample_rate, queued=queued, sound=received.sound)
                if received.stream is not None:
                    received.stream.follow()

    def _error_text(self, error: Exception, settings: SmallestTTSSettings, *, is_preview: bool) -> str:
        if isinstance(error, ModelRetiredError) and not is_preview:
            return self._on_refused(settings, error)
        if isinstance(error, AuthError):
            return self._on_key_refused()
        if isinstance(error, IncompleteError):
            came = f"{error.clip.duration:.1f} s of it came" if error.clip.duration else "No sound came"
            return f"{error.happened}. {came}: press Speak to try again."
        return str(error) or type(error).__name__

    def _say_silent(self, received: _Received) -> None:
        if not len(received.sound) and not self._player.waiting:
            self._player.status = (
                f"The service has not answered for {_SILENT_SECS:.0f} s. "
                f"After {ANSWER_SECS:.0f} s without sound the request ends."
            )

    def _show_retry(self, _service: SmallestTTSService, retry: RetryWait) -> None:
        if self._player.busy:
            self._player.waiting = {
                "why": _reason(retry.error), "seconds": round(retry.seconds, 1), "attempt": retry.attempt,
                "of": retry.most,
            }  # fmt: skip

    def _show_preview(self, settings: SmallestTTSSettings) -> None:
        self._player.waterfall = {}
        self._player.status = f"Preview of {settings.voice}"

    def _show_words(self, stream: PlayerStream, take: Take) -> None:
        self._player.show_words(stream, [(w.text, w.start, w.end) for w in take.words], estimated=take.words_estimated)


def _reason(error: SmallestError) -> str:
    """Say why the service is asked again."""
    if isinstance(error, RateLimitError):
        return "The service is busy"
    if isinstance(error, ServiceError):
        return f"The service has a fault (HTTP {error.status})"
    return "The connection was lost" if isinstance(error, ConnectionLost) and error.code else "No connection"


def _cancelling() -> bool:
    """Say whether the task that awaits was cancelled itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
