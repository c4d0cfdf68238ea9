"""One-shot and server-sent speech (protocol notes, 1.4).

The two streaming shapes differ: a server-sent event carries `audio` at its top, a socket's frame inside `data`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from collections.abc import AsyncGenerator
from time import monotonic
from typing import Any

from smallest_nb.api.voices import VOICES
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.errors import ConfigError
from smallest_nb.simulator.auth import retired_body
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.http import Answer, HTTPRequest, json_answer
from smallest_nb.simulator.latency import latency
from smallest_nb.simulator.report import Report
from smallest_nb.simulator.speech.chunks import Chunks
from smallest_nb.simulator.speech.encodings import encode_file
from smallest_nb.simulator.speech_request import Refused, check_request
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["speak", "speak_events"]

_VOICES = frozenset(v.id for v in VOICES)
_EVENT_BYTES = 960
"""Of audio in a server-sent event, as measured (protocol notes, 2.2)."""


async def speak(
    call: HTTPRequest, backend: Backend, behaviour: Behaviour, *, key: str, model: str | None, report: Report
) -> Answer:
    """Answer with the whole sound."""
    try:
        request = _checked(call, model, behaviour)
        pcm = b"".join(
            [piece async for piece in _sound(request, backend, behaviour, key=key, model=model, report=report)]
        )
        rate = request.get("sample_rate", 44100)
        body = encode_file(Clip(pcm[: len(pcm) // 2 * 2], rate), request.get("output_format", "pcm"))
    except Refused as error:
        return _refused(error, report)
    except (EngineError, ConfigError) as error:
        report.note(error=str(error))
        return json_answer(503, {"error": {"message": str(error), "code": "engine"}}, {"Retry-After": "1"})
    # The service says audio/wav whatever the format (protocol notes, 1.4).
    return Answer(200, body, "audio/wav", _ids(request))


async def speak_events(
    call: HTTPRequest, backend: Backend, behaviour: Behaviour, *, key: str, model: str | None, report: Report
) -> Answer:
    """Answer with server-sent events."""
    try:
        request = _checked(call, model, behaviour)
        _check_units(backend, behaviour, key)
    except Refused as error:
        return _refused(error, report)
    events = _events(_sound(request, backend, behaviour, key=key, model=model, report=report), report)
    return Answer(200, events, "text/event-stream", {**_ids(request), "Cache-Control": "no-cache"})


async def _events(sound: AsyncGenerator[bytes, None], report: Report) -> AsyncGenerator[bytes, None]:
    chunks = Chunks(_EVENT_BYTES)
    try:
        async with contextlib.aclosing(sound):
            async for piece in sound:
                for chunk in chunks.push(piece):
                    yield _event({"audio": base64.b64encode(chunk).decode(), "done": False, "status": "206"})
        if chunks.held:
            yield _event({"audio": base64.b64encode(chunks.held).decode(), "done": False, "status": "206"})
        yield _event({"status": "200", "done": True})
    except (Refused, EngineError) as error:
        report.note(error=str(error))
        yield _event({"status": "error", "message": str(error), "done": True})
    finally:
        report.done(closed="sent")


def _event(data: dict[str, Any]) -> bytes:
    return f"event: audio\ndata: {json.dumps(data)}\n\n".encode()


async def _sound(
    request: dict[str, Any], backend: Backend, behaviour: Behaviour, *, key: str, model: str | None, report: Report
) -> AsyncGenerator[bytes, None]:
    """Yield PCM16 while a unit of the account is taken."""
    _check_units(backend, behaviour, key)
    rate, received = request.get("sample_rate", 44100), monotonic()
    backend.accounts.change(key, speaking=1)
    report.add(requests=1, characters=len(request["text"]))
    try:
        await latency(behaviour.latency).speech.wait()
        pieces = backend.speak(request, rate, key=key, model=model, behaviour=behaviour)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, bytes):
                    report.note(first_chunk_ms=round((monotonic() - received) * 1000))
                    report.add(audio_secs=len(piece) / BYTES_PER_SAMPLE / rate)
                    yield piece
    finally:
        backend.accounts.change(key, speaking=-1)


def _check_units(backend: Backend, behaviour: Behaviour, key: str) -> None:
    if backend.accounts.of(key).speaking >= behaviour.concurrency:
        raise Refused(
            f"Too many requests at once: this account has {behaviour.concurrency} concurrency units",
            code="concurrency_limit",
        )


def _checked(call: HTTPRequest, model: str | None, behaviour: Behaviour) -> dict[str, Any]:
    request = call.parse_body()
    if not isinstance(request, dict):
        raise Refused("Expected a JSON object", code="invalid_type")
    if "context_id" in request:
        raise Refused("context_id is for the WebSocket only", path="context_id")
    request = check_request(request, model, behaviour)
    if not request["text"].strip():
        raise Refused("text is empty", path="text", code="too_small")
    if request["voice_id"] not in _VOICES:
        raise Refused("Invalid Voice ID", path="voice_id", code="custom")
    return request


def _refused(error: Refused, report: Report) -> Answer:
    report.note(error=str(error))
    if error.code == "concurrency_limit":
        return json_answer(429, {"error": str(error)}, {"Retry-After": "1"})
    if error.code == "MODEL_DEPRECATED":
        return json_answer(410, retired_body(str(error)))
    body = {"error": [{"code": error.code, "path": [error.path] if error.path else [], "message": str(error)}]}
    return json_answer(400, body)


def _ids(request: dict[str, Any]) -> dict[str, str]:
    ids = {"X-Session-Id": uuid.uuid4().hex, "X-Request-Id": uuid.uuid4().hex}
    for name, header in (("session_id", "X-External-Session-Id"), ("request_id", "X-External-Request-Id")):
        if request.get(name):
            ids[header] = request[name]
    return ids
