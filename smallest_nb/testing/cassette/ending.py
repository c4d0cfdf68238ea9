"""Marks what is under way when a recording ends, so that a replay does not wait for the rest.

A socket that is merely open does not count: services keep theirs for the next sentence.
"""

from __future__ import annotations

from smallest_nb.testing.cassette.compare import is_cancel
from smallest_nb.testing.cassette.frames import Event, Kind, Session

__all__ = ["RECORDING", "end_sessions", "was_cut"]

RECORDING = "recording"
_DONE = ("complete", "error")


def end_sessions(sessions: list[Session], now: float) -> tuple[list[Session], list[str]]:
    """Mark sessions that did not end, and leave out requests that were not answered.

    Args:
        sessions: What was recorded; marked in place.
        now: Seconds since the recording began.

    Returns:
        The sessions to keep, and a description of each that is not whole.
    """
    incomplete = []
    kept = []
    for session in sessions:
        place = f"session {session.number} ({session.method or 'socket'} {session.path})"
        if session.method and session.status is None and session.unreachable is None:
            incomplete.append(f"{place} had no answer and is left out")
            continue
        if _is_running(session):
            at = max(0.0, now - session.at - session.took)
            last = session.events[-1].last
            session.events.append(Event(Kind.END, max(at, last), max(at, last), {"by": RECORDING, "code": None}))
            incomplete.append(f"{place} was still under way")
        kept.append(session)
    return kept, incomplete


def was_cut(session: Session) -> bool:
    """Say whether the recording ended before the session did."""
    return bool(session.events) and session.events[-1].kind is Kind.END and _end_of(session) == RECORDING


def _end_of(session: Session) -> str:
    frame = session.events[-1].frame
    return str(frame.get("by")) if isinstance(frame, dict) else ""


def _is_running(session: Session) -> bool:
    if session.method or not session.events or session.events[-1].kind is Kind.END:
        return False
    if session.streams:
        return True
    for event in reversed(session.events):
        if event.kind is Kind.RECV and isinstance(event.frame, dict) and event.frame.get("status") in _DONE:
            return False
        if event.kind is Kind.SEND:
            return not is_cancel(event.frame)
    return False
