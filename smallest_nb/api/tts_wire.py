"""Text-to-speech on the wire: settings to URL and requests, received frames to events.

What the vendor's documents leave open or contradict is decided here, once.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, TypeGuard, cast
from urllib.parse import urlencode

import pybase64  # 24 times as fast as the standard library's, which is most of the cost of a frame

from smallest_nb.api.catalog import tts_model
from smallest_nb.api.error_shapes import ErrorInfo, normalize_error
from smallest_nb.api.language import service_code
from smallest_nb.api.settings import SmallestTTSSettings, why_not_taken
from smallest_nb.common.text import parse_json, speakable_text, whole_characters
from smallest_nb.errors import ConfigError

__all__ = [
    "AudioFrame",
    "CompleteFrame",
    "ErrorFrame",
    "TTSCancel",
    "TTSFrame",
    "TTSRequest",
    "UnknownFrame",
    "WordFrame",
    "ignored_settings",
    "parse_tts_frame",
    "tts_cancel",
    "tts_keepalive",
    "tts_request",
    "tts_url",
]


_RELEASE_MS = 1
"""How long the service may wait for the end of a sentence: we send whole ones. Not 0, which reads like "not given"."""
_MAX_ID_CHARS, _MAX_WORD_CHARS, _MAX_SECS = 256, 1000, 10.0**6
_CONTEXT_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")

_Continue = TypedDict("_Continue", {"continue": bool}, total=False)
"""A field whose name is a keyword of Python."""


class TTSRequest(_Continue, total=False):
    """A synthesis request as it is sent; a keepalive is one with a blank text. `settings.extra` may add any field."""

    text: str
    voice_id: str
    language: str
    model: str
    sample_rate: int
    speed: float
    consistency: float
    similarity: float
    enhancement: int
    word_timestamps: bool
    complete_backoff_ms: int
    number_pronunciation_language: str
    math_notation: bool
    pronunciation_dicts: list[str]
    request_id: str
    context_id: str
    max_buffer_delay_ms: int
    flush: bool


class TTSCancel(TypedDict):
    """What discards the text of a context that has not been spoken yet."""

    context_id: str
    cancel_request: Literal[True]
    voice_id: str
    model: str


class _ReceivedFrame(TypedDict, total=False):
    """A frame as it is received: the fields that are read. Nothing is known of a value until it has been checked."""

    status: object
    type: object
    error: object
    data: object
    request_id: object
    external_request_id: object


@dataclass(frozen=True, slots=True)
class TTSFrame:
    """What all frames carry: the server's request id and the one we sent, if given."""

    request_id: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class AudioFrame(TTSFrame):
    """A piece of PCM16; its length may be odd."""

    data: bytes = b""


@dataclass(frozen=True, slots=True)
class WordFrame(TTSFrame):
    """A word with seconds from the start of its request's audio."""

    index: int = 0
    word: str = ""
    start: float = 0.0
    end: float = 0.0


@dataclass(frozen=True, slots=True)
class CompleteFrame(TTSFrame):
    """The service reports that a request is complete."""


@dataclass(frozen=True, slots=True)
class ErrorFrame(TTSFrame):
    """An error that the service reports."""

    info: ErrorInfo = field(default_factory=lambda: ErrorInfo("no details were given"))


@dataclass(frozen=True, slots=True)
class UnknownFrame(TTSFrame):
    """A frame that is new or broken; it is counted, never fatal."""

    why: str = ""


def is_unified(model: str, endpoint: str | None) -> bool:
    """Say whether a model is reached at the unified endpoint.

    Args:
        model: Either spelling.
        endpoint: None chooses by model; "legacy" and "unified" force it.
    """
    if endpoint not in (None, "legacy", "unified"):
        raise ConfigError(f"endpoint={endpoint!r} cannot be used; expected None, 'legacy' or 'unified'.")
    info = tts_model(model)
    if endpoint == "unified" and not info.unified:
        raise ConfigError(f"{info.id} is not served at the unified endpoint; leave endpoint=None.")
    return info.unified and endpoint != "legacy"


def tts_url(base_url: str, model: str, *, endpoint: str | None = None, idle_timeout: int | None = None) -> str:
    """Return the WebSocket URL of a model.

    Args:
        base_url: Scheme and host, such as `wss://api.smallest.ai`.
        model: Either spelling.
        endpoint: See :func:`is_unified`.
        idle_timeout: Seconds after which an idle socket is closed (`?timeout=`), None for the service's 60.
    """
    unified = is_unified(model, endpoint)
    path = "/waves/v1/tts/live" if unified else f"/waves/v1/{tts_model(model).id}/get_speech/stream"
    query = "?" + urlencode({"timeout": idle_timeout}) if idle_timeout else ""
    return base_url.rstrip("/") + path + query


def ignored_settings(settings: SmallestTTSSettings) -> dict[str, str]:
    """Return each setting that was given a value but is not taken by the model, with the reason."""
    specs = SmallestTTSSettings.specs()
    named = ((n, why_not_taken(settings, n)) for n in settings.changed_from_default() if n in specs)
    return {name: reason for name, reason in named if reason}


