"""A cassette on disk: JSON lines for people and diffs, the sound in a second file beside them.

::

    {"cassette": 1, "by": "...", "made": "2026-11-21T12:00:00Z", "scrubbed": [], "sound": "9f...", "sessions": 3}
    {"session": 1, "socket": "/waves/v1/tts/live", "query": {}, "at": 0, "took": 0.002, "lines": 4, "down": {...}}
    {"t": 0.0006, "send": {"text": "Hello", "voice_id": "sophia", ...}}
    {"t": 0.0071, "recv": {"status": "chunk", "data": {"audio": 8192}}}      8192 bytes of the track `down`
    {"t": [0.1, 1.3], "send_bytes": 48000}                                    binary frames, 48000 bytes of `up`
    {"t": 4.5, "end": {"by": "service", "code": 1006, "reason": ""}}
    {"session": 2, "request": "GET /waves/v1/lightning-v3.1/get_voices", "query": {}, "status": 200, "answer": {...}}
    {"session": 3, "socket": "/waves/v1/stt/live", "query": {...}, "status": 429, "answer": {...}, "retry_after": "2"}

Times are seconds. A session's lines follow its first one; sessions stand in the order in which they began. `alive` in
place of `send` is a frame that only kept the socket open, `_text` behind a kind one that is no JSON object. A track is
`{"bytes": n, "at": offset, "size": bytes in the file, "coding": "delta2x2-xz"}`. `sound` is the SHA-256 of the second
file, by which the two are known to belong together. `sessions` and `lines` say how many
follow, so that a file that was cut is noticed; `"by": "recording"` ends what was under way when the recording ended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from smallest_nb.common.files import check_writable, write_file
from smallest_nb.common.numbers import is_integer
from smallest_nb.common.paths import as_path
from smallest_nb.errors import CassetteError
from smallest_nb.testing.cassette import sound
from smallest_nb.testing.cassette.frames import Event, Kind, Session
from smallest_nb.testing.cassette.tracks import MAX_MB, PackedTracks, kept_beside, limit_in_bytes, read_sound_file

__all__ = ["FORMAT", "Cassette", "check_place", "load", "save", "sound_path"]

FORMAT = 1
_TRACKS = ("up", "down")


@dataclass
class Cassette:
    """Recorded sessions.

    Attributes:
        sessions: In the order in which they began.
        scrubbed: What was taken out: "text", "audio".
        made: When, in UTC.
        by: With what.
    """

    sessions: list[Session] = field(default_factory=list)
    scrubbed: tuple[str, ...] = ()
    made: str = ""
    by: str = ""


def sound_path(path: Path) -> Path:
    """Return the path of a cassette's sound, which is beside it."""
    return path.with_name(path.name + ".sound")


