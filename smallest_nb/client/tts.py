"""Text to speech: streams synthesized audio.

One text is spoken at a time, because the basic plan allows one. What happens next is decided by a
:class:`~smallest_nb.client.tts_session.TTSSession` of its own; here is what it needs for that: the socket, the clock,
and the three tasks that take part. The *reader* of the connection passes frames in, the *driver* does what the session
decides, and the *caller* iterates over what was received, at its own speed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from collections.abc import AsyncGenerator, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Self

from smallest_nb.api import tts_wire as wire
from smallest_nb.api.catalog import TTS_SAMPLE_RATES
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.audio.pcm_buffer import PCMBuffer
from smallest_nb.client import target as targets
from smallest_nb.client.actions import Action, Connect, DropSocket, Finish, Notify, OpenSpare, Send, WaitUntil
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.cleanup import start_task, to_the_end
from smallest_nb.client.connection import Connection, State
from smallest_nb.client.events import EventEmitter
from smallest_nb.client.frame_log import FrameLog
from smallest_nb.client.late_frames import LateFrames
from smallest_nb.client.loop_owner import LoopOwner
from smallest_nb.client.model_fallback import ModelFallback, with_model_named
from smallest_nb.client.sentences import split_text
from smallest_nb.client.settings_warnings import SettingsWarnings
from smallest_nb.client.text_input import MOST_SENTENCES_AHEAD, Text, check_text, read_sentences
from smallest_nb.client.tts_events import AudioChunk, RetryWait, WordTiming
from smallest_nb.client.tts_session import OUTAGE_SECS, TTSSession
from smallest_nb.common.tracebacks import shorten, shortens_methods
from smallest_nb.errors import ConfigError, ConnectionLost, SmallestError
from smallest_nb.results.metrics import MetricsLog, TTSMetrics

if TYPE_CHECKING:
    from smallest_nb.client.transport import Transport
    from smallest_nb.common.secret import Secret

__all__ = ["AudioChunk", "RetryWait", "SmallestTTSService", "WordTiming"]

_log = logging.getLogger(__name__)
_TASK_SECS = 4.0
"""How long a cancelled task is waited for: the caller's iterator may not let itself be cancelled."""
_BACKLOG_SECS = 0.05


class _Running:
    """A session that is being driven: its tasks, and what they wait for."""

    def __init__(self, session: TTSSession, *, is_collected: bool = False) -> None:
        self.session = session
        self._is_collected = is_collected  # the caller wants all of it at once, and is not woken for each frame
        self.tasks: list[asyncio.Task[None]] = []
        self._for_caller = asyncio.Event()
        self._for_driver = asyncio.Event()
        self._for_reader = asyncio.Event()

    def announce(self) -> None:
        """Let the tasks look at the session again; the caller comes first, the driver only if there is work."""
        session = self.session
        if not self._is_collected or session.is_finished or session.is_full:
            self._for_caller.set()
        if session.is_due:
            self._for_driver.set()

    async def next_event(self) -> AudioChunk | WordTiming | None:
        """Return what was received next, or None at the end."""
        while (event := self.session.take_event()) is None and not self.session.is_finished:
            self._for_caller.clear()
            await self._for_caller.wait()
        self._for_reader.set()
        return event

    async def wait_for_room(self) -> None:
        """Wait until the caller has taken enough; nothing is read meanwhile, and so the service is slowed down."""
        while self.session.is_full:
            self._for_reader.clear()
            await self._for_reader.wait()
        self.session.resumed(monotonic())

    async def wait_until(self, time: float | None) -> None:
        """Wait until the session is due, at the longest until a time."""
        self._for_driver.clear()
        if self.session.is_due:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if time is None else max(0.0, time - monotonic())):
                await self._for_driver.wait()

    def end(self) -> None:
        """Let every task come to its end."""
        for task in self.tasks:
            task.cancel()
        self._for_caller.set()
        self._for_reader.set()


