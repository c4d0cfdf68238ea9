"""Where a cassette sits: every socket and request of the process goes through what is in it. Imports errors, wire.

One per process, because services run on several loops and threads and a person thinks of "the recording".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from smallest_nb.client.transport import HTTPResponse, Socket
from smallest_nb.errors import CassetteError

if TYPE_CHECKING:
    from smallest_nb.client.target import Target

__all__ = ["Deck", "current_deck", "eject", "insert"]


class Deck(Protocol):
    """A recorder or a player."""

    @property
    def target(self) -> Target | None:
        """Where services connect that were given neither key nor address; None leaves it to the session."""

    async def open(
        self, url: str, target: Target, knock: Callable[[], Awaitable[Socket | HTTPResponse]]
    ) -> Socket | HTTPResponse:
        """Open a socket; `knock` opens the real one, or returns the refusal."""

    async def fetch(
        self, method: str, url: str, body: bytes | None, ask: Callable[[], Awaitable[HTTPResponse]]
    ) -> HTTPResponse:
        """Make a request; `ask` makes the real one."""


_inserted: dict[str, tuple[Deck]] = {}
"""At most one, by a key that is always the same: `setdefault` needs no lock, which an interrupt could leave locked."""
_KEY = "deck"


def current_deck() -> Deck | None:
    """Return what is in it."""
    found = _inserted.get(_KEY)
    return found[0] if found is not None else None


def insert(deck: Deck) -> None:
    """Put a recorder or player in.

    Raises:
        CassetteError: There is one already.
    """
    own = (deck,)
    running = _inserted.setdefault(_KEY, own)
    if running is not own:
        raise CassetteError(f"{running[0]!r} is running already; end it first, one cassette at a time.")


def eject(deck: Deck) -> None:
    """Take it out, if it is in."""
    if current_deck() is deck:
        del _inserted[_KEY]
