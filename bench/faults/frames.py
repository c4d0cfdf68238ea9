"""Frames that no client should meet, and every client does in the end."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

Ids = dict[str, Any]
CLIENT_LIMIT = 16 * 2**20
"""The largest frame that our client takes."""
_STRANGER = {"request_id": "task_stranger", "external_request_id": "stranger"}
_PCM = base64.b64encode(b"\x55\x2a" * 600).decode()


def _padded(size: int) -> str:
    """Return a frame of an unknown kind, of exactly that many bytes."""
    frame = json.dumps({"status": "padding", "type": "padding", "data": {"audio": ""}})
    return frame[:-3] + "A" * (size - len(frame)) + frame[-3:]


def _chunk(ids: Ids, audio: Any = _PCM, **more: Any) -> str:
    return json.dumps({"status": "chunk", "data": {"audio": audio}, **ids, **more})


def _result(text: str, *, final: bool, **more: Any) -> str:
    return json.dumps({"type": "transcription", "status": "success", "transcript": text, "is_final": final, **more})


FRAMES: dict[str, Callable[[Ids], str | bytes]] = {
    "garbage JSON": lambda _: '{"status": "chu',
    "a JSON list": lambda _: '[{"status": "chunk"}]',
    "a JSON number": lambda _: "17",
    "an empty frame": lambda _: "",
    "JSON nested 100000 deep": lambda _: "[" * 100_000,
    "a binary frame": lambda _: b"\x00\x01\x02",
    "a frame just below 16 MiB": lambda _: _padded(CLIENT_LIMIT - 1),
    "a frame above 16 MiB": lambda _: _padded(CLIENT_LIMIT + 1),
    "an unknown status": lambda ids: json.dumps({"status": "thinking", **ids}),
    "an unknown type": lambda _: json.dumps({"type": "mood", "mood": "fine"}),
    # Text to speech.
    "a chunk with bad base64": lambda ids: _chunk(ids, "A*B"),
    "a chunk with half a base64 group": lambda ids: _chunk(ids, "QUI"),
    "a chunk whose audio is null": lambda ids: _chunk(ids, None),
    "a chunk without data": lambda ids: json.dumps({"status": "chunk", **ids}),
    "a chunk whose data is a list": lambda ids: json.dumps({"status": "chunk", "data": [1], **ids}),
    "an empty chunk": lambda ids: _chunk(ids, ""),
    "ids of a wrong type": lambda _: _chunk({"request_id": ["x"], "external_request_id": {"y": 1}}),
    "a stranger's chunk": lambda _: _chunk(_STRANGER),
    "a stranger's complete": lambda _: json.dumps({"status": "complete", **_STRANGER}),
    "one byte": lambda ids: _chunk(ids, base64.b64encode(b"\x55").decode()),
    "complete": lambda ids: json.dumps({"status": "complete", **ids}),
    "a late chunk": _chunk,
    "an error": lambda ids: json.dumps({"status": "error", "message": "No such voice here", **ids}),
    "an error with a code": lambda ids: json.dumps(
        {"status": "error", "error": {"message": "No such voice here", "code": "custom"}, **ids}
    ),
    "an error as a string": lambda _: json.dumps({"status": "error", "error": "No such voice here"}),
    "busy": lambda ids: json.dumps({"status": "error", "message": "Concurrency limit reached", **ids}),
    "idle timeout": lambda _: json.dumps(
        {"status": "error", "message": "Connection timed out after 60 seconds of inactivity"}
    ),
    # Speech to text.
    "an interim without a text": lambda _: json.dumps({"type": "transcription", "is_final": False}),
    "words that are null": lambda _: _result("", final=False, words=None),
    "words without times": lambda _: _result("", final=True, words=[{"word": "x"}]),
    "a transcript that is a list": lambda _: _result(["x"], final=False),  # type: ignore[arg-type]
    "a lone full stop": lambda _: _result("।", final=True),
    "an empty final": lambda _: _result("", final=True),
    "a last final": lambda _: _result("", final=True, is_last=True),
    "an STT error": lambda _: json.dumps({"type": "error", "status": "error", "message": "No such voice here"}),
    "an STT error with a code": lambda _: json.dumps(
        {"type": "error", "error_code": "LANGUAGE_NOT_ENABLED_IN_REGION", "message": "No such voice here"}
    ),
    "a model server's error": lambda _: json.dumps({"error": "No such voice here"}),
}

ENDS = {name for name in FRAMES if "error" in name}
"""After these a caller expects nothing more."""

RAW: dict[str, bytes] = {
    "text that is not UTF-8": b"\x81\x04\xff\xfe\xfd\xfc",
    "reserved bits": b"\xf1\x02{}",
    "a masked frame": b"\x81\x82\x00\x00\x00\x00{}",
}
"""Bytes that break the WebSocket protocol itself."""


def text_frame(text: str) -> bytes:
    """Return a text frame as a server writes it on TCP."""
    payload = text.encode()
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
