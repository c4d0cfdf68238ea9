"""An answer while it is made and played, as the session sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from smallest_nb.client.tts_events import WordTiming

__all__ = ["Answer", "TurnTimes"]


@dataclass(slots=True)
class TurnTimes:
    """When things happened that the latency of an answer is made of, on the driver's clock; None if not yet.

    Attributes:
        speech_ended: The last sound of the person's turn.
        turn_ended: The turn was known to be over.
        reply_called: `reply` was called.
        first_text: Its first text.
        first_audio: The first audio of the voice.
        first_sound: The first sample in the sink.
    """

    speech_ended: float | None = None
    turn_ended: float | None = None
    reply_called: float | None = None
    first_text: float | None = None
    first_audio: float | None = None
    first_sound: float | None = None

    def parts(self) -> dict[str, float | None]:
        """Return the parts of the latency, each of which begins where the one before it ends.

        What was done early takes no time of its own.
        """
        names = ("end_of_turn_s", "transcript_s", "reply_s", "voice_s", "sound_s")
        stamps = (self.turn_ended, self.reply_called, self.first_text, self.first_audio, self.first_sound)
        found: dict[str, float | None] = dict.fromkeys((*names, "total_s"))
        if self.speech_ended is None:
            return found
        at = self.speech_ended
        last = self.first_sound if self.first_sound is not None else float("inf")
        for name, stamp in zip(names, stamps, strict=True):
            if stamp is None:
                continue
            reached = max(at, min(stamp, last))
            found[name] = round(reached - at, 4)
            at = reached
        if self.first_sound is not None:
            found["total_s"] = round(self.first_sound - self.speech_ended, 4)
        return found


@dataclass(slots=True)
class Answer:
    """One answer.

    Attributes:
        number: Which no other one has.
        said: What the person said, as `reply` was called with it.
        times: When things happened.
        is_early: Whether `reply` was called before the final text came.
        is_confirmed: Whether the turn that it answers is over and has this text.
        is_played: Whether its sound may be played.
        is_paused: Whether its sound was stopped for a person who speaks.
        is_stopping: Whether it is over, and only the report of how much was played is waited for.
        is_discarded: Whether it was thrown away.
        is_interrupted: Whether the person spoke over it.
        is_done: Whether all of it was played.
        text: What `reply` gave so far.
        has_all_text: Whether `reply` has ended.
        has_all_audio: Whether the voice has ended.
        received: Seconds of sound received.
        voiced: For each 20 ms of it, whether there is a voice in it.
        words: Times of words.
        error: What went wrong, in words.
        start: Seconds of the conversation at which it began to sound.
        barge_in_s: Seconds from the first sound of the person to the last of the answer.
    """

    number: int
    said: str
    times: TurnTimes
    is_early: bool = False
    is_confirmed: bool = False
    is_played: bool = False
    is_paused: bool = False
    is_stopping: bool = False
    is_discarded: bool = False
    is_interrupted: bool = False
    is_done: bool = False
    text: str = ""
    has_all_text: bool = False
    has_all_audio: bool = False
    received: float = 0.0
    voiced: list[int] = field(default_factory=list)
    words: list[WordTiming] = field(default_factory=list)
    error: str | None = None
    start: float | None = None
    barge_in_s: float | None = None

    @property
    def sounds(self) -> bool:
        """Whether something of it was played."""
        return self.times.first_sound is not None
