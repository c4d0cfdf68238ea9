"""One utterance: its parts, what was received of each, and what is to be sent next.

No sockets and no tasks here: the service feeds frames in, the speaker asks what to send, the caller takes events out.

::

    part:  WAITING ──sent──> SENT ──first audio──> SOUNDING ──complete, or the next part sounds──> COMPLETE
              ^─────────────── the socket was lost ──────────────┘
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import IntEnum
from time import monotonic
from typing import TYPE_CHECKING

from smallest_nb.api import tts_wire as wire
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip, pcm16_to_array
from smallest_nb.client.audio_stitcher import AudioStitcher
from smallest_nb.client.queues import ResultQueue
from smallest_nb.errors import ConnectionLost, IncompleteError, ProtocolError, SmallestError
from smallest_nb.results.metrics import TTSMetrics

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from smallest_nb.api.settings import SmallestTTSSettings

__all__ = ["AudioChunk", "Part", "PartState", "Utterance", "WordTiming"]

_INBOX_BYTES = 32 * 2**20
"""Eleven minutes of speech at 24 kHz; a caller that is slower than that slows the service down."""
_MOST_SECS, _MOST_SECS_PER_CHARACTER = 30.0, 2.0
"""Audio expected at most, at normal speed: 15 characters a second are usual; a number or a symbol may be many words."""
_SLOWEST = 0.1
"""The lowest speed of any model."""
_IDS_PER_PART = 16


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of an utterance.

    Attributes:
        pcm: PCM16 bytes, whole samples.
        sample_rate: Hz.
        start: Seconds from the start of the utterance.
    """

    pcm: bytes
    sample_rate: int
    start: float

    @property
    def samples(self) -> NDArray[np.int16]:
        """The samples as an int16 array of shape `(samples,)`."""
        return pcm16_to_array(self.pcm)


@dataclass(frozen=True, slots=True)
class WordTiming:
    """When a word is spoken, in seconds from the start of the utterance."""

    word: str
    start: float
    end: float


class PartState(IntEnum):
    """Where a part stands."""

    WAITING = 0
    SENT = 1
    SOUNDING = 2
    COMPLETE = 3


@dataclass(eq=False, slots=True)
class Part:
    """One request's worth of text, and what came of it.

    Attributes:
        text: What to say; empty for the frame that only ends a continuation.
        last: Nothing follows.
        id: The request id of its latest sending.
        start: Sample of the utterance with which it begins.
        pieces: PCM16 handed over.
        words: Word timings handed over.
    """

    text: str
    last: bool
    state: PartState = PartState.WAITING
    id: str = ""
    start: int = 0
    pieces: list[bytes] = field(default_factory=list)
    words: int = 0
    carry: bytes = b""
    splice: AudioStitcher | None = None


