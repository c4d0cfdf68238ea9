"""The table: what goes wrong, how a client is driven meanwhile, what is expected of ours. Standard library only."""

from __future__ import annotations

from bench.faults.row import Row
from bench.faults.rows_stt import STT_ROWS
from bench.faults.rows_tts import TTS_ROWS

__all__ = ["ROWS", "Row"]

ROWS: tuple[Row, ...] = (*TTS_ROWS, *STT_ROWS)
