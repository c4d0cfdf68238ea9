"""Speech to text: sends audio, yields interim and final segments. Imports everything below services.

Audio goes through a bounded outbox, so that a reconnect loses nothing that fits; what had to be dropped is counted
and told by `on_connection_error`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Self

from smallest_nb.audio import BYTES_PER_SAMPLE, as_pcm16
from smallest_nb.catalog import STT_ENCODINGS, STT_SAMPLE_RATES
from smallest_nb.errors import ConfigError, ConnectionLost, ServiceError, SmallestError
from smallest_nb.language import STT_VENDOR_LANGUAGES
from smallest_nb.link import target as targets
from smallest_nb.link.backoff import delays
from smallest_nb.link.connection import Connection, State
from smallest_nb.protocol import stt as wire
from smallest_nb.services.clock import AudioClock
from smallest_nb.services.events import EventEmitter
from smallest_nb.services.feed import Feed
from smallest_nb.services.outbox import Outbox
from smallest_nb.settings import SmallestSTTSettings, language_warning
from smallest_nb.transcript import Segment, Transcript

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smallest_nb.secret import Secret

__all__ = ["SMALLEST_TTFS_P99", "SmallestSTTService"]

_log = logging.getLogger(__name__)

SMALLEST_TTFS_P99 = 1.59
"""Seconds from the end of speech to the final transcript, 99th percentile (the STT document; `stt_latency.py`)."""

_ROOM_SECS = 30.0


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
        buffer_secs: Seconds of audio kept while the connection is away; then the oldest is dropped and counted.
        max_retries: Further connection attempts after the first.

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
        self.target = targets.resolve(api_key, base_url)
        self._url()  # refuses a bad endpoint now rather than at connecting
        self._close_timeout = close_timeout
        self._max_retries = max_retries
        self._outbox = Outbox(int(buffer_secs * self.sample_rate) * BYTES_PER_SAMPLE)
        self._clock = AudioClock(self.sample_rate)
        self._sender: asyncio.Task[None] | None = None
        self._last = asyncio.Event()
        self._final = asyncio.Event()
        self._failure: SmallestError | None = None
        self._closed = False
        self._feeds: list[Feed] = []
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
            keepalive=self._keepalive,
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
            self._clock.new_socket()
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
        if not data:
            return
        while not self._outbox.has_room(len(data)) and self.connected:
            # A feed faster than the network waits here; a live one meets a full outbox only in an outage.
            await self._outbox.wait_for_room(_ROOM_SECS)
            self._refuse_when_over()
        lost = self._outbox.put(data)
        if lost:
            seconds = self._clock.seconds(lost)
            self.dropped_seconds += seconds
            self._clock.dropped(lost)
            self._fire("on_connection_error", f"{seconds:.2f} s of audio dropped: the outage is too long")

    async def finalize(self) -> None:
        """Ask for the final of what was said so far; the session stays open."""
        self._refuse_when_over()
        self._outbox.put(wire.FINALIZE)

    async def update_settings(self, delta: SmallestSTTSettings) -> dict[str, Any]:
        """Change settings: what is open is finalized, then the socket is opened anew.

        Returns:
            The former value of each field that changed.
        """
        merged, changed = self._settings.merged(delta)
        if changed and self.connected:
            self._final.clear()
            await self.finalize()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._final.wait(), self._close_timeout)
            self._settings = merged
            await self._connection.drop()
            self._fire("on_disconnected")
            await self._open()
        self._settings = merged
        if changed:
            self._warn()
        return changed

    async def segments(self) -> AsyncIterator[Segment]:
        """Iterate over results from now on, interim (`is_final` False) and final, until the session is over.

        A reader that falls 2000 results behind loses the oldest interim ones.

        Raises:
            SmallestError: The session failed.
        """
        feed = Feed()
        self._feeds.append(feed)
        try:
            if self._closed or self._failure:
                feed.end()
            async for segment in feed:
                yield segment
            if self._failure:
                raise self._failure
        finally:
            self._feeds.remove(feed)

    async def close(self) -> None:
        """Send what is left, wait (bounded) for the last final, and close. Idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._sender and not self._sender.done() and (self.connected or self._outbox):
                self._outbox.put(wire.CLOSE_STREAM)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._last.wait(), self._close_timeout)
        finally:
            was_open = self.connected
            if self._sender:
                self._sender.cancel()
                await asyncio.gather(self._sender, return_exceptions=True)
            await self._connection.close()
            self._end_feeds()
            if was_open:
                self._fire("on_disconnected")
            await self._finish_tasks()

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
            item = await self._outbox.get()
            try:
                await self._open()
            except SmallestError as error:
                self._outbox.put_back(item)
                self._fail(error)
                return
            try:
                await self._connection.send(item)
            except ConnectionLost as error:
                self._outbox.put_back(item)
                wait = next(waits, None)
                if wait is None:  # a server that accepts and hangs up at once
                    self._fail(error)
                    return
                await asyncio.sleep(wait)
                continue
            waits = delays(self._max_retries)
            if isinstance(item, bytes):
                self._clock.sent(len(item))
                self._outbox.wake()

    def _keepalive(self) -> str | bytes:
        return self._clock.keepalive() if self.encoding == "linear16" else wire.KEEPALIVE

    def _on_frame(self, data: str | bytes) -> None:
        event = wire.parse_stt_frame(data, self._clock.timeline)
        if isinstance(event, wire.TranscriptFrame):
            if event.segment.text or event.segment.is_final:
                self.transcript.apply(event.segment)
                for feed in self._feeds:
                    feed.put(event.segment)
            if event.segment.is_final:
                self._final.set()
            self._told_in_full = event.full_transcript or self._told_in_full
            if event.is_last:
                self._last.set()
        elif isinstance(event, wire.STTErrorFrame):
            self._fail(ServiceError(event.info.message, code=event.info.code))
        elif isinstance(event, wire.STTUnknown):
            self.bad_frames += 1
            _log.warning("ignored an STT frame: %s", event.why)

    def _on_lost(self, lost: ConnectionLost) -> None:
        self._last.set()
        self._final.set()
        self._fire("on_disconnected")
        if not self._closed and not self._failure:
            self.reconnects += 1
            self._fire("on_connection_error", str(lost))

    def _fail(self, error: SmallestError) -> None:
        if self._failure is None:
            self._failure = error
            self._fire("on_connection_error", str(error))
        self._last.set()
        self._final.set()
        self._outbox.wake()
        self._end_feeds()

    def _end_feeds(self) -> None:
        for feed in self._feeds:
            feed.end()

    def _warn(self) -> None:
        told = language_warning(self._settings.language, STT_VENDOR_LANGUAGES, "Live transcription")
        if told:
            warnings.warn(told, stacklevel=3)
        if len(self._settings.keywords or {}) > wire.KEYWORD_CAP:
            warnings.warn(f"Only {wire.KEYWORD_CAP} keywords count; the rest is ignored by the service.", stacklevel=3)
