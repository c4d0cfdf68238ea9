"""Reads and checks what a client wants spoken, over the socket and over REST."""

from __future__ import annotations

import re
from typing import Any

from smallest_nb.api.catalog import TTS_MODELS, TTS_SAMPLE_RATES, TTSModelInfo, canonical_model
from smallest_nb.api.language import TTS_LANGUAGES
from smallest_nb.api.setting_values import Spec
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.common.text import parse_json, speakable_text
from smallest_nb.errors import ConfigError
from smallest_nb.simulator.continuation import check_context
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.speech.synthesizer import Delivery

__all__ = ["OUTPUT_FORMATS", "Refused", "check_request", "error_frame", "read_delivery", "read_request"]

OUTPUT_FORMATS = ("pcm", "mp3", "wav", "ulaw", "alaw")
_MAX_TEXT = 20_000
_MAX_FLUSH_MS = 1000
_ID = re.compile(r"[A-Za-z0-9_.\-]{1,128}")
_RANGED = ("speed", "consistency", "similarity", "enhancement", "complete_backoff_ms")
_FLAGS = ("continue", "flush", "word_timestamps", "math_notation", "context_close", "cancel_request")


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """A request that gets an error: what is wrong, where, and the service's code for it."""

    def __init__(self, message: str, *, path: str = "", code: str = "invalid_request") -> None:
        super().__init__(message)
        self.path = path
        self.code = code


def read_request(message: str | bytes, model: str | None, behaviour: Behaviour) -> dict[str, Any]:
    """Read a frame.

    Args:
        message: As it came.
        model: The path's model, or None at the unified endpoint.
        behaviour: Says which models are withdrawn.

    Raises:
        Refused: It is no request.
    """
    try:
        request = parse_json(message) if isinstance(message, str) else None
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise Refused("Expected a JSON object as a text frame")
    if "context_id" in request:
        if model is not None:
            raise Refused("context_id is not supported on this endpoint", path="context_id")
        if wrong := check_context(request):
            raise Refused(wrong, path="context_id")
    return check_request(request, model, behaviour)


def check_request(request: dict[str, Any], model: str | None, behaviour: Behaviour) -> dict[str, Any]:
    """Return the request as it is spoken: without control characters.

    Raises:
        Refused: A field is missing or wrong.
    """
    ends = "context_id" in request and not request.get("continue")
    bare = ends or bool(request.get("context_close") or request.get("cancel_request"))
    for name in ("text", "voice_id"):
        value = request.get(name)
        if not isinstance(value, str) and not (bare and value is None):
            raise Refused(f"{name} is required", path=name, code="invalid_type")
    if request.get("text") and not request.get("voice_id"):
        raise Refused("voice_id is required", path="voice_id", code="invalid_type")
    if len(request.get("text") or "") > _MAX_TEXT:
        raise Refused(f"text is longer than {_MAX_TEXT} characters", path="text", code="too_big")
    if request.get("sample_rate", 44100) not in TTS_SAMPLE_RATES:
        raise Refused(f"sample_rate must be one of {TTS_SAMPLE_RATES}", path="sample_rate", code="invalid_enum_value")
    _check_ranges(request)
    _check_names(request)
    _check_language(request, _model(request, model, behaviour))
    # espeak-ng takes a NUL for the end of the text.
    return request if request.get("text") is None else {**request, "text": speakable_text(request["text"])}


def _check_ranges(request: dict[str, Any]) -> None:
    specs: dict[str, Spec] = SmallestTTSSettings.specs()
    for name in _RANGED:
        if request.get(name) is not None:
            try:
                specs[name].check(name, request[name])
            except ConfigError as error:
                raise Refused(str(error), path=name, code="out_of_range") from error
    waits = request.get("max_buffer_flush_ms", 0)
    if not isinstance(waits, int) or not 0 <= waits <= _MAX_FLUSH_MS:
        raise Refused(
            f"max_buffer_flush_ms must be from 0 to {_MAX_FLUSH_MS}, got {waits!r}", path="max_buffer_flush_ms"
        )
    for name in _FLAGS:
        if request.get(name) is not None and not isinstance(request[name], bool):
            raise Refused(f"{name} must be true or false, got {request[name]!r}", path=name, code="invalid_type")


def _check_names(request: dict[str, Any]) -> None:
    for name in ("session_id", "request_id"):
        value = request.get(name)
        if value is not None and not (isinstance(value, str) and _ID.fullmatch(value)):
            raise Refused(f"{name} must be 1 to 128 of A-Z a-z 0-9 _ . -", path=name)
    dictionaries = request.get("pronunciation_dicts")
    if dictionaries is not None and not (
        isinstance(dictionaries, list) and all(isinstance(each, str) for each in dictionaries)
    ):
        raise Refused("pronunciation_dicts must be a list of ids", path="pronunciation_dicts", code="invalid_type")
    if request.get("output_format", "pcm") not in OUTPUT_FORMATS:
        raise Refused(f"output_format must be one of {OUTPUT_FORMATS}", path="output_format", code="invalid_enum_value")


def _model(request: dict[str, Any], model: str | None, behaviour: Behaviour) -> TTSModelInfo:
    if model is not None:
        return TTS_MODELS[model]
    wanted = request.get("model") or "lightning_v3.1"
    info = TTS_MODELS.get(canonical_model(str(wanted)))
    if info is not None and behaviour.withdraws(info.id):
        raise Refused(f"The model {info.id} is no longer available", path="model", code="MODEL_DEPRECATED")
    if info is not None and not info.unified:
        message = f"The model {info.id} is not served here; use {info.replacement}"
        raise Refused(message, path="model", code="MODEL_DEPRECATED")
    if info is None:
        known = ", ".join(m.wire_id for m in TTS_MODELS.values() if m.unified)
        raise Refused(f"model must be one of {known}, got {wanted!r}", path="model", code="invalid_enum_value")
    return info


def _check_language(request: dict[str, Any], model: TTSModelInfo) -> None:
    # The documents' sixteen beside the model card's: the service takes more than it lists (protocol notes, 5.1).
    spoken = model.languages | set(TTS_LANGUAGES) | {"auto"}
    for name in ("language", "number_pronunciation_language"):
        value = request.get(name)
        if value is not None and (not isinstance(value, str) or value not in spoken):
            known = ", ".join(sorted(spoken))
            raise Refused(f"{name}={value!r} is not supported by {model.wire_id}; use one of: {known}",
                          path=name, code="invalid_enum_value")  # fmt: skip


def read_delivery(request: dict[str, Any], model: str | None) -> Delivery:
    """Return how a request is to be spoken; what only lightning-v2 knows is ignored elsewhere."""
    names = ("speed", "consistency", "similarity", "enhancement") if model == "lightning-v2" else ("speed",)
    controls = {name: request[name] for name in names if request.get(name) is not None}
    language = request.get("language") or request.get("number_pronunciation_language") or "en"
    return Delivery(str(request["voice_id"]), str(language), **controls)


def error_frame(shape: str, message: str, code: str) -> dict[str, Any]:
    """Return an error in one of the shapes that were seen (protocol notes, 2.2)."""
    if shape == "object":
        return {"status": "error", "error": {"message": message, "code": code}}
    known = {"error_code": code} if code == "MODEL_DEPRECATED" else {}  # the one code that is documented for sockets
    return {"status": "error", **known, ("error" if shape == "text" else "message"): message}
