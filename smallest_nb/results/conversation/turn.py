"""One turn of a conversation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from smallest_nb.common.numbers import is_number

__all__ = ["ConversationTurn", "Who"]

Who = Literal["person", "voice"]


@dataclass(frozen=True, slots=True)
class ConversationTurn:
    """What one side said.

    Attributes:
        who: "person" or "voice".
        text: What was said; of an answer that was interrupted, what was really heard of it.
        start: Seconds from the start of the conversation, or None if nothing sounded.
        end: As `start`.
        is_interrupted: Whether the person spoke over it.
        is_estimated: Whether the place at which `text` was cut is estimated, because the voice sends no word times.
        is_answered: For a person's turn, whether `reply` was called with it.
        full_text: All that `reply` gave; for a person's turn the same as `text`.
        error: What went wrong, in words, or None.
    """

    who: Who
    text: str
    start: float | None = None
    end: float | None = None
    is_interrupted: bool = False
    is_estimated: bool = False
    is_answered: bool = True
    full_text: str = ""
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> ConversationTurn:
        """Read what :meth:`to_dict` wrote.

        Raises:
            TypeError: A field is unknown, missing, or of another type.
            ValueError: A value out of its range.
        """
        if not isinstance(data, dict):
            raise TypeError(f"a turn is an object, not {type(data).__name__}")
        turn = cls(**data)
        if turn.who not in ("person", "voice"):
            raise ValueError(f"who is {turn.who!r}, neither 'person' nor 'voice'")
        for name in ("text", "full_text"):
            if not isinstance(getattr(turn, name), str):
                raise TypeError(f"{name} is {getattr(turn, name)!r}")
        for name in ("start", "end"):
            if getattr(turn, name) is not None and not is_number(getattr(turn, name)):
                raise TypeError(f"{name} is {getattr(turn, name)!r}")
        return turn
