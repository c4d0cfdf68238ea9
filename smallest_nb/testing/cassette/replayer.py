"""A transport that answers from a cassette: each request is looked up by its content.

A request is found whatever socket it is sent on, because which socket that was (a spare one, one opened after an idle
time) depends on timing. A stream of sound belongs to one socket and is found by its address and query.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from smallest_nb.client.installed_transport import install, uninstall
from smallest_nb.client.target import Target
from smallest_nb.client.transport import CASSETTE_URL, HTTPResponse, Socket
from smallest_nb.common.numbers import is_number
from smallest_nb.common.paths import as_path
from smallest_nb.common.secret import Secret
from smallest_nb.errors import CassetteError, ConfigError, ConnectionLost
from smallest_nb.testing.cassette import compare
from smallest_nb.testing.cassette.ending import was_cut
from smallest_nb.testing.cassette.frames import Kind, Session
from smallest_nb.testing.cassette.replayed_audio_socket import ReplayedAudioSocket
from smallest_nb.testing.cassette.replayed_text_socket import ReplayedTextSocket
from smallest_nb.testing.cassette.scrub import Scrubber, hide_text, scrub_texts, scrubber
from smallest_nb.testing.cassette.store import load
from smallest_nb.testing.cassette.tracks import MAX_MB

__all__ = ["Replayer"]


class Replayer:
    """A transport that replays; made by :func:`smallest_nb.replay`.

    Attributes:
        cassette: What it replays.
        audio: "match" or "any".
        target: Where services connect that were given neither key nor address.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        speed: float | str = 1.0,
        audio: str = "match",
        repeat: bool = False,
        scrub: str | Iterable[str] | Scrubber = (),
        max_mb: float = MAX_MB,
    ) -> None:
        if speed != "instant" and not (is_number(speed) and speed > 0):
            raise ConfigError(f"speed={speed!r} cannot be used; expected a number above 0, or 'instant'.")
        if audio not in ("match", "any"):
            raise ConfigError(f"audio={audio!r} cannot be used; expected 'match' or 'any'.")
        self._path = as_path(path)
        self.cassette = load(self._path, max_mb=max_mb)
        names, hide = scrubber(scrub)
        self.audio = "any" if "audio" in {*names, *self.cassette.scrubbed} else audio
        self._hide = hide or (hide_text if "text" in self.cassette.scrubbed else None)
        self._speed = None if speed == "instant" else float(speed)
        self._repeat = repeat
        self._lock = threading.Lock()
        self._used: set[tuple[int, int]] = set()
        self._sockets: list[ReplayedTextSocket | ReplayedAudioSocket] = []
        self.target = Target(
            CASSETTE_URL, Secret("sk_cassette", "a cassette"), simulated=True,
            label=f"Replayed from {self._path.name}: nothing is sent.",
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"replay({str(self._path)!r})"

    def __enter__(self) -> Self:
        try:
            install(self)
            return self  # noqa: TRY300 - an interrupt may come here too
        except CassetteError:
            raise  # another one is installed, and stays
        except BaseException:  # an interrupt: the block is not entered, so `__exit__` will not be called
            uninstall(self)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the replay, and every socket that it opened."""
        uninstall(self)
        for ws in self._sockets:
            ws.end_from_outside(1001, "the replay has ended")

    @property
    def unused(self) -> list[str]:
        """What was recorded and has not been requested, in words."""
        return [
            f"session {s.number}, {s.method or 'socket'} {s.path}: {json.dumps(frame, ensure_ascii=False)[:100]}"
            for s, place, frame in self._all_requests()
            if (s.number, place) not in self._used
        ]

    def _all_requests(self) -> list[tuple[Session, int, Any]]:
        """Return everything that can be requested: HTTP requests and streams (place -1), text frames (their place)."""
        found: list[tuple[Session, int, Any]] = []
        for session in self.cassette.sessions:
            if session.method or session.status or session.unreachable or session.streams:
                found.append((session, -1, session.query))
            else:
                sends = ((n, e) for n, e in enumerate(session.events) if e.kind is Kind.SEND)
                found += [(session, n, e.frame) for n, e in sends if not compare.is_cancel(e.frame)]
        return found

    def _scale_delay(self, seconds: float) -> float:
        """Return how long something is to take that took this long."""
        return 0.0 if self._speed is None else max(0.0, seconds) / self._speed

    def _scrub(self, frame: Any) -> Any:
        """Return a request as it would have been recorded."""
        return frame if self._hide is None else scrub_texts(frame, self._hide)

    def _parse_url(self, url: str) -> tuple[str, dict[str, str]]:
        parts = urlsplit(url)
        return parts.path, self._scrub(compare.without_secrets(dict(parse_qsl(parts.query, keep_blank_values=True))))

    async def connect(self, url: str, _key: Secret, /, **_options: Any) -> Socket | HTTPResponse:
        """Open a socket of the cassette."""
        path, query = self._parse_url(url)
        sessions = [s for s in self.cassette.sessions if s.method is None and s.path == path]
        if not sessions:
            known = sorted({s.path for s in self.cassette.sessions if s.method is None})
            raise self._error(f"no socket at {path}; it has {', '.join(known) or 'none at all'}")
        session = self._next_session(sessions, query)
        if session is None:  # each text frame is found by its content
            ws: ReplayedTextSocket | ReplayedAudioSocket = ReplayedTextSocket(
                lambda frame, after: self._find_frame(path, frame, after), self._scale_delay
            )
        else:
            await asyncio.sleep(self._scale_delay(session.took))
            if session.unreachable:
                raise ConnectionLost(session.unreachable)
            if session.status is not None:
                return _recorded_answer(session)
            ws = ReplayedAudioSocket(session, self._scale_delay, any_audio=self.audio == "any")
        with self._lock:
            self._sockets = [s for s in self._sockets if s.is_open] + [ws]
        return ws

    def _next_session(self, sessions: list[Session], query: dict[str, str]) -> Session | None:
        """Return the next refusal or stream; None if text is sent on these sockets."""
        with self._lock:
            free = self._free(sessions)
            whole = [s for s in free if s.streams or s.status is not None or s.unreachable]
            text = [s for s in sessions if not s.streams and any(e.kind is Kind.SEND for e in s.events)]
            first_text = min((s.number for s in text if self._has_unused_frames(s)), default=None)
            for session in whole:
                if first_text is not None and session.number > first_text:
                    break
                if session.query == query:
                    self._used.add((session.number, -1))
                    return session
            if text:
                return None
        if cut := next((s for s in sessions if was_cut(s) and s.query == query), None):
            raise self._cut_error(cut)
        raise self._difference_error("this stream", [s.query for s in whole], [s.query for s in sessions], query)

    def _free(self, sessions: list[Session]) -> list[Session]:
        """Return those that may be requested, the unused first."""
        unused = [s for s in sessions if (s.number, -1) not in self._used]
        return unused + [s for s in sessions if s not in unused] if self._repeat else unused

    def _has_unused_frames(self, session: Session) -> bool:
        sends = (n for n, e in enumerate(session.events) if e.kind is Kind.SEND and not compare.is_cancel(e.frame))
        return any((session.number, n) not in self._used for n in sends)

    def _find_frame(self, path: str, frame: Any, after: tuple[Session, int] | None) -> tuple[Session, int]:
        """Find a recorded text frame: after the last one in its session, else anywhere.

        Args:
            path: Of the socket.
            frame: What is sent.
            after: The session and place of the frame before.

        Returns:
            Its session, and its place among the session's events.

        Raises:
            CassetteError: It was not recorded, or less often.
        """
        sent = self._scrub(compare.without_secrets(frame))
        with self._lock:
            places = [p for p in self._all_requests() if p[0].path == path and p[1] >= 0]
            if after is not None:
                places.sort(key=lambda p: (p[0] is not after[0] or p[1] <= after[1], p[0].number, p[1]))
            equal = [(s, n) for s, n, recorded in places if compare.same(recorded, sent)]
            free = [(s, n) for s, n in equal if (s.number, n) not in self._used]
            found = next(iter(free or (equal if self._repeat else ())), None)
            if found is not None:
                self._used.add((found[0].number, found[1]))
                return found
            left = [f for s, n, f in places if (s.number, n) not in self._used]
            recorded = [f for _, _, f in places]
        if cut := next((s for s, n in equal if was_cut(s) and _is_last_send(s, n)), None):
            raise self._cut_error(cut)
        if equal:
            raise self._error(
                f"this request {len(equal)} time(s), and it is made once more; give repeat=True to allow that"
            )
        raise self._difference_error("this request", left, recorded, sent)

    def _difference_error(self, what: str, left: list[Any], recorded: list[Any], sent: Any) -> CassetteError:
        """Return an error that says how the nearest recorded request differs."""
        nearest = max(left or recorded, key=lambda value: compare.likeness(value, sent), default=None)
        if nearest is None:
            return self._error(f"nothing that could answer {what} {json.dumps(sent, ensure_ascii=False)[:200]}")
        differences = compare.differences(nearest, sent)
        if not differences:
            return self._error(f"{what} fewer times than it is made now; give repeat=True to allow that")
        return self._error(f"another form of {what}. The nearest differs in\n  " + "\n  ".join(differences))

    def _cut_error(self, session: Session) -> CassetteError:
        return self._error(
            f"the beginning of session {session.number} only: it was under way when the recording ended. Record it "
            "again, and end the block when all was answered"
        )

    def _error(self, what: str) -> CassetteError:
        return CassetteError(f"The cassette {self._path.name} holds {what}.")

    async def request(
        self, method: str, url: str, _key: Secret, /, *, body: bytes | None, **_options: Any
    ) -> HTTPResponse:
        """Answer a request."""
        path, query = self._parse_url(url)
        with self._lock:
            sessions = [s for s in self.cassette.sessions if s.method == method and s.path == path]
            free = self._free(sessions)
            found = next((s for s in free if s.query == query and self._same_body(s, body)), None)
            if found is not None:
                self._used.add((found.number, -1))
        if found is None:
            if not sessions:
                raise self._error(f"no {method} {path}")
            if any(s.query == query for s in free):
                raise self._error(f"{method} {path} with another body")
            recorded = [s.query for s in sessions]
            raise self._difference_error(f"{method} {path}", [s.query for s in free], recorded, query)
        await asyncio.sleep(self._scale_delay(found.took))
        if found.unreachable:
            raise ConnectionLost(found.unreachable)
        return _recorded_answer(found)

    def _same_body(self, session: Session, body: bytes | None) -> bool:
        return self.audio == "any" or bytes(session.up) == (body or b"")


def _is_last_send(session: Session, place: int) -> bool:
    return all(e.kind is not Kind.SEND for e in session.events[place + 1 :])


def _recorded_answer(session: Session) -> HTTPResponse:
    text = session.answer if isinstance(session.answer, str) else json.dumps(session.answer, ensure_ascii=False)
    return HTTPResponse(session.status or 0, text.encode(), session.retry_after)
