"""A driver of a conversation's session in simulated time: a person, a service and a sink that do what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smallest_nb.audio.turn_detector import Turn
from smallest_nb.client.conversation import actions as act
from smallest_nb.client.conversation.options import ConversationOptions
from smallest_nb.client.conversation.session import ConversationSession
from smallest_nb.client.tts_events import WordTiming

STEP = 0.02
START_SECS = 0.2


class SimulatedTalk:
    """Time passes in steps of 20 ms; what the session decides is done at once.

    Args:
        reply: Returns the pieces of the answer to a text and its history.
        secs_per_word: How long the voice takes for a word.
        has_word_times: Whether the voice sends them.
        final_secs: Seconds from the request for a final to its answer; None answers none.
        voice_secs: Seconds from the first text to the first sound.
        options: Of the conversation.

    Attributes:
        done: Every action, with its time.
        played: Seconds of each answer that were played.
    """

    def __init__(
        self,
        reply: Callable[..., list[str]] = lambda text, history: [f"You said {text}."],
        *,
        secs_per_word: float = 0.3,
        has_word_times: bool = True,
        final_secs: float | None = 0.1,
        voice_secs: float = 0.1,
        **options,
    ) -> None:
        self.session = ConversationSession(ConversationOptions(**options))
        self.now = 0.0
        self.done: list[tuple[float, act.ConversationAction]] = []
        self.played: dict[int, float] = {}
        self.calls: list[tuple[str, list[tuple[str, str]]]] = []
        self.reply = reply
        self.has_word_times = has_word_times
        self.secs_per_word, self.final_secs, self.voice_secs = secs_per_word, final_secs, voice_secs
        self.speaking = False
        self.text = ""  # what the person has said that is not final
        self._sounds = False
        self._run = 0.0
        self._finals_due: list[float] = []
        self._answers: dict[int, _Voice] = {}

    # The person.

    def say(self, text: str, seconds: float = 1.0, *, interims: bool = True) -> None:
        """Speak so long; the words become recognised one after the other."""
        words = text.split()
        for number, word in enumerate(words, 1):
            self.sound(seconds / len(words))
            self.text = f"{self.text} {word}".strip()
            if interims and number:
                self.result(self.text)
        if not words:
            self.sound(seconds)

    def sound(self, seconds: float) -> None:
        """Make a sound of a voice for so long."""
        self._sounds = True
        self.pass_time(seconds)
        self._sounds = False

    def wait(self, seconds: float) -> None:
        """Say nothing for so long."""
        self._sounds = False
        self.pass_time(seconds)

    def wait_until(self, condition: Callable[[], bool], limit: float = 60.0) -> None:
        """Say nothing until something is so."""
        end = self.now + limit
        while not condition():
            assert self.now < end, f"not within {limit} s"
            self.wait(STEP)

    def result(self, text: str, *, is_final: bool = False, from_finalize: bool = False) -> None:
        self.session.segment(text, self.now, is_final=is_final, from_finalize=from_finalize)
        self.perform()

    def answer_finalize(self) -> None:
        """The service answers a request for a final with what was said."""
        text, self.text = self.text, ""
        self.result(text, is_final=True, from_finalize=True)

    def end(self) -> None:
        self.session.source_ended(self.now)
        self.perform()

    # Time.

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.now = round(self.now + STEP, 6)
            self._hear()
            while self._finals_due and self._finals_due[0] <= self.now:
                self._finals_due.pop(0)
                self.answer_finalize()
            for number, voice in list(self._answers.items()):
                voice.step(number)
            deadline = self.session.deadline
            if deadline is not None and deadline <= self.now:
                self.session.tick(self.now)
                self.perform()

    def _hear(self) -> None:
        """The rule of TurnDetector."""
        self._run = self._run + STEP if self._sounds is not self.speaking else 0.0
        changes = []
        if self._run >= (self.session.options.stop_secs if self.speaking else START_SECS) - 1e-9:
            changes = [Turn(self._sounds, round(self.now - self._run, 3))]
            self.speaking, self._run = self._sounds, 0.0
        self.session.heard(self.now, self.now, is_speaking=self.speaking, pending=self._run, changes=changes)
        self.perform()

    # The session's decisions.

    def perform(self) -> None:
        while actions := self.session.actions():
            for action in actions:
                self.done.append((self.now, action))
                self._perform(action)

    def _perform(self, action: act.ConversationAction) -> None:
        match action:
            case act.Finalize():
                if self.final_secs is not None:
                    self._finals_due.append(self.now + self.final_secs)
            case act.StartReply(number, text, history):
                assert not self._answers, "the answer before it has not ended"
                self.calls.append((text, list(history)))
                self._answers[number] = _Voice(self, self.reply(text, list(history)))
            case act.PlaySound(number):
                self._answers[number].may_play = True
            case act.PauseSound(number) | act.ResumeSound(number):
                voice, pauses = self._answers[number], isinstance(action, act.PauseSound)
                assert voice.is_paused is not pauses
                voice.is_paused = pauses
            case act.CancelReply(number):
                if number not in self.played:  # an early start that is known to be wrong when it has ended
                    self._answers[number].is_cancelled = True
            case act.StopSound(number):
                if number not in self.played:
                    self.played[number] = self._answers.pop(number).position
                self.session.sound_stopped(number, self.played[number], self.now)

    def ended(self, number: int, position: float) -> None:
        del self._answers[number]
        self.played[number] = position
        self.session.answer_ended(number, position, self.now)
        self.perform()

    @property
    def history(self) -> list[tuple[str, str]]:
        return [(m["role"], m["content"]) for m in self.session.record.history]

    def of(self, kind: type) -> list[act.ConversationAction]:
        return [action for _, action in self.done if isinstance(action, kind)]


class _Voice:
    """Speaks one answer, a word after the other."""

    def __init__(self, talk: SimulatedTalk, pieces: list[str]) -> None:
        self.talk = talk
        self.pieces = pieces
        self.began = talk.now
        self.position = 0.0
        self.may_play = self.is_paused = self.is_cancelled = False
        self._has_text = self._has_started = False
        self._steps: Iterator[None] | None = None

    @property
    def total(self) -> float:
        return len("".join(self.pieces).split()) * self.talk.secs_per_word

    def step(self, number: int) -> None:
        session, now = self.talk.session, self.talk.now
        if not self._has_text:
            self._has_text = True
            for piece in self.pieces:
                session.reply_text(number, piece, now)
            session.reply_ended(number)
            for place, word in enumerate("".join(self.pieces).split()):
                start = place * self.talk.secs_per_word
                if self.talk.has_word_times:
                    session.voice_word(number, WordTiming(word, start, start + self.talk.secs_per_word))
            voiced = [1] * round(self.total / 0.02)
            session.voice_audio(number, self.total, voiced, now)
            session.voice_ended(number)
            self.talk.perform()
        if not self.total:
            self.talk.ended(number, 0.0)
        elif self.may_play and now >= self.began + self.talk.voice_secs:
            if not self._has_started:
                self._has_started = True
                session.sound_started(number, now)
                self.talk.perform()
            elif not self.is_paused and not self.is_cancelled:
                self.position = min(self.total, self.position + STEP)
                if self.position >= self.total - 1e-9:
                    self.talk.ended(number, self.position)
