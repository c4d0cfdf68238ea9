"""Answers to keepalives: a blank text is a request, and the service may answer it with anything but sound."""

from __future__ import annotations

from collections import deque
from time import monotonic

__all__ = ["KeepaliveAnswers"]

_ANSWER_SECS = 5.0
"""How long an answer is expected."""


class KeepaliveAnswers:
    """Counts the keepalives of one socket that may still be answered."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=8)

    @property
    def expected(self) -> bool:
        """Whether a frame may be such an answer."""
        while self._sent and monotonic() - self._sent[0] > _ANSWER_SECS:
            self._sent.popleft()
        return bool(self._sent)

    def sent(self) -> None:
        """A keepalive was sent."""
        self._sent.append(monotonic())

    def answered(self) -> None:
        """The oldest was answered."""
        self._sent.popleft()

    def new_socket(self) -> None:
        """Nothing was sent yet."""
        self._sent.clear()