def check_place(path: Path) -> None:
    """Create the folder, and check that a cassette can be written.

    Raises:
        CassetteError: It cannot, or the name of its sound file is taken by another file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise CassetteError(f"The cassette {path} cannot be written: that is a folder.")
        check_writable(path)
        check_writable(sound_path(path))
    except OSError as error:
        raise CassetteError(f"The cassette {path} cannot be written: {error.strerror}.") from error
    if sound_path(path).exists() and not _is_cassette(path):
        raise CassetteError(
            f"{sound_path(path)} exists already and belongs to no cassette; move it, or choose another name."
        )


def save(cassette: Cassette, path: Path) -> None:
    """Write a cassette; what was there is replaced as a whole or not at all.

    Raises:
        CassetteError: It cannot be written.
    """
    path = as_path(path)
    check_place(path)
    tracks = bytearray()
    made = cassette.made or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    by = cassette.by or f"smallest-nb {version('smallest-nb')}"
    lines: list[Any] = []
    for session in cassette.sessions:
        lines.append(_head(session, tracks))
        lines += map(_line, session.events)
    first = {"cassette": FORMAT, "by": by, "made": made, "scrubbed": list(cassette.scrubbed)}
    if tracks:
        first["sound"] = hashlib.sha256(tracks).hexdigest()
    lines.insert(0, {**first, "sessions": len(cassette.sessions)})
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    data = text.encode("utf-8", "backslashreplace")  # half a surrogate pair becomes the escape that JSON has for it
    try:
        with kept_beside(sound_path(path), lambda: path.exists() and path.read_bytes() == data):
            if tracks:
                write_file(sound_path(path), bytes(tracks))
            write_file(path, data)
        if not tracks:
            sound_path(path).unlink(missing_ok=True)
    except OSError as error:
        raise CassetteError(f"The cassette {path} cannot be written: {error.strerror}.") from error


def _is_cassette(path: Path) -> bool:
    """Return whether a file begins as a cassette does."""
    try:
        with path.open("rb") as file:
            return file.read(16).startswith(b'{"cassette": ')
    except OSError:
        return False


def _head(session: Session, tracks: bytearray) -> dict[str, Any]:
    place = {"request": f"{session.method} {session.path}"} if session.method else {"socket": session.path}
    head = {"session": session.number, **place, "query": session.query}
    head |= {"at": round(session.at, 4), "took": round(session.took, 4)}
    if session.events:
        head["lines"] = len(session.events)
    for name in ("status", "answer", "retry_after", "unreachable"):
        if getattr(session, name) is not None:
            head[name] = getattr(session, name)
    for name in _TRACKS:
        data = bytes(getattr(session, name))
        if data:
            coded = sound.encode(data)
            head[name] = {"bytes": len(data), "at": len(tracks), "size": len(coded), "coding": sound.CODING}
            tracks += coded
    return head


def _line(event: Event) -> dict[str, Any]:
    at: Any = round(event.first, 4)
    if event.last > event.first:
        at = [at, round(event.last, 4)]
    if event.binary:
        return {"t": at, f"{event.kind}_bytes": event.sound}
    return {"t": at, f"{event.kind}_text" if isinstance(event.frame, str) else str(event.kind): event.frame}


def load(path: Path, *, max_mb: float = MAX_MB) -> Cassette:
    """Read a cassette.

    Args:
        path: The file; its sound lies beside it.
        max_mb: Millions of bytes of sound that it may unpack to; if it lists more, nothing is unpacked.

    Raises:
        CassetteError: No such file, another format, a broken one, with the number of the line, or too much sound.
        ConfigError: `max_mb` is no number above 0.
    """
    path = as_path(path)
    limit_in_bytes(max_mb)  # refuses a wrong one before the file is read
    try:
        # By the line feed alone: what was said may hold other characters that `splitlines` takes for the end of a line.
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except FileNotFoundError:
        raise CassetteError(f"There is no cassette {path}; make it with smallest_nb.record({str(path)!r}).") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CassetteError(f"The cassette {path} cannot be read: {error}.") from error
    if lines == [""]:
        raise CassetteError(f"The cassette {path} is empty.")
    cassette, counts, packed = Cassette(), _Counts(), PackedTracks()
    for number, line in enumerate(lines, 1):
        with _errors_by_line(path, number):
            head = json.loads(line)
            _read_line(head, cassette, packed, number)
            counts.note(head)
    missing = counts.missing(cassette)
    if missing:
        raise CassetteError(f"The cassette {path} was cut: {missing}.")
    packed.check_size(path, max_mb)
    sound_file = read_sound_file(sound_path(path), counts.sound)
    for number, unpack in packed.unpacking(sound_file):
        with _errors_by_line(path, number):
            unpack()
    return cassette


@contextmanager
def _errors_by_line(path: Path, number: int) -> Iterator[None]:
    """Make errors of the block name the file and the line."""
    try:
        yield
    except CassetteError as error:
        raise CassetteError(f"{path}, line {number}: {error}") from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise CassetteError(f"{path}, line {number} is broken ({type(error).__name__}: {error}).") from None


@dataclass
class _Counts:
    """How many sessions and lines the file says that it has, if it does."""

    sessions: int | None = None
    sound: str | None = None
    lines: list[int | None] = field(default_factory=list)

    def note(self, line: dict[str, Any]) -> None:
        if "cassette" in line:
            self.sessions, self.sound = line.get("sessions"), line.get("sound")
        elif "session" in line:
            self.lines.append(line.get("lines"))

    def missing(self, cassette: Cassette) -> str:
        for session, count in zip(cassette.sessions, self.lines, strict=True):
            if count is not None and count != len(session.events):
                return f"session {session.number} has {len(session.events)} of {count} lines"
        if self.sessions is not None and self.sessions != len(cassette.sessions):
            return f"it has {len(cassette.sessions)} of {self.sessions} sessions"
        return ""


def _read_line(line: dict[str, Any], cassette: Cassette, packed: PackedTracks, number: int) -> None:
    if number == 1:
        if line.get("cassette") != FORMAT:
            raise CassetteError(f"format {line.get('cassette')!r}; this version reads {FORMAT}.")
        cassette.scrubbed = tuple(line.get("scrubbed", ()))
        cassette.made, cassette.by = str(line.get("made", "")), str(line.get("by", ""))
    elif "session" in line:
        cassette.sessions.append(_session(line, packed, number))
    else:
        cassette.sessions[-1].events.append(_event(line))


def _session(head: dict[str, Any], packed: PackedTracks, number: int) -> Session:
    method, _, path = head.get("request", "").partition(" ")
    kept = {name: head[name] for name in ("status", "answer", "retry_after", "unreachable") if name in head}
    session = Session(int(head["session"]), path or head["socket"], dict(head["query"]), method or None, **kept)
    session.at, session.took = float(head["at"]), float(head["took"])
    for name in _TRACKS:
        if head.get(name) is not None:
            packed.add(session, name, head[name], number)
    return session


def _event(line: dict[str, Any]) -> Event:
    at = line["t"]
    first, last = at if isinstance(at, list) else (at, at)
    (key,) = line.keys() - {"t"}
    name, _, form = key.partition("_")
    kind, value = Kind(name), line[key]
    if form == "bytes":
        return Event(kind, float(first), float(last), sound=int(value), binary=True)
    return Event(kind, float(first), float(last), value, sound=_sound_in([value]))


def _sound_in(frames: Iterable[Any]) -> int:
    """Count the bytes of sound that a frame refers to."""
    for frame in frames:
        data = frame.get("data") if isinstance(frame, dict) else None
        audio = data.get("audio") if isinstance(data, dict) else None
        if is_integer(audio):
            return audio
    return 0
