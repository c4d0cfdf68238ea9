"""Moves the times of a replayed transcript if silence was sent to keep a socket open.

The service counts every byte it receives, that silence too, and the client subtracts what it inserted itself. If a
replay is faster or slower than the recording was, the client inserts other silence than was recorded.
"""

from __future__ import annotations

from typing import Any

from smallest_nb.api.stt_wire import SessionTimeline
from smallest_nb.testing.cassette.frames import Kind, Session

__all__ = ["Silence", "recorded_silence"]

_TIMES = ("start", "end", "timestamp")


class Silence:
    """What was inserted into one stream of PCM16.

    Args:
        rate: Bytes per second.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._heard = 0
        self._places: list[tuple[float, float]] = []
        self._line = SessionTimeline()

    def sound(self, size: int) -> None:
        """Count sound of the caller's."""
        self._heard += size

    def insert(self, size: int) -> None:
        """Count silence."""
        at = self._heard / self._rate
        self._places.append((at, size / self._rate))
        self._line.insert(at + sum(length for _, length in self._places[:-1]), size / self._rate)

    def __bool__(self) -> bool:
        return bool(self._places)

    def _to_service(self, seconds: float) -> float:
        return seconds + sum(length for at, length in self._places if at < seconds)

    def moved(self, frame: Any, now: Silence) -> Any:
        """Return a frame with its times as the service would count them with the silence of now."""
        if isinstance(frame, list):
            return [self.moved(v, now) for v in frame]
        if not isinstance(frame, dict):
            return frame
        return {
            k: round(now._to_service(self._line.to_stream(v)), 3)
            if k in _TIMES and isinstance(v, int | float)
            else self.moved(v, now)
            for k, v in frame.items()
        }


def recorded_silence(session: Session, rate: int) -> Silence:
    """Return what was inserted when a session was recorded."""
    silence = Silence(rate)
    for event in session.events:
        if event.binary and event.kind is Kind.SEND:
            silence.sound(event.sound)
        elif event.binary and event.kind is Kind.ALIVE:
            silence.insert(event.sound)
    return silence
