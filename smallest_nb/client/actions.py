"""What a session asks its service to do.

A session decides and does nothing itself: it has no socket, no task and no clock. The service performs the actions in
order, and reports what came of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smallest_nb.errors import SmallestError

__all__ = ["Action", "Connect", "DropSocket", "Emit", "Finish", "PrepareSocket", "Send", "WaitUntil"]


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a socket: once, at a time on the monotonic clock or after it. The outcome is reported to the session."""

    at: float


@dataclass(frozen=True, slots=True)
class Send:
    """Send a frame on the open socket.

    Attributes:
        frame: What to send.
        request: What to pass to the session once it was sent.
    """

    frame: str | bytes
    request: Any = None


@dataclass(frozen=True, slots=True)
class DropSocket:
    """Leave the socket now, whatever is on its way there."""


@dataclass(frozen=True, slots=True)
class PrepareSocket:
    """Have a spare socket to this URL ready soon; a socket that is dropped is replaced by it."""

    url: str


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Nothing to do: call `tick` at this time on the monotonic clock, unless something happens before; None waits."""

    at: float | None


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand an item to the caller."""

    item: Any


@dataclass(frozen=True, slots=True)
class Finish:
    """The session is over, with the error that ended it if one did."""

    error: SmallestError | None = None


Action = Connect | Send | DropSocket | PrepareSocket | WaitUntil | Emit | Finish
