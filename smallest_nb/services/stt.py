"""Speech to text: sends audio, yields interim and final segments. Imports everything below services.

Audio goes through a bounded outbox and is kept, bounded, until a final covers it. When a socket is lost, what was not
transcribed is sent again on the next one; what had to be dropped is counted and told by `on_connection_error`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from collections.abc import AsyncIterator
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from smallest_nb.audio import BYTES_PER_SAMPLE, as_pcm16
from smallest_nb.catalog import STT_ENCODINGS, STT_SAMPLE_RATES
from smallest_nb.errors import ConfigError, ConnectionLost, ServiceError, SmallestError
from smallest_nb.language import STT_VENDOR_LANGUAGES
from smallest_nb.link import target as targets
from smallest_nb.link.backoff import delays
from smallest_nb.link.connection import Connection, State
from smallest_nb.protocol import stt as wire
from smallest_nb.services.events import EventEmitter
from smallest_nb.services.feed import Feed
from smallest_nb.services.uplink import Uplink
from smallest_nb.settings import SmallestSTTSettings, language_warning
from smallest_nb.transcript import Segment, Transcript

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smallest_nb.secret import Secret

__all__ = ["SMALLEST_TTFS_P99", "SmallestSTTService"]

_log = logging.getLogger(__name__)

SMALLEST_TTFS_P99 = 1.59
"""Seconds from the end of speech to the final transcript, 99th percentile (the STT document; `stt_latency.py`)."""

_PIECE_SECS = 0.1
_ROOM_SECS = 30.0
_STABLE_SECS = 10.0
_NORMAL = 1000


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
        close_timeout: Seconds to wait for the last final.
        buffer_secs: Seconds of audio kept for an outage, unsent and untranscribed each; then the oldest is dropped.
        max_retries: Further connection attempts after the first, and sockets in a row that may end without a word.
        target: Where to connect, in place of `api_key` and `base_url`.

    Raises:
        ConfigError: A value that cannot work.
        AuthError: No key.
    """

    Settings = SmallestSTTSettings

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
        max_retries: int = 5,
        target: targets.Target | None = None,
    ) -> None:
        super().__init__()
        if encoding not in STT_ENCODINGS:
            raise ConfigError(f"encoding={encoding!r} is not understood; choose one of {', '.join(STT_ENCODINGS)}.")
        if sample_rate is not None and sample_rate not in STT_SAMPLE_RATES:
            raise ConfigError(
                f"sample_rate={sample_rate!r} is not taken; choose one of {STT_SAMPLE_RATES}, or None for 16000."
            )
        self.encoding = encoding
        self.sample_rate = sample_rate or 16000
        self.ttfs_p99_latency = ttfs_p99_latency
        self._settings = SmallestSTTSettings.complete()
        if settings is not None:
            self._settings, _ = self._settings.merged(settings)
        self._endpoint = endpoint
        self.target = target or targets.resolve(api_key, base_url)
        self._url()  # refuses a bad endpoint now rather than at connecting
        self._close_timeout = close_timeout
        self._max_retries = max_retries
        self._up = Uplink(self.sample_rate, int(buffer_secs * self.sample_rate) * BYTES_PER_SAMPLE)
        self._hold = asyncio.Lock()
        self._updating = asyncio.Lock()
        self._sender: asyncio.Task[None] | None = None
        self._last = asyncio.Event()
        self._final = asyncio.Event()
        self._heard = False
        self._opened_at = 0.0
        self._lost: ConnectionLost | None = None
        self._failure: SmallestError | None = None
        self._closed = False
        self._feeds: WeakSet[Feed] = WeakSet()
        self._told_in_full = ""
        self.transcript = Transcript()
        self.dropped_seconds = 0.0
        self.reconnects = 0
        self.bad_frames = 0
        self._connection = Connection(
            self.target,
            self._url,
            on_frame=self._on_frame,
            on_lost=self._on_lost,
            keepalive=lambda: self._up.clock.keepalive() if self.encoding == "linear16" else wire.KEEPALIVE,
            keepalive_secs=keepalive_secs,
            open_timeout=open_timeout,
            max_retries=max_retries,
        )
        self._warn()

    @property
    def settings(self) -> SmallestSTTSettings:
        """The complete settings in force."""
        return self._settings

    @property
    def connected(self) -> bool:
        """Whether the socket is open."""
        return self._connection.state is State.OPEN

    @property
    def full_transcript(self) -> str:
        """The text so far: the service's own where it sends one (it often does not), else put together here."""
        whole = self._connection.generation == 1  # a new socket starts counting anew
        return (self._told_in_full if whole else "") or self.transcript.text

    async def connect(self) -> None:
        """Open the socket unless it is open.

        Raises:
            AuthError, RateLimitError, ServiceError, ConnectionLost: After the last retry.
        """
        await self._open()
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())

    async def _open(self) -> None:
        if self.connected:
            return
        try:
            took = await self._connection.open()
        except SmallestError as error:
            self._fire("on_connection_error", str(error))
            raise
        if took is not None:
            self._up.clock.new_socket()
            self._opened_at = monotonic()
            self._fire("on_connected")

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def send(self, audio: bytes | ArrayLike) -> None:
        """Push audio; returns as soon as it is kept.

        Args:
            audio: Bytes in the declared encoding, or (linear16) an int16 or float array of one channel.

        Raises:
            ConfigError: Audio of the wrong kind.
            SmallestError: The session is over, with its reason.
        """
        self._refuse_when_over()
        if self.encoding == "linear16":
            data = as_pcm16(audio)
        elif isinstance(audio, bytes | bytearray | memoryview):
            data = bytes(audio)
        else:
            raise ConfigError(f"encoding={self.encoding!r} takes bytes; arrays go with encoding='linear16'.")
        step = int(_PIECE_SECS * self.sample_rate) * BYTES_PER_SAMPLE if self.encoding == "linear16" else len(data)
        for at in range(0, len(data), max(step, 1)):
            await self._keep(data[at : at + step])

    async def _keep(self, data: bytes) -> None:
        while not self._up.outbox.has_room(len(data)) and self.connected:
            # A feed faster than the network waits here; a live one meets a full outbox only in an outage.
            try:
                await self._up.outbox.wait_for_room(_ROOM_SECS)
            except TimeoutError:
                raise ConnectionLost(f"The service took no audio for {_ROOM_SECS:g} s.") from None
            self._refuse_when_over()
        self._tell_dropped(self._up.put_audio(data))

    async def finalize(self) -> None:
        """Ask for the final of what was said so far; the session stays open."""
        self._refuse_when_over()
        self._up.outbox.put(wire.FINALIZE)

    async def update_settings(self, delta: SmallestSTTSettings) -> dict[str, Any]:
        """Change settings: what is open is finalized, then the socket is opened anew; no audio is lost.

        Returns:
            The former value of each field that changed.
        """
        async with self._updating:
            merged, changed = self._settings.merged(delta)
            if not changed:
                return changed
            running = self.connected or self._connection.state is State.OPENING
            if not running:
                self._settings = merged
            else:
                async with self._hold:  # nothing is sent between the finalize and the new socket
                    await self._open()
                    await self._take_final()
                    self._settings = merged
                    self._connection.abandon()
                    self._restore()
                    self._fire("on_disconnected")
                    await self._open()
        self._warn()
        return changed

    async def _take_final(self) -> None:
        self._final.clear()
        try:
            self._up.hold(wire.FINALIZE)
            await self._send_in_hand()
            async with asyncio.timeout(self._close_timeout):
                await self._final.wait()
        except (ConnectionLost, TimeoutError) as error:
            _log.info("no final before the change of settings: %s", error)  # its audio is sent again

    def segments(self) -> AsyncIterator[Segment]:
        """Iterate over results from this call on, interim (`is_final` False) and final, until the session is over.

        A reader that falls 2000 results behind loses the oldest interim ones. The iteration raises the error that
        ended the session, if one did.
        """
        feed = Feed()
        self._feeds.add(feed)
        if self._failure or (self._closed and self._last.is_set()):
            feed.end(self._failure)
        return feed

    async def close(self) -> None:
        """Send what is left, wait (bounded) for the last final, and close. Idempotent.

        Where the last final does not come, :meth:`segments` raises what happened.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._sender and not self._sender.done() and (self.connected or len(self._up.outbox)):
                self._up.outbox.put(wire.CLOSE_STREAM)
                try:
                    async with asyncio.timeout(self._close_timeout):
                        await self._last.wait()
                except TimeoutError:
                    self._fail(ConnectionLost(f"The last words did not come within {self._close_timeout:g} s."))
        finally:
            was_open = self.connected
            if self._sender:
                self._sender.cancel()
                await asyncio.gather(self._sender, return_exceptions=True)
            await self._finish_tasks()
            await self._connection.close()
            self._last.set()
            self._end_feeds()
            if was_open:
                self._fire("on_disconnected")

    def _url(self) -> str:
        return wire.stt_url(
            self.target.base_url,
            self._settings,
            sample_rate=self.sample_rate,
            encoding=self.encoding,
            endpoint=self._endpoint,
        )

    def _refuse_when_over(self) -> None:
        if self._failure:
            raise self._failure
        if self._closed:
            raise ConnectionLost("This transcription is closed; make a new service.")

    async def _send_all(self) -> None:
        """Send the outbox in order, reopening the socket as often as needed; ends with the session."""
        waits = delays(self._max_retries)
        while self._failure is None:
            await self._up.outbox.wait_for_item()
            async with self._hold:
                if not self.connected:
                    if self._heard:
                        waits = delays(self._max_retries)
                        self._heard = False
                    wait = next(waits, None)
                    if wait is None:  # a server that accepts and hangs up again and again
                        self._fail(self._lost or ConnectionLost("The connection was lost too often."))
                        return
                    await asyncio.sleep(wait)
                    try:
                        await self._open()
                    except SmallestError as error:
                        self._fail(error)
                        return
                if len(self._up.outbox):
                    self._up.take()
                    with contextlib.suppress(ConnectionLost):
                        await self._send_in_hand()

    async def _send_in_hand(self) -> None:
        """Send the item in hand; after a loss everything that matters is back in the outbox."""
        item = self._up.in_hand
        if item is None:
            return
        try:
            await self._connection.send(item)
        except ConnectionLost:
            self._restore()
            raise
        self._up.sent()

    def _restore(self) -> None:
        self._tell_dropped(self._up.restore())
        self.transcript.interim = None

    def _on_frame(self, data: str | bytes) -> None:
        self._heard = True
        event = wire.parse_stt_frame(data, self._up.clock.timeline)
        if isinstance(event, wire.TranscriptFrame):
            self._take_result(event)
        elif isinstance(event, wire.STTErrorFrame):
            self._fail(ServiceError(event.info.message, code=event.info.code))
        elif isinstance(event, wire.STTUnknown):
            self.bad_frames += 1
            _log.warning("ignored an STT frame: %s", event.why)

    def _take_result(self, event: wire.TranscriptFrame) -> None:
        segment = event.segment
        if segment.is_final:
            self._up.confirm(segment)
        if segment.text or segment.is_final:
            self.transcript.apply(segment)
            for feed in list(self._feeds):
                feed.put(segment)
        if segment.is_final:
            self._final.set()
        self._told_in_full = event.full_transcript or self._told_in_full
        if event.is_last:
            self._last.set()

    def _on_lost(self, lost: ConnectionLost) -> None:
        self._lost = lost
        self._heard = self._heard or monotonic() - self._opened_at > _STABLE_SECS
        self._final.set()
        self._fire("on_disconnected")
        if self._failure or self._last.is_set():
            return
        if self._up.close_sent and lost.code == _NORMAL and not self._up.untranscribed:
            self._last.set()  # an older service, which says goodbye without `is_last`
            return
        self.reconnects += 1
        self._fire("on_connection_error", str(lost))
        self._restore()

    def _tell_dropped(self, size: int) -> None:
        if not size:
            return
        seconds = self._up.clock.seconds(size)
        self.dropped_seconds += seconds
        self._fire("on_connection_error", f"{seconds:.2f} s of audio dropped: the outage is too long")

    def _fail(self, error: SmallestError) -> None:
        if self._failure is None:
            self._failure = error
            self._fire("on_connection_error", str(error))
        self._last.set()
        self._final.set()
        self._up.outbox.wake()
        self._end_feeds()

    def _end_feeds(self) -> None:
        for feed in list(self._feeds):
            feed.end(self._failure)

    def _warn(self) -> None:
        told = language_warning(self._settings.language, STT_VENDOR_LANGUAGES, "Live transcription")
        if told:
            warnings.warn(told, stacklevel=3)
        if len(self._settings.keywords or {}) > wire.KEYWORD_CAP:
            warnings.warn(f"Only {wire.KEYWORD_CAP} keywords count; the rest is ignored by the service.", stacklevel=3)
