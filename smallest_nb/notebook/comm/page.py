"""What the kernel knows of one page that shows a widget."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from smallest_nb.notebook.comm.messages import Hello

__all__ = ["Page"]


@dataclass
class Page:
    """One front-end instance of the widget.

    Attributes:
        name: Its id.
        parts: Which parts of the widget it draws; a tab of its own draws the microphone only.
        start: The first message that is for it.
        hello: What it said of itself, or None before that.
        ack: The last message it has, in order.
        trip_ms: Its fastest round trip, or None while it is not known.
        pull: It must ask for its messages.
        probed_at: When the probe was sent, seconds of the monotonic clock, or None.
        last_seen: When its last message came, seconds of the monotonic clock.
        asked_at: When it was last asked for an answer, seconds of the monotonic clock.
    """

    name: str
    parts: frozenset[str] = frozenset({""})
    start: int = 1
    hello: Hello | None = None
    ack: int = 0
    trip_ms: float | None = None
    pull: bool = False
    probed_at: float | None = None
    last_seen: float = field(default_factory=monotonic)
    asked_at: float = 0.0
