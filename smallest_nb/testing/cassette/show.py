"""A cassette for people: what was sent, what was received, when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smallest_nb.audio.clip import Clip
from smallest_nb.common.paths import as_path
from smallest_nb.errors import CassetteError
from smallest_nb.testing.cassette.frames import Event, Kind, Session
from smallest_nb.testing.cassette.store import Cassette

__all__ = ["describe", "save_sounds"]

_ARROWS = {Kind.SEND: "->", Kind.ALIVE: "~>", Kind.RECV: "<-", Kind.END: "--"}
_WIDTH = 110


def describe(cassette: Cassette, *, frames: bool = False) -> Iterator[str]:
    """Yield the lines.

    Args:
        cassette: What to describe.
        frames: Every frame as it is; else runs of sound in one line and interim results as their text.
    """
    hidden = f", without {' and '.join(cassette.scrubbed)}" if cassette.scrubbed else ""
    yield f"{len(cassette.sessions)} session(s), {cassette.made}, {cassette.by}{hidden}"
    for session in cassette.sessions:
        yield ""
        yield _heading(session)
        yield from _all_frames(session) if frames else _summary(session)


def _heading(session: Session) -> str:
    query = "&".join(f"{k}={v}" for k, v in session.query.items())
    place = f"{session.method or 'socket'} {session.path}" + (f"?{query}" if query else "")
    outcome = f"open after {session.took * 1000:.0f} ms"
    if session.unreachable:
        outcome = session.unreachable
    elif session.status is not None:
        outcome = f"{session.status} after {session.took * 1000:.0f} ms"
    return f"{session.number}. at {session.at:.2f} s: {place}\n   {outcome}{_amounts(session)}"


def _amounts(session: Session) -> str:
    rate = sample_rate(session)
    amounts = [
        f"{len(data) / 2 / rate:.2f} s of sound {way}" if rate else f"{len(data)} bytes of sound {way}"
        for data, way in ((session.up, "up"), (session.down, "down"))
        if data
    ]
    return ", " + ", ".join(amounts) if amounts else ""


def sample_rate(session: Session) -> int:
    """Return Hz of a session's PCM16 as its requests say, or 0 if they do not."""
    if session.query.get("encoding", "linear16") == "linear16" and session.query.get("sample_rate", "").isdigit():
        return int(session.query["sample_rate"])
    for event in session.events:
        if isinstance(event.frame, dict) and isinstance(event.frame.get("sample_rate"), int):
            return int(event.frame["sample_rate"])
    return 0


def _all_frames(session: Session) -> Iterator[str]:
    for event in session.events:
        frame = f"{event.sound} bytes" if event.binary else json.dumps(event.frame, ensure_ascii=False)
        yield f"   {event.first:9.4f} {_ARROWS[event.kind]} {frame}"
    if session.answer is not None:
        yield f"   {json.dumps(session.answer, ensure_ascii=False)}"


def _summary(session: Session) -> Iterator[str]:
    run: list[Event] = []
    for event in session.events:
        if event.kind is Kind.RECV and event.sound:
            run.append(event)
            continue
        if run:
            yield _run(run)
            run = []
        yield f"   {event.first:8.3f} {_ARROWS[event.kind]} {_cut(_words(event))}"
    if run:
        yield _run(run)
    if session.answer is not None:
        yield "            " + _cut(json.dumps(session.answer, ensure_ascii=False))


def _run(run: list[Event]) -> str:
    size = sum(e.sound for e in run)
    return f"   {run[0].first:8.3f} <- sound, {size} bytes in {len(run)} frame(s) until {run[-1].first:.3f}"


def _words(event: Event) -> str:
    frame: Any = event.frame
    if event.binary:
        return f"sound, {event.sound} bytes until {event.last:.3f}"
    if not isinstance(frame, dict):
        return repr(frame)
    if "transcript" in frame:
        return f"{'final' if frame.get('is_final') else 'interim'} {frame['transcript']!r}"
    if frame.get("status") == "word_timestamp" and isinstance(frame.get("data"), dict):
        return "word " + json.dumps(frame["data"], ensure_ascii=False)
    if event.kind is Kind.END:
        return f"closed by the {frame.get('by')} ({frame.get('code')}{frame.get('reason') and ' ' + frame['reason']})"
    return json.dumps({k: v for k, v in frame.items() if not k.endswith("_id") or k == "voice_id"}, ensure_ascii=False)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def save_sounds(cassette: Cassette, folder: Path) -> list[Path]:
    """Write each session's sound as WAV files; return their paths.

    Raises:
        CassetteError: The folder cannot be written.
    """
    written = []
    folder = as_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for session in cassette.sessions:
            for name, data in (("up", session.up), ("down", session.down)):
                rate = sample_rate(session)
                if data and rate:
                    path = folder / f"{session.number:03d}-{name}.wav"
                    Clip(bytes(data[: len(data) // 2 * 2]), rate).to_wav(path)
                    written.append(path)
    except OSError as error:
        raise CassetteError(f"The sounds cannot be written to {folder}: {error.strerror}.") from error
    return written