def tts_request(
    settings: SmallestTTSSettings,
    text: str,
    *,
    sample_rate: int,
    request_id: str | None = None,
    endpoint: str | None = None,
    context_id: str | None = None,
    more: bool = False,
    flush: bool = False,
) -> TTSRequest:
    """Return one synthesis request.

    Args:
        settings: A complete snapshot.
        text: What to say.
        sample_rate: Hz; always sent, because the service's default differs by model.
        request_id: Ours, echoed as `external_request_id`; unified endpoint only.
        endpoint: See :func:`is_unified`.
        context_id: The continuation that this fragment belongs to, 1 to 128 of `A-Z a-z 0-9 _ . -`.
        more: More fragments follow (`continue`).
        flush: Release what the service has buffered; the older way, never together with `context_id`.

    Raises:
        ConfigError: `flush` with `context_id`, a bad `context_id`, or either where the endpoint has none.
    """
    unified = is_unified(str(settings.model), endpoint)
    request: dict[str, Any] = {
        "text": speakable_text(text),
        "voice_id": settings.voice,
        "language": service_code(str(settings.language)),
        "sample_rate": sample_rate,
    }
    for name, spec in SmallestTTSSettings.specs().items():
        value = getattr(settings, name)
        if name in ("model", "voice", "language") or value is None or why_not_taken(settings, name):
            continue
        if spec.models and not unified and name not in ("consistency", "similarity", "enhancement"):
            continue
        if value is False or spec.wire is None:
            continue
        if name == "number_pronunciation_language":
            value = service_code(value)
        request[spec.wire] = list(value) if isinstance(value, tuple) else value
    if unified:
        request["model"] = tts_model(str(settings.model)).wire_id
        if request_id:
            request["request_id"] = request_id
    request |= _continuation(unified, context_id, more=more, flush=flush)
    return cast("TTSRequest", whole_characters({**request, **settings.extra}))


def tts_cancel(settings: SmallestTTSSettings, context_id: str) -> TTSCancel:
    """Return the request that discards the unspoken text of a context; the context stays usable."""
    return {
        "context_id": context_id,
        "cancel_request": True,
        "voice_id": whole_characters(settings.voice),
        "model": tts_model(str(settings.model)).wire_id,
    }


def _continuation(unified: bool, context_id: str | None, *, more: bool, flush: bool) -> dict[str, Any]:
    if context_id is None:
        return {**({"continue": True} if more else {}), **({"flush": True} if flush else {})}
    if flush:
        raise ConfigError("flush cannot go together with context_id; end the context with more=False instead.")
    if not unified:
        raise ConfigError("Continuations (context_id) are served at the unified endpoint only.")
    if not _CONTEXT_ID.fullmatch(context_id):
        raise ConfigError(f"context_id={context_id!r} cannot be used; expected 1 to 128 of A-Z a-z 0-9 _ . -")
    return {"context_id": context_id, "continue": more, "max_buffer_delay_ms": _RELEASE_MS}


def tts_keepalive(settings: SmallestTTSSettings, *, endpoint: str | None = None) -> TTSRequest:
    """Return a keepalive as Pipecat sends it: a blank text with voice and language."""
    frame: TTSRequest = {
        "text": " ",
        "voice_id": whole_characters(settings.voice),
        "language": service_code(str(settings.language)),
    }
    if is_unified(str(settings.model), endpoint):
        frame["model"] = tts_model(str(settings.model)).wire_id
    return frame


def parse_tts_frame(data: str | bytes) -> TTSFrame:
    """Read one frame; a frame that cannot be read becomes an :class:`UnknownFrame`."""
    if isinstance(data, bytes):
        return UnknownFrame(why=f"a binary frame of {len(data)} bytes")
    try:
        parsed = parse_json(data)
    except ValueError as error:
        return UnknownFrame(why=f"not JSON ({error})")
    if not isinstance(parsed, dict):
        return UnknownFrame(why=f"JSON {type(parsed).__name__} instead of an object")
    frame = cast("_ReceivedFrame", parsed)
    request_id, external_id = frame.get("request_id"), frame.get("external_request_id")
    if not (_is_id(request_id) and _is_id(external_id)):
        return UnknownFrame(why=f"request ids that are no text of at most {_MAX_ID_CHARS} characters")
    ids = (request_id, external_id)
    status = frame.get("status")
    payload = frame.get("data")
    payload = payload if isinstance(payload, dict) else {}
    if status == "error" or (status is None and (frame.get("error") or frame.get("type") == "error")):
        return ErrorFrame(*ids, info=normalize_error(frame))
    if status == "complete":
        return CompleteFrame(*ids)
    try:
        if status == "chunk":
            return AudioFrame(*ids, data=pybase64.b64decode(payload["audio"], validate=True))
        if status == "word_timestamp":
            return _parse_word(ids, payload)
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        return UnknownFrame(*ids, why=f"a broken {status} frame ({type(error).__name__}: {error})")
    return UnknownFrame(*ids, why=f"status {status!r:.80}")


def _is_id(value: object) -> TypeGuard[str | None]:
    return value is None or (isinstance(value, str) and len(value) <= _MAX_ID_CHARS)


def _parse_word(ids: tuple[str | None, str | None], payload: dict[str, Any]) -> WordFrame:
    start, end = float(payload["start"]), float(payload["end"])
    word = payload["word"]
    if not isinstance(word, str) or len(word) > _MAX_WORD_CHARS:
        raise TypeError(f"a word that is no text of at most {_MAX_WORD_CHARS} characters")
    if not 0 <= start <= end <= _MAX_SECS:
        raise ValueError(f"a word from {start!r} to {end!r} s")
    return WordFrame(*ids, int(payload.get("id", 0)), word, start, end)