@shortens_methods("connect", "close", "suspend", "update_settings", "use_target", "synthesize", "interrupt")
class SmallestTTSService(EventEmitter):
    """Streams speech from Smallest AI's Lightning models.

    Args:
        api_key: The key; None takes that of the session or of SMALLEST_API_KEY.
        base_url: Another address than `wss://api.smallest.ai`.
        sample_rate: 8000, 16000, 24000 or 44100 Hz; None means 24000.
        settings: A delta over the documented defaults.
        endpoint: None chooses by model; "legacy" takes the per-model URL.
        keepalive_secs: Seconds of quiet before a keepalive.
        suspend_secs: Seconds without a request after which the sockets are closed instead; the next request opens one
            again. None keeps them open.
        open_timeout: Seconds for one handshake.
        audio_timeout: Seconds without a frame after which a request counts as broken.
        max_retries: Further attempts after a connection failed or was lost, in a row without a sentence completed; what
            a loss cut off is spoken again, from the first sentence that was not completely received. After a loss,
            handshakes that fail are repeated for 10 s, however many they are: the network may be away for a moment.
        spare_socket: Keep a second socket ready while a text sounds, so that an interruption costs no handshake.
        target: Where to connect, in place of `api_key` and `base_url`.
        transport: What opens the sockets; None for the network, or the cassette that runs.
        on_busy: Called with each refusal for lack of capacity (429). If given, a text of which no sentence was received
            is not tried again here: who schedules many requests decides that.

    Raises:
        ConfigError: A value that cannot work.
        AuthError: No key.

    Example:
        >>> async with SmallestTTSService(settings=SmallestTTSService.Settings(speed=1.2)) as tts:
        ...     async for event in tts.run_tts("Hello"):
        ...         ...
    """

    Settings = SmallestTTSSettings
    EVENTS: ClassVar[tuple[str, ...]] = (*EventEmitter.EVENTS, "on_retry")
    """`on_retry` is called with a :class:`~smallest_nb.client.tts_events.RetryWait` before each new attempt."""

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        sample_rate: int | None = None,
        settings: SmallestTTSSettings | None = None,
        endpoint: str | None = None,
        keepalive_secs: float = 30.0,
        suspend_secs: float | None = None,
        open_timeout: float = 10.0,
        audio_timeout: float = 15.0,
        max_retries: int = 3,
        spare_socket: bool = True,
        target: targets.Target | None = None,
        transport: Transport | None = None,
        on_busy: Callable[[SmallestError], None] | None = None,
    ) -> None:
        api_key, base_url = targets.boxed(api_key, base_url)
        super().__init__()
        self._owner = LoopOwner("SmallestTTSService")
        if sample_rate is not None and sample_rate not in TTS_SAMPLE_RATES:
            raise ConfigError(
                f"sample_rate={sample_rate!r} is not synthesized; choose one of {TTS_SAMPLE_RATES}, or None for 24000."
            )
        self.sample_rate = sample_rate or 24000
        self._settings, _ = SmallestTTSSettings.complete().merged(settings or SmallestTTSSettings())
        self._endpoint = endpoint
        wire.is_unified(str(self._settings.model), endpoint)  # refuses a bad endpoint now rather than at connecting
        self.target = target or targets.resolve(api_key, base_url, transport)
        self._audio_timeout = audio_timeout
        self._turn = asyncio.Lock()
        self._current: _Running | None = None
        self._retry = RetryPolicy(max_retries, outage_secs=OUTAGE_SECS, on_busy=on_busy)
        self._frame_log = FrameLog(_log, "TTS")
        self._spare_socket = spare_socket
        self._late = LateFrames()
        self._suspend_secs = suspend_secs
        self._used_at = monotonic()
        self._model_changed = self._is_closing = False
        self._warnings = SettingsWarnings()
        self.model_fallback = ModelFallback()
        self.metrics: MetricsLog[TTSMetrics] = MetricsLog()
        self.stray_frames = 0
        self._connection = Connection(
            self.target,
            self._url,
            on_frame=self._on_frame,
            on_frame_error=self._on_frame_error,
            on_lost=self._on_lost,
            keepalive=self._keepalive,
            keepalive_secs=keepalive_secs,
            open_timeout=open_timeout,
            transport=transport,
            give_up=self._give_up,
        )
        self._warnings.warn(self._settings)

    @property
    def settings(self) -> SmallestTTSSettings:
        """The complete settings that the next request will use."""
        return self.model_fallback.adapt(self._settings)

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return self._connection.state is State.OPEN

    async def connect(self) -> None:
        """Open the socket unless it is open.

        Raises:
            AuthError, ModelRetiredError, RateLimitError, ServiceError, ConnectionLost: After the last retry.
        """
        self._owner.claim()
        if self._current is None:
            self._retry.begin()
        running = _Running(self._new_session(needs_socket=True))
        running.session.add_text("", last=True)
        await self._drive(running)
        if running.session.error is not None:
            raise running.session.error

    def _new_session(
        self,
        *,
        is_streamed: bool = False,
        needs_socket: bool = False,
        sound: PCMBuffer | None = None,
        is_collected: bool = False,
    ) -> TTSSession:
        return TTSSession(
            self.settings,
            self.sample_rate,
            retry=self._retry,
            fallback=self.model_fallback,
            late=self._late,
            new_id=lambda: uuid.uuid4().hex,
            endpoint=self._endpoint,
            audio_timeout=self._audio_timeout,
            is_open=self.connected,
            is_streamed=is_streamed,
            needs_socket=needs_socket,
            spare=self._spare_socket,
            sound=sound,
            is_collected=is_collected,
        )

    @property
    def _settings_in_use(self) -> SmallestTTSSettings:
        return self._current.session.settings if self._current else self.settings

    def _url(self) -> str:
        settings, endpoint = self._settings_in_use, self.model_fallback.endpoint(self._endpoint)
        return wire.tts_url(self.target.base_url, str(settings.model), endpoint=endpoint)

    async def suspend(self) -> None:
        """Close the sockets after the request under way; the next one opens one again."""
        self._owner.check()
        async with self._turn:
            if self.connected:
                await self._connection.suspend()
                self._fire("on_disconnected")

    async def use_target(self, target: targets.Target) -> None:
        """Connect elsewhere, or with another key, from the next request on."""
        self._owner.check()
        async with self._turn:
            await self._connection.use_target(target)
            self.target = target

    async def _give_up(self) -> bool:
        """Close the sockets if nothing is being spoken."""
        is_idle = self.connected and self._current is None and not self._turn.locked()
        if is_idle:
            await self.suspend()
        return is_idle

    async def close(self) -> None:
        """End the current request and close the socket. Idempotent, and possible from any event loop."""
        if not await self._owner.closed_elsewhere(self.close, self._connection.release):
            await to_the_end(self._clean_up())

    async def _clean_up(self) -> None:
        was_open = self.connected
        self._is_closing = True
        if self._current is not None:
            self._current.session.interrupt(monotonic(), congested=True)
            self._release(self._current)
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
        self._settings, changed = self.model_fallback.merge(self.settings, delta)
        if "model" in changed:
            if self._current is not None:
                self._model_changed = True
            elif self.connected:
                self._replace_socket()
        self._warnings.show(self.model_fallback.take_warnings())
        self._warnings.warn(self._settings)
        return changed

    async def run_tts(
        self, text: Text, *, into: PCMBuffer | None = None
    ) -> AsyncGenerator[AudioChunk | WordTiming, None]:
        """Speak a text.

        Args:
            text: A text of any length, or an iterator (asynchronous or not) of pieces of text such as a language
                model's tokens: each sentence is spoken as soon as it is whole.
            into: An empty buffer in which all audio is kept as it is received, for a caller who needs the whole of it
                too; None keeps it for the clip of an `IncompleteError` alone.

        Yields:
            Audio chunks in order, and words if the settings want them and the voice has them.

        Raises:
            ConfigError: Nothing to speak, or a buffer that holds something.
            IncompleteError: The speech broke off more often than `max_retries`, or the service fell silent; what was
                received is attached.
            ServiceError: The service's own words.
            AuthError, ConnectionLost: No connection.
        """
        running = await self._begin(text, into=into)
        try:
            while (event := await running.next_event()) is not None:
                yield event
            if running.session.error is not None:
                raise shorten(running.session.error)
        finally:
            await self._end(running)

    async def _begin(self, text: Text, *, into: PCMBuffer | None = None, is_collected: bool = False) -> _Running:
        """Have a text spoken; `_end` must follow.

        No context manager made of a generator: when a loop ends it closes all asynchronous generators at once, also
        one that another one is just leaving.

        Args:
            text: As for `run_tts`.
            into: As for `run_tts`.
            is_collected: Whether the caller takes no events, and need not be woken before the end.
        """
        self._owner.claim()
        check_text(text)
        if into is not None and len(into):
            raise ConfigError(f"into holds {len(into)} samples already; expected an empty PCMBuffer for each text.")
        await self._turn.acquire()
        try:
            return self._start(text, into=into, is_collected=is_collected)
        except BaseException:
            self._turn.release()
            raise

    async def _end(self, running: _Running) -> None:
        self._leave(running)
        if tasks := [task for task in running.tasks if not task.done()]:
            await to_the_end(_wait_for(tasks))

    def _start(self, text: Text, *, into: PCMBuffer | None, is_collected: bool) -> _Running:
        if self._is_closing:  # while the text waited for its turn: its socket is open still, but not for long
            raise ConnectionLost("The connection was closed for good; make a new service.")
        if self._model_changed or self._connection.outdated:
            self._model_changed = False
            self._drop_socket()
        self._retry.begin()
        session = self._new_session(is_streamed=not isinstance(text, str), sound=into, is_collected=is_collected)
        running = _Running(session, is_collected=is_collected)
        language = str(running.session.settings.language)
        if isinstance(text, str):
            *sentences, last = split_text(text, language)
            for sentence in sentences:
                running.session.add_text(sentence, last=False)
            running.session.add_text(last, last=True)
        else:
            running.tasks.append(start_task(self._feed(running, text, language)))
        running.tasks.append(start_task(self._drive(running)))
        self._current = running
        return running

    async def _feed(self, running: _Running, text: Any, language: str) -> None:
        """Add text as it is written, while the speech is not too far behind."""
        session = running.session
        try:
            async with contextlib.aclosing(read_sentences(text, language)) as sentences:
                async for sentence, is_last in sentences:
                    session.add_text(sentence, last=is_last)
                    running.announce()
                    while session.backlog >= MOST_SENTENCES_AHEAD:
                        await asyncio.sleep(_BACKLOG_SECS)
        except BaseException as error:  # whatever the iterator raises belongs to the caller, who would wait without end
            session.fail(error, monotonic())
            running.announce()
            if not isinstance(error, Exception):  # this task may have been cancelled itself, after its session ended
                raise

    async def _drive(self, running: _Running) -> None:
        """Do what a session decides until it is over."""
        session = running.session
        try:
            while not isinstance(action := session.next_action(monotonic()), Finish):
                self._warnings.show(self.model_fallback.take_warnings())
                await self._perform(action, running)
        except Exception as error:  # a fault of ours must not leave a caller who waits without end
            session.fail(error, monotonic())
        running.announce()

    async def _perform(self, action: Action, running: _Running) -> None:
        match action:
            case WaitUntil(at):
                await running.wait_until(at)
            case Send():
                await self._send(action, running.session)
            case Connect(at, after):
                await self._connect(at, after, running.session)
            case DropSocket(replace=True):
                self._replace_socket()
            case DropSocket():
                self._drop_socket()
            case OpenSpare(url):
                self._connection.prepare_spare(url)
            case Notify(error):
                self._fire("on_connection_error", str(error))

    async def _send(self, action: Send, session: TTSSession) -> None:
        try:
            await self._connection.send(action.frame)
        except ConnectionLost as lost:
            if not self.connected:  # else the reader reports it, once it has read what came before
                session.connection_lost(lost)
        else:
            self._used_at = monotonic()
            session.sent(action.request, self._used_at)

    async def _connect(self, at: float, after: SmallestError | None, session: TTSSession) -> None:
        try:
            if (seconds := at - monotonic()) > 0:
                _log.info("connecting again in %.2f s", seconds)
                if after is not None:
                    self._fire("on_retry", RetryWait(after, seconds, self._retry.failures, self._retry.max_retries))
                await self._connection.wait(seconds)
            took = await self._connection.open()
        except SmallestError as error:
            _log.debug("a connection attempt failed", exc_info=error)  # what reaches the caller has no frames of ours
            if self._connection.state is State.CLOSED:
                session.fail(error, monotonic())
            else:
                session.connect_failed(error, monotonic())
            return
        if took is not None:
            self._on_socket()
        session.connected(took)

    def _leave(self, running: _Running) -> None:
        """End a session whose caller takes no more, and note what it cost."""
        if self._current is running:
            actions = running.session.cancel(monotonic())
            self._release(running)
            if actions and self.connected:  # nothing of it may reach the next one
                self._replace_socket()
        running.end()
        self._late.add_ids(running.session.server_ids)
        self.metrics.append(running.session.metrics)

    def _release(self, running: _Running) -> None:
        """Make room for the next text."""
        self._current = None
        self._turn.release()
        running.end()

    async def synthesize(self, text: Text) -> Clip:
        """Speak a text and return it whole.

        Raises:
            As :meth:`run_tts`.
        """
        running = await self._begin(text, is_collected=True)
        try:
            await running.next_event()  # there is none: it returns at the end
            if running.session.error is not None:
                raise shorten(running.session.error)
        finally:
            await self._end(running)
        return running.session.clip

    async def interrupt(self) -> None:
        """Stop the current text at once; its iteration ends, and nothing of it reaches the next one.

        What the service holds of a continuation is cancelled there; a socket on which speech is still being made is
        left for a fresh one, because there is no way to have the service stop making it.
        """
        self._owner.check()
        running = self._current
        if running is None:
            return
        actions = running.session.interrupt(monotonic(), congested=self._connection.congested)
        self._release(running)
        if self.connected:
            for action in actions:
                await self._perform(action, running)

    def _drop_socket(self) -> None:
        if self.connected:
            self._connection.drop_socket()
            self._fire("on_disconnected")

    def _replace_socket(self) -> None:
        """Leave the socket at once, so that nothing else is sent on it, for the spare one or one opened meanwhile."""
        is_swapped = self._connection.swap()
        self._fire("on_disconnected")
        if is_swapped:
            self._on_socket()
        else:
            self._spawn(self._reopen())

    def _on_socket(self) -> None:
        self._late.clear()
        self._fire("on_connected")

    async def _reopen(self) -> None:
        """Open a socket ahead of the next text; if that fails, the text's own session tries again."""
        try:
            if await self._connection.open() is not None:
                self._on_socket()
        except SmallestError as error:
            _log.info("reconnecting after an interruption failed: %s", error)
            self._fire("on_connection_error", str(with_model_named(error, self._settings_in_use)))

    def _keepalive(self) -> str | None:
        running, now = self._current, monotonic()
        if running is not None and running.session.is_outstanding:
            return None  # a blank text would be a second request, and the plan may allow one at a time
        if self._suspend_secs is not None and running is None and now - self._used_at > self._suspend_secs:
            self._spawn(self.suspend())
            return None
        self._late.add_keepalive(now)
        return json.dumps(wire.tts_keepalive(self.settings, endpoint=self.model_fallback.endpoint(self._endpoint)))

    def _on_frame(self, data: str | bytes) -> Any:
        frame = wire.parse_tts_frame(data)
        running = self._current
        if isinstance(frame, wire.UnknownFrame):
            self.stray_frames += 1
            self._frame_log.ignored(frame.why)
        elif running is None or not running.session.receive(frame, monotonic()):
            self.stray_frames += 1
        else:
            running.announce()
            if running.session.is_full:
                return running.wait_for_room()
        return None

    def _on_frame_error(self, error: Exception) -> None:
        self.stray_frames += 1
        self._frame_log.failed(error)

    def _on_lost(self, lost: ConnectionLost) -> None:
        if self._current is not None:
            self._current.session.connection_lost(lost)
            self._current.announce()
        self._fire("on_disconnected")


async def _wait_for(tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(tasks, timeout=_TASK_SECS)
