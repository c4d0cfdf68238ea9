"""A transport that records what goes through another one.

The API key is never recorded: headers are not kept at all, and the key is replaced wherever a service repeats it. The
recording stays in memory until its end, at most `max_mb` of frames; what comes after that is not kept, and an error at
the end says so.
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from smallest_nb.client.installed_transport import install, uninstall
from smallest_nb.client.network import NETWORK
from smallest_nb.client.transport import HTTPResponse, Socket, Transport
from smallest_nb.common.paths import as_path
from smallest_nb.common.secret import Secret, hide_keys
from smallest_nb.errors import CassetteError, ConnectionLost
from smallest_nb.testing.cassette.compare import without_secrets
from smallest_nb.testing.cassette.ending import end_sessions
from smallest_nb.testing.cassette.frames import Event, Kind, Session, pack_frame
from smallest_nb.testing.cassette.scrub import Scrubber, scrub_cassette, scrubber
from smallest_nb.testing.cassette.store import Cassette, check_place, save
from smallest_nb.testing.cassette.tracks import MAX_MB, MB, limit_in_bytes

__all__ = ["Recorder"]

_log = logging.getLogger(__name__)


class Recorder:
    """A transport that records; made by :func:`smallest_nb.record`.

    Attributes:
        cassette: What was recorded so far.
        full: Whether the limit was reached.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        scrub: str | Iterable[str] | Scrubber = (),
        max_mb: float = MAX_MB,
        transport: Transport | None = None,
    ) -> None:
        scrubber(scrub)  # refuses a wrong one now rather than at the end
        self._limit = limit_in_bytes(max_mb)
        self._path = as_path(path)
        self._scrub = scrub
        self._transport = NETWORK if transport is None else transport
        self._bytes = 0
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._began = monotonic()
        self.cassette = Cassette()
        self.full = False
        self._stopped = self._discarded = False

    def __repr__(self) -> str:
        return f"record({str(self._path)!r})"

    def __enter__(self) -> Self:
        check_place(self._path)  # now, and not after everything was recorded
        self._stopped = False
        try:
            install(self)
            self._began = monotonic()
            return self  # noqa: TRY300 - an interrupt may come here too
        except CassetteError:
            raise  # another one is installed, and stays
        except BaseException:  # an interrupt: the block is not entered, so `__exit__` will not be called
            uninstall(self)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._discarded:
                self.stop()
        finally:
            uninstall(self)

    def stop(self) -> None:
        """End the recording and write the file.

        Raises:
            CassetteError: It cannot be written, `scrub` failed, or more came than is kept.
        """
        uninstall(self)
        with self._lock:
            self._stopped = True
            self.cassette.sessions, cut = end_sessions(self.cassette.sessions, monotonic() - self._began)
            for description in cut:
                _log.warning("%r ended too early: %s; end the block when all was answered", self, description)
            if self._scrub:
                self._scrub_recorded()
            save(self.cassette, self._path)
        if self.full:
            raise CassetteError(
                f"More than {self._limit / MB:g} MB of sound: {self._path} holds what came before; give max_mb=."
            )

    def discard(self) -> None:
        """End the recording and write nothing."""
        uninstall(self)
        self._stopped = self._discarded = True

    def _scrub_recorded(self) -> None:
        try:
            scrub_cassette(self.cassette, self._scrub)
        except Exception as error:  # a function of the user's
            raise CassetteError(
                f"scrub= failed ({type(error).__name__}: {error}), so {self._path} was not written: it would hold "
                "what was said. The recorder's `cassette` has it."
            ) from error

    def _add_session(self, url: str, method: str | None = None) -> Session:
        parts = urlsplit(url)
        query = without_secrets(dict(parse_qsl(parts.query, keep_blank_values=True)))
        session = Session(next(self._numbers), hide_keys(parts.path), query, method, at=monotonic() - self._began)
        with self._lock:
            self.cassette.sessions.append(session)
        return session

    async def connect(self, url: str, key: Secret, *, timeout: float) -> Socket | HTTPResponse:
        """Open a socket of the other transport, and record what comes of it."""
        session, before = self._add_session(url), monotonic()
        try:
            outcome = await self._transport.connect(url, key, timeout=timeout)
        except ConnectionLost as error:
            session.unreachable = str(error)
            raise
        finally:
            session.took = monotonic() - before
        if isinstance(outcome, HTTPResponse):
            _record_answer(session, outcome)
            return outcome
        return RecordedSocket(outcome, self, session, key)

    async def request(
        self, method: str, url: str, key: Secret, *, body: bytes | None, content_type: str, timeout: float
    ) -> HTTPResponse:
        """Make a request with the other transport, and record it."""
        session, before = self._add_session(url, method), monotonic()
        if body is not None and self._has_room(len(body)):
            session.up += body
        try:
            answer = await self._transport.request(
                method, url, key, body=body, content_type=content_type, timeout=timeout
            )
        except ConnectionLost as error:
            session.unreachable = str(error)
            raise
        finally:
            session.took = monotonic() - before
        _record_answer(session, answer)
        return answer

    def _has_room(self, size: int) -> bool:
        if self._bytes + size > self._limit and not self.full:
            self.full = True
            _log.warning("%r is full: what follows is not recorded; give max_mb=", self)
        self._bytes += size
        return not self.full

    def add_frame(self, session: Session, kind: Kind, frame: str | bytes, at: float) -> None:
        """Record a frame; binary frames in a row become one event."""
        with self._lock:
            if self._stopped or not self._has_room(len(frame)):
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

    def add_end(self, session: Session, at: float, **known: Any) -> None:
        """Record how a socket ended."""
        with self._lock:
            if not self._stopped and not (session.events and session.events[-1].kind is Kind.END):
                session.events.append(Event(Kind.END, at, at, known))


