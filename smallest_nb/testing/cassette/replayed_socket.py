"""A socket that is none: what was recorded comes out of it when it is due. Imports frames.

No task of its own: whoever reads waits until the next frame is due, so that nothing is left behind when nobody reads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close
from websockets.protocol import State

from smallest_nb.testing.cassette.ending import RECORDING
from smallest_nb.testing.cassette.frames import Event, Kind, Session, unpack_frame

if TYPE_CHECKING:
    from smallest_nb.testing.cassette.replayer import Player

__all__ = ["ReplayedSocket"]

_CLEAN = (1000, 1001, 1005)


class ReplayedSocket:
    """What sockets of text and of sound have in common.

    Args:
        player: The deck.
    """

    buffered = 0

    def __init__(self, player: Player) -> None:
        self.deck = player
        self.state = State.OPEN
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._due: deque[tuple[float, Event, Session, bytes]] = deque()
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
        """Do nothing: no one has to be kept awake."""

    async def close(self) -> None:
        """Close it."""
        self._end(1000, "")

    def abort(self) -> None:
        """End it now."""
        self._end(1006, "")

    def release(self) -> None:
        """End it without its event loop, which has ended."""
        self.state = State.CLOSED

    def hang_up(self, code: int, reason: str) -> None:
        """Close it from outside, from any thread."""
        if self.is_open and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end, code, reason)

    def _end(self, code: int | None, reason: str) -> None:
        if self.is_open:
            self.state, self.close_code, self.close_reason = State.CLOSED, code, reason
        self._changed.set()

    def _refuse_when_closed(self) -> None:
        if not self.is_open:
            raise ConnectionClosedError(Close(self.close_code or 1006, self.close_reason or ""), None)

    def _release(self, session: Session, after: int) -> None:
        """Have everything come out that was received after an event and before the next that was sent.

        Args:
            session: Whose events.
            after: The place of what was sent; -1 for what came without asking.
        """
        events = session.events
        since = events[after].last if after >= 0 else 0.0
        now = monotonic()
        for event, sound in _answers(session, after):
            self._due.append((now + self.deck.wait(event.first - since), event, session, sound))
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Give the frames when they are due."""
        while True:
            while not self._due and self.is_open:
                self._changed.clear()
                await self._changed.wait()
            if not self.is_open:
                break
            await asyncio.sleep(max(0.0, self._due[0][0] - monotonic()))
            _, event, _, sound = self._due.popleft()
            if event.kind is Kind.END:
                cut = event.frame.get("by") == RECORDING
                self._end(
                    event.frame.get("code"), "the recording ends here" if cut else event.frame.get("reason") or ""
                )
                break
            frame = unpack_frame(self._in_time(event.frame), sound, binary=event.binary)
            yield self._renamed(frame) if isinstance(frame, str) else frame
        if self.close_code not in _CLEAN:
            raise ConnectionClosedError(Close(self.close_code or 1006, self.close_reason or ""), None)

    def _in_time(self, frame: Any) -> Any:
        """Return a frame with the times that hold now."""
        return frame

    def _renamed(self, frame: str) -> str:
        """Put the ids of now in place of those of the recording."""
        for old, new in self._ids.items():
            frame = frame.replace(f'"{old}"', f'"{new}"')
        return frame

    def _learn_ids(self, recorded: Any, asked: Any, names: tuple[str, ...]) -> None:
        if isinstance(recorded, dict) and isinstance(asked, dict):
            for name in names:
                if isinstance(recorded.get(name), str) and isinstance(asked.get(name), str):
                    self._ids[recorded[name]] = asked[name]


def _answers(session: Session, after: int) -> Iterator[tuple[Event, bytes]]:
    """Give what was received after an event until the next that was sent, with its sound; a client's end is none."""
    at = sum(e.sound for e in session.events[: after + 1] if e.kind is Kind.RECV)
    for event in session.events[after + 1 :]:
        if event.kind is Kind.SEND:
            return
        if event.kind is Kind.RECV:
            yield event, bytes(session.down[at : at + event.sound])
            at += event.sound
        elif event.kind is Kind.END and event.frame.get("by") != "client":
            yield event, b""
