"""A socket without a network: it returns what was recorded, when it is due.

It has no task of its own. The reader waits until the next frame is due, so that nothing is left to clean up if the
socket is dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic
from typing import Any

from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close
from websockets.protocol import State

from smallest_nb.client.transport import Transport
from smallest_nb.testing.cassette.ending import RECORDING
from smallest_nb.testing.cassette.frames import Event, Kind, Session, unpack_frame

__all__ = ["ReplayedSocket"]

_CLEAN = (1000, 1001, 1005)


class ReplayedSocket:
    """The base of sockets for text and for sound.

    Args:
        scale_delay: Returns how long something takes now that took so many seconds when it was recorded.
    """

    opened_by: Transport
    buffered = 0

    def __init__(self, scale_delay: Callable[[float], float]) -> None:
        self._scale_delay = scale_delay
        self.state = State.OPEN
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._due: deque[tuple[float, Event, bytes]] = deque()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._ids: dict[str, str] = {}

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self.state is State.OPEN

    def send_now(self, _frame: bytes, /) -> bool:
        """Leave it to `send`, which compares the frame with what was recorded."""
        return False

    async def keep_alive(self, _frame: str | bytes, /) -> None:
        """Do nothing: no server could close it."""

    async def close(self) -> None:
        """Close it."""
        self._end(1000, "")

    def abort(self) -> None:
        """End it now."""
        self._end(1006, "")

    def release(self) -> None:
        """End it without its event loop, which has ended."""
        self.state = State.CLOSED

    def end_from_outside(self, code: int, reason: str) -> None:
        """End it, from any thread."""
        if self.is_open and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end, code, reason)

    def _end(self, code: int | None, reason: str) -> None:
        if self.is_open:
            self.state, self.close_code, self.close_reason = State.CLOSED, code, reason
        self._changed.set()

    def _refuse_when_closed(self) -> None:
        if not self.is_open:
            raise ConnectionClosedError(Close(self.close_code or 1006, self.close_reason or ""), None)

    def _release_answers(self, session: Session, after: int) -> None:
        """Make everything available that was received after an event and before the next that was sent.

        Args:
            session: Whose events.
            after: The place of the event that was sent; -1 for what came before any was.
        """
        events = session.events
        since = events[after].last if after >= 0 else 0.0
        now = monotonic()
        for event, sound in _answers_after(session, after):
            self._due.append((now + self._scale_delay(event.first - since), event, sound))
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Yield the frames when they are due."""
        while True:
            while not self._due and self.is_open:
                self._changed.clear()
                await self._changed.wait()
            if not self.is_open:
                break
            await asyncio.sleep(max(0.0, self._due[0][0] - monotonic()))
            _, event, sound = self._due.popleft()
            if event.kind is Kind.END:
                cut = event.frame.get("by") == RECORDING
                reason = "the recording ends here" if cut else event.frame.get("reason") or ""
                self._end(event.frame.get("code"), reason)
                break
            frame = unpack_frame(self._adjust_times(event.frame), sound, binary=event.binary)
            yield self._replace_ids(frame) if isinstance(frame, str) else frame
        if self.close_code not in _CLEAN:
            raise ConnectionClosedError(Close(self.close_code or 1006, self.close_reason or ""), None)

    def _adjust_times(self, frame: Any) -> Any:
        """Return a frame with the times that are right now."""
        return frame

    def _replace_ids(self, frame: str) -> str:
        """Replace the recorded ids by those of now."""
        for old, new in self._ids.items():
            frame = frame.replace(f'"{old}"', f'"{new}"')
        return frame

    def _learn_ids(self, recorded: Any, sent: Any, names: tuple[str, ...]) -> None:
        if isinstance(recorded, dict) and isinstance(sent, dict):
            for name in names:
                if isinstance(recorded.get(name), str) and isinstance(sent.get(name), str):
                    self._ids[recorded[name]] = sent[name]


def _answers_after(session: Session, after: int) -> Iterator[tuple[Event, bytes]]:
    """Yield what was received after an event until the next that was sent, with its sound, without a client's close."""
    at = sum(e.sound for e in session.events[: after + 1] if e.kind is Kind.RECV)
    for event in session.events[after + 1 :]:
        if event.kind is Kind.SEND:
            return
        if event.kind is Kind.RECV:
            yield event, bytes(session.down[at : at + event.sound])
            at += event.sound
        elif event.kind is Kind.END and event.frame.get("by") != "client":
            yield event, b""
