"""A replayed socket on which requests are sent as text: each is found by what it says. Imports replayed, compare."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from smallest_nb.testing.cassette.compare import FRESH_IDS, is_cancel
from smallest_nb.testing.cassette.frames import Session
from smallest_nb.testing.cassette.replayed_socket import ReplayedSocket

if TYPE_CHECKING:
    from smallest_nb.testing.cassette.replayer import Player

__all__ = ["ReplayedTextSocket"]


class ReplayedTextSocket(ReplayedSocket):
    """One socket.

    Args:
        player: The deck.
        path: Where it was opened.
    """

    def __init__(self, player: Player, path: str) -> None:
        super().__init__(player)
        self._path = path
        self._here: tuple[Session, int] | None = None

    async def send(self, frame: str | bytes, /) -> None:
        """Take a frame and have its answers come.

        Raises:
            CassetteError: It was not recorded.
            ConnectionClosed: The socket has ended.
        """
        self._refuse_when_closed()
        asked = _parsed(frame)
        if is_cancel(asked):
            return
        session, place = self._here = self.deck.find(self._path, asked, self._here)
        self._learn_ids(session.events[place].frame, asked, FRESH_IDS)
        self._release(session, place)


def _parsed(frame: str | bytes) -> Any:
    if isinstance(frame, bytes):
        return f"{len(frame)} bytes"
    try:
        return json.loads(frame)
    except ValueError:
        return frame
