"""What the misbehaving server does. Standard library only: the clients' processes read it too."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One misdeed.

    Attributes:
        at: The phase in which it happens. Both sides: `handshake` and `accepted` (counted over all connections). TTS:
            `request`, `audio` (counted in chunks), `unfinished` (all audio of a request was sent, its `complete` not),
            `complete`. STT: `audio` (counted in chunks of 20 ms), `interim`, `final`, `finalize`, `closing`, `idle`
            (everything is final and nothing comes). Counts are per connection.
        do: What happens: a method of `fault_wire.Wire`, or a word that the phase itself knows.
        after: How many of what the phase counts came before.
        times: How often; 0 for always.
        code: Close code or HTTP status.
        secs: How long.
        frame: Which one of `fault_frames`.
    """

    at: str
    do: str
    after: int = 0
    times: int = 1
    code: int = 0
    secs: float = 0.0
    frame: str = ""


@dataclass(frozen=True)
class Plan:
    """How the server behaves until the next plan.

    Attributes:
        faults: In order: each waits until the one before it is used up.
        piece: Bytes of audio per chunk.
        gap_s: Between two chunks.
        echo: Whether a request's own id comes back.
        words_per_final: Words after which a final comes unasked.
        endpointing_s: Without audio, after which a final comes unasked.
    """

    faults: tuple[Fault, ...] = ()
    piece: int = 2400
    gap_s: float = 0.002
    echo: bool = True
    words_per_final: int = 5
    endpointing_s: float = 0.2

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """Read what `to_json` wrote."""
        return cls(**{**data, "faults": tuple(Fault(**fault) for fault in data["faults"])})


@dataclass
class Script:
    """The faults that are still to come."""

    faults: list[Fault]
    _used: int = field(default=0, init=False)

    def take(self, phase: str, count: int, but: Fault | None = None) -> Fault | None:
        """Return the fault that is due, if it is another one than `but`."""
        fault = self.faults[0] if self.faults else None
        if fault is None or fault is but or fault.at != phase or count < fault.after:
            return None
        self._used += 1
        if self._used == fault.times:
            self.faults.pop(0)
            self._used = 0
        return fault