def _record_answer(session: Session, answer: HTTPResponse) -> None:
    text = answer.body.decode("utf-8", "replace")
    session.status, session.retry_after = answer.status, answer.retry_after
    try:
        session.answer = json.loads(text)
    except (ValueError, RecursionError):
        session.answer = text


class RecordedSocket:
    """A socket of another transport whose frames are recorded."""

    opened_by: Transport

    def __init__(self, ws: Socket, recorder: Recorder, session: Session, key: Secret) -> None:
        self._ws = ws
        self._recorder = recorder
        self._session = session
        self._key = key
        self._began = monotonic()
        self._frames = aiter(ws)

    def _record(self, kind: Kind, frame: str | bytes) -> None:
        if isinstance(frame, str):
            frame = self._key.hide(frame)
        self._recorder.add_frame(self._session, kind, frame, monotonic() - self._began)

    def _record_end(self, by: str, code: int | None, reason: str | None) -> None:
        self._recorder.add_end(self._session, monotonic() - self._began, by=by, code=code, reason=reason or "")

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
        self._record(Kind.SEND, frame)
        await self._ws.send(frame)

    def send_now(self, frame: bytes, /) -> bool:
        """Send a frame if that needs no waiting."""
        sent = self._ws.send_now(frame)
        if sent:
            self._record(Kind.SEND, frame)
        return sent

    async def keep_alive(self, frame: str | bytes, /) -> None:
        """Send a frame whose only purpose is to keep the socket open."""
        self._record(Kind.ALIVE, frame)
        await self._ws.keep_alive(frame)

    async def close(self) -> None:
        """Close it."""
        self._record_end("client", 1000, "")
        await self._ws.close()

    def abort(self) -> None:
        """End it now, without a closing handshake."""
        self._record_end("client", 1006, "")
        self._ws.abort()

    def release(self) -> None:
        """End it without its event loop, which has ended."""
        self._ws.release()

    def __aiter__(self) -> Self:
        """Iterate over its frames."""
        return self

    async def __anext__(self) -> str | bytes:
        """Return the next frame."""
        try:
            frame = await anext(self._frames)
        except (ConnectionClosed, StopAsyncIteration):
            self._record_end("service", self._ws.close_code, self._ws.close_reason)
            raise
        self._record(Kind.RECV, frame)
        return frame
