"""What is said, and what is answered. Standard library only: both clients read it.

The answer repeats what was heard; after a question of six words or more it does so three times, which leaves time to
interrupt it. It is one sentence, so that no client has an advantage in how it cuts text.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PHRASES", "Phrase", "answer_to"]

_MANY_WORDS = 6


@dataclass(frozen=True)
class Phrase:
    """One turn of the person.

    Attributes:
        text: What is said, at most nine words: after ten the service cuts.
        interrupts: Whether it is said over the answer before it.
    """

    text: str
    interrupts: bool = False


PHRASES = (
    Phrase("How are you today?"),
    Phrase("What do you have for people with a dog?"),
    Phrase("Stop it please.", interrupts=True),
    Phrase("Where is the station?"),
    Phrase("I want to go to the city on Monday."),
    Phrase("Wait a moment.", interrupts=True),
    Phrase("Show me the red chair."),
    Phrase("What do you have for people with a dog?"),
    Phrase("That is enough.", interrupts=True),
    Phrase("Is there a discount?"),
    Phrase("Where can I eat?"),
    Phrase("When is it open?"),
    Phrase("Where do you live?"),
)
"""Ten turns, and three that interrupt. The simulator's recogniser understands them in its interim results too; of a
phrase that it does not, an early start would measure the recogniser."""


def answer_to(text: str) -> str:
    """Return the answer to what was heard."""
    words = text.strip().rstrip(".?!").lower().split()
    said = " ".join(words)
    times = 3 if len(words) >= _MANY_WORDS else 1
    return f"You said {' and '.join([said] * times)}."
