"""Runs a conversation on one event loop: performs what the session decides, and reports what comes of it.

Its tasks: one listens to the source and sends what is heard to be transcribed, one reads the results, one commands the
sink. Each answer has two more, one that calls `reply` and the voice, one that writes to the sink.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, StreamResampler
from smallest_nb.audio.turn_detector import TurnDetector
from smallest_nb.audio.vad import Vad, VADParams
from smallest_nb.client.cleanup import start_task, to_the_end
from smallest_nb.client.conversation.actions import (
    CancelReply,
    Finalize,
    HangUp,
    PauseSound,
    PlaySound,
    ResumeSound,
    StartReply,
    StopSound,
    TurnAdded,
    TurnRemoved,
)
from smallest_nb.client.conversation.clock import ConversationClock
from smallest_nb.client.conversation.echo_gate import EchoGate
from smallest_nb.client.conversation.options import ConversationOptions, OnError
from smallest_nb.client.conversation.played_sound import PlayedSound, VoicedBlocks
from smallest_nb.client.conversation.reply import Reply, ReplyFunction, takes_history
from smallest_nb.client.conversation.session import ConversationSession
from smallest_nb.client.conversation.sinks import ArraySink, AudioSink
from smallest_nb.client.conversation.sources import AudioSource
from smallest_nb.client.events import EventEmitter
from smallest_nb.client.sentences import is_speakable
from smallest_nb.client.tts_events import AudioChunk
from smallest_nb.common.tracebacks import shorten
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.results.conversation import ConversationRecord
from smallest_nb.results.transcript import Recording, Segment

if TYPE_CHECKING:
    from smallest_nb.client.stt import SmallestSTTService
    from smallest_nb.client.tts import SmallestTTSService

__all__ = ["ConversationLoop"]

_log = logging.getLogger(__name__)
_MOST_CHUNKS = 64
"""Of the voice's audio that wait for the sink; then the service waits."""
_HALF_DUPLEX_TAIL_SECS = 0.3
_CLOSE_SECS = 4.0
_REST_SECS = 0.032


class _Slot:
    """The tasks of one answer."""

    def __init__(self) -> None:
        self.may_play = asyncio.Event()
        self.sound: asyncio.Queue[AudioChunk | None] = asyncio.Queue(_MOST_CHUNKS)
        self.tasks: list[asyncio.Task[Any]] = []
        self.player: asyncio.Task[float] | None = None
        self.has_begun = self.has_sounded = False
        self.played = 0.0

    def cancel(self) -> None:
        """Cancel both tasks at once: none of them may write a piece more."""
        for task in (*self.tasks, self.player):
            if task is not None:
                task.cancel()


