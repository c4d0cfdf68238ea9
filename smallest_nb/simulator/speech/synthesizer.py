"""What every synthesizer of the simulator takes and returns."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from smallest_nb.simulator.speech.spoken_line import SpokenWord
from smallest_nb.simulator.text.reading import Spoken

__all__ = ["Delivery", "Synthesizer"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """In which voice and how a text is spoken; ranges as in the API."""

    voice: str
    language: str = "en"
    speed: float = 1.0
    consistency: float = 0.5
    similarity: float = 0.0
    enhancement: int = 1


class Synthesizer(Protocol):
    """Makes sound of text."""

    def speak(
        self, tokens: Sequence[Spoken], sample_rate: int, delivery: Delivery
    ) -> AsyncGenerator[bytes | SpokenWord, None]:
        """Yield PCM16 at `sample_rate` as it is made, and each word once its end is known."""
