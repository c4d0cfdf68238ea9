"""What each request cost in time. Imports errors only."""

from __future__ import annotations

import dataclasses
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MetricsLog", "TTSMetrics"]


@dataclass(slots=True)
class TTSMetrics:
    """One synthesis request.

    Attributes:
        characters: Length of the text.
        parts: Sentences or longer pieces that it was spoken in.
        retries: How often something had to be spoken again because the connection broke.
        connect_s: Seconds of the handshake it had to wait for, or None where the socket was open.
        ttfb_s: Seconds from sending the request to the first audio, or None without audio.
        audio_s: Seconds of audio received.
        total_s: Seconds from sending the request to its end.
        complete: The service said that it was complete.
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
        """Real-time factor: seconds of work per second of audio, or None without audio."""
        return self.total_s / self.audio_s if self.audio_s else None


class MetricsLog(deque[TTSMetrics]):
    """The latest 1000 requests, oldest dropped first."""

    def __init__(self) -> None:
        super().__init__(maxlen=1000)

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per request.

        Raises:
            ConfigError: pandas is missing.
        """
        try:
            import pandas as pd  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ConfigError("A DataFrame needs pandas: pip install 'smallest-nb[data]'.") from error
        return pd.DataFrame([{**dataclasses.asdict(m), "rtf": m.rtf} for m in self])
