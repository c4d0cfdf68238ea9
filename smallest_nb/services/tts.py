"""Text to speech: streams synthesized audio. Imports everything below services.

One request is in flight at a time, because the basic plan allows one. An interruption abandons the request and opens
a fresh socket in the background, so that no late frame can reach the next request.
"""

from __future__ import annotations

import asyncio
import json
import logging
import warnings
from collections.abc import AsyncGenerator
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from smallest_nb.audio import Clip
from smallest_nb.catalog import TTS_SAMPLE_RATES, tts_model
from smallest_nb.errors import (
    ConfigError,
    ConnectionLost,
    IncompleteError,
    ServiceError,
    SmallestError,
)
from smallest_nb.link import target as targets
from smallest_nb.link.connection import Connection, State
from smallest_nb.protocol import tts as wire
from smallest_nb.services.events import EventEmitter
from smallest_nb.services.metrics import MetricsLog
from smallest_nb.services.utterance import AudioChunk, Utterance, WordTiming
from smallest_nb.settings import SmallestTTSSettings, language_warning

if TYPE_CHECKING:
    from smallest_nb.secret import Secret

__all__ = ["AudioChunk", "SmallestTTSService", "WordTiming"]

_log = logging.getLogger(__name__)


class SmallestTTSService(EventEmitter):
    """Streams speech from Smallest AI's Lightning models.

    Args:
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives.
        base_url: `wss://api.smallest.ai` unless told otherwise.
        sample_rate: 8000, 16000, 24000 or 44100 Hz; None means 24000.
        settings: A delta over the documented defaults.
        endpoint: None chooses by model; "legacy" takes the per-model URL.
        keepalive_secs: Seconds of quiet before a keepalive.
        open_timeout: Seconds for one handshake.
        audio_timeout: Seconds without a frame after which a request counts as broken.
        max_retries: Further connection attempts after the first.
        target: Where to connect, in place of `api_key` and `base_url`.

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
        open_timeout: float = 10.0,
        audio_timeout: float = 15.0,
        max_retries: int = 3,
        target: targets.Target | None = None,
    ) -> None:
        super().__init__()
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
        self.target = target or targets.resolve(api_key, base_url)
        self._audio_timeout = audio_timeout
        self._turn = asyncio.Lock()
        self._current: Utterance | None = None
        self._keepalives = 0
        self._reopen = False
        self._warned: set[str] = set()
        self.metrics = MetricsLog()
        self.stray_frames = 0
        self._connection = Connection(
            self.target,
            lambda: wire.tts_url(self.target.base_url, str(self._settings.model), endpoint=self._endpoint),
            on_frame=self._on_frame,
            on_lost=self._on_lost,
            keepalive=self._keepalive,
            keepalive_secs=keepalive_secs,
            open_timeout=open_timeout,
            max_retries=max_retries,
        )
        self._warn_ignored()

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
        await self._open()

    async def _open(self) -> float | None:
        try:
            took = await self._connection.open()
        except SmallestError as error:
            self._fire("on_connection_error", str(error))
            raise
        if took is not None:
            self._keepalives = 0
            self._fire("on_connected")
        return took

    async def close(self) -> None:
        """End the current request and close the socket. Idempotent."""
        was_open = self.connected
        self._end_current()
        await self._finish_tasks()  # before the connection: one of them may be opening a socket
        await self._connection.close()
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
        self._settings, changed = self._settings.merged(delta)
        if "model" in changed:
            if self._current is None:
                await self._connection.drop()
            else:
                self._reopen = True
        self._warn_ignored()
        return changed

    async def run_tts(self, text: str) -> AsyncGenerator[AudioChunk | WordTiming, None]:
        """Speak a text.

        Yields:
            Audio chunks in order, and words where the settings ask for them and the voice has them.

        Raises:
            ConfigError: Empty text.
            IncompleteError: The speech broke off; what was received is attached.
            ServiceError: The service's own words.
            AuthError, ConnectionLost: No connection.
        """
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"There is nothing to speak: expected some text, got {text!r}.")
        await self._turn.acquire()
        request = self._current = Utterance(text, self.sample_rate)
        try:
            await self._begin(request)
            while (frame := await self._next(request)) is not None:
                event = request.event(frame)
                if event is not None:
                    yield event
                    continue
                request.told.complete = request.ended = True
                if not request.received_audio:
                    raise IncompleteError("The service said complete without any audio", clip=request.clip)
                return
        finally:
            self.metrics.append(request.finish())
            if self._current is request:
                self._current = None
                self._turn.release()
                if not request.ended and self.connected:  # abandoned half-way: its frames must not reach the next one
                    self._replace_socket()

    async def _begin(self, request: Utterance) -> None:
        """Send a request, on a new socket where the model changed; an interruption meanwhile sends nothing."""
        request.socket = None
        if self._reopen:
            self._reopen = False
            await self._connection.drop()
        request.told.connect_s = await self._open()
        if request.ended:
            return
        frame = wire.tts_request(
            self._settings,
            request.text,
            sample_rate=self.sample_rate,
            request_id=request.id,
            endpoint=self._endpoint,
        )
        text = json.dumps(frame, ensure_ascii=False)
        request.started = monotonic()
        try:
            await self._connection.send(text)
        except ConnectionLost:
            if not self._may_resend(request):
                raise
            request.told.connect_s = await self._open()
            if request.ended:
                return
            await self._connection.send(text)
        request.socket = self._connection.generation

    def _may_resend(self, request: Utterance) -> bool:
        """Say, once, whether a request went to a socket that the service was just closing after its last `complete`."""
        stale = request.told.connect_s is None and not request.received_audio and not request.resent
        request.resent = True
        return stale

    async def _next(self, request: Utterance) -> wire.TTSFrame | None:
        """Return the next frame, or None after an interruption."""
        if request.ended and request.queue.empty():
            return None
        try:
            async with asyncio.timeout(self._audio_timeout):
                got = await request.queue.get()
        except TimeoutError:
            raise IncompleteError(
                f"The service sent nothing for {self._audio_timeout:g} s", clip=request.clip
            ) from None
        if isinstance(got, ConnectionLost) and self._may_resend(request):
            await self._begin(request)
            return await self._next(request)
        if isinstance(got, ConnectionLost):
            request.ended = True
            raise IncompleteError(f"The speech broke off: {got}", clip=request.clip) from got
        if isinstance(got, SmallestError):
            request.ended = True
            raise got
        return got

    async def synthesize(self, text: str) -> Clip:
        """Speak a text and return it whole.

        Raises:
            As :meth:`run_tts`.
        """
        pieces = [e.pcm async for e in self.run_tts(text) if isinstance(e, AudioChunk)]
        return Clip(b"".join(pieces), self.sample_rate)

    async def interrupt(self) -> None:
        """Stop the current request at once; its iteration ends. The next request finds a fresh socket."""
        if self._end_current():
            self._replace_socket()

    def _end_current(self) -> bool:
        request, self._current = self._current, None
        if request is None:
            return False
        request.ended = True
        while not request.queue.empty():
            request.queue.get_nowait()
        request.queue.put_nowait(None)
        self._turn.release()
        return True

    def _replace_socket(self) -> None:
        """Leave the socket at once, so that nothing else is sent on it, and open another in the background."""
        self._connection.abandon()
        self._fire("on_disconnected")
        self._spawn(self._reopen_quietly())

    async def _reopen_quietly(self) -> None:
        try:
            await self._open()
        except SmallestError as error:
            _log.info("reconnecting after an interruption failed: %s", error)  # told by on_connection_error

    def _keepalive(self) -> str | None:
        if self._current is not None:
            return None  # a blank text would be a second request where the plan allows one
        self._keepalives += 1
        return json.dumps(wire.tts_keepalive(self._settings, endpoint=self._endpoint))

    def _on_frame(self, data: str | bytes) -> Any:
        frame = wire.parse_tts_frame(data)
        request = self._current
        if isinstance(frame, wire.UnknownFrame):
            self.stray_frames += 1
            _log.warning("ignored a TTS frame: %s", frame.why)
            return None
        if request is None or (frame.external_id is not None and frame.external_id != request.id):
            self.stray_frames += 1
            return None
        if isinstance(frame, wire.CompleteFrame) and self._answers_keepalive(request, frame):
            self._keepalives -= 1
            return None
        item: Any = frame
        if isinstance(frame, wire.AudioFrame):
            request.received_audio = True
        elif isinstance(frame, wire.ErrorFrame):
            item = ServiceError(frame.info.message, code=frame.info.code, request_id=frame.request_id)
        return request.queue.put(item) if request.queue.full() else request.queue.put_nowait(item)

    def _answers_keepalive(self, request: Utterance, frame: wire.CompleteFrame) -> bool:
        return frame.external_id is None and not request.received_audio and self._keepalives > 0

    def _on_lost(self, lost: ConnectionLost) -> None:
        request = self._current
        if request is not None and request.socket == self._connection.generation:
            if request.queue.full():
                request.queue.get_nowait()
            request.queue.put_nowait(lost)
            self._fire("on_connection_error", str(lost))
        self._fire("on_disconnected")

    def _warn_ignored(self) -> None:
        for name, reason in wire.ignored_settings(self._settings).items():
            if reason not in self._warned:
                self._warned.add(reason)
                warnings.warn(f"{name} will not be sent: {reason}.", stacklevel=3)
        told = language_warning(
            self._settings.language, tts_model(str(self._settings.model)).languages, str(self._settings.model)
        )
        if told and told not in self._warned:
            self._warned.add(told)
            warnings.warn(told, stacklevel=3)
