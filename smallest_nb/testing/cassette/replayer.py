"""Answers sockets and requests from a cassette: what is asked for is looked up by its content. Imports deck, wire, ...

A request is found whatever socket it is sent on, because sockets are a matter of moments: a spare one, one that idled
out. A stream of sound belongs to one socket and is found by its address and query.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from smallest_nb.client import transport_stack
from smallest_nb.client.target import CASSETTE_URL, Target
from smallest_nb.client.transport import HTTPResponse, Socket
from smallest_nb.common.paths import as_path
from smallest_nb.common.secret import Secret
from smallest_nb.errors import CassetteError, ConfigError, ConnectionLost
from smallest_nb.testing.cassette import compare
from smallest_nb.testing.cassette.ending import was_cut
from smallest_nb.testing.cassette.frames import Kind, Session
from smallest_nb.testing.cassette.scrub import Scrubber, hide_text, scrub_texts, scrubber
from smallest_nb.testing.cassette.store import load
from smallest_nb.testing.cassette.stream_wire import ReplayedAudioSocket
from smallest_nb.testing.cassette.text_wire import ReplayedTextSocket
from smallest_nb.testing.cassette.tracks import MAX_MB

__all__ = ["Player"]


class Player:
    """Replays; made by :func:`smallest_nb.replay`.

    Attributes:
        cassette: What it plays.
        audio: "match" or "any".
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
        if speed != "instant" and not (isinstance(speed, int | float) and speed > 0):
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
        self._wires: list[ReplayedTextSocket | ReplayedAudioSocket] = []
        self.target = Target(
            CASSETTE_URL, Secret("sk_cassette", "a cassette"), simulated=True,
            label=f"Replayed from {self._path.name}: nothing is sent.",
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"replay({str(self._path)!r})"

    def __enter__(self) -> Self:
        try:
            transport_stack.insert(self)
            return self  # noqa: TRY300 - an interrupt may come here too
        except CassetteError:
            raise  # another one is in, and stays
        except BaseException:  # an interrupt: the block is not entered, and nothing would take it out
            transport_stack.eject(self)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take it out; sockets that run through it end."""
        transport_stack.eject(self)
        for wire in self._wires:
            wire.hang_up(1001, "the replay has ended")

    @property
    def unused(self) -> list[str]:
        """What was recorded and has not been asked for, in words."""
        return [
            f"session {s.number}, {s.method or 'socket'} {s.path}: {json.dumps(frame, ensure_ascii=False)[:100]}"
            for s, place, frame in self._all_asked()
            if (s.number, place) not in self._used
        ]

    def _all_asked(self) -> list[tuple[Session, int, Any]]:
        """Return everything that can be asked for: requests, streams (place -1), text frames (their place)."""
        found: list[tuple[Session, int, Any]] = []
        for session in self.cassette.sessions:
            if session.method or session.status or session.unreachable or session.streams:
                found.append((session, -1, session.query))
            else:
                asked = ((n, e) for n, e in enumerate(session.events) if e.kind is Kind.SEND)
                found += [(session, n, e.frame) for n, e in asked if not compare.is_cancel(e.frame)]
        return found

    def wait(self, seconds: float) -> float:
        """Return how long to wait for what took this long."""
        return 0.0 if self._speed is None else max(0.0, seconds) / self._speed

    def scrubbed(self, frame: Any) -> Any:
        """Return what is asked for as it would have been recorded."""
        return frame if self._hide is None else scrub_texts(frame, self._hide)

    def _query_of(self, url: str) -> tuple[str, dict[str, str]]:
        parts = urlsplit(url)
        return parts.path, self.scrubbed(compare.without_secrets(dict(parse_qsl(parts.query, keep_blank_values=True))))

    async def open(
        self, url: str, _target: Target, _knock: Callable[[], Awaitable[Socket | HTTPResponse]]
    ) -> Socket | HTTPResponse:
        """Open a socket of the cassette."""
        path, query = self._query_of(url)
        here = [s for s in self.cassette.sessions if s.method is None and s.path == path]
        if not here:
            known = sorted({s.path for s in self.cassette.sessions if s.method is None})
            raise self._nothing(f"no socket at {path}; there is {', '.join(known) or 'none at all'}")
        session = self._next(here, query)
        if session is None:  # text frames say by themselves what they ask for
            wire: ReplayedTextSocket | ReplayedAudioSocket = ReplayedTextSocket(self, path)
        else:
            await asyncio.sleep(self.wait(session.took))
            if session.unreachable:
                raise ConnectionLost(session.unreachable)
            if session.status is not None:
                return _answer(session)
            wire = ReplayedAudioSocket(self, session)
        with self._lock:
            self._wires = [w for w in self._wires if w.is_open] + [wire]
        return wire

    def _next(self, here: list[Session], query: dict[str, str]) -> Session | None:
        """Return the next refusal or stream; None where text is spoken on these sockets."""
        with self._lock:
            free = self._free(here)
            whole = [s for s in free if s.streams or s.status is not None or s.unreachable]
            text = [s for s in here if not s.streams and any(e.kind is Kind.SEND for e in s.events)]
            first_text = min((s.number for s in text if self._open_places(s)), default=None)
            for session in whole:
                if first_text is not None and session.number > first_text:
                    break
                if session.query == query:
                    self._used.add((session.number, -1))
                    return session
            if text:
                return None
        if cut := next((s for s in here if was_cut(s) and s.query == query), None):
            raise self._cut(cut)
        raise self._nothing_like("this stream", [s.query for s in whole], [s.query for s in here], query)

    def _free(self, sessions: list[Session]) -> list[Session]:
        """Return those that may be asked for, the unused first."""
        unused = [s for s in sessions if (s.number, -1) not in self._used]
        return unused + [s for s in sessions if s not in unused] if self._repeat else unused

    def _open_places(self, session: Session) -> bool:
        sends = (n for n, e in enumerate(session.events) if e.kind is Kind.SEND and not compare.is_cancel(e.frame))
        return any((session.number, n) not in self._used for n in sends)

    def find(self, path: str, frame: Any, after: tuple[Session, int] | None) -> tuple[Session, int]:
        """Find a text frame: where the last one's session goes on, else anywhere.

        Args:
            path: Of the socket.
            frame: What is sent.
            after: The session and place of the frame before.

        Raises:
            CassetteError: It was not recorded, or is asked for more often than it was.
        """
        asked = self.scrubbed(compare.without_secrets(frame))
        with self._lock:
            places = [p for p in self._all_asked() if p[0].path == path and p[1] >= 0]
            if after is not None:
                places.sort(key=lambda p: (p[0] is not after[0] or p[1] <= after[1], p[0].number, p[1]))
            equal = [(s, n) for s, n, recorded in places if compare.same(recorded, asked)]
            free = [(s, n) for s, n in equal if (s.number, n) not in self._used]
            found = next(iter(free or (equal if self._repeat else ())), None)
            if found is not None:
                self._used.add((found[0].number, found[1]))
                return found
            left = [f for s, n, f in places if (s.number, n) not in self._used]
            recorded = [f for _, _, f in places]
        if cut := next((s for s, n in equal if was_cut(s) and _is_last(s, n)), None):
            raise self._cut(cut)
        if equal:
            raise self._nothing(
                f"this request {len(equal)} time(s), and it is asked for once more; give repeat=True to allow that"
            )
        raise self._nothing_like("this request", left, recorded, asked)

    def _nothing_like(self, what: str, left: list[Any], recorded: list[Any], asked: Any) -> CassetteError:
        nearest = max(left or recorded, key=lambda value: compare.likeness(value, asked), default=None)
        if nearest is None:
            return self._nothing(f"nothing that could answer {what} {json.dumps(asked, ensure_ascii=False)[:200]}")
        told = compare.differences(nearest, asked)
        if not told:
            return self._nothing(f"{what} fewer times than it is asked for; give repeat=True to allow that")
        return self._nothing(f"another form of {what}. The nearest differs in\n  " + "\n  ".join(told))

    def _cut(self, session: Session) -> CassetteError:
        return self._nothing(
            f"the beginning of session {session.number} only: it was under way when the recording ended. Record it "
            "anew, and end the block when all was answered"
        )

    def _nothing(self, what: str) -> CassetteError:
        return CassetteError(f"The cassette {self._path.name} holds {what}.")

    async def fetch(
        self, method: str, url: str, body: bytes | None, _ask: Callable[[], Awaitable[HTTPResponse]]
    ) -> HTTPResponse:
        """Answer a request."""
        path, query = self._query_of(url)
        with self._lock:
            here = [s for s in self.cassette.sessions if s.method == method and s.path == path]
            free = self._free(here)
            found = next((s for s in free if s.query == query and self._same_body(s, body)), None)
            if found is not None:
                self._used.add((found.number, -1))
        if found is None:
            if not here:
                raise self._nothing(f"no {method} {path}")
            if any(s.query == query for s in free):
                raise self._nothing(f"{method} {path} with another body")
            raise self._nothing_like(f"{method} {path}", [s.query for s in free], [s.query for s in here], query)
        await asyncio.sleep(self.wait(found.took))
        if found.unreachable:
            raise ConnectionLost(found.unreachable)
        return _answer(found)

    def _same_body(self, session: Session, body: bytes | None) -> bool:
        return self.audio == "any" or bytes(session.up) == (body or b"")


def _is_last(session: Session, place: int) -> bool:
    return all(e.kind is not Kind.SEND for e in session.events[place + 1 :])


def _answer(session: Session) -> HTTPResponse:
    text = session.answer if isinstance(session.answer, str) else json.dumps(session.answer, ensure_ascii=False)
    return HTTPResponse(session.status or 0, text.encode(), session.retry_after)
