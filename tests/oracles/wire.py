"""Judges the server's frames by the protocol notes (2.2, 3.3): fields, their types, and when they may be there."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from typing import Any

from tap import Connection

WORD_VOICES = {"meher", "devansh", "kartik", "maithili", "liam", "avery"}
_NUMBER = (int, float)
_IDS = {"session_id": str, "request_id": str}
_ECHOES = {"external_session_id": "session_id", "external_request_id": "request_id"}
_WORD = {"word": str, "start": _NUMBER, "end": _NUMBER, "confidence": _NUMBER}
_UTTERANCE = {"text": str, "start": _NUMBER, "end": _NUMBER}
_SPEAKER = {"speaker": int}
_SURE = {"speaker_confidence": _NUMBER}
_RESULT = {"type": str, "status": str, "session_id": str, "transcript": str, "is_final": bool, "is_last": bool}
_ALSO = {"from_finalize": bool, "speech_final": bool}
_FINAL = {"language": str, "languages": list}
_ASKED = {
    "words": (list, ("word_timestamps", "diarize")),
    "utterances": (list, ("sentence_timestamps",)),
    "full_transcript": (str, ("full_transcript",)),
    "redacted_entities": (list, ("redact_pii", "redact_pci")),
}


class Undocumented(AssertionError):  # noqa: N818 - an assertion about a frame
    """A frame that the protocol does not know."""


def _check(what: str, frame: Any, must: dict[str, Any], may: dict[str, Any] | None = None) -> None:
    """Require an object with the fields of `must`, none but these and those of `may`, each of its type."""
    if not isinstance(frame, dict):
        raise Undocumented(f"{what} is no object: {frame!r:.200}")
    types = must | (may or {})
    wrong = [f"{name} is missing" for name in must if name not in frame]
    for name, value in frame.items():
        if name not in types:
            wrong.append(f"{name} is not documented")
        elif not isinstance(value, types[name]) or (isinstance(value, bool) and types[name] is not bool):
            wrong.append(f"{name}={value!r:.40} has the wrong type")
    if wrong:
        raise Undocumented(f"{what}: {'; '.join(wrong)} in {frame!r:.400}")


def _that(what: str, holds: object) -> None:
    if not holds:
        raise Undocumented(what)


def check(connection: Connection) -> int:
    """Judge everything that the server sent on a connection; return how many frames that were.

    Raises:
        Undocumented: Some frame is not as the protocol notes say.
    """
    frames = connection.got()
    speaks = connection.path.endswith(("/tts/live", "/get_speech/stream"))
    for frame in frames:
        _that(f"a binary or shapeless frame {frame!r:.80}", isinstance(frame, dict))
        (_speech if speaks else _transcript)(frame, connection)
    sessions = {f["session_id"] for f in frames if "session_id" in f}
    _that(f"session_id changes within a connection: {sessions}", len(sessions) <= 1)
    return len(frames)


def _speech(frame: dict[str, Any], connection: Connection) -> None:
    requests = [m for m in connection.sent() if isinstance(m, dict)]
    echoed = {e: str for e, name in _ECHOES.items() if any(name in r for r in requests)}
    status = frame.get("status")
    if status == "chunk":
        _check("chunk", frame, _IDS | {"status": str, "data": dict}, echoed)
        _check("chunk.data", frame["data"], {"audio": str})
        try:
            audio = base64.b64decode(frame["data"]["audio"], validate=True)
        except binascii.Error as error:
            raise Undocumented(f"chunk.data.audio is not base64: {error}") from error
        _that("a chunk holds a WAV header instead of raw PCM", not audio.startswith(b"RIFF"))
    elif status == "word_timestamp":
        _check("word_timestamp", frame, _IDS | {"status": str, "data": dict}, echoed)
        word = frame["data"]
        _check("word_timestamp.data", word, {"id": int, "word": str, "start": _NUMBER, "end": _NUMBER})
        asked = any(r.get("word_timestamps") and r.get("voice_id") in WORD_VOICES for r in requests)
        _that("word_timestamp without a request for it by a voice that has them", asked)
        _that(f"word_timestamp runs backwards: {word}", 0 <= word["start"] <= word["end"])
    elif status == "complete":
        _check("complete", frame, _IDS | {"status": str}, echoed | {"message": str, "done": bool})
    elif status == "error":
        errors = {"message": str, "error": (str, dict), "errors": list}
        _check("error", frame, {"status": str}, _IDS | echoed | errors)
        _that(f"an error that says nothing: {frame}", errors.keys() & frame.keys())
        if isinstance(frame.get("error"), dict):
            _check("error.error", frame["error"], {"message": str, "code": str})
    else:
        raise Undocumented(f"unknown status in {frame!r:.200}")


def _transcript(frame: dict[str, Any], connection: Connection) -> None:
    kind, query = frame.get("type"), connection.query
    if kind == "transcription":
        _result(frame, query, legacy=connection.path.endswith("/get_text"))
    elif kind in ("speech_started", "speech_ended"):
        _check(kind, frame, {"type": str, "session_id": str, "timestamp": _NUMBER})
        _that(f"{kind} was not asked for", "true" in (query.get("vad_events"), query.get("vad")))
    elif kind == "pong":
        _check("pong", frame, {"type": str})
        _that("pong without a keepalive", {"type": "keepalive"} in connection.sent())
    elif kind == "error":
        _check("error", frame, {"type": str, "message": str}, {"status": str, "error_code": str})
        _that(f"error has neither status nor error_code: {frame}", {"status", "error_code"} & frame.keys())
    else:
        raise Undocumented(f"unknown type in {frame!r:.200}")


def _result(frame: dict[str, Any], query: dict[str, str], *, legacy: bool) -> None:
    asked = {n: kind for n, (kind, by) in _ASKED.items() if any(query.get(q) == "true" for q in by)}
    final = frame.get("is_final") is True
    both = {"transcription": str}
    late = _FINAL | {n: k for n, k in asked.items() if n != "full_transcript"} if final else {}
    whole = {"full_transcript": str} if "full_transcript" in asked else {}
    _check("transcription", frame, _RESULT if legacy else _RESULT | both, both | _ALSO | late | whole)
    _that("status is not success", frame["status"] == "success")
    _that(
        "transcription differs from transcript", frame.get("transcription", frame["transcript"]) == frame["transcript"]
    )
    _that("is_last on an interim result", final or not frame["is_last"])
    speaker = _SPEAKER if query.get("diarize") == "true" else {}
    for word in frame.get("words", ()):
        _check("words[]", word, _WORD, speaker | _SURE if speaker else {})
    for utterance in frame.get("utterances", ()):
        _check("utterances[]", utterance, _UTTERANCE, speaker)
    for items in (frame.get("words", ()), frame.get("utterances", ())):
        _that(f"times run backwards: {items}", all(i["start"] <= i["end"] for i in items))
        _that(f"times overlap: {items}", all(a["end"] <= b["start"] + 0.02 for a, b in itertools.pairwise(items)))
    if final and query.get("word_timestamps") == "true" and re.search(r"\w", frame["transcript"]):
        _that("words were asked for, and there are none", frame.get("words"))
