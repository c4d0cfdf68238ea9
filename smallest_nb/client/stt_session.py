"""What a transcription decides: what is sent and when, what counts as transcribed, when a socket is opened again.

A session does nothing itself: it has no socket, no task and no clock, and every method that needs the time takes `now`
in seconds on a monotonic clock. The service reports what happened, performs :meth:`STTSession.actions` after each
report, and one task of it does :meth:`STTSession.next_action` over and over::

    idle ──start──> Connect ──connected──> open ──connection_lost──> lost ──audio to send──> Connect ...
      any ──close──> CLOSE_STREAM, last words awaited ──> finished          any ──an error for good──> failed

Audio goes from the queue into `in_hand` while it is being sent, then among the unacknowledged, until a final covers it.
After a loss everything that no final covers is put in front of the queue again, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from smallest_nb.api import stt_wire as wire
from smallest_nb.api.error_shapes import error_from_frame
from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.audio.clip import pcm16_to_array
from smallest_nb.audio.turn_detector import TurnDetector
from smallest_nb.client.actions import Action, Connect, DropSocket, Emit, Finish, OpenSpare, Send, WaitUntil
from smallest_nb.client.audio_clock import AudioClock, PushTimes
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.send_queue import SendQueue
from smallest_nb.client.stt_results import TranscriptAssembler
from smallest_nb.client.tts_events import RetryWait
from smallest_nb.client.unacknowledged_audio import UnacknowledgedAudio
from smallest_nb.errors import ConnectionLost, ProtocolError, SmallestError

__all__ = ["STTLimits", "STTSession", "SessionEvent"]

_STABLE_SECS = 30.0
"""A socket that lives longer than it takes to find out that a peer froze is a working one, with nothing said on it."""
_LONGEST_WAIT_SECS = 2.0
"""Between two attempts to come back: speech is waiting."""
_ROOM_SECS = 30.0
"""How long an open socket may take no audio while a caller waits for room."""
_TAIL_SECS = 0.2
"""Longer than the closure of a plosive within a word."""
_QUIET_PEAK = 104
"""Of PCM16: -50 dBFS, between a quiet room and soft speech."""
_NORMAL = 1000
_AT_ONCE = float("-inf")


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """An event for the handlers that a program registered.

    Attributes:
        name: Such as `on_connected`.
        args: What the handlers get beside the service.
    """

    name: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class STTLimits:
    """The bounds of a session; the service's documentation describes them.

    Attributes:
        close_timeout: Seconds without any result after which the last final, or that before a change, is given up.
        buffer_secs: Seconds of audio kept before it is sent.
        resend_secs: Seconds of audio kept after that, until it is transcribed.
        max_retries: Further attempts after the first to connect.
    """

    close_timeout: float = 5.0
    buffer_secs: float = 30.0
    resend_secs: float = 30.0
    max_retries: int = 5


@dataclass(slots=True)
class _Change:
    """A change of settings that waits for the final of what was said before it."""

    settings: SmallestSTTSettings
    is_finalized: bool = False
    until: float | None = None


class STTSession:
    """One transcription over all its sockets.

    Args:
        settings: Complete settings.
        url: Returns the URL for settings.
        sample_rate: Hz.
        sample_bytes: Bytes of one sample.
        is_timed: Whether bytes can be reckoned in seconds; a compressed stream's cannot.
        is_pcm16: Whether silence can be sent to keep a socket open.
        fewest_bytes_per_second: Bytes that a second of sound has at least.
        ttfs_p99_latency: Seconds from speech end to final to hold the metrics against.
        limits: Bounds.
        turns: Finds the ends of turns, each of which is finalized; None leaves that to the service.
        retry: The reconnect budget; None makes it from the limits.
        on_busy: For that budget, if it is made here.

    Attributes:
        settings: The complete settings in force.
        results: The transcript and the metrics.
        is_open: Whether a socket is open.
        failure: The error that ended the session, if one did.
        closing: Whether `close` was called.
        finished: Whether nothing more comes.
        dropped_seconds: Seconds of audio that were lost, each of them reported.
        reconnects: Sockets lost.
        bad_frames: Frames that could not be read.
    """

    def __init__(
        self,
        settings: SmallestSTTSettings,
        *,
        url: Callable[[SmallestSTTSettings], str],
        sample_rate: int = 16000,
        sample_bytes: int = 2,
        is_timed: bool = True,
        is_pcm16: bool = True,
        fewest_bytes_per_second: int = 32000,
        ttfs_p99_latency: float = 1.59,
        limits: STTLimits | None = None,
        turns: TurnDetector | None = None,
        retry: RetryPolicy | None = None,
        on_busy: Callable[[SmallestError], None] | None = None,
    ) -> None:
        limits = limits or STTLimits()
        self.settings = settings
        self.failure: SmallestError | None = None
        self.is_open = self.closing = self.finished = False
        self.dropped_seconds = 0.0
        self.reconnects = self.bad_frames = 0
        self._url = url
        self._limits = limits
        self._is_timed, self._is_pcm16 = is_timed, is_pcm16
        self._fewest_bytes_per_second = fewest_bytes_per_second
        self._turns = turns
        self._clock = AudioClock(sample_rate, sample_bytes)
        self._queue = SendQueue(self._clock.size(limits.buffer_secs))
        self._unacknowledged = UnacknowledgedAudio(
            self._clock, self._clock.size(limits.resend_secs), sample_bytes=sample_bytes, is_timed=is_timed
        )
        self._pushes = PushTimes()
        self.results = TranscriptAssembler(self._pushes, ttfs_p99_latency)
        self.retry = retry or RetryPolicy(
            limits.max_retries,
            outage_secs=limits.buffer_secs,
            stable_secs=_STABLE_SECS,
            longest_wait=_LONGEST_WAIT_SECS,
            on_busy=on_busy,
        )
        self._actions: list[Action] = []
        self._is_started = False
        self._in_hand: bytes | str | None = None
        self._last_sent_at = _AT_ONCE
        self._lost: ConnectionLost | None = None
        self._attempt_at = _AT_ONCE
        self._is_close_sent = False
        self._closing_since = 0.0
        self._speech_end: float | None = None
        self._change: _Change | None = None

    # What the service does.

    def actions(self) -> list[Action]:
        """Return what is to be done at once, in order: emit, prepare or drop a socket, finish."""
        actions, self._actions = self._actions, []
        return actions

    def next_action(self, now: float) -> Connect | Send | WaitUntil:
        """Decide what the sending task does next; `actions` come first.

        Returns:
            Connect: to be performed with :meth:`attempt`. Send: to be reported with :meth:`sent`. WaitUntil: until
            something is reported, or that time.
        """
        self.tick(now)
        if self.failure is None and not self.finished:
            if self.is_open:
                if self._in_hand is None:
                    self._in_hand = self._take_next()
                if self._in_hand is not None:
                    return Send(self._in_hand)
            elif self._has_work and (at := self._plan_attempt(now)) is not None:
                return Connect(at)
        return WaitUntil(self.deadline)

    def _take_next(self) -> bytes | str | None:
        """Return what is sent next: nothing between the finalize before a change of settings and the new socket."""
        if self._change is not None:
            if self._change.is_finalized:
                return None
            self._change.is_finalized = True
            return wire.FINALIZE
        return self._queue.get() if self._queue.items else None

    @property
    def is_pending(self) -> bool:
        """Whether `next_action` may have something to do, or a time to watch."""
        return bool(self._queue.items) or self._change is not None or self.closing or self.failure is not None

    @property
    def _has_work(self) -> bool:
        """Whether a socket is needed: during silence after a loss no connection is made."""
        return self._is_started and bool(self._queue.items)

    @property
    def deadline(self) -> float | None:
        """When `tick` has to be called at the latest, or None."""
        if self.failure is not None or self.finished:
            return None
        deadlines = [self._closing_until] if self.closing else []
        if self._change is not None and self._change.until is not None:
            deadlines.append(self._change.until)
        return min(deadlines, default=None)

    @property
    def _closing_until(self) -> float:
        """When the last words are given up: they may take longer than the timeout while other results come.

        A whole recording pushed at once takes at most as much longer as it sounds.
        """
        heard_at = min(max(self._closing_since, self.results.heard_at), self._closing_since + self._pushes.seconds)
        return heard_at + self._limits.close_timeout

    def tick(self, now: float) -> None:
        """The time has come that `next_action` named, or any other."""
        if self.failure is not None or self.finished:
            return
        if self._change is not None and self._change.until is not None and now >= self._change.until:
            self._apply_change(now)  # without the final; its audio is sent again
        if self.closing and now >= self._closing_until:
            if not self._clock.sent_bytes and not any(isinstance(item, bytes) for item in self._queue.items):
                self._finish()  # nothing was said: no words are missing
                return
            self.fail(ConnectionLost(f"The last words did not come within {self._limits.close_timeout:g} s."))

    # Connections.

    def start(self) -> None:
        """A caller wants a connection, whether or not there is something to send.

        Raises:
            SmallestError: The session is over.
        """
        self.refuse_if_over()
        if not self._is_started:
            self.retry.begin()

    def start_sending(self) -> None:
        """Audio is pushed and no connection was made yet: make one as soon as there is something to send."""
        if not self._is_started:
            self.retry.begin()
            self._is_started = True

    def attempt(self, now: float) -> float:
        """Return when the next attempt to connect is due.

        Raises:
            SmallestError: There is none: the budget is used up.
        """
        at = self._plan_attempt(now)
        if at is None or self.failure is not None:
            raise self.failure or ConnectionLost("The session is over.")
        return at

    def _plan_attempt(self, now: float) -> float | None:
        if self._lost is not None:  # the loss may be long ago: its budget begins with the search for a connection
            lost, self._lost = self._lost, None
            delay = self.retry.next_delay(lost, now, lost=True)
            if delay is None:
                self.fail(self.retry.final_error(lost))
                return None
            self._attempt_at = now + delay
            self._emit("on_retry", self._wait(lost, delay))
        return max(self._attempt_at, now)

    def _wait(self, error: SmallestError, seconds: float) -> RetryWait:
        return RetryWait(error, seconds, self.retry.failures, self.retry.max_retries)

    def connected(self, took: float, now: float) -> None:
        """A socket was opened, in so many seconds."""
        self.is_open = self._is_started = True
        self._attempt_at = _AT_ONCE
        self._lost = None
        self._last_sent_at = now
        self.retry.opened(now)
        self._clock.new_socket()
        self._unacknowledged.new_socket()
        self.results.new_socket(took)
        self._emit("on_connected")

    def connect_failed(self, error: SmallestError, now: float) -> SmallestError | None:
        """An attempt failed.

        Returns:
            None if there is another one, else what to raise to a caller who waits for the connection. The session ends
            with it only if there is something to be sent.
        """
        self._settle_change()  # it was waiting for this socket
        delay = self.retry.next_delay(error, now, lost=False)
        if delay is not None:
            self._attempt_at = now + delay
            self._emit("on_retry", self._wait(error, delay))
            return None
        self._attempt_at = _AT_ONCE
        final = self.retry.final_error(error)
        if self._has_work:
            self.fail(final)
        else:
            self._emit("on_connection_error", str(final))
        return final

    def connect_cancelled(self) -> None:
        """An attempt was given up without an outcome."""
        self._settle_change()  # it was waiting for this socket

    def connection_lost(self, error: ConnectionLost, now: float) -> None:
        """An open socket ended without our closing it."""
        self.is_open = False
        self.retry.closed(now)
        self._emit("on_disconnected")
        if self.failure is not None or self.finished:
            return
        if self._is_close_sent and error.code == _NORMAL and not len(self._unacknowledged):
            self._finish()  # an older service, which ends a stream without `is_last`
            return
        self._lost = error
        self.reconnects += 1
        self._emit("on_connection_error", str(error))
        if self._change is not None:
            self._apply_change(now)
        else:
            self._take_back()

    def keepalive(self) -> bytes | str:
        """Return the frame that keeps the socket open in silence.

        Silence is what services are known to take for audio. Where the audio broke off in the middle of a word, because
        what sends it is busy, silence would cut that word in two; the request that LiveKit sends does not. If the
        service closes such a socket all the same, the word is sent again on the next one.
        """
        return self._clock.keepalive() if self._is_pcm16 and not self._breaks_off else wire.KEEPALIVE

    @property
    def _breaks_off(self) -> bool:
        """Whether the last audio (PCM16) that was sent is not silent."""
        tail = pcm16_to_array(self._unacknowledged.tail(self._clock.size(_TAIL_SECS)))
        return bool(tail.size) and max(int(tail.max()), -int(tail.min())) > _QUIET_PEAK

    def _take_back(self) -> None:
        """Put what no final covers in front of the queue, with the requests that were not answered."""
        again: list[bytes | str] = []
        finalize = self._unacknowledged.awaits_finalize
        audio, lost = self._unacknowledged.take_back()
        again += audio
        if finalize:
            again.append(wire.FINALIZE)
        if self._in_hand is not None:
            again.append(self._in_hand)
        if self._is_close_sent:
            again.append(wire.CLOSE_STREAM)
        self._in_hand = None
        self._is_close_sent = False
        self._queue.put_front(again)
        self.results.audio_taken_back(self._clock.position)
        self._report_dropped(
            lost, f"no final covers it, and only the last {self._limits.resend_secs:g} s can be sent again"
        )

    # Audio.

    @property
    def is_clear(self) -> bool:
        """Whether audio may be sent at once, because nothing is before it."""
        return (
            self.is_open
            and self._in_hand is None
            and not self._queue.items
            and self._change is None
            and not self.closing
        )

    def pushed_and_sent(self, audio: bytes, now: float) -> None:
        """A piece of audio was pushed and is on the socket: what happens to each block of a microphone."""
        self._unacknowledged.sent(audio, now)
        self._last_sent_at = now
        self._pushed(audio, now)

    def push(self, audio: bytes, now: float) -> None:
        """Queue a piece of audio; the oldest is dropped, and reported, if there is no room."""
        dropped = self._queue.put(audio)
        self._unacknowledged.dropped(dropped)
        self._report_dropped(dropped, f"the connection is away, and {self._limits.buffer_secs:g} s are kept")
        self._pushed(audio, now)

    def has_room(self, size: int, waiting_since: float, now: float) -> bool:
        """Say whether audio is taken: a recording waits for room, a microphone meets a full queue only in an outage.

        Args:
            size: Bytes of it.
            waiting_since: When its caller began to wait.
            now: Seconds on a monotonic clock.

        Raises:
            ConnectionLost: An open socket took nothing for 30 s.
            SmallestError: The session is over.
        """
        self.refuse_if_over()
        if self._queue.has_room(size):
            return True
        if self.is_open:
            if now - max(waiting_since, self._last_sent_at) >= _ROOM_SECS:
                raise ConnectionLost(f"The service took no audio for {_ROOM_SECS:g} s.")
            return False
        is_recording = self._pushes.ahead(now) > self._limits.buffer_secs / 2
        return not (is_recording and self._is_started)

    def waited(self, seconds: float) -> None:
        """A caller waited that long for room."""
        self._pushes.waited(seconds)

    def sent(self, now: float) -> None:
        """The item of `next_action` is on the socket; after a loss it is in the queue again, and this means nothing."""
        item, self._in_hand = self._in_hand, None
        self._last_sent_at = now
        if isinstance(item, bytes):
            self._unacknowledged.sent(item, now)
        elif item == wire.FINALIZE:
            self._unacknowledged.finalize_sent()
            if self._change is not None and self._change.is_finalized:
                self._change.until = now + self._limits.close_timeout
        elif item is not None:
            self._is_close_sent = True

    def _pushed(self, audio: bytes, now: float) -> None:
        if self._is_timed:
            self._pushes.pushed(self._clock.seconds(len(audio)), now)
        if self._turns is not None:
            for turn in self._turns.push(audio):
                self._emit("on_speech_started" if turn.speaking else "on_speech_ended", turn.at)
                self._speech_end = None if turn.speaking else turn.at
                if not turn.speaking:
                    self._queue.put(wire.FINALIZE)

    def _report_dropped(self, size: int, why: str) -> None:
        if size:
            seconds = self._clock.seconds(size)
            self.dropped_seconds += seconds
            self._emit("on_connection_error", f"{seconds:.2f} s of audio dropped: {why}")

    # Requests of the caller.

    def finalize(self) -> None:
        """Queue the request for the final of what was said so far.

        Raises:
            SmallestError: The session is over.
        """
        self.refuse_if_over()
        self._queue.put(wire.FINALIZE)

    def change_settings(self, delta: SmallestSTTSettings, *, connecting: bool = False) -> dict[str, Any]:
        """Change settings; with a socket, what it has heard is finalized first, and :attr:`is_changing` until then.

        Args:
            delta: What changes.
            connecting: Whether a socket is being opened, with the settings in force.

        Returns:
            The former value of each field that changed.

        Raises:
            ConfigError: Settings that no stream can have; nothing is changed.
        """
        merged, changed = self.settings.merged(delta)
        if changed:
            url = self._url(merged)
            if self.failure is None and not self.finished and (self.is_open or connecting):
                self._change = _Change(merged)
                self._actions.append(OpenSpare(url))
            else:
                self.settings = merged
        return changed

    def cancel_change(self) -> None:
        """Keep the settings in force: the caller waits for the change no longer."""
        self._change = None

    @property
    def is_changing(self) -> bool:
        """Whether a change of settings waits for its final."""
        return self._change is not None

    def _apply_change(self, now: float) -> None:
        """Go on with the new settings on a new socket; what the old one did not make final is sent again."""
        if self._change is None:
            return
        self.settings = self._change.settings
        self._change = None
        if self.is_open:
            self.is_open = False
            self.retry.closed(now)
            self._emit("on_disconnected")
        self._take_back()
        self._actions.append(DropSocket())

    def close(self, now: float) -> None:
        """Nothing follows: send what is left, ask for the last final, and wait for it in bounded time."""
        self.closing = True
        self._closing_since = now
        if self.failure is None and self._is_started and (self.is_open or self._queue.items):
            self._queue.put(wire.CLOSE_STREAM)
        else:
            self._finish()

    def refuse_if_over(self) -> None:
        """Raise if nothing can be sent any more.

        Raises:
            SmallestError: The session is over, with its reason.
        """
        if self.failure is not None:
            raise self.failure
        if self.closing:
            raise ConnectionLost("This transcription is closed; make a new service.")

    # Results.

    def receive(self, data: str | bytes, now: float) -> None:
        """Take a frame of the open socket."""
        event = wire.parse_stt_frame(data, self._clock.timeline)
        if self.failure is not None:
            return
        if isinstance(event, wire.TranscriptFrame):
            self._take(event, now)
        elif isinstance(event, wire.SpeechMark):
            if self._turns is None:  # else our own voice activity has reported it
                name = "on_speech_started" if event.kind == "speech_started" else "on_speech_ended"
                self._emit(name, event.at)
        elif isinstance(event, wire.STTErrorFrame):
            self.fail(error_from_frame(event.info))
        elif isinstance(event, wire.STTUnknown):
            self.bad_frames += 1
            self._actions.append(Emit(event))

    def _take(self, frame: wire.TranscriptFrame, now: float) -> None:
        reaches = 0
        is_final = frame.segment.is_final
        if is_final:
            covered = self._unacknowledged.confirm(
                frame.segment, now, from_finalize=frame.from_finalize, ends_exactly=frame.ends_exactly
            )
            self.retry.progress(self._unacknowledged.acknowledged)
            reaches = covered.at_most
        sent_secs = self._clock.sent_bytes / self._fewest_bytes_per_second
        try:
            new = self.results.take(frame, now, reaches=reaches, sent_secs=sent_secs, speech_end=self._speech_end)
        except ProtocolError as error:
            self.fail(error)
            return
        if is_final and frame.from_finalize:
            self._emit("on_finalized", new)
        if new is not None:
            self._actions.append(Emit(new))
        if frame.is_last and self._is_close_sent:  # unasked it says nothing: there may be more to come
            self._finish()  # with the change, if one waits: a new socket would begin the stream again
        elif is_final and self._change is not None and self._change.until is not None:
            self._apply_change(now)

    # Ends.

    def fail(self, error: SmallestError) -> None:
        """The session is over; only the first error counts."""
        if self.failure is None:
            self.failure = error
            self._settle_change()
            self._emit("on_connection_error", str(error))
            self._actions.append(Finish(error))

    def end(self) -> None:
        """The socket is gone for good: nothing more comes."""
        if not self.finished:
            self.closing = True
            self._finish()

    def _finish(self) -> None:
        self.finished = True
        self._settle_change()
        self._actions.append(Finish(self.failure))

    def _settle_change(self) -> None:
        """Take the new settings without a socket to change."""
        if self._change is not None:
            self.settings, self._change = self._change.settings, None

    def _emit(self, name: str, *args: Any) -> None:
        self._actions.append(Emit(SessionEvent(name, args)))
