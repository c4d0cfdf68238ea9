"""What a session has its service do.

A session decides and does nothing itself: it has no socket, no task and no clock. The service performs one action after
another, and reports what came of each before it takes the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smallest_nb.errors import SmallestError

__all__ = [
    "Action",
    "Connect",
    "DropSocket",
    "Emit",
    "Finish",
    "Notify",
    "OpenSpare",
    "Send",
    "WaitUntil",
]


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a socket: once, at a time on the monotonic clock or after it.

    Attributes:
        at: That time.
        after: The failure that this attempt follows, if it is another one.
    """

    at: float
    after: SmallestError | None = field(default=None, compare=False)


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
    """Leave the socket now, whatever is on its way there.

    Attributes:
        replace: Have another one ready for what comes next, which this session does not know.
    """

    replace: bool = False


@dataclass(frozen=True, slots=True)
class OpenSpare:
    """Have a second socket ready soon; a socket that is dropped is replaced by it.

    Attributes:
        url: Where; None for the URL of the present settings.
    """

    url: str | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """Report a failed connection to the handlers of `on_connection_error`."""

    error: SmallestError


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Nothing to do until this time on the monotonic clock, or until something happens; None has no such time."""

    at: float | None


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand an item to the caller."""

    item: Any


@dataclass(frozen=True, slots=True)
class Finish:
    """The session is over, with the error that ended it if one did."""

    error: BaseException | None = None


Action = Connect | Send | DropSocket | OpenSpare | Notify | WaitUntil | Emit | Finish