class ConversationLoop(EventEmitter):
    """One conversation; :func:`smallest_nb.converse` makes and runs it.

    Handlers get the loop first: `on_turn(turn)`, `on_turn_removed(turn)` for a turn that a longer one will replace,
    `on_state(state)`, `on_interim(text)`, `on_reply_text(text)`, `on_reply_error(error)`.

    Args:
        source: The person's sound.
        reply: The function that answers.
        sink: Where the voice sounds; None plays nothing and takes as long.
        stt: Transcribes; belongs to the caller, who closes it.
        tts: Speaks; belongs to the caller, who closes it.
        options: How turns are taken.
        on_error: What is spoken if `reply` fails: a text, or a function of the error that returns one or None.
        vad: Thresholds; None takes Pipecat's with the options' `stop_secs`.
        vad_detector: Tells speech from the rest; None takes the best that is installed.
        clock: The clock; None takes that of the source or the sink.
        record: Where turns, sound and figures go; None for a new one.
        keep_audio_secs: Seconds of sound that are kept; 0 keeps none.

    Attributes:
        record: Turns, sound and figures, also while the conversation goes on.

    Raises:
        ConfigError: A value that cannot work.
    """

    EVENTS: ClassVar[tuple[str, ...]] = (
        "on_turn", "on_turn_removed", "on_state", "on_interim", "on_reply_text", "on_reply_error",
    )  # fmt: skip

    def __init__(
        self,
        source: AudioSource,
        reply: ReplyFunction,
        sink: AudioSink | None = None,
        *,
        stt: SmallestSTTService,
        tts: SmallestTTSService,
        options: ConversationOptions | None = None,
        on_error: OnError = None,
        vad: VADParams | None = None,
        vad_detector: Vad | None = None,
        clock: ConversationClock | None = None,
        record: ConversationRecord | None = None,
        keep_audio_secs: float = 1800.0,
    ) -> None:
        super().__init__()
        if not hasattr(source, "__aiter__") or not hasattr(source, "sample_rate"):
            raise ConfigError(f"source={source!r} cannot be used; expected an AudioSource, such as ClipSource(clip).")
        if on_error is not None and not isinstance(on_error, str) and not callable(on_error):
            raise ConfigError(f"on_error={on_error!r} cannot be used; expected a text, a function, or None.")
        self._clock = _common_clock(clock, source, sink)
        self._source = source
        self._reply, self._takes_history = reply, takes_history(reply)
        self._sink: AudioSink = ArraySink(self._clock) if sink is None else sink
        self._stt, self._tts = stt, tts
        self._options = options or ConversationOptions()
        self._on_error = on_error
        rate = self._rate = stt.sample_rate
        if stt.encoding != "linear16":
            raise ConfigError(f"The transcription has encoding={stt.encoding!r}; a conversation needs 'linear16'.")
        self._detector = TurnDetector(rate, vad or VADParams(stop_secs=self._options.stop_secs), vad_detector)
        self._resampler = StreamResampler(source.sample_rate, rate)
        self._gate = EchoGate(rate) if self._options.echo == "gate" else None
        self._half_duplex_until = float("-inf")
        self._held = b""
        self._played = PlayedSound(rate)
        self.record = record if record is not None else ConversationRecord()
        if keep_audio_secs and self.record.person is None:
            self.record.person = Recording(rate, keep_audio_secs)
            self.record.voice = Recording(rate, keep_audio_secs)
        self._session = ConversationSession(self._options, self.record)
        self._slots: dict[int, _Slot] = {}
        self._sounding: int | None = None
        self._commands: asyncio.Queue[PauseSound | ResumeSound | StopSound] = asyncio.Queue()
        self._must_finalize = False
        self._answering: set[int] = set()  # segments that answer a request for a final
        self._timer: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self._failure: BaseException | None = None
        self._shown = ("", "")
        self._has_run = False

    @property
    def state(self) -> str:
        """One of "listening", "hearing", "waiting", "thinking", "speaking", "paused" and "ended"."""
        return self._session.state

    @property
    def interim(self) -> str:
        """What the person has said of the turn that is not over."""
        return self._session.interim

    @property
    def answer_text(self) -> str:
        """What `reply` gave so far of the answer under way."""
        return self._session.answer_text

    async def run(self) -> ConversationRecord:
        """Converse until the source ends or :meth:`stop` is called; return what was said.

        Raises:
            ConfigError: It has run already.
            SmallestError: The transcription failed for good; `record` has what was said until then.
            Exception: What the source raises.
        """
        if self._has_run:
            raise ConfigError("This conversation has run already; make a new one.")
        self._has_run = True
        handler = self._stt.event_handler("on_finalized")(self._finalized)
        segments = self._stt.segments()
        tasks: list[asyncio.Task[None]] = []
        try:
            tasks.append(start_task(self._connect_voice()))
            await self._stt.connect()
            runs = (self._listen(), self._read(segments), self._command_sound())
            tasks.extend(start_task(self._guarded(run)) for run in runs)
            self._show()
            await self._over.wait()
        finally:
            self._stt.remove_event_handler("on_finalized", handler)
            await to_the_end(self._clean_up(tasks))
        if self._failure is not None:
            raise shorten(self._failure)
        return self.record

    def stop(self) -> None:
        """Hang up: the answer stops, and what the person was saying is kept without one."""
        self._session.hang_up()
        self._perform()

    async def _connect_voice(self) -> None:
        with contextlib.suppress(SmallestError):  # the first answer tries again, and reports it
            await self._tts.connect()

    async def _guarded(self, run: Any) -> None:
        """Run a task; what ends it ends the conversation."""
        try:
            await run
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # of the source, of the sink, or of the service for good
            self._session.hang_up(error)
            self._perform()

    async def _clean_up(self, tasks: list[asyncio.Task[None]]) -> None:
        if not self._session.is_finished:  # cancelled: what was said is kept all the same
            self._session.hang_up()
            for action in self._session.actions():
                if isinstance(action, StopSound):
                    played = await self._stop_sound(action.answer)
                    self._session.sound_stopped(action.answer, played, self._clock.now())
        self._session.is_finished = True
        self._session.actions()
        if self._timer is not None:
            self._timer.cancel()
        left: list[asyncio.Task[Any]] = [*tasks]
        for slot in self._slots.values():
            slot.cancel()
            left += [*slot.tasks, *([slot.player] if slot.player else [])]
        for task in tasks:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_CLOSE_SECS)
        await self._finish_tasks()
        self._show()

    # Hearing.

    async def _listen(self) -> None:
        pieces = aiter(self._source)
        try:
            async for piece in pieces:
                await self._hear(self._resampler.push(piece))
            await self._hear(self._resampler.push(b"", last=True))
            if self._gate is not None:
                await self._hear(bytes(-len(self._held) % (self._gate.frame * BYTES_PER_SAMPLE)))
                if late := self._gate.flush():
                    await self._stt.send(late)
            self._session.source_ended(self._clock.now())
            await self._perform_heard()
            await self._hear_nothing()
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    async def _hear_nothing(self) -> None:
        """Let the last answer sound: the person is gone, and time goes on."""
        size = round(_REST_SECS * self._rate)
        while not self._over.is_set():
            await self._clock.sleep_until(self._clock.now() + _REST_SECS)
            self._keep(bytes(size * BYTES_PER_SAMPLE))
            self._detector.push(bytes(size * BYTES_PER_SAMPLE))
            self._session.heard(self._detector.seconds, self._clock.now(), is_speaking=False, pending=0.0)
            self._perform()

    async def _hear(self, pcm: bytes) -> None:
        if self._gate is None:
            if pcm:
                await self._hear_piece(pcm)
            return
        size = self._gate.frame * BYTES_PER_SAMPLE
        self._held += pcm
        while len(self._held) >= size:
            piece, self._held = self._held[:size], self._held[size:]
            await self._hear_piece(piece)

    async def _hear_piece(self, pcm: bytes) -> None:
        reference = self._keep(pcm)
        heard = late = pcm
        if self._gate is not None:
            heard, late = self._gate.push(pcm, reference)
        elif self._options.echo == "half-duplex":
            now = self._clock.now()
            if any(reference):
                self._half_duplex_until = now + _HALF_DUPLEX_TAIL_SECS
            if now < self._half_duplex_until:
                heard = late = bytes(len(pcm))
        is_echo = self._gate is not None and not self._gate.is_open
        changes = self._detector.push(heard, is_ignored=is_echo)
        if late:
            await self._stt.send(late)
        self._session.heard(
            self._detector.seconds,
            self._clock.now(),
            is_speaking=self._detector.speaking,
            pending=self._detector.pending_secs,
            changes=changes,
        )
        await self._perform_heard()

    def _keep(self, pcm: bytes) -> bytes:
        """Keep a piece of the person's sound, and what was played meanwhile; return that."""
        position = self._sink.position if self._sounding is not None else 0.0
        reference = self._played.take(position, len(pcm) // BYTES_PER_SAMPLE)
        if self.record.person is not None and self.record.voice is not None:
            self.record.person.write(pcm)
            self.record.voice.write(reference)
        return reference

    async def _perform_heard(self) -> None:
        self._perform()
        if self._must_finalize:
            self._must_finalize = False
            await self._stt.finalize()

    def _finalized(self, _stt: object, segment: Segment | None) -> None:
        """The service answers a request for a final, with a segment that the reader gets next, or with nothing new."""
        if segment is None:
            self._session.segment("", self._clock.now(), is_final=True, from_finalize=True)
            self._perform()
        else:
            self._answering.add(id(segment))

    async def _read(self, segments: AsyncIterator[Segment]) -> None:
        async for segment in segments:
            from_finalize = id(segment) in self._answering
            self._answering.discard(id(segment))
            self._session.segment(
                segment.text,
                self._clock.now(),
                is_final=segment.is_final,
                from_finalize=from_finalize,
                start=segment.start,
                end=segment.end,
            )
            self._perform()
        raise ConfigError("The transcription was closed while the conversation went on.")

    # Performing.

    def _perform(self) -> None:
        for action in self._session.actions():
            match action:
                case Finalize():
                    self._must_finalize = True
                case StartReply():
                    self._start(action)
                case PlaySound(number):
                    self._slots[number].may_play.set()
                case CancelReply(number):
                    self._slots[number].cancel()
                case PauseSound() | ResumeSound() | StopSound():
                    self._commands.put_nowait(action)
                case TurnAdded(turn) | TurnRemoved(turn):
                    self._fire("on_turn" if isinstance(action, TurnAdded) else "on_turn_removed", turn)
                case HangUp(error):
                    self._failure = error
                    self._over.set()
        self._arm()
        self._show()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._session.deadline
        if deadline is not None and not self._over.is_set():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._clock.real_seconds(deadline), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._session.tick(self._clock.now())
        self._perform()

    def _show(self) -> None:
        state, interim = self._session.state, self._session.interim
        before, self._shown = self._shown, (state, interim)
        if state != before[0]:
            self._fire("on_state", state)
        if interim != before[1]:
            self._fire("on_interim", interim)

    # The sound.

    async def _command_sound(self) -> None:
        while True:
            command = await self._commands.get()
            number = command.answer
            if isinstance(command, StopSound):
                played = await self._stop_sound(number)
                self._session.sound_stopped(number, played, self._clock.now())
                self._perform()
            elif number == self._sounding:
                await (self._sink.pause() if isinstance(command, PauseSound) else self._sink.resume())

    async def _stop_sound(self, number: int) -> float:
        if number != self._sounding:
            return self._slots[number].played
        played = await self._sink.stop()
        self._played.flush(played)
        self._sounding = None
        return played

    def _start(self, action: StartReply) -> None:
        for number in [n for n, slot in self._slots.items() if all(task.done() for task in slot.tasks)]:
            del self._slots[number]
        slot = self._slots[action.answer] = _Slot()
        slot.tasks.append(start_task(self._answer(action, slot)))

    async def _answer(self, action: StartReply, slot: _Slot) -> None:
        try:
            slot.played = await self._speak(action, slot)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # of a caller's sink, or a fault of ours: the conversation goes on
            self._report(action.answer, error)
        if self._sounding == action.answer:
            self._played.flush(slot.played)
            self._sounding = None
        self._session.answer_ended(action.answer, slot.played, self._clock.now())
        self._perform()

    def _report(self, number: int, error: BaseException) -> None:
        _log.error("an answer failed", exc_info=error)
        self._session.reply_failed(number, f"{type(error).__name__}: {error}")
        self._fire("on_reply_error", error)

    async def _speak(self, action: StartReply, slot: _Slot) -> float:
        """Call `reply` and speak what it gives; return the seconds that were played."""
        number = action.answer
        history = [{"role": role, "content": content} for role, content in action.history]
        reply = Reply(self._reply, action.text, history if self._takes_history else None)
        async with contextlib.aclosing(self._pieces(number, reply)) as pieces:
            first = await _first_speakable(pieces)
            if not first:
                return 0.0
            slot.player = start_task(self._play(number, slot))
            try:
                text = first if reply.is_whole else _chain(first, pieces)
                await self._receive(number, slot, text)
            except SmallestError as error:  # what was received is played to its end
                self._report(number, error)
            await slot.sound.put(None)
            return await slot.player

    async def _receive(self, number: int, slot: _Slot, text: Any) -> None:
        session, voiced = self._session, VoicedBlocks(self._tts.sample_rate)
        async with contextlib.aclosing(self._tts.run_tts(text)) as events:
            async for event in events:
                if isinstance(event, AudioChunk):
                    seconds = len(event.pcm) / BYTES_PER_SAMPLE / event.sample_rate
                    session.voice_audio(number, seconds, voiced.push(event.pcm), self._clock.now())
                    await slot.sound.put(event)
                else:
                    session.voice_word(number, event)
        session.voice_ended(number)

    async def _pieces(self, number: int, reply: Reply) -> AsyncGenerator[str, None]:
        """Yield what `reply` gives, within its bound, and what is said about an error."""
        session, left = self._session, self._options.most_characters
        try:
            async with contextlib.aclosing(reply.pieces()) as pieces:
                async for piece in pieces:
                    text = piece[:left]
                    left -= len(text)
                    session.reply_text(number, text, self._clock.now())
                    self._perform()
                    self._fire("on_reply_text", text)
                    yield text
                    if left <= 0:
                        _log.warning("reply gave more than %d characters and was ended", self._options.most_characters)
                        break
        except GeneratorExit:
            raise
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling()):
                raise  # the answer was cancelled; else `reply` has raised it itself
            self._report(number, error)
            if about := self._text_about(error):
                session.reply_text(number, about, self._clock.now())
                yield about
        session.reply_ended(number)

    def _text_about(self, error: BaseException) -> str | None:
        if not callable(self._on_error):
            return self._on_error
        try:
            return self._on_error(error)
        except Exception:
            _log.exception("on_error failed")
            return None

    async def _play(self, number: int, slot: _Slot) -> float:
        """Write to the sink once the answer may sound; return the seconds that were played."""
        await slot.may_play.wait()
        while (chunk := await slot.sound.get()) is not None:
            if not slot.has_begun:
                slot.has_begun = True
                self._sounding = number
                self._sink.begin(chunk.sample_rate)
                self._played.begin(chunk.sample_rate)
            self._played.write(chunk.pcm)
            await self._sink.write(chunk.pcm)
            if not slot.has_sounded:
                slot.has_sounded = True
                self._session.sound_started(number, self._clock.now())
                self._perform()
        if not slot.has_begun:
            return 0.0
        self._played.end()
        return await self._sink.finish()


async def _first_speakable(pieces: AsyncIterator[str]) -> str:
    """Return the first pieces, up to one that can be spoken; "" if there is none."""
    text = ""
    async for piece in pieces:
        text += piece
        if is_speakable(text):
            return text
    return ""


async def _chain(first: str, pieces: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    yield first
    async for piece in pieces:
        yield piece


def _common_clock(clock: ConversationClock | None, source: Any, sink: Any) -> ConversationClock:
    clocks = [c for c in (clock, getattr(source, "clock", None), getattr(sink, "clock", None)) if c is not None]
    if len({c.speed for c in clocks}) > 1:
        raise ConfigError("Source, sink and conversation have clocks of different speeds; give all of them the same.")
    return clocks[0] if clocks else ConversationClock()
