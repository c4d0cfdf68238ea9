"""Keeps what goes over each socket and request while it is in the deck. Imports deck, wire, frames, scrub, store.

The API key cannot get in: headers are not kept at all, and where a service repeats the key it is replaced. In memory
until the end, at most `max_mb` of frames; what came after that is not kept, and said.
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from smallest_nb.client import transport_stack
from smallest_nb.client.target import Target
from smallest_nb.client.transport import HTTPResponse, Socket
from smallest_nb.common.paths import as_path
from smallest_nb.common.secret import hide_keys
from smallest_nb.errors import CassetteError, ConfigError, ConnectionLost
from smallest_nb.testing.cassette.compare import without_secrets
from smallest_nb.testing.cassette.ending import end_sessions
from smallest_nb.testing.cassette.frames import Event, Kind, Session, pack_frame
from smallest_nb.testing.cassette.scrub import Scrubber, scrub_cassette, scrubber
from smallest_nb.testing.cassette.store import Cassette, check_place, save
from smallest_nb.testing.cassette.tracks import MAX_MB

__all__ = ["Recorder"]

_log = logging.getLogger(__name__)
_MB = 10**6


class Recorder:
    """Records; made by :func:`smallest_nb.record`.

    Attributes:
        cassette: What was recorded so far.
        full: Whether the limit was reached.
    """

    def __init__(self, path: str | Path, *, scrub: str | Iterable[str] | Scrubber = (), max_mb: float = MAX_MB) -> None:
        scrubber(scrub)  # refuses a wrong one now rather than at the end
        if isinstance(max_mb, bool) or not isinstance(max_mb, int | float) or not max_mb > 0:
            raise ConfigError(f"max_mb={max_mb!r} cannot be used; expected millions of bytes above 0.")
        self._path = as_path(path)
        self._scrub = scrub
        self._limit = max_mb * _MB
        self._bytes = 0
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._began = monotonic()
        self.cassette = Cassette()
        self.full = False
        self.target = None
        self._discarded = False

    def __repr__(self) -> str:
        return f"record({str(self._path)!r})"

    def __enter__(self) -> Self:
        check_place(self._path)  # now, and not when all that was to be kept is there
        try:
            transport_stack.insert(self)
            self._began = monotonic()
            return self  # noqa: TRY300 - an interrupt may come here too
        except CassetteError:
            raise  # another one is in, and stays
        except BaseException:  # an interrupt: the block is not entered, and nothing would take it out
            transport_stack.eject(self)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._discarded:
                self.stop()
        finally:
            transport_stack.eject(self)

    def stop(self) -> None:
        """Take it out and write the file.

        Raises:
            CassetteError: It cannot be written, `scrub` failed, or more came than is kept.
        """
        transport_stack.eject(self)
        with self._lock:
            self.cassette.sessions, cut = end_sessions(self.cassette.sessions, monotonic() - self._began)
            for told in cut:
                _log.warning("%r ended too early: %s; end the block when all was answered", self, told)
            if self._scrub:
                self._scrubbed()
            save(self.cassette, self._path)
        if self.full:
            raise CassetteError(
                f"More than {self._limit / _MB:g} MB of sound: {self._path} holds what came before; give max_mb=."
            )

    def discard(self) -> None:
        """Take it out and write nothing."""
        transport_stack.eject(self)
        self._discarded = True

    def _scrubbed(self) -> None:
        try:
            scrub_cassette(self.cassette, self._scrub)
        except Exception as error:  # a function of the user's
            raise CassetteError(
                f"scrub= failed ({type(error).__name__}: {error}), so {self._path} was not written: it would hold "
                "what was said. The recorder's `cassette` has it."
            ) from error

    def _session(self, url: str, method: str | None = None) -> Session:
        parts = urlsplit(url)
        query = without_secrets(dict(parse_qsl(parts.query, keep_blank_values=True)))
        session = Session(next(self._numbers), hide_keys(parts.path), query, method, at=monotonic() - self._began)
        with self._lock:
            self.cassette.sessions.append(session)
        return session

    async def open(
        self, url: str, target: Target, knock: Callable[[], Awaitable[Socket | HTTPResponse]]
    ) -> Socket | HTTPResponse:
        """Open the real socket, and keep what comes of it."""
        session, before = self._session(url), monotonic()
        try:
            outcome = await knock()
        except ConnectionLost as error:
            session.unreachable = str(error)
            raise
        finally:
            session.took = monotonic() - before
        if isinstance(outcome, HTTPResponse):
            _keep_answer(session, outcome)
            return outcome
        return RecordedSocket(outcome, self, session, target)

    async def fetch(
        self, method: str, url: str, body: bytes | None, ask: Callable[[], Awaitable[HTTPResponse]]
    ) -> HTTPResponse:
        """Make the real request, and keep it."""
        session, before = self._session(url, method), monotonic()
        if body is not None and self._has_room(len(body)):
            session.up += body
        try:
            answer = await ask()
        except ConnectionLost as error:
            session.unreachable = str(error)
            raise
        finally:
            session.took = monotonic() - before
        _keep_answer(session, answer)
        return answer

    def _has_room(self, size: int) -> bool:
        if self._bytes + size > self._limit and not self.full:
            self.full = True
            _log.warning("%r is full: what follows is not recorded; give max_mb=", self)
        self._bytes += size
        return not self.full

    def keep(self, session: Session, kind: Kind, frame: str | bytes, at: float) -> None:
        """Keep a frame; binary ones that nothing came between become one event."""
        with self._lock:
            if transport_stack.current_deck() is not self or not self._has_room(len(frame)):
                return
            value, sound = pack_frame(frame)
            if kind is Kind.SEND:
                value = without_secrets(value)
            session.track(kind).extend(sound)
            binary = isinstance(frame, bytes)
            before = session.events[-1] if session.events else None
            if binary and before is not None and before.binary and before.kind is kind:
                before.last, before.sound = at, before.sound + len(sound)
            else:
                session.events.append(Event(kind, at, at, value, len(sound), binary))

    def end(self, session: Session, at: float, **known: Any) -> None:
        """Keep how a socket ended."""
        with self._lock:
            if transport_stack.current_deck() is self and not (session.events and session.events[-1].kind is Kind.END):
                session.events.append(Event(Kind.END, at, at, known))


def _keep_answer(session: Session, answer: HTTPResponse) -> None:
    text = answer.body.decode("utf-8", "replace")
    session.status, session.retry_after = answer.status, answer.retry_after
    try:
        session.answer = json.loads(text)
    except (ValueError, RecursionError):
        session.answer = text


class RecordedSocket:
    """A real socket whose frames are kept."""

    def __init__(self, ws: Socket, recorder: Recorder, session: Session, target: Target) -> None:
        self._ws = ws
        self._target = target
        self._session = session
        self._began = monotonic()
        self._frames = aiter(ws)
        self.deck = recorder

    @property
    def _now(self) -> float:
        return monotonic() - self._began

    def _keep(self, kind: Kind, frame: str | bytes) -> None:
        if isinstance(frame, str):
            frame = self._target.key.hide(frame)
        self.deck.keep(self._session, kind, frame, self._now)

    @property
    def state(self) -> State:
        """Whether it is open."""
        return self._ws.state

    @property
    def close_code(self) -> int | None:
        """Why it was closed."""
        return self._ws.close_code

    @property
    def close_reason(self) -> str | None:
        """Why it was closed, in words."""
        return self._ws.close_reason

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent."""
        return self._ws.buffered

    async def send(self, frame: str | bytes, /) -> None:
        """Send a frame."""
        self._keep(Kind.SEND, frame)
        await self._ws.send(frame)

    def send_now(self, frame: bytes, /) -> bool:
        """Send a frame if that needs no waiting."""
        sent = self._ws.send_now(frame)
        if sent:
            self._keep(Kind.SEND, frame)
        return sent

    async def keep_alive(self, frame: str | bytes, /) -> None:
        """Send a frame that says nothing but that we are still here."""
        self._keep(Kind.ALIVE, frame)
        await self._ws.keep_alive(frame)

    async def close(self) -> None:
        """Close it."""
        self.deck.end(self._session, self._now, by="client", code=1000, reason="")
        await self._ws.close()

    def abort(self) -> None:
        """End it now, without a closing handshake."""
        self.deck.end(self._session, self._now, by="client", code=1006, reason="")
        self._ws.abort()

    def release(self) -> None:
        """End it without its event loop, which has ended."""
        self._ws.release()

    def __aiter__(self) -> Self:
        """Give its frames."""
        return self

    async def __anext__(self) -> str | bytes:
        """Give the next frame."""
        try:
            frame = await anext(self._frames)
        except (ConnectionClosed, StopAsyncIteration):
            self._end()
            raise
        self._keep(Kind.RECV, frame)
        return frame

    def _end(self) -> None:
        code, reason = self._ws.close_code, self._ws.close_reason
        self.deck.end(self._session, self._now, by="service", code=code, reason=reason or "")
