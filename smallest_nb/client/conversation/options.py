"""How a conversation takes turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from smallest_nb.common.numbers import is_integer, is_number
from smallest_nb.errors import ConfigError

__all__ = ["BargeIn", "ConversationOptions", "Echo", "EndOfTurn", "OnError", "Start"]

EndOfTurn = Literal["service", "vad", "both"]
Start = Literal["plain", "early"]
BargeIn = Literal["speech", "words", False]
Echo = Literal["gate", "half-duplex", "none"]
OnError = str | Callable[[BaseException], str | None] | None

_CHOICES: dict[str, tuple[Any, ...]] = {
    "end_of_turn": ("service", "vad", "both"),
    "start": ("plain", "early"),
    "barge_in": ("speech", "words", False),
    "echo": ("gate", "half-duplex", "none"),
}
_SECONDS = {
    "stop_secs": (0.05, 10.0),
    "onset_secs": (0.03, 2.0),
    "grace_secs": (0.0, 10.0),
    "reply_secs": (0.1, 3600.0),
    "final_secs": (0.1, 60.0),
    "false_start_secs": (0.1, 60.0),
}


@dataclass(frozen=True, slots=True)
class ConversationOptions:
    """How a conversation takes turns.

    Attributes:
        end_of_turn: What ends a person's turn: "service" its endpointing, "vad" our own voice activity detection,
            which requests the final at once, "both" whichever is first.
        stop_secs: Seconds of silence after which a turn is over.
        start: "plain" calls `reply` when the turn is over; "early" calls it with a stable interim text, and throws
            the answer away if the final text is another one.
        barge_in: What interrupts the answer: "speech" pauses it as soon as somebody speaks, and ends it at the first
            words or after `grace_secs` of speech; "words" goes on until `min_words` were recognised; False nothing.
        min_words: Recognised words that interrupt.
        onset_secs: Seconds of speech that pause the answer.
        grace_secs: Seconds of speech without a recognised word that interrupt; what is shorter, such as a cough, does
            not, and the answer resumes where it stopped.
        echo: "gate" leaves out of the microphone what the answer explains; "half-duplex" leaves out everything while
            the answer sounds; "none" trusts the device.
        reply_secs: Seconds after which a reply without any text is given up.
        most_characters: Characters of one reply that are spoken; it is ended there.
        final_secs: Seconds that a requested final is waited for; then the interim text is taken.
        false_start_secs: Seconds after speech without words until the answer resumes.

    Raises:
        ConfigError: A value that cannot work.
    """

    end_of_turn: EndOfTurn = "vad"
    stop_secs: float = 0.2
    start: Start = "plain"
    barge_in: BargeIn = "speech"
    min_words: int = 1
    onset_secs: float = 0.06
    grace_secs: float = 0.7
    echo: Echo = "gate"
    reply_secs: float = 30.0
    most_characters: int = 100_000
    final_secs: float = 5.0
    false_start_secs: float = 1.5

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
                raise ConfigError(f"{name}={value!r} cannot be used; expected one of {', '.join(map(repr, choices))}.")
        for name, (least, most) in _SECONDS.items():
            value = getattr(self, name)
            if not is_number(value) or not least <= value <= most:
                raise ConfigError(f"{name}={value!r} cannot be used; expected seconds from {least:g} to {most:g}.")
        for name in ("min_words", "most_characters"):
            value = getattr(self, name)
            if not is_integer(value) or value < 1:
                raise ConfigError(f"{name}={value!r} cannot be used; expected a whole number from 1 on.")
