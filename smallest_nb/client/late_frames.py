"""Frames that may still come on a socket and answer nothing of the text that is being spoken."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from smallest_nb.api.tts_wire import TTSFrame

__all__ = ["LateFrames"]

_ANSWER_SECS = 5.0
"""How long a keepalive may take to be answered: a blank text is a request, and any frame but audio may answer it."""
_MAX_IDS, _MAX_KEEPALIVES = 256, 8


class LateFrames:
    """What one socket may still bring of earlier texts and of keepalives."""

    def __init__(self) -> None:
        self._ids: deque[str] = deque(maxlen=_MAX_IDS)
        self._keepalives: deque[float] = deque(maxlen=_MAX_KEEPALIVES)

    def add_ids(self, ids: Iterable[str]) -> None:
        """Note the service's ids for a text that is over."""
        self._ids.extend(ids)

    def has_id_of(self, frame: TTSFrame) -> bool:
        """Say whether a frame that has no id of ours belongs to an earlier text."""
        return frame.request_id in self._ids

    def add_keepalive(self, now: float) -> None:
        """Note that a keepalive was sent."""
        self._keepalives.append(now)

    def take_keepalive(self, now: float) -> bool:
        """Say whether a keepalive may still be answered; if so, the oldest is answered now."""
        while self._keepalives and now - self._keepalives[0] > _ANSWER_SECS:
            self._keepalives.popleft()
        if self._keepalives:
            self._keepalives.popleft()
            return True
        return False

    def clear(self) -> None:
        """Forget everything: the socket is a new one."""
        self._ids.clear()
        self._keepalives.clear()
