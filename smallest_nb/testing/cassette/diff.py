"""How two cassettes differ in what was sent and received.

Times, ids, sockets and interim results do not count: they differ from run to run.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from smallest_nb.testing.cassette.compare import ECHOED_IDS
from smallest_nb.testing.cassette.frames import Event, Kind, Session
from smallest_nb.testing.cassette.store import Cassette

__all__ = ["difference"]

_FRESH = {*ECHOED_IDS, "session_id"}


def difference(one: Cassette, other: Cassette, *, names: tuple[str, str] = ("one", "other")) -> list[str]:
    """Return the lines of a unified diff; none if there is no difference."""
    return list(difflib.unified_diff(list(_lines(one)), list(_lines(other)), *names, lineterm="", n=2))


def _lines(cassette: Cassette) -> Iterator[str]:
    for session in cassette.sessions:
        if not (_was_used(session) or session.method or session.status or session.unreachable):
            continue  # such as a spare socket: whether it was opened in time differs from run to run
        place = {"request": f"{session.method} {session.path}"} if session.method else {"socket": session.path}
        yield json.dumps({**place, "query": session.query, "status": session.status, "answer": session.answer})
        yield from _frames(session)
        yield from _sounds(session)


def _was_used(session: Session) -> bool:
    """Whether anything was said on a socket, or the service was the one who closed it."""
    return any(event.kind is not Kind.ALIVE and not _is_own_end(event) for event in session.events)


def _is_own_end(event: Event) -> bool:
    return event.kind is Kind.END and isinstance(event.frame, dict) and event.frame.get("by") == "client"


def _frames(session: Session) -> Iterator[str]:
    """Yield what was sent, then what was received: which of two was first depends on timing."""
    for event in sorted(session.events, key=lambda e: e.kind is not Kind.SEND):
        if event.binary or event.kind is Kind.ALIVE:
            continue
        frame = _stable(event.frame)
        if isinstance(frame, dict) and (event.sound or frame.get("is_final") is False):
            continue  # how the sound was cut (it is compared as a whole), and how far the recogniser had come
        yield f"  {event.kind} {json.dumps(frame, ensure_ascii=False)}"


def _sounds(session: Session) -> Iterator[str]:
    for name, data in (("up", session.up), ("down", session.down)):
        if data:
            yield f"  sound {name}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:16]}"


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _stable(v) for k, v in value.items() if k not in _FRESH}
    return [_stable(v) for v in value] if isinstance(value, list) else value
