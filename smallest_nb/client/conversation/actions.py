"""What a conversation's session has its driver do; the driver performs them in order."""

from __future__ import annotations

from dataclasses import dataclass

from smallest_nb.results.conversation import ConversationTurn

__all__ = [
    "CancelReply",
    "ConversationAction",
    "Finalize",
    "HangUp",
    "PauseSound",
    "PlaySound",
    "ResumeSound",
    "StartReply",
    "StopSound",
    "TurnAdded",
    "TurnRemoved",
]


@dataclass(frozen=True, slots=True)
class Finalize:
    """Request the final text of what was said so far."""


@dataclass(frozen=True, slots=True)
class StartReply:
    """Call `reply`, and give what it returns to the voice; the sound is held until `PlaySound`.

    Attributes:
        answer: Number of the answer, which no other one has.
        text: What the person said.
        history: The messages before it.
    """

    answer: int
    text: str
    history: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PlaySound:
    """Play the answer from its beginning, what was held first."""

    answer: int


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Cancel `reply` and the request of the voice; nothing else of the answer is needed."""

    answer: int


@dataclass(frozen=True, slots=True)
class PauseSound:
    """Stop the sound and keep the place."""

    answer: int


@dataclass(frozen=True, slots=True)
class ResumeSound:
    """Go on where the sound stopped."""

    answer: int


@dataclass(frozen=True, slots=True)
class StopSound:
    """Stop the sound for good; the driver reports with `sound_stopped` how much of it was played.

    That may be all: an answer that was begun early can end before it is known to be the wrong one.
    """

    answer: int


@dataclass(frozen=True, slots=True)
class TurnAdded:
    """A turn is complete."""

    turn: ConversationTurn


@dataclass(frozen=True, slots=True)
class TurnRemoved:
    """The latest turn turned out to be the beginning of a longer one, which will be added in its place."""

    turn: ConversationTurn


@dataclass(frozen=True, slots=True)
class HangUp:
    """The conversation is over, with the error that ended it if one did."""

    error: BaseException | None = None


ConversationAction = (
    Finalize
    | StartReply
    | PlaySound
    | CancelReply
    | PauseSound
    | ResumeSound
    | StopSound
    | TurnAdded
    | TurnRemoved
    | HangUp
)
