"""The parts of a session: frames with their times, and the sound that was taken out of them.

A frame is kept as the JSON that it is, so that people can read it; base64 audio inside it is replaced by its number of
bytes, and the bytes go to the session's sound track of that direction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pybase64

__all__ = ["Event", "Kind", "Session", "pack_frame", "unpack_frame"]

MIN_AUDIO_CHARS = 64
"""Shorter strings under an `audio` key stay as they are."""


class Kind(StrEnum):
    """What happened."""

    SEND = "send"
    ALIVE = "alive"
    RECV = "recv"
    END = "end"


@dataclass
class Event:
    """One frame, or several binary frames in a row.

    Attributes:
        kind: What happened.
        first: Seconds since the socket was open.
        last: The same, of the run's last frame.
        frame: The JSON of a text frame with sound replaced by its size, or the text itself if it is no JSON; what is
            known of the end (`by`, `code`, `reason`).
        sound: Bytes that it has on the track of its direction.
        binary: Whether it is bytes and nothing else.
    """

    kind: Kind
    first: float
    last: float
    frame: Any = None
    sound: int = 0
    binary: bool = False


@dataclass
class Session:
    """One socket or one request.

    Attributes:
        number: From 1, in the order in which they began.
        path: The URL's, without host and query.
        query: The URL's query.
        method: "GET" or "POST", or None for a socket.
        at: Seconds since the recording began.
        took: Seconds until it was open, or answered.
        status: Of the answer or refusal; None for a socket that was opened.
        answer: The body of that answer, as JSON or text.
        retry_after: That answer's `Retry-After`.
        unreachable: Why the service was not reached, or None.
        events: What happened, in order.
        up: Sound that was sent.
        down: Sound that was received.
    """

    number: int
    path: str
    query: dict[str, str]
    method: str | None = None
    at: float = 0.0
    took: float = 0.0
    status: int | None = None
    answer: Any = None
    retry_after: str | None = None
    unreachable: str | None = None
    events: list[Event] = field(default_factory=list)
    up: bytearray = field(default_factory=bytearray)
    down: bytearray = field(default_factory=bytearray)

    @property
    def streams(self) -> bool:
        """Whether sound was sent: then the sound is what a replay compares, else the text frames."""
        return any(e.kind is Kind.SEND and e.binary for e in self.events)

    def track(self, kind: Kind) -> bytearray:
        """Return the sound that goes the same way."""
        return self.down if kind is Kind.RECV else self.up


def pack_frame(frame: str | bytes) -> tuple[Any, bytes]:
    """Take the sound out of a frame.

    Returns:
        Its JSON (or text) and the sound; None and the bytes for a binary frame.
    """
    if isinstance(frame, bytes):
        return None, frame
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        return frame, b""
    if not isinstance(value, dict):
        return frame, b""
    data = value.get("data")
    if not isinstance(data, dict):
        return value, b""
    audio = data.get("audio")
    if isinstance(audio, int):
        return frame, b""  # a number there means sound that was taken out
    if not isinstance(audio, str) or len(audio) < MIN_AUDIO_CHARS:
        return value, b""
    try:
        sound = pybase64.b64decode(audio, validate=True)
    except ValueError:  # a broken frame is kept as it came
        return value, b""
    return {**value, "data": {**data, "audio": len(sound)}}, sound


def unpack_frame(frame: Any, sound: bytes, *, binary: bool) -> str | bytes:
    """Put the sound back into a frame."""
    if binary:
        return sound
    if isinstance(frame, str):
        return frame
    if sound:
        frame = {**frame, "data": {**frame["data"], "audio": pybase64.b64encode(sound).decode()}}
    return json.dumps(frame, ensure_ascii=False)
