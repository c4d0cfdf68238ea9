"""Where the time went between the last sound of a person's turn and the first sound of the answer."""

from __future__ import annotations

import dataclasses
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smallest_nb.results.table import make_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AnswerMetrics", "AnswerMetricsLog"]

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class AnswerMetrics:
    """One answer. The parts follow one another, and their sum is `total_s`; None where nothing came of it.

    Attributes:
        turn: Index of the answer among the turns.
        end_of_turn_s: Seconds from the last sound of the person's turn until it was known to be over.
        transcript_s: Seconds from there until `reply` was called with the text; 0 if it was called early.
        reply_s: Seconds from there until `reply` gave its first text.
        voice_s: Seconds from there until the first audio was received.
        sound_s: Seconds from there until the first sample was in the sink.
        total_s: Seconds from the last sound of the person's turn to the first sample in the sink.
        is_early: Whether `reply` was called with an interim text that turned out to be right.
        barge_in_s: For an answer that was interrupted, seconds from the first sound of the person to the last of the
            answer; None otherwise.
        characters: Characters that were given to the voice.
        early_starts: How often `reply` was called early for this turn.
        wasted_characters: Characters of early starts that were given to the voice and thrown away.
    """

    turn: int
    end_of_turn_s: float | None = None
    transcript_s: float | None = None
    reply_s: float | None = None
    voice_s: float | None = None
    sound_s: float | None = None
    total_s: float | None = None
    is_early: bool = False
    barge_in_s: float | None = None
    characters: int = 0
    early_starts: int = 0
    wasted_characters: int = 0


class AnswerMetricsLog(deque[AnswerMetrics]):
    """The latest 1000 answers, oldest dropped first."""

    def __init__(self, rows: object = ()) -> None:
        super().__init__(rows, maxlen=_KEPT)  # type: ignore[call-overload]

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per answer.

        Raises:
            ConfigError: pandas is missing.
        """
        columns = [field.name for field in dataclasses.fields(AnswerMetrics)]
        return make_table([dataclasses.astuple(row) for row in self], columns)
