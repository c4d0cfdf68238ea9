"""How long each request and each segment took."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from smallest_nb.results.table import make_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MetricsLog", "STTMetrics", "TTSMetrics"]


@dataclass
class TTSMetrics:
    """One synthesis request.

    Attributes:
        characters: Length of the text.
        parts: Sentences or longer pieces that it was spoken in.
        retries: How often something had to be spoken again because the connection broke.
        connect_s: Seconds of the handshake it had to wait for, or None if the socket was open.
        ttfb_s: Seconds from sending the request to the first audio, or None without audio.
        audio_s: Seconds of audio received.
        total_s: Seconds from sending the request to its end.
        complete: Whether the service reported it complete.
    """

    characters: int
    parts: int = 0
    retries: int = 0
    connect_s: float | None = None
    ttfb_s: float | None = None
    audio_s: float = 0.0
    total_s: float = 0.0
    complete: bool = False

    @property
    def rtf(self) -> float | None:
        """Real-time factor, seconds of work per second of audio, or None without audio."""
        return self.total_s / self.audio_s if self.audio_s else None


@dataclass
class STTMetrics:
    """One final segment.

    Attributes:
        characters: Length of its text.
        connect_s: Seconds of the handshake of the socket it came on.
        end: Where its speech ended, seconds of the pushed audio, or None if not known.
        audio_s: Seconds of speech it covers, or None without times.
        time_to_final_s: Seconds from pushing the end of its speech to the final, or None without times.
    """

    characters: int
    connect_s: float
    end: float | None
    audio_s: float | None
    time_to_final_s: float | None


_Row = TypeVar("_Row", TTSMetrics, STTMetrics)


class MetricsLog(deque[_Row]):
    """The latest 1000 requests or segments, oldest dropped first.

    Args:
        ttfs_p99_latency: The p99 that `summary` is compared with, seconds; None for none.
    """

    def __init__(self, ttfs_p99_latency: float | None = None) -> None:
        super().__init__(maxlen=1000)
        self._expected = ttfs_p99_latency

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._expected,), None, iter(list(self))

    def __copy__(self) -> MetricsLog[_Row]:
        made: MetricsLog[_Row] = type(self)(self._expected)
        made.extend(self)
        return made

    def summary(self) -> dict[str, float | None]:
        """Return p50, p90 and p99 of the latency, seconds, and for finals the expected p99.

        Latency is the time to first byte for speech, the time from the end of speech to the final for transcripts.
        """
        times = sorted(
            t for m in self if (t := m.ttfb_s if isinstance(m, TTSMetrics) else m.time_to_final_s) is not None
        )
        found: dict[str, float | None] = {
            f"p{q}": times[max(0, math.ceil(len(times) * q / 100) - 1)] if times else None for q in (50, 90, 99)
        }
        if self._expected is not None:
            found["ttfs_p99_latency"] = self._expected
        return found

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per request or segment.

        Raises:
            ConfigError: pandas is missing.
        """
        return make_table(
            {**dataclasses.asdict(m), **({"rtf": m.rtf} if isinstance(m, TTSMetrics) else {})} for m in self
        )
