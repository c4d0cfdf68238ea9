"""What the server does, and what it saw. Standard library only."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from bench.services.stamps import HeardStamp

IN_TIME_S = 0.1


@dataclass
class Plan:
    """How the server behaves until the next plan.

    Attributes:
        chunks: Chunks of 100 ms per utterance.
        paced: One chunk each 100 ms instead of all at once.
        first_audio_s: From request to first chunk.
        complete_s: From last chunk to `complete`.
        handshake_s: What a handshake costs in life, over TLS and a few thousand kilometres.
    """

    chunks: int = 5
    paced: bool = False
    first_audio_s: float = 0.05
    complete_s: float = 0.02
    handshake_s: float = 0.0


@dataclass
class Ledger:
    """What happened since the last plan."""

    completes: list[float] = field(default_factory=list)
    arrivals: list[tuple[HeardStamp, float]] = field(default_factory=list)
    connections: int = 0
    cpu: float = field(default_factory=time.process_time)

    def report(self, begin: float, end: float) -> dict[str, Any]:
        """Summarize; audio counts that was due between `begin` and `end`."""
        mine = [(stamp, at) for stamp, at in self.arrivals if begin <= stamp.due < end]
        return {
            "completes": self.completes,
            "up": [at - stamp.pushed for stamp, at in mine],
            "in_time": sum(at - stamp.due < IN_TIME_S for stamp, at in mine),
            "connections": self.connections,
            "server_cpu": time.process_time() - self.cpu,
        }
