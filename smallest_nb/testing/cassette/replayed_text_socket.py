"""A replayed socket on which requests are sent as text frames: each is found by its content."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from smallest_nb.testing.cassette.compare import FRESH_IDS, is_cancel
from smallest_nb.testing.cassette.frames import Session
from smallest_nb.testing.cassette.replayed_socket import ReplayedSocket

__all__ = ["ReplayedTextSocket"]

FrameFinder = Callable[[Any, tuple[Session, int] | None], tuple[Session, int]]


class ReplayedTextSocket(ReplayedSocket):
    """One socket.

    Args:
        find_frame: Returns the session and place of a recorded frame like the given one, after the given place.
        scale_delay: See :class:`~smallest_nb.testing.cassette.replayed_socket.ReplayedSocket`.
    """

    def __init__(self, find_frame: FrameFinder, scale_delay: Callable[[float], float]) -> None:
        super().__init__(scale_delay)
        self._find_frame = find_frame
        self._last_found: tuple[Session, int] | None = None

    async def send(self, frame: str | bytes, /) -> None:
        """Take a frame and make its answers available.

        Raises:
            CassetteError: It was not recorded.
            ConnectionClosed: The socket has ended.
        """
        self._refuse_when_closed()
        sent = _parse(frame)
        if is_cancel(sent):
            return
        session, place = self._last_found = self._find_frame(sent, self._last_found)
        self._learn_ids(session.events[place].frame, sent, FRESH_IDS)
        self._release_answers(session, place)


def _parse(frame: str | bytes) -> Any:
    if isinstance(frame, bytes):
        return f"{len(frame)} bytes"
    try:
        return json.loads(frame)
    except ValueError:
        return frame
