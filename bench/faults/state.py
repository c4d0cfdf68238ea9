"""What the connections of one plan share, and the ledger of what happened on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from bench.faults.plan import Plan, Script


@dataclass
class Record:
    """What happened on one connection.

    Attributes:
        used: Whether it got anything to speak or to transcribe.
        faulted: Whether a fault was done on it.
        runs: The audio blocks that arrived, in order.
    """

    used: bool = False
    faulted: bool = False
    runs: list[list[int]] = field(default_factory=list)


@dataclass
class Ledger:
    """What happened since the last plan.

    Attributes:
        requests: What was to be spoken, and when how many bytes of it had been sent, in order.
        finals: The words sent in finals.
        handshakes: When each connection was asked for, refused ones too, on the monotonic clock.
        fault_at: When the first fault was done, on the monotonic clock.
        is_over: The service has sent an error; nothing that follows is waited for.
    """

    connections: list[Record] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    finals: list[str] = field(default_factory=list)
    handshakes: list[float] = field(default_factory=list)
    fault_at: float | None = None
    is_over: bool = False

    def note_fault(self) -> None:
        """Note that a fault is being done."""
        if self.fault_at is None:
            self.fault_at = monotonic()


class State:
    """What the connections of one plan share.

    Args:
        plan: How to behave.
        begin_outage: Takes the server away for some seconds.
    """

    def __init__(self, plan: Plan, begin_outage: Callable[[float], None]) -> None:
        self.plan = plan
        self.script = Script(list(plan.faults))
        self.ledger = Ledger()
        self.begin_outage = begin_outage
