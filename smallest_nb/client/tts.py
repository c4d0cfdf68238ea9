"""Text to speech: streams synthesized audio.

One utterance is in flight at a time, because the basic plan allows one. It is sent sentence by sentence, as one
continuation where the endpoint has them. An interruption leaves the socket and goes on with a spare one, so that no
late frame can reach the next utterance and no handshake is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from collections import deque
from collections.abc import AsyncGenerator
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from smallest_nb.api import tts_wire as wire
from smallest_nb.api.catalog import TTS_SAMPLE_RATES
from smallest_nb.api.error_shapes import error_from_frame
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.client import target as targets
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.cleanup import start_task, to_the_end
from smallest_nb.client.connection import Connection, State
from smallest_nb.client.events import EventEmitter
from smallest_nb.client.frame_log import FrameLog
from smallest_nb.client.keepalive_answers import KeepaliveAnswers
from smallest_nb.client.loop_owner import LoopOwner
from smallest_nb.client.model_fallback import ModelFallback, is_withdrawal, with_model_named
from smallest_nb.client.settings_warnings import SettingsWarnings
from smallest_nb.client.speaker import Speaker
from smallest_nb.client.text_input import Text, add_text, check_text, feed_tokens
from smallest_nb.client.utterance import AudioChunk, Part, Utterance, WordTiming
from smallest_nb.common.tracebacks import shortens_methods
from smallest_nb.errors import ConfigError, ConnectionLost, ModelRetiredError, SmallestError
from smallest_nb.results.metrics import MetricsLog, TTSMetrics

if TYPE_CHECKING:
    from smallest_nb.client.transport import Transport
    from smallest_nb.common.secret import Secret

__all__ = ["AudioChunk", "SmallestTTSService", "WordTiming"]

_log = logging.getLogger(__name__)
_OLD_IDS = 256
_TASK_SECS = 2.0
"""How long a cancelled task is waited for."""


@shortens_methods("connect", "close", "rest", "update_settings", "synthesize", "interrupt")
class SmallestTTSService(EventEmitter):
    """Streams speech from Smallest AI's Lightning models.

    Args:
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives.
        base_url: `wss://api.smallest.ai` unless told otherwise.
        sample_rate: 8000, 16000, 24000 or 44100 Hz; None means 24000.
        settings: A delta over the documented defaults.
        endpoint: None chooses by model; "legacy" takes the per-model URL.
        keepalive_secs: Seconds of quiet before a keepalive.
        rest_secs: Seconds without a request after which the sockets are closed instead; the next request opens one
            again. None keeps them open for ever.
        open_timeout: Seconds for one handshake.
        audio_timeout: Seconds without a frame after which a request counts as broken.
        max_retries: Further attempts after a connection failed or was lost, in a row without a sentence completed; what
            a loss cut off is spoken again, from the first sentence that was not completely received.
        spare_socket: Keep a second socket ready while an utterance sounds, so that an interruption costs no handshake.
        target: Where to connect, in place of `api_key` and `base_url`.
        transport: What opens the sockets; None for the network, or the cassette that runs.

    Raises:
        ConfigError: A value that cannot work.
        AuthError: No key.

    Example:
        >>> async with SmallestTTSService(settings=SmallestTTSService.Settings(speed=1.2)) as tts:
        ...     async for event in tts.run_tts("Hello"):
        ...         ...
    """

    Settings = SmallestTTSSettings

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        sample_rate: int | None = None,
        settings: SmallestTTSSettings | None = None,
        endpoint: str | None = None,
        keepalive_secs: float = 30.0,
        rest_secs: float | None = None,
        open_timeout: float = 10.0,
        audio_timeout: float = 15.0,
        max_retries: int = 3,
        spare_socket: bool = True,
        target: targets.Target | None = None,
        transport: Transport | None = None,
    ) -> None:
        api_key, base_url = targets.boxed(api_key, base_url)
        super().__init__()
        self._owner = LoopOwner("SmallestTTSService")
        if sample_rate is not None and sample_rate not in TTS_SAMPLE_RATES:
            raise ConfigError(
                f"sample_rate={sample_rate!r} is not synthesized; choose one of {TTS_SAMPLE_RATES}, or None for 24000."
            )
        self.sample_rate = sample_rate or 24000
        self._settings = SmallestTTSSettings.complete()
        if settings is not None:
            self._settings, _ = self._settings.merged(settings)
        self._endpoint = endpoint
        wire.is_unified(str(self._settings.model), endpoint)  # refuses a bad endpoint now rather than at connecting
        self.target = target or targets.resolve(api_key, base_url, transport)
        self._audio_timeout = audio_timeout
        self._turn = asyncio.Lock()
        self._current: Utterance | None = None
        self._driver: asyncio.Task[None] | None = None
        self._retry = RetryPolicy(max_retries)
        self._frame_log = FrameLog(_log, "TTS")
        self._spare_socket = spare_socket
        self._keepalive_answers = KeepaliveAnswers()
        self._rest_secs = rest_secs
        self._used_at = monotonic()
        self._old_ids: deque[str] = deque(maxlen=_OLD_IDS)
        self._reopen = False
        self._remarks = SettingsWarnings()
        self.model_fallback = ModelFallback()
        self.metrics: MetricsLog[TTSMetrics] = MetricsLog()
        self.stray_frames = 0
        self._connection = Connection(
            self.target,
            self._url,
            retry=self._retry,
            on_frame=self._on_frame,
            on_frame_error=self._on_frame_error,
            on_lost=self._on_lost,
            keepalive=self._keepalive,
            keepalive_secs=keepalive_secs,
            open_timeout=open_timeout,
            transport=transport,
            give_up=self._give_up,
        )
        self._remarks.tell(self._settings)

    @property
    def settings(self) -> SmallestTTSSettings:
        """The complete settings that the next request will use."""
        return self._settings

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return self._connection.state is State.OPEN

    async def connect(self) -> None:
        """Open the socket unless it is open.

        Raises:
            AuthError, ModelRetiredError, RateLimitError, ServiceError, ConnectionLost: After the last retry.
        """
        if self._current is None:
            self._retry.begin()
        await self._open()

    async def _open(self, after: SmallestError | None = None) -> float | None:
        self._owner.claim()
        try:
            took = await self._connection.open(after=after)
        except SmallestError as error:
            if isinstance(error, ModelRetiredError) and self._replace_model():
                return await self._open()
            if error is not after:  # else it was reported when the socket was lost
                self._fire("on_connection_error", str(error))
            raise with_model_named(error, self._asked) from error.__cause__
        self._used_at = monotonic()
        if took is not None:
            self._on_socket()
        return took

    def _on_socket(self) -> None:
        self._keepalive_answers.new_socket()
        self._old_ids.clear()
        self._fire("on_connected")

    @property
    def _asked(self) -> SmallestTTSSettings:
        return self._current.settings if self._current else self._settings

    def _url(self) -> str:
        return wire.tts_url(self.target.base_url, str(self._asked.model), endpoint=self._endpoint)

    def _replace_model(self) -> bool:
        """Go on with the replacement of a withdrawn model, unless the caller chose it."""
        if not self.model_fallback.note_refusal(self._asked):
            return False
        self._settings = self.model_fallback.adapt(self._settings)
        if self._current is not None:
            self._current.settings = self.model_fallback.adapt(self._current.settings)
        self._endpoint = None  # a replacement has no URL of its own
        return True

    async def rest(self) -> None:
        """Close the sockets after the request under way; the next one opens one again."""
        self._owner.check()
        await self._turn.acquire()
        try:
            if self.connected:
                await self._connection.rest()
                self._fire("on_disconnected")
        finally:
            self._turn.release()

    async def _give_up(self) -> bool:
        """Close the sockets if nothing is being spoken."""
        idle = self.connected and self._current is None and not self._turn.locked()
        if idle:
            await self.rest()
        return idle

    async def close(self) -> None:
        """End the current request and close the socket. Idempotent, and possible from any event loop."""
        if not await self._owner.closed_elsewhere(self.close, self._connection.release):
            await to_the_end(self._clean_up())

    async def _clean_up(self) -> None:
        was_open = self.connected
        self._end_current()
        await self._finish_tasks()  # before the connection: one of them may be opening a socket
        await self._connection.close()
        self._frame_log.close()
        if was_open:
            self._fire("on_disconnected")

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def update_settings(self, delta: SmallestTTSSettings) -> dict[str, Any]:
        """Change settings; they count from the next request on. A change of model reconnects.

        Returns:
            The former value of each field that changed.
        """
        self._owner.check()
        self._settings, changed = self.model_fallback.merge(self._settings, delta)
        if "model" in changed:
            if self._current is not None:
                self._reopen = True
            elif self.connected:
                self._replace_socket()
        self._remarks.tell(self._settings)
        return changed

    async def run_tts(self, text: Text) -> AsyncGenerator[AudioChunk | WordTiming, None]:
        """Speak a text.

        Args:
            text: A text of any length, or an iterator (asynchronous or not) of pieces of text such as a language
                model's tokens: each sentence is spoken as soon as it is whole.

        Yields:
            Audio chunks in order, and words where the settings ask for them and the voice has them.

        Raises:
            ConfigError: Nothing to speak.
            IncompleteError: The speech broke off more often than `max_retries`, or the service fell silent; what was
                received is attached.
            ServiceError: The service's own words.
            AuthError, ConnectionLost: No connection.
        """
        self._owner.claim()
        check_text(text)
        await self._turn.acquire()
        utterance = self._current = Utterance(self._settings, self.sample_rate)
        driver = self._driver = start_task(self._drive(utterance, text))
        try:
            while (event := await utterance.inbox.get()) is not None:
                yield event
        finally:
            driver.cancel()
            self._leave_utterance(utterance)
            if not driver.done():
                await to_the_end(_ended(driver))

    def _leave_utterance(self, utterance: Utterance) -> None:
        if self._current is utterance:
            self._current = None
            self._turn.release()
            if utterance.outstanding and self.connected:  # abandoned half-way: nothing of it may reach the next one
                self._replace_socket()
        utterance.finish()
        self._old_ids.extend(utterance.server_ids)
        self.metrics.append(utterance.told)

    async def _drive(self, utterance: Utterance, text: Text) -> None:
        """Speak one utterance, in a task of its own, so that a slow caller delays neither sentences nor retries."""
        feeder: asyncio.Task[None] | None = None
        try:
            if self._reopen or self._connection.outdated:
                self._reopen = False
                self._replace_socket()
            language = str(utterance.settings.language)
            if isinstance(text, str):
                add_text(utterance, text, language)
            else:
                feeder = start_task(self._feed(utterance, text, language))
            if (feeder or utterance.backlog > 1) and wire.is_unified(str(utterance.settings.model), self._endpoint):
                utterance.context = uuid.uuid4().hex
            await Speaker(
                utterance,
                connect=self._open,
                send=lambda part: self._send_part(utterance, part),
                leave=self._leave_socket,
                retry=self._retry,
                replace_model=self._replace_model,
                audio_timeout=self._audio_timeout,
            ).run()
        except Exception as error:  # a fault of ours must not leave a caller who waits for ever
            utterance.inbox.end(error)
        finally:
            if feeder is not None:
                feeder.cancel()
                await asyncio.wait(
                    {feeder}, timeout=_TASK_SECS
                )  # the caller's iterator may not let itself be cancelled

    async def _feed(self, utterance: Utterance, text: Any, language: str) -> None:
        try:
            await feed_tokens(utterance, text, language)
        except Exception as error:  # whatever the caller's iterator raises belongs to the caller
            utterance.inbox.end(error)

    async def _send_part(self, utterance: Utterance, part: Part) -> None:
        if not part.text and not utterance.context:
            return
        frame = wire.tts_request(
            utterance.settings,
            part.text,
            sample_rate=self.sample_rate,
            request_id=utterance.stamp(part),
            endpoint=self._endpoint,
            context_id=utterance.context,
            more=utterance.context is not None and not part.last,
        )
        await self._connection.send(json.dumps(frame, ensure_ascii=False))

    async def synthesize(self, text: Text) -> Clip:
        """Speak a text and return it whole.

        Raises:
            As :meth:`run_tts`.
        """
        pieces = [e.pcm async for e in self.run_tts(text) if isinstance(e, AudioChunk)]
        return Clip(b"".join(pieces), self.sample_rate)

    async def interrupt(self) -> None:
        """Stop the current utterance at once; its iteration ends, and nothing of it reaches the next one.

        What the service holds of a continuation is cancelled there; a socket on which speech is still being made is
        left for a fresh one, because there is no way to tell the service to stop making it.
        """
        self._owner.check()
        utterance = self._current
        if utterance is None:
            return
        context, outstanding = utterance.context, utterance.outstanding
        self._end_current()
        if not self.connected:
            return
        if outstanding or self._connection.congested:  # what waits to be sent would hold up the cancel
            self._replace_socket()
        elif context is not None:
            with contextlib.suppress(ConnectionLost):  # a socket that is gone holds nothing
                await self._connection.send(json.dumps(wire.tts_cancel(utterance.settings, context)))

    def _end_current(self) -> None:
        utterance, self._current = self._current, None
        if utterance is not None:
            utterance.inbox.end(discard=True)
            self._turn.release()
            if self._driver is not None:
                self._driver.cancel()

    def _leave_socket(self) -> None:
        self._connection.abandon()
        self._fire("on_disconnected")

    def _replace_socket(self) -> None:
        """Leave the socket at once, so that nothing else is sent on it, for the spare one or one opened meanwhile."""
        swapped = self._connection.swap()
        self._fire("on_disconnected")
        if swapped:
            self._on_socket()
        else:
            self._spawn(self._reopen_quietly())

    async def _reopen_quietly(self) -> None:
        try:
            await self._open()
        except SmallestError as error:
            _log.info("reconnecting after an interruption failed: %s", error)  # told by on_connection_error

    def _keepalive(self) -> str | None:
        if self._current is not None and self._current.outstanding:
            return None  # a blank text would be a second request where the plan allows one
        if self._rest_secs is not None and self._current is None and monotonic() - self._used_at > self._rest_secs:
            self._spawn(self.rest())
            return None
        self._keepalive_answers.sent()
        return json.dumps(wire.tts_keepalive(self._settings, endpoint=self._endpoint))

    def _on_frame(self, data: str | bytes) -> Any:
        frame = wire.parse_tts_frame(data)
        utterance = self._current
        if isinstance(frame, wire.UnknownFrame):
            self.stray_frames += 1
            self._frame_log.ignored(frame.why)
        elif utterance is None or self._is_late(frame) or not utterance.owns(frame):
            self.stray_frames += 1
        elif isinstance(frame, wire.AudioFrame):
            first = utterance.told.ttfb_s is None
            pending = utterance.take(frame)
            if first and self._spare_socket:
                self._connection.prepare_spare()
            return pending
        elif isinstance(frame, wire.WordFrame):
            return utterance.take(frame)
        elif self._may_answer_keepalive(utterance, frame):
            self._keepalive_answers.answered()
        elif isinstance(frame, wire.ErrorFrame):
            utterance.fail(error_from_frame(frame.info, frame.request_id, model=utterance.settings.model))
        else:
            return utterance.take(frame)
        return None

    def _may_answer_keepalive(self, utterance: Utterance, frame: wire.TTSFrame) -> bool:
        asked = frame.external_id is None and not utterance.sounding and self._keepalive_answers.expected
        return asked and not is_withdrawal(frame)  # which concerns the utterance, whatever it answers

    def _on_frame_error(self, error: Exception) -> None:
        self.stray_frames += 1
        self._frame_log.failed(error)

    def _is_late(self, frame: wire.TTSFrame) -> bool:
        return frame.external_id is None and frame.request_id in self._old_ids

    def _on_lost(self, lost: ConnectionLost) -> None:
        if self._current is not None:
            if self._current.outstanding:
                self._fire("on_connection_error", str(lost))
            self._current.fail(lost)
        self._fire("on_disconnected")


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.wait({task}, timeout=2 * _TASK_SECS)
