"""What a conversation decides: when a turn is over, when the answer sounds, and when it has to stop.

No socket, no task and no clock: the driver passes in what happened, with `now` in seconds on its clock, and performs
:meth:`ConversationSession.actions` after each report. The person and the voice each have a state of their own::

    person   silent ──speech──> speaking ──silence──> final requested ──final──> turn over
    answer   (early start) ──turn over──> confirmed ──sound──> sounding <──speech / false start──> paused
             any of them ──words of the person──> stopping ──how much was played──> a turn that was cut

At most one answer is made at a time, and `reply` is never called before the answer before it has ended or was cut: what
was heard of that one is part of the history.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from smallest_nb.audio.turn_detector import Turn
from smallest_nb.client.conversation.actions import (
    CancelReply,
    ConversationAction,
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
from smallest_nb.client.conversation.answer import Answer, TurnTimes
from smallest_nb.client.conversation.early_start import EarlyStart
from smallest_nb.client.conversation.heard_text import (
    BLOCK_SECS,
    SECS_PER_WEIGHT,
    HeardText,
    cut_text,
    has_words,
    same_words,
    text_weight,
)
from smallest_nb.client.conversation.options import ConversationOptions
from smallest_nb.client.tts_events import WordTiming
from smallest_nb.results.conversation import AnswerMetrics, ConversationRecord, ConversationTurn

__all__ = ["ConversationSession"]

_PAUSE_SECS = 0.1
"""Silence that is more than the gap between two words: the turn may be over."""
_SETTLE_SECS = 0.3
"""What a final that does not say whether it answers a request may be followed by, if one was requested."""
_LEAST_WEIGHT = 20.0
"""An answer of fewer letters says little about the pace of a voice."""


class ConversationSession:
    """One conversation.

    Args:
        options: How turns are taken.
        record: Where turns and figures go; None for a new one.

    Attributes:
        record: Turns and figures.
        is_finished: Whether the conversation is over.
    """

    def __init__(self, options: ConversationOptions | None = None, record: ConversationRecord | None = None) -> None:
        self.options = options or ConversationOptions()
        self.record = ConversationRecord() if record is None else record  # an empty one is false
        self.is_finished = False
        self._actions: list[ConversationAction] = []
        self._numbers = itertools.count(1)
        self._has_own_ends = self.options.end_of_turn != "service"
        # The person.
        self._position = 0.0
        self._is_speaking = self._is_onset = False
        self._pending = 0.0
        self._speech_since = 0.0  # on the driver's clock: when the latest speech began
        self._quiet_since = 0.0  # and its latest sound
        self._speech_end: float | None = None
        self._decided_at: float | None = None
        self._finals: list[str] = []
        self._interim = ""
        self._turn_start: float | None = None
        self._turn_end: float | None = None
        self._unanswered = 0  # requests for a final
        self._final_until: float | None = None
        self._taken = ""  # text of the last turn that was ended without its final, which may still come
        self._replaced = ""  # and the text in the place of which it came
        self._deferred: list[ConversationTurn] = []
        # The answer.
        self._answer: Answer | None = None
        self._early = EarlyStart()
        self._wasted = self._spoken = 0  # characters: for the present turn, and in all
        self._paused_at: float | None = None
        self._resume_at: float | None = None
        self._secs_per_weight = SECS_PER_WEIGHT
        # The end.
        self._is_closing = self._is_hanging_up = False
        self._failure: BaseException | None = None

    # What the driver does.

    def actions(self) -> list[ConversationAction]:
        """Return what is to be done now, in order."""
        actions, self._actions = self._actions, []
        return actions

    @property
    def deadline(self) -> float | None:
        """When :meth:`tick` has to be called at the latest, or None."""
        if self.is_finished:
            return None
        answer = self._answer
        times = [self._final_until, self._resume_at, self._early.due_at]
        if answer is not None and self._waits_for_text(answer):
            times.append((answer.times.reply_called or 0.0) + self.options.reply_secs)
        return min((time for time in times if time is not None), default=None)

    @property
    def state(self) -> str:
        """One of "listening", "hearing", "waiting", "thinking", "speaking", "paused" and "ended"."""
        answer = self._answer
        if self.is_finished:
            return "ended"
        if answer is not None and answer.is_paused:
            return "paused"
        if answer is not None and answer.sounds and not answer.is_stopping:
            return "speaking"
        if self._is_speaking:
            return "hearing"
        if answer is not None:
            return "thinking"
        return "waiting" if self._final_until is not None else "listening"

    @property
    def interim(self) -> str:
        """What the person has said of a turn that is not over, as far as it was recognised."""
        return " ".join(filter(None, [*self._finals, self._interim]))

    @property
    def answer_text(self) -> str:
        """What `reply` gave so far of the answer under way."""
        return self._answer.text if self._answer else ""

    def tick(self, now: float) -> None:
        """The time has come that `deadline` named, or any other."""
        if self.is_finished:
            return
        if self._resume_at is not None and now >= self._resume_at:
            self._resume()
        if self._final_until is not None and now >= self._final_until:
            self._unanswered = 0
            if self._interim:
                self._finals.append(self._interim)
                self._interim, self._taken = "", self._interim
            self._end_turn(now)
        answer = self._answer
        if answer is not None and self._waits_for_text(answer):
            limit = self.options.reply_secs
            if now >= (answer.times.reply_called or 0.0) + limit:
                answer.error = f"reply gave no text within {limit:g} s"
                self._stop(answer)
        if self._early.due_at is not None and now >= self._early.due_at:
            self._start_early(now)

    # What the person does.

    def heard(
        self, position: float, now: float, *, is_speaking: bool, pending: float, changes: Sequence[Turn] = ()
    ) -> None:
        """A piece of the person's sound was heard.

        Args:
            position: Seconds of the person's sound so far.
            now: The time.
            is_speaking: Whether our own voice activity detection says that the person speaks.
            pending: Seconds for which the sound has been the opposite of that.
            changes: Changes of it within this piece.
        """
        self._position, self._pending = position, pending
        for change in changes:
            at = now - (position - change.at)
            if change.speaking:
                self._speech_started(change.at, at, now)
            else:
                self._speech_ended(change.at, at, now)
        self._is_speaking = is_speaking
        is_onset = not is_speaking and pending >= self.options.onset_secs
        if is_onset and not self._is_onset:
            self._speech_since = now - pending
            self._hold(now)
        elif self._is_onset and not is_onset and not is_speaking and not changes:
            self._resume()  # too short for speech
        self._is_onset = is_onset
        if is_speaking:
            self._quiet_since = now - pending
            if pending < _PAUSE_SECS:
                self._early.reset()
            answer = self._answer
            is_sure = self._quiet_since - self._speech_since >= self.options.grace_secs
            if is_sure and answer is not None and answer.is_paused and not answer.is_stopping:
                self._interrupt(answer)
        self._consider_early(now)
        self.tick(now)

    def _speech_started(self, position: float, at: float, now: float) -> None:
        if self._turn_start is None:
            self._turn_start = position
        if not self._is_onset:
            self._speech_since = at
        self._is_speaking = True
        self._final_until = self._resume_at = None
        self._early.reset()
        self._hold(now)

    def _speech_ended(self, position: float, at: float, now: float) -> None:
        self._is_speaking = False
        self._turn_end, self._speech_end, self._decided_at = position, at, now
        self._quiet_since = at
        answer = self._answer
        if answer is not None and answer.is_paused:
            self._resume_at = now + self.options.false_start_secs
        if self._has_own_ends:
            self._request_final(now)
            if answer is not None and not answer.is_confirmed and same_words(answer.said, self.interim):
                self._play(answer)
        elif self._finals and not self._interim:
            self._end_turn(now)

    def _request_final(self, now: float) -> None:
        self._unanswered += 1
        self._final_until = now + self.options.final_secs
        self._actions.append(Finalize())

    def segment(
        self,
        text: str,
        now: float,
        *,
        is_final: bool,
        from_finalize: bool = False,
        start: float | None = None,
        end: float | None = None,
    ) -> None:
        """A result of the transcription came.

        Args:
            text: Its text, empty if nothing was said.
            now: The time.
            is_final: Whether it will not change any more.
            from_finalize: Whether it answers a request for a final.
            start: Seconds of the person's sound, or None.
            end: As `start`.
        """
        if self.is_finished:
            return
        text = text.strip() if has_words(text) else ""
        if is_final:
            self._unanswered -= from_finalize and self._unanswered > 0
            self._early.final_came(text)
            self._interim = ""
            if text and self._taken and same_words(text, self._taken):
                text = ""
            self._replaced, self._taken = self._taken, ""
            if text:
                self._finals.append(text)
                self._turn_start = start if self._turn_start is None else self._turn_start
                self._turn_end = end if self._turn_end is None else self._turn_end
        elif text != self._interim:
            self._interim = text
            self._early.interim_came(now, is_speaking=self._is_speaking)
            if not self._is_speaking and self._final_until is None:
                self._final_until = now + self.options.final_secs  # heard by the service alone: its final is awaited
        if text:
            self._words_came(now)
        if is_final:
            self._final_came(now, has_text=bool(text))
        self._consider_early(now)

    def _words_came(self, now: float) -> None:
        answer = self._answer
        if answer is None or answer.is_stopping:
            return
        if not answer.is_confirmed:
            if not same_words(answer.said, self.interim):
                if self._interim and not self._is_speaking:
                    self._early.was_wrong(now, self._quiet_since)
                self._discard(answer)
        elif self.options.barge_in and len(self.interim.split()) >= self.options.min_words:
            self._interrupt(answer)

    def _final_came(self, now: float, *, has_text: bool) -> None:
        is_quiet = not self._is_speaking or (
            self.options.end_of_turn != "vad" and self._pending >= _PAUSE_SECS and self._unanswered == 0
        )
        if not is_quiet:
            return
        if self._unanswered:
            if has_text and self._final_until is not None:
                self._final_until = min(self._final_until, now + _SETTLE_SECS)
        else:
            self._end_turn(now)

    def source_ended(self, now: float) -> None:
        """The person's sound has ended: what was said is answered, then the conversation is over."""
        if self._is_closing or self.is_finished:
            return
        self._is_closing = True
        self._is_onset = False
        if self._is_speaking:
            self._is_speaking = False
            self._turn_end = self._position
            self._speech_end, self._decided_at = self._quiet_since, now
            self._request_final(now)
        elif self.interim and self._final_until is None:
            self._request_final(now)
        if self._final_until is None:
            self._resume()
        self._finish_if_done()

    def hang_up(self, error: BaseException | None = None) -> None:
        """End it now; what the person has said of a turn is kept, and is not answered."""
        if self.is_finished:
            return
        self._is_closing = self._is_hanging_up = True
        self._failure = self._failure or error
        self._final_until = self._resume_at = None
        self._early.reset()
        text = self.interim
        self._finals, self._interim = [], ""
        if text:
            self._deferred.append(self._person_turn(text))
        if self._answer is None:
            self._go_on(0.0)
        elif not self._answer.is_stopping:
            self._answer.is_interrupted = self._answer.sounds
            self._stop(self._answer)

    # Turns of the person.

    def _person_turn(self, text: str) -> ConversationTurn:
        end = self._turn_end if self._turn_end is not None else (self._turn_start and self._position)
        turn = ConversationTurn("person", text, self._turn_start, end, full_text=text)
        self._turn_start = self._turn_end = None
        return turn

    def _end_turn(self, now: float) -> None:
        """The person's turn is over, if anything was said."""
        self._final_until = None
        text = " ".join(self._finals)
        self._finals = []
        answer = self._answer
        if not text:
            if not self._is_speaking:
                self._turn_start = self._turn_end = None
                self._resume()
            if answer is not None and not answer.is_confirmed and not answer.is_stopping:
                self._discard(answer)
            self._finish_if_done()
            return
        turn = self._person_turn(text)
        if answer is None:
            self._deferred.append(turn)
            self._go_on(now)
        elif answer.is_stopping:
            self._deferred.append(turn)
        elif not answer.is_confirmed:
            self._confirm_or_discard(answer, turn, now)
        else:
            # It was not enough to interrupt. What was said over an answer that nothing interrupts is answered after it;
            # a word or two, where it takes more to interrupt, is no turn that needs an answer.
            self._resume()
            is_answered = self.options.barge_in is False
            self._deferred.append(dataclasses.replace(turn, is_answered=is_answered))

    def _confirm_or_discard(self, answer: Answer, turn: ConversationTurn, now: float) -> None:
        if not same_words(answer.said, turn.text):
            self._discard(answer)
            self._deferred.append(turn)
            return
        self._add(turn)
        answer.is_confirmed = True
        answer.times.speech_ended, answer.times.turn_ended = self._speech_end, self._decided_at
        self._play(answer)
        if answer.is_done:
            self._complete(answer)
            self._go_on(now)

    def _go_on(self, now: float) -> None:
        """There is no answer: begin the one to what was said meanwhile, or end."""
        waiting, self._deferred = self._deferred, []
        if any(turn.is_answered for turn in waiting) and not self._is_hanging_up:
            history = self._messages()
            text = " ".join(turn.text for turn in waiting)
            self._add(ConversationTurn("person", text, waiting[0].start, waiting[-1].end, full_text=text))
            self._start_reply(text, history, now)
            return
        for turn in waiting:
            self._add(dataclasses.replace(turn, is_answered=False))
        self._finish_if_done()

    def _messages(self) -> tuple[tuple[str, str], ...]:
        return tuple((message["role"], message["content"]) for message in self.record.history)

    def _add(self, turn: ConversationTurn) -> None:
        self.record.turns.append(turn)
        self._actions.append(TurnAdded(turn))

    # Early starts.

    def _consider_early(self, now: float) -> None:
        """Begin the answer if the person seems to have finished and the text seems to be all of it."""
        if self.options.start != "early" or self._answer is not None or self._deferred or self._is_closing:
            return
        is_quiet = self._pending >= _PAUSE_SECS if self._is_speaking else self._turn_start is not None
        if (
            is_quiet
            and self.interim
            and self._early.is_stable(
                self._interim, now, self._quiet_since, wasted=self.record.wasted_characters, spoken=self._spoken
            )
        ):
            self._start_early(now)

    def _start_early(self, now: float) -> None:
        self._early.due_at = None
        if self._answer is None and self.interim and not self._is_closing and self._early.take():
            self._start_reply(self.interim, self._messages(), now, early=True)

    def _start_reply(self, text: str, history: tuple[tuple[str, str], ...], now: float, *, early: bool = False) -> None:
        answer = Answer(next(self._numbers), text, TurnTimes(reply_called=now), is_early=early, is_confirmed=not early)
        if not early:
            answer.times.speech_ended, answer.times.turn_ended = self._speech_end, self._decided_at
            if self._decided_at is None:
                answer.times.turn_ended = now
        self._answer = answer
        self._paused_at = self._resume_at = None
        self._actions.append(StartReply(answer.number, text, history))
        if not early or (self._has_own_ends and not self._is_speaking):
            self._play(answer)

    def _play(self, answer: Answer) -> None:
        if not (answer.is_played or answer.is_done):
            answer.is_played = True
            self._actions.append(PlaySound(answer.number))

    def _discard(self, answer: Answer) -> None:
        """Throw an early start away: the person said something else."""
        answer.is_discarded = True
        self._wasted += len(answer.text)
        self.record.wasted_characters += len(answer.text)
        self._stop(answer)

    # Barge-in.

    def _hold(self, now: float) -> None:
        """Somebody begins to speak: the answer waits until it is known whether that means something."""
        answer = self._answer
        if answer is None or answer.is_stopping or answer.is_paused or answer.is_done:
            return
        if self.options.barge_in == "speech" and (answer.is_confirmed or answer.is_played):
            answer.is_paused = True
            if answer.sounds:
                self._paused_at = now
                self._actions.append(PauseSound(answer.number))

    def _resume(self) -> None:
        """It meant nothing: go on where the answer stopped."""
        self._resume_at = None
        answer = self._answer
        if answer is not None and answer.is_paused and not answer.is_stopping:
            answer.is_paused = False
            self._paused_at = None
            if answer.sounds:
                self._actions.append(ResumeSound(answer.number))

    def _interrupt(self, answer: Answer) -> None:
        answer.is_interrupted = True
        self._stop(answer)

    def _stop(self, answer: Answer) -> None:
        answer.is_stopping = True
        answer.is_paused = False
        self._resume_at = None
        self._actions += [CancelReply(answer.number), StopSound(answer.number)]

    # The answer.

    def _of(self, number: int) -> Answer | None:
        """Return the answer under way, if that is the one: reports of others come too late."""
        answer = self._answer
        return answer if answer is not None and answer.number == number and not self.is_finished else None

    def _waits_for_text(self, answer: Answer) -> bool:
        return not (answer.text or answer.has_all_text or answer.is_stopping or answer.is_done)

    def reply_text(self, number: int, text: str, now: float) -> None:
        """`reply` gave a piece of text."""
        if (answer := self._of(number)) is not None:
            answer.text += text
            if answer.times.first_text is None and text:
                answer.times.first_text = now

    def reply_ended(self, number: int) -> None:
        """`reply` has given all its text."""
        if (answer := self._of(number)) is not None:
            answer.has_all_text = True

    def reply_failed(self, number: int, why: str) -> None:
        """`reply`, or the voice, failed; `answer_ended` follows."""
        if (answer := self._of(number)) is not None:
            answer.error = answer.error or why

    def voice_audio(self, number: int, seconds: float, voiced: Sequence[int], now: float) -> None:
        """Sound was received; `voiced` says of each 20 ms whether there is a voice in it."""
        if (answer := self._of(number)) is not None:
            answer.received += seconds
            answer.voiced += voiced
            if answer.times.first_audio is None:
                answer.times.first_audio = now

    def voice_word(self, number: int, word: WordTiming) -> None:
        """The time of a word was received."""
        if (answer := self._of(number)) is not None:
            answer.words.append(word)

    def voice_ended(self, number: int) -> None:
        """All sound of the whole text was received."""
        answer = self._of(number)
        if answer is None:
            return
        answer.has_all_audio = True
        weight = text_weight(answer.text)
        if weight >= _LEAST_WEIGHT:
            self._secs_per_weight = sum(answer.voiced) * BLOCK_SECS / weight

    def sound_started(self, number: int, now: float) -> None:
        """The first sample is in the sink."""
        answer = self._of(number)
        if answer is None or answer.sounds:
            return
        answer.times.first_sound = now
        answer.start = self._position
        if answer.is_stopping:
            return
        if answer.is_paused:
            self._paused_at = now
            self._actions.append(PauseSound(number))
        elif self._is_onset or (self._is_speaking and self._pending < _PAUSE_SECS):
            self._hold(now)

    def answer_ended(self, number: int, played: float, now: float) -> None:
        """All of it that there is was played: so many seconds."""
        answer = self._of(number)
        if answer is None or answer.is_stopping or answer.is_done:
            return
        answer.is_done = True
        if answer.error and not answer.has_all_audio:
            answer.text = self._heard(answer, played).text
        if answer.is_confirmed:
            self._complete(answer)
            self._go_on(now)

    def _complete(self, answer: Answer) -> None:
        text = answer.text.strip() if answer.sounds else ""
        end = self._position if answer.sounds else None
        self._answer = None
        self._resume_at = None
        self._add(ConversationTurn("voice", text, answer.start, end, full_text=answer.text.strip(), error=answer.error))
        self._measure(answer)

    def sound_stopped(self, number: int, played: float, now: float) -> None:
        """The sound was stopped for good after so many seconds of it."""
        answer = self._of(number)
        if answer is None or not answer.is_stopping:
            return
        self._answer = None
        if answer.is_interrupted and answer.sounds:
            stopped_at = self._paused_at if self._paused_at is not None else now
            answer.barge_in_s = round(max(0.0, stopped_at - self._speech_since), 4)
        self._paused_at = None
        if answer.is_interrupted and not played and not answer.error:
            self._merge_turn(answer)
        else:
            self._cut(answer, played)
        self._go_on(now)
        self._consider_early(now)

    def _merge_turn(self, answer: Answer) -> None:
        """Nothing of the answer was heard: the person went on, and both parts are one turn."""
        turns = self.record.turns
        if answer.is_confirmed and turns and turns[-1].who == "person" and turns[-1].text == answer.said:
            turn = turns.pop()
            self._actions.append(TurnRemoved(turn))
            said = turn.text
            if self._replaced and not self._is_hanging_up:
                said = said.removesuffix(self._replaced).strip()  # its final came too late: the same words
            if self._deferred:
                last = self._deferred.pop()
                text = f"{said} {last.text}".strip()
                self._deferred.append(ConversationTurn("person", text, turn.start, last.end, full_text=text))
            elif self._is_hanging_up:
                self._deferred.append(turn)
            else:
                self._finals[:0] = [said] if said else []
                self._turn_start = turn.start

    def _cut(self, answer: Answer, played: float) -> None:
        heard = self._heard(answer, played)
        if answer.is_discarded and not heard.text:
            return
        self._add(
            ConversationTurn(
                "voice",
                heard.text,
                answer.start if played else None,
                self._position if played else None,
                is_interrupted=answer.is_interrupted or answer.is_discarded,
                is_estimated=heard.is_estimated,
                full_text=answer.text.strip(),
                error=answer.error,
            )
        )
        if not answer.is_discarded:
            self._measure(answer)

    def _heard(self, answer: Answer, played: float) -> HeardText:
        return cut_text(
            answer.text,
            answer.words,
            played,
            voiced=answer.voiced,
            is_whole=answer.has_all_audio,
            secs_per_weight=self._secs_per_weight,
        )

    def _measure(self, answer: Answer) -> None:
        self.record.metrics.append(
            AnswerMetrics(
                len(self.record.turns) - 1,
                **answer.times.parts(),
                is_early=answer.is_early,
                barge_in_s=answer.barge_in_s,
                characters=len(answer.text),
                early_starts=self._early.starts,
                wasted_characters=self._wasted,
            )
        )
        self._spoken += len(answer.text)
        self._wasted = 0
        self._early.new_turn()

    def _finish_if_done(self) -> None:
        is_open = self._final_until is not None or self._finals or self._interim or self._deferred
        if self._is_closing and self._answer is None and not is_open and not self.is_finished:
            self.is_finished = True
            self._actions.append(HangUp(self._failure))
