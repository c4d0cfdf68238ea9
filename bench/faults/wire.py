"""One connection of the misbehaving server: polite by the library, rude by the bare socket where it is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from websockets.asyncio.server import ServerConnection

from bench.faults.frames import ENDS, FRAMES, RAW, Ids, text_frame
from bench.faults.plan import Fault
from bench.faults.state import Record, State
from bench.faults.suspend import suspend_this_process

_SETTLE_S = 0.5
_FLUSH_S = 0.05


class Gone(Exception):  # noqa: N818 - no error: the connection was ended as planned
    """A fault has ended the connection."""


class Wire:
    """One connection.

    Args:
        ws: The library's.
        state: What the connections share.
    """

    def __init__(self, ws: ServerConnection, state: State) -> None:
        self.ws = ws
        self.state = state
        self.record = Record()
        self.old_ids: Ids = {}
        self.mute = False
        self.read_delay = 0.0
        state.ledger.connections.append(self.record)

    async def send(self, frame: str | bytes) -> None:
        """Send a frame, unless the server has fallen silent."""
        if not self.mute:
            await self.ws.send(frame)

    async def at(self, phase: str, count: int, ids: Ids | None = None) -> str:
        """Do what is planned for here and now.

        Returns:
            What was done last; a phase looks for words of its own in it.

        Raises:
            Gone: The connection is no more.
        """
        done = ""
        fault: Fault | None = None
        while (fault := self.state.script.take(phase, count, but=fault)) is not None:
            self.record.faulted = True
            self.state.ledger.note_fault()
            done = fault.do
            action = getattr(self, f"_{fault.do}", None)
            if action is not None:
                await action(fault, ids or {})
        return done

    async def _settle(self) -> None:
        """Wait until the client has everything: what is lost is then lost by the client."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await (await self.ws.ping())

    def reset_now(self) -> None:
        """End the connection with RST."""
        sock = self.ws.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.ws.transport.abort()

    async def _reset(self, _fault: Fault, _ids: Ids) -> None:
        await self._settle()
        self.reset_now()
        raise Gone

    async def _fin(self, _fault: Fault, _ids: Ids) -> None:
        await self._settle()
        self.ws.transport.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self.ws.wait_closed()
        raise Gone

    async def _close(self, fault: Fault, _ids: Ids) -> None:
        await self.ws.close(fault.code, "as planned")
        raise Gone

    async def _half(self, _fault: Fault, ids: Ids) -> None:
        """Write half of a frame, then reset."""
        await self._settle()
        await self._write_half(ids)
        self.reset_now()
        raise Gone

    async def _halves(self, fault: Fault, ids: Ids) -> None:
        """Write a frame in two halves, some time apart."""
        rest = await self._write_half(ids)
        await asyncio.sleep(fault.secs)
        self.ws.transport.write(rest)

    async def _write_half(self, ids: Ids) -> bytes:
        frame = text_frame(str(FRAMES["an unknown status"](ids)))
        self.ws.transport.write(frame[: len(frame) // 2])
        await asyncio.sleep(_FLUSH_S)
        return frame[len(frame) // 2 :]

    async def _send(self, fault: Fault, ids: Ids) -> None:
        await self.send(FRAMES[fault.frame](ids))
        if fault.frame in ENDS:
            self.state.ledger.is_over = True

    async def _send_late(self, fault: Fault, _ids: Ids) -> None:
        """Send a frame that belongs to the request before this one."""
        await self.send(FRAMES[fault.frame](self.old_ids))

    async def _raw(self, fault: Fault, _ids: Ids) -> None:
        self.ws.transport.write(RAW[fault.frame])

    async def _silent(self, _fault: Fault, _ids: Ids) -> None:
        self.mute = True

    async def _stall(self, fault: Fault, _ids: Ids) -> None:
        await asyncio.sleep(fault.secs)

    async def _slow(self, fault: Fault, _ids: Ids) -> None:
        self.read_delay = fault.secs

    async def _suspend(self, fault: Fault, _ids: Ids) -> None:
        suspend_this_process(fault.secs)

    async def _outage(self, fault: Fault, _ids: Ids) -> None:
        await self._settle()
        self.state.begin_outage(fault.secs)
        raise Gone

    async def receive(self) -> str | bytes:
        """Receive a frame, at the speed that was planned."""
        await asyncio.sleep(self.read_delay)
        return await self.ws.recv()
