"""What happens next while a text is spoken: decided here, done by the service.

No socket, no task and no clock. The service passes in what happened (text, frames, sockets that open and are lost),
takes one action after another from :meth:`TTSSession.next_action`, and reports what came of it; `now` is in seconds on
its monotonic clock. What was received waits for the caller in :meth:`TTSSession.take_event`.

A text is spoken in requests of one sentence. One of them sounds, one more waits at the service so that there is no gap
between them. After a loss the first one that is not complete is spoken again, and the caller gets the rest of it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable

from smallest_nb.api import tts_wire as wire
from smallest_nb.api.error_shapes import error_from_frame
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.tts_wire import AudioFrame, CompleteFrame, ErrorFrame, TTSFrame, WordFrame
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.audio.pcm_buffer import PCMBuffer
from smallest_nb.client.actions import Action, Connect, DropSocket, Finish, Notify, OpenSpare, Send, WaitUntil
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.late_frames import LateFrames
from smallest_nb.client.model_fallback import ModelFallback, is_withdrawal, with_model_named
from smallest_nb.client.sentence_request import RequestState, SentenceRequest
from smallest_nb.client.tts_events import AudioChunk, WordTiming
from smallest_nb.errors import (
    ConnectionLost,
    IncompleteError,
    ModelRetiredError,
    ProtocolError,
    RateLimitError,
    SmallestError,
)
from smallest_nb.results.metrics import TTSMetrics

__all__ = ["BUFFER_BYTES", "GRACE_SECS", "OUTAGE_SECS", "TTSSession"]

BUFFER_BYTES = 32 * 2**20
"""Eleven minutes of speech at 24 kHz; a caller that is slower than that slows the service down."""
GRACE_SECS = 0.2
"""A loop that was blocked runs its timers before it reads its sockets: what waits there must be read first."""
OUTAGE_SECS = 10.0
"""Seconds for which the network may be away in mid-speech; a page has as much sound in hand, so nothing is heard."""
_WORD_BYTES = 64
"""What a word counts in the buffer."""
_MOST_SECS, _MOST_SECS_PER_CHARACTER = 30.0, 2.0
"""Audio expected at most, at normal speed: 15 characters a second are usual; a number or a symbol may be many words."""
_SLOWEST = 0.1
"""The lowest speed of any model."""
_IDS_PER_REQUEST = 16


class TTSSession:
    """Speaks one text, or only opens the socket for texts to come.

    Args:
        settings: The snapshot with which all of it is spoken.
        sample_rate: Hz.
        retry: The reconnect budget, over all sessions of a service.
        fallback: Replaces a withdrawn model that was not chosen; shared as well.
        late: What the open socket may still bring of earlier texts.
        new_id: Returns an id that was never used.
        endpoint: See :func:`~smallest_nb.api.tts_wire.is_unified`.
        audio_timeout: Seconds without a frame after which an unanswered request counts as broken.
        is_open: Whether there is a socket already.
        is_streamed: Whether the text comes piece by piece, so that it is not known yet how many sentences it has.
        needs_socket: Whether a socket is opened even if there is nothing to send.
        spare: Whether a second socket is made ready once the text sounds.
        buffer_bytes: How much is kept for a slow caller.
        sound: Where all audio that is received is kept; None for a buffer of its own.
        is_collected: Whether the caller takes the audio from there, and no events.

    Attributes:
        settings: With the replacement for a model that was withdrawn meanwhile.
        metrics: What it cost.
        is_finished: Whether nothing will be done any more; what was received before can still be taken.
        error: What it ended with, if not well.
        is_due: Whether :meth:`next_action` has something to decide, though the time it asked for has not come.
    """

    def __init__(
        self,
        settings: SmallestTTSSettings,
        sample_rate: int,
        *,
        retry: RetryPolicy,
        fallback: ModelFallback,
        late: LateFrames,
        new_id: Callable[[], str],
        endpoint: str | None = None,
        audio_timeout: float = 15.0,
        is_open: bool = False,
        is_streamed: bool = False,
        needs_socket: bool = False,
        spare: bool = False,
        buffer_bytes: int | None = None,
        sound: PCMBuffer | None = None,
        is_collected: bool = False,
    ) -> None:
        self.settings = settings
        self.metrics = TTSMetrics(0)
        self.is_finished = False
        self.error: BaseException | None = None
        self.is_due = True
        self._sample_rate = sample_rate
        self._retry = retry
        self._fallback = fallback
        self._late = late
        self._new_id = new_id
        self._endpoint = endpoint
        self._timeout = audio_timeout
        self._is_streamed = is_streamed
        self._needs_socket = needs_socket
        self._spare = spare
        # The text.
        self._requests: list[SentenceRequest] = []
        self._has_all_text = False
        self._context: str | None = None
        self._has_sent = False
        self._started: float | None = None
        # The socket.
        self._is_open = is_open
        self._is_reused = True  # until this session opens one
        self._has_received = False  # on this socket
        self._connect_at: float | None = None
        self._failed: SmallestError | None = None  # what the next attempt follows
        self._lost: SmallestError | None = None  # what ended the socket before, until another one is open
        self._lost_is_counted = False
        self._failure: SmallestError | None = None  # what went wrong and is not dealt with yet
        self._queued: deque[Action] = deque()
        # The frames.
        self._by_id: dict[str, SentenceRequest] = {}
        self._by_server_id: dict[str, SentenceRequest] = {}
        self._current: SentenceRequest | None = None  # the latest frame was one of its
        self._sounding_last: SentenceRequest | None = None
        self._last_frame_at = 0.0
        self._grace_ends: float | None = None
        self._expected_bytes, self._expected_words = _MOST_SECS * sample_rate * BYTES_PER_SAMPLE, 0
        self._received_bytes = self._received_words = 0
        # What was received.
        self._sound = PCMBuffer() if sound is None else sound
        self._is_collected = is_collected
        self._samples = 0
        self._events: deque[tuple[AudioChunk | WordTiming, int]] = deque()
        self._buffered = 0
        self._most_buffered = BUFFER_BYTES if buffer_bytes is None else buffer_bytes

    # What happened.

    def add_text(self, text: str, *, last: bool) -> None:
        """Add a sentence.

        Args:
            text: What to speak; empty, with `last`, if what was added before turns out to have been all.
            last: Nothing follows.
        """
        self._has_all_text = last
        if text or (last and self._requests and self._requests[-1].state is not RequestState.WAITING):
            self._requests.append(SentenceRequest(text, last))
        elif self._requests:
            self._requests[-1].is_last = last
        self.metrics.characters += len(text)
        self.metrics.parts += bool(text)
        self.is_due = True

    def connected(self, took: float | None) -> None:
        """There is an open socket; `took` is the seconds of its handshake, None if it was open already."""
        self._is_open, self._connect_at, self._lost = True, None, None
        if took is not None:
            self._is_reused = False
            self.metrics.connect_s = (self.metrics.connect_s or 0.0) + took

    def connect_failed(self, error: SmallestError, now: float) -> None:
        """One attempt to open a socket failed: there is another one, with the replacement of a model, or an error."""
        if isinstance(error, ModelRetiredError) and self._replace_model():
            self._connect_at = now
        else:
            self._connect_after(error, now, lost=False)

    def sent(self, request: SentenceRequest | None, now: float) -> None:
        """The frame of a `Send` is on its way."""
        self._last_frame_at = now
        if request is None:
            return
        if request.state is RequestState.SENDING:  # else it was answered already
            request.state = RequestState.SENT
        speed = self.settings.speed
        pace = min(1.0, max(_SLOWEST, float(speed))) if isinstance(speed, int | float) else 1.0
        seconds = len(request.text) * _MOST_SECS_PER_CHARACTER / pace
        self._expected_bytes += seconds * self._sample_rate * BYTES_PER_SAMPLE
        self._expected_words += len(request.text)
        if not request.text:  # a frame that only ends a continuation gets no answer
            self._complete(request, now)
            self._finish_if_done(now)

    def connection_lost(self, error: ConnectionLost) -> None:
        """The socket is gone; that is a failure only if something was to come on it."""
        if not self._is_open:
            return
        self._is_open = False
        if self._is_outstanding:
            if any(r.state in (RequestState.SENT, RequestState.SOUNDING) for r in self._requests):
                self._queued.append(Notify(error))
            self._fail(error)

    def receive(self, frame: TTSFrame, now: float) -> bool:
        """Take a frame; return whether it belongs to this text, or answers a keepalive."""
        if self.is_finished or not self._is_open or (frame.external_id is None and self._late.has_id_of(frame)):
            return False
        request = self._request_of(frame)
        if isinstance(frame, AudioFrame):
            if request is not None:
                self._receive_audio(request, frame, now)
        elif isinstance(frame, WordFrame):
            if request is not None:
                self._receive_word(request, frame, now)
        elif isinstance(frame, CompleteFrame | ErrorFrame):
            return self._receive_end(request, frame, now)
        return request is not None

    def interrupt(self, now: float, *, congested: bool) -> list[Action]:
        """End it for the caller's sake: nothing else of it is to be heard.

        What the service holds of a continuation is cancelled there; a socket on which speech is still being made is
        dropped, because there is no way to have the service stop making it.

        Args:
            now: The time.
            congested: Whether a frame would have to wait before it is sent, which would hold up the cancelling.

        Returns:
            What to do; the outcome need not be reported.
        """
        must_drop = self._is_open and (self._is_outstanding or congested)
        cancels = self._is_open and not must_drop and self._context is not None
        self._finish(None, now)
        self._events.clear()
        if must_drop:
            return [DropSocket(replace=True)]
        return [Send(json.dumps(wire.tts_cancel(self.settings, self._context or "")))] if cancels else []

    def cancel(self, now: float) -> list[Action]:
        """End it because its caller takes no more; return what to do, as `interrupt` does."""
        must_drop = self._is_open and self._is_outstanding
        self._finish(None, now)
        return [DropSocket(replace=True)] if must_drop else []

    def fail(self, error: BaseException, now: float) -> None:
        """End it with an error that no other socket would change, such as one of the caller's iterator."""
        self._finish(error, now)

    # What to do.

    def next_action(self, now: float) -> Action:
        """Return what to do now; `WaitUntil` may be answered by calling again whenever `is_due` says so."""
        self.is_due = False
        self._started = now if self._started is None else self._started
        while not self._queued and not self.is_finished and self._failure is not None:
            self._deal_with_failure(now)
        if self._queued:
            self.is_due = True
            return self._queued.popleft()
        self._finish_if_done(now)
        if self.is_finished:
            return Finish(self.error)
        request = self._next_request()
        if request is not None and not request.text and (self._context is None or not self._is_open):
            self._complete(request, now)  # there is no continuation to be ended, or it ended with its socket
            return self.next_action(now)
        if request is None and (self._is_open or not self._needs_socket):
            return self._wait(now)
        if request is None or not self._is_open:
            return self._connect(now)
        return self._send(request, now)

    @property
    def backlog(self) -> int:
        """How many sentences wait to be sent."""
        return sum(r.state is RequestState.WAITING for r in self._requests)

    @property
    def server_ids(self) -> Iterable[str]:
        """The service's ids for what it answered."""
        return self._by_server_id

    @property
    def is_outstanding(self) -> bool:
        """Whether the service may still send something."""
        return not self.is_finished and self._is_outstanding

    # What was received.

    @property
    def is_full(self) -> bool:
        """Whether the caller is so far behind that nothing more may be read."""
        return self._buffered >= self._most_buffered and not self.is_finished

    def resumed(self, now: float) -> None:
        """The service is read again after a caller who was slow: until now it could not be heard, and is not late."""
        self._last_frame_at = now

    def take_event(self) -> AudioChunk | WordTiming | None:
        """Return what comes next for the caller; None if there is nothing now, and never again once it is finished."""
        if not self._events:
            return None
        event, size = self._events.popleft()
        self._buffered -= size
        return event

    @property
    def clip(self) -> Clip:
        """All audio that was received so far."""
        return self._sound.clip(self._sample_rate)

    # Decisions about the socket.

    @property
    def _is_outstanding(self) -> bool:
        return any(r.is_outstanding for r in self._requests)

    def _next_request(self) -> SentenceRequest | None:
        """Return the request to send now: one sentence ahead of what sounds, to wait at the service."""
        for request in self._requests:
            if request.state is RequestState.WAITING:
                return request
            if request.state in (RequestState.SENDING, RequestState.SENT):
                return None
        return None

    def _send(self, request: SentenceRequest, now: float) -> Send:
        is_unified = wire.is_unified(str(self.settings.model), self._fallback.endpoint(self._endpoint))
        if not self._has_sent and is_unified and (self._is_streamed or len(self._requests) > 1):
            self._context = self._new_id()
        self._has_sent = True
        if not self._has_received and not self._is_outstanding:
            self._started = now
        request.state, request.id, self._last_frame_at = RequestState.SENDING, self._new_id(), now
        self._by_id[request.id] = request
        frame = wire.tts_request(
            self.settings,
            request.text,
            sample_rate=self._sample_rate,
            request_id=request.id,
            endpoint=self._fallback.endpoint(self._endpoint),
            context_id=self._context,
            more=self._context is not None and not request.is_last,
        )
        return Send(json.dumps(frame, ensure_ascii=False), request)

    def _connect(self, now: float) -> Action:
        if self._lost is not None and not self._lost_is_counted:
            self._lost_is_counted = True
            self._connect_after(self._lost, now, lost=True)
            if self.is_finished:
                return self.next_action(now)
        return Connect(now if self._connect_at is None else self._connect_at, self._failed)

    def _connect_after(self, error: SmallestError, now: float, *, lost: bool) -> None:
        """Plan the next attempt after a failure, or end with the error."""
        delay = self._retry.next_delay(error, now, lost=lost)
        if delay is not None:
            self._connect_at, self._failed = now + delay, error
            return
        final = with_model_named(self._retry.final_error(error), self.settings)
        if final is not self._lost:  # else it was reported when the socket was lost
            self._queued.append(Notify(final))
        if isinstance(self._lost, ConnectionLost) or self._samples:
            incomplete = IncompleteError(f"The speech broke off: {final}", clip=self.clip)
            incomplete.__cause__ = final
            self._finish(incomplete, now)
        else:
            self._finish(final, now)

    def _deal_with_failure(self, now: float) -> None:
        """Have what a loss cut off spoken again, or end with what no other socket would change."""
        error, self._failure = self._failure, None
        if isinstance(error, ModelRetiredError) and not self._is_sounding and self._replace_model():
            self._drop_socket()
            self._rewind()
            return
        if not isinstance(error, ConnectionLost | RateLimitError):
            self._finish(error, now)
            return
        self._retry.progress(sum(r.state is RequestState.COMPLETE and bool(r.text) for r in self._requests))
        # An idle socket that the service was just closing is no failure of the service.
        was_idle = self._is_reused and not self._has_received and isinstance(error, ConnectionLost)
        self._is_reused = False
        if isinstance(error, RateLimitError):
            self._drop_socket()
        self.metrics.retries += 1
        self._rewind()
        self._lost, self._lost_is_counted = None if was_idle else error, False

    def _fail(self, error: SmallestError) -> None:
        """Note what went wrong: the first cause, which others may follow."""
        self._failure = self._failure or error
        self.is_due = True

    def _drop_socket(self) -> None:
        if self._is_open:
            self._is_open = False
            self._queued.append(DropSocket())

    def _rewind(self) -> None:
        """Have everything that is not known to be complete spoken again, on another socket."""
        for request in self._requests:
            if request.is_outstanding:
                request.rewind(self._sound.read(request.start, request.start + request.samples), self._sample_rate)
        self._current = None
        self._by_id.clear()
        self._by_server_id.clear()
        self._has_received = False

    def _replace_model(self) -> bool:
        if not self._fallback.note_refusal(self.settings):
            return False
        self.settings = self._fallback.adapt(self.settings)
        return True

    def _wait(self, now: float) -> Action:
        """Wait; while an answer is outstanding, at most until the service counts as silent."""
        if not self._is_outstanding:
            return WaitUntil(None)
        if self.is_full:
            self._last_frame_at = now  # it is the caller who is slow: nothing is read meanwhile
        silent_at = self._last_frame_at + self._timeout
        if now < silent_at:
            self._grace_ends = None
            return WaitUntil(silent_at)
        if self._grace_ends is None:
            self._grace_ends = now + GRACE_SECS
        if now < self._grace_ends:
            return WaitUntil(self._grace_ends)
        self._finish(IncompleteError(f"The service sent nothing for {self._timeout:g} s", clip=self.clip), now)
        return Finish(self.error)

    def _finish_if_done(self, now: float) -> None:
        is_all_spoken = self._has_all_text and all(r.state is RequestState.COMPLETE for r in self._requests)
        if is_all_spoken and self._failure is None and (self._is_open or not self._needs_socket):
            self._finish(None, now, complete=True)

    def _finish(
        self, error: BaseException | None, now: float, *, complete: bool = False, discard: bool = False
    ) -> None:
        if discard:
            self._events.clear()
            self._buffered = 0
        if not self.is_finished:
            self.is_finished = self.is_due = True
            self.error = error
            self.metrics.audio_s = self._samples / self._sample_rate
            self.metrics.total_s = now - (now if self._started is None else self._started)
            self.metrics.complete = complete

    # Decisions about frames.

    def _request_of(self, frame: TTSFrame) -> SentenceRequest | None:
        """Find the request of a frame: by our own id if the service repeats it, else by the order of the answers.

        Returns:
            None for a stranger's frame, and for one of a sentence after which another one sounds already: what comes
            now is too late to be heard in its place.
        """
        if frame.external_id is not None:
            request = self._by_id.get(frame.external_id)
        elif frame.request_id is None:
            request = self._request_by_order(is_same=True)
        else:
            request = self._by_server_id.get(frame.request_id)
            if request is None:
                request = self._request_by_order(is_same=isinstance(frame, CompleteFrame))
        if request is None or (request.state is RequestState.COMPLETE and self._sounding_last is not request):
            return None
        return request

    def _request_by_order(self, *, is_same: bool) -> SentenceRequest | None:
        """Return the request that sounds, if the frame may be one of the same; else the next one in turn."""
        current = self._current
        if is_same and current is not None and current.state is RequestState.SOUNDING:
            return current
        sent = (r for r in self._requests if r.state in (RequestState.SENDING, RequestState.SENT))
        return next(sent, current)

    def _note_frame(self, request: SentenceRequest, frame: TTSFrame, now: float) -> None:
        self._last_frame_at = now
        self._has_received = True
        self._current = request
        if frame.request_id is not None and frame.request_id not in self._by_server_id:
            self._by_server_id[frame.request_id] = request
            if len(self._by_server_id) > _IDS_PER_REQUEST * (len(self._requests) + 1):
                del self._by_server_id[next(iter(self._by_server_id))]

    def _receive_audio(self, request: SentenceRequest, frame: AudioFrame, now: float) -> None:
        self._note_frame(request, frame, now)
        self._received_bytes += len(frame.data)
        if self._received_bytes > self._expected_bytes:
            self._fail_for_too_much()
            return
        if request.state is not RequestState.SOUNDING:
            self._begin(request, now)
        self._emit_audio(request, request.accept(frame.data), now)

    def _receive_word(self, request: SentenceRequest, frame: WordFrame, now: float) -> None:
        self._note_frame(request, frame, now)
        self._received_words += 1
        if self._received_words > self._expected_words:
            self._fail_for_too_much()
        if frame.index < request.words or self._failure is not None:
            return
        request.words = frame.index + 1
        is_begun = request.state is RequestState.SOUNDING or request.samples > 0
        offset = ((request.start if is_begun else self._samples) + request.shift) / self._sample_rate
        self._emit(WordTiming(frame.word, frame.start + offset, frame.end + offset), _WORD_BYTES)

    def _receive_end(self, request: SentenceRequest | None, frame: CompleteFrame | ErrorFrame, now: float) -> bool:
        is_named = frame.external_id is not None or frame.request_id in self._by_server_id
        if request is None and is_named:
            return False
        # A keepalive is answered without an id of ours, and before any audio; a withdrawal concerns the text anyway.
        may_answer_keepalive = frame.external_id is None and not self._is_sounding and not is_withdrawal(frame)
        if may_answer_keepalive and self._late.take_keepalive(now):
            return True
        if isinstance(frame, CompleteFrame):
            if request is not None:
                self._note_frame(request, frame, now)
                self._complete(request, now)
                self._finish_if_done(now)
            return request is not None
        if not is_named and not self._is_outstanding and (self._has_received or self._is_reused):
            return False  # there is no request that it could refuse
        self._fail(error_from_frame(frame.info, frame.request_id, model=self.settings.model))
        return True

    def _fail_for_too_much(self) -> None:
        """End the speech: more was received than the text can be spoken in."""
        received, most = (
            size / BYTES_PER_SAMPLE / self._sample_rate for size in (self._received_bytes, self._expected_bytes)
        )
        self._fail(ProtocolError(
            f"The service sent {received:.0f} s of audio and {self._received_words} word times for "
            f"{self.metrics.characters} characters of text; at most {most:.0f} s and {self._expected_words} were "
            "expected, so the speech was ended. Try again; if it happens again, report it to the service."
        ))  # fmt: skip

    @property
    def _is_sounding(self) -> bool:
        return any(r.state is RequestState.SOUNDING for r in self._requests)

    def _begin(self, request: SentenceRequest, now: float) -> None:
        """Note that a request sounds; if it was complete, the service cut it in two, and this is the second half."""
        for earlier in self._requests:
            if earlier is request:
                break
            self._complete(earlier, now)
        request.state = RequestState.SOUNDING
        self._sounding_last = request
        if not request.samples:
            request.start = self._samples
        self.is_due = True  # the next one may be sent

    def _complete(self, request: SentenceRequest, now: float) -> None:
        if request.state is RequestState.COMPLETE:
            return
        if request.text and request.is_silent:
            self._fail(IncompleteError("The service said complete without any audio", clip=self.clip))
            return
        self._emit_audio(request, request.complete(), now)
        self.is_due = True

    def _emit_audio(self, request: SentenceRequest, pcm: bytes, now: float) -> None:
        if not pcm:
            return
        if self.metrics.ttfb_s is None:
            self.metrics.ttfb_s = now - (now if self._started is None else self._started)
            if self._spare:
                self._queued.append(OpenSpare())
        size = len(pcm)
        self._sound.write(pcm)
        self._emit(AudioChunk(pcm, self._sample_rate, self._samples / self._sample_rate), size)
        request.samples += size // BYTES_PER_SAMPLE
        self._samples += size // BYTES_PER_SAMPLE

    def _emit(self, event: AudioChunk | WordTiming, size: int) -> None:
        if not self._is_collected:
            self._events.append((event, size))
            self._buffered += size