class Utterance:
    """One utterance in flight.

    Args:
        settings: The snapshot that all its parts are spoken with.
        sample_rate: Hz.

    Attributes:
        completed: Parts that the service said were complete.
    """

    def __init__(self, settings: SmallestTTSSettings, sample_rate: int) -> None:
        self.settings = settings
        self.sample_rate = sample_rate
        self.told = TTSMetrics(0)
        self.inbox: ResultQueue[AudioChunk | WordTiming] = ResultQueue(_INBOX_BYTES)
        self.changed = asyncio.Event()
        self.context: str | None = None
        self.started = self.last_heard = monotonic()
        self.heard_on_socket = False
        self._failure: SmallestError | None = None
        self._parts: list[Part] = []
        self._by_id: dict[str, Part] = {}
        self._by_server_id: dict[str, Part] = {}
        self._current: Part | None = None
        self._latest: Part | None = None
        self._samples = 0
        self._asked_secs = _MOST_SECS
        self._asked_words = 0
        self._received_bytes = self._received_words = 0
        self._flooded = False
        self._all_there = False
        self.completed = 0

    @property
    def clip(self) -> Clip:
        """What was received so far."""
        return Clip(b"".join(piece for part in self._parts for piece in part.pieces), self.sample_rate)

    @property
    def outstanding(self) -> bool:
        """Whether the service still owes something for what it was sent."""
        return any(PartState.SENT <= p.state <= PartState.SOUNDING for p in self._parts)

    @property
    def sounding(self) -> bool:
        """Whether audio is on its way in."""
        return any(p.state is PartState.SOUNDING for p in self._parts)

    @property
    def spoken(self) -> int:
        """How many parts that have a text are complete."""
        return sum(p.state is PartState.COMPLETE and bool(p.text) for p in self._parts)

    @property
    def backlog(self) -> int:
        """How many parts wait to be sent."""
        return sum(p.state is PartState.WAITING for p in self._parts)

    @property
    def done(self) -> bool:
        """Whether the whole text was spoken."""
        return self._all_there and self.completed == len(self._parts)

    def add(self, text: str, *, last: bool) -> None:
        """Add a part; `last` with an empty text where what was added before turns out to have been all."""
        self._all_there = last
        if text or (last and self._parts and self._parts[-1].state is not PartState.WAITING):
            self._parts.append(Part(text, last))
        elif self._parts:
            self._parts[-1].last = last
        self.told.characters += len(text)
        self.told.parts += bool(text)
        self.changed.set()

    def next_part(self) -> Part | None:
        """Return what is to be sent now, if anything: one part ahead of what sounds, to wait at the service."""
        for part in self._parts:
            if part.state is PartState.WAITING:
                return part
            if part.state is PartState.SENT:
                return None
        return None

    def stamp(self, part: Part) -> str:
        """Give a part a fresh request id and return it."""
        part.id = uuid.uuid4().hex
        self._by_id[part.id] = part
        return part.id

    def sent(self, part: Part) -> None:
        """A part is on its way; a closing frame without text gets no answer."""
        part.state = PartState.SENT
        speed = self.settings.speed
        pace = min(1.0, max(_SLOWEST, float(speed))) if isinstance(speed, int | float) else 1.0
        self._asked_secs += len(part.text) * _MOST_SECS_PER_CHARACTER / pace
        self._asked_words += len(part.text)
        if not part.text:
            self._end(part)
        self.last_heard = monotonic()

    def rewind(self) -> None:
        """Have everything that is not known to be complete spoken again, on another socket."""
        for part in self._parts:
            if PartState.SENT <= part.state <= PartState.SOUNDING:
                part.state, part.carry = PartState.WAITING, b""
                part.splice = AudioStitcher(b"".join(part.pieces), self.sample_rate) if part.pieces else None
        self._current = None
        self._by_id.clear()
        self._by_server_id.clear()
        self.heard_on_socket = False

    def fail(self, error: SmallestError) -> None:
        """The socket was lost, or the service said no."""
        self._failure = error
        self.changed.set()

    def take_failure(self) -> SmallestError | None:
        """Return what went wrong since the last call; a socket lost while nothing was awaited harms nobody."""
        error, self._failure = self._failure, None
        return None if isinstance(error, ConnectionLost) and not self.outstanding else error

    def owns(self, frame: wire.TTSFrame) -> bool:
        """Say whether a frame may be ours: more is to come, and it names neither a stranger nor a past part."""
        if self.done:
            return False
        if frame.external_id is not None:
            part = self._by_id.get(frame.external_id)
            return part is not None and not self._is_past(part)
        part = self._by_server_id.get(frame.request_id or "")
        return part is None or not self._is_past(part)

    def _is_past(self, part: Part) -> bool:
        """Say whether a later part already sounds: what comes now for this one is too late to be heard in its place."""
        return part.state is PartState.COMPLETE and self._latest is not part

    def take(self, frame: wire.TTSFrame) -> Awaitable[None] | None:
        """Take a frame that belongs to this utterance.

        Returns:
            A wait where the caller is too far behind, else None.
        """
        self.last_heard = monotonic()
        part = self._part_of(frame)
        if part is None:
            return None
        self.heard_on_socket = True
        if isinstance(frame, wire.AudioFrame):
            self._received_bytes += len(frame.data)
            return None if self._is_too_much() else self._audio(part, frame.data)
        if isinstance(frame, wire.WordFrame):
            self._received_words += 1
            return None if self._is_too_much() else self._word(part, frame)
        self._end(part)
        return None

    def _is_too_much(self) -> bool:
        """Say whether more was received than the text can be spoken in, which ends the utterance."""
        received = self._received_bytes / BYTES_PER_SAMPLE / self.sample_rate
        if self._flooded or (received <= self._asked_secs and self._received_words <= self._asked_words):
            return self._flooded
        self._flooded = True
        what = f"{received:.0f} s of audio and {self._received_words} word times"
        most = f"{self._asked_secs:.0f} s and {self._asked_words}"
        self.fail(ProtocolError(
            f"The service sent {what} for {self.told.characters} characters of text; at most {most} were expected, "
            "so the speech was ended. Try again; if it happens again, report it to the service."
        ))  # fmt: skip
        return True

    def _audio(self, part: Part, data: bytes) -> Awaitable[None] | None:
        begins = part.state is not PartState.SOUNDING
        if begins:
            self._begin(part)
        if part.carry:
            data, part.carry = part.carry + data, b""
        if len(data) % BYTES_PER_SAMPLE:
            data, part.carry = data[:-1], data[-1:]
        pending = self._hand_over(part, part.splice.push(data) if part.splice else data)
        if begins:
            self.changed.set()  # after the audio: the caller comes before the next sentence
        return pending

    def _part_of(self, frame: wire.TTSFrame) -> Part | None:
        """Find the part: by our own id where the service repeats it, else by the order in which runs of audio come."""
        if frame.external_id is not None:
            part = self._by_id.get(frame.external_id)
        elif frame.request_id is None:
            part = self._by_order(running=True)
        else:
            part = self._by_server_id.get(frame.request_id)
            if part is None:
                part = self._by_order(running=isinstance(frame, wire.CompleteFrame))
        if part is not None and frame.request_id is not None:
            self._by_server_id[frame.request_id] = part
            if len(self._by_server_id) > _IDS_PER_PART * (len(self._parts) + 1):
                del self._by_server_id[next(iter(self._by_server_id))]
        self._current = part or self._current
        return part

    def _by_order(self, *, running: bool) -> Part | None:
        here = self._current
        if running and here is not None and here.state is PartState.SOUNDING:
            return here
        return next((p for p in self._parts if p.state is PartState.SENT), here)

    @property
    def server_ids(self) -> list[str]:
        """The service's own names for what it answered."""
        return list(self._by_server_id)

    def _begin(self, part: Part) -> None:
        for earlier in self._parts[: self._parts.index(part)]:
            if earlier.state is not PartState.COMPLETE:
                self._end(earlier)
        if part.state is PartState.COMPLETE:
            self.completed -= 1  # the service cut it in two, and this is the second half
        part.state = PartState.SOUNDING
        self._latest = part
        if not part.pieces:
            part.start = self._samples

    def _hand_over(self, part: Part, pcm: bytes) -> Awaitable[None] | None:
        if not pcm:
            return None
        if self.told.ttfb_s is None:
            self.told.ttfb_s = self.last_heard - self.started
        chunk = AudioChunk(pcm, self.sample_rate, self._samples / self.sample_rate)
        part.pieces.append(pcm)
        self._samples += len(pcm) // BYTES_PER_SAMPLE
        return self.inbox.put(chunk, len(pcm))

    def _word(self, part: Part, frame: wire.WordFrame) -> Awaitable[None] | None:
        if frame.index < part.words:
            return None
        part.words = frame.index + 1
        shift = part.splice.shift if part.splice else 0
        start = part.start if part.state is PartState.SOUNDING or part.pieces else self._samples
        offset = (start + shift) / self.sample_rate
        return self.inbox.put(WordTiming(frame.word, frame.start + offset, frame.end + offset), 64)

    def _end(self, part: Part) -> None:
        if part.state is PartState.COMPLETE:
            return
        if part.text and not part.pieces and not part.splice:
            self.fail(IncompleteError("The service said complete without any audio", clip=self.clip))
            return
        part.state = PartState.COMPLETE
        self.completed += 1
        if part.splice:
            self._hand_over(part, part.splice.flush())  # never waits: the inbox's limit has room for one sentence more
        self.changed.set()

    def finish(self) -> None:
        """Close the books."""
        if not self.told.total_s:
            self.told.audio_s = self._samples / self.sample_rate
            self.told.total_s = monotonic() - self.started
            self.told.complete = self.done
