"""One reader for every shape in which the service says no.

Shapes and statuses: sections 1.4, 2.2 and 3.3 of the protocol notes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from smallest_nb.catalog import TTS_MODELS, canonical_model
from smallest_nb.errors import AuthError, ModelRetiredError, RateLimitError, ServiceError, SmallestError

__all__ = [
    "ErrorInfo",
    "error_from_frame",
    "error_from_http",
    "model_retired_error",
    "names_withdrawal",
    "normalize_error",
    "retry_after_seconds",
]

_BUSY = re.compile(r"concurren|rate.?limit|too many|\b429\b", re.IGNORECASE)
_WITHDRAWN = re.compile(
    r"MODEL_(DEPRECATED|RETIRED)"
    r"|\bmodel\b.{0,80}\b(deprecated|retired|withdrawn|discontinued|no longer (available|served|supported))",
    re.IGNORECASE | re.DOTALL,
)
"""The documented code, and the words of services that send none."""


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What an error frame or body says.

    Attributes:
        message: The service's words.
        code: Its code, or None.
        replacement: A recommended endpoint, or None.
    """

    message: str
    code: str | None = None
    replacement: str | None = None


def normalize_error(body: Any) -> ErrorInfo:
    """Read an error from parsed JSON of any documented shape."""
    if not isinstance(body, Mapping):
        return ErrorInfo(str(body) if body else "no details were given")
    code = body.get("error_code") or body.get("code")
    for key in ("error", "message", "errors"):
        value = body.get(key)
        if isinstance(value, Mapping):
            code = code or value.get("code")
            value = value.get("message")
        elif isinstance(value, list):
            told = [_issue(v) for v in value]
            code = code or next((v.get("code") for v in value if isinstance(v, Mapping) and v.get("code")), None)
            value = "; ".join(told)
        if value:
            return ErrorInfo(str(value), str(code) if code else None, body.get("recommended_endpoint"))
    return ErrorInfo(json.dumps(body, ensure_ascii=False)[:300], str(code) if code else None)


def _issue(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    path = (
        ".".join(str(p) for p in value.get("path") or ()) if not isinstance(value.get("path"), str) else value["path"]
    )
    return f"{path}: {value.get('message')}" if path else str(value.get("message"))


def retry_after_seconds(value: str | None) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (TypeError, ValueError):
        return None


def names_withdrawal(info: ErrorInfo) -> bool:
    """Say whether an error is about a model that is not served any more."""
    return _WITHDRAWN.search(f"{info.code or ''} {info.message}") is not None


def error_from_frame(info: ErrorInfo, request_id: str | None = None, *, model: Any = None) -> ServiceError:
    """Turn an error frame into the error a caller should see; the service's own words stay.

    Args:
        info: What the frame says.
        request_id: The request it belongs to.
        model: The model that was asked for.
    """
    if _BUSY.search(f"{info.code or ''} {info.message}"):
        return RateLimitError(info.message, status=None)
    if names_withdrawal(info):
        return model_retired_error(str(model) if model else None, info)
    return ServiceError(info.message, code=info.code, request_id=request_id)


def model_retired_error(model: str | None, info: ErrorInfo) -> ModelRetiredError:
    """Return the error for a model that is not served any more, with the way out.

    Args:
        model: The model that was asked for, if known.
        info: The service's words.
    """
    known = TTS_MODELS.get(canonical_model(model)) if model else None
    if known is None:
        return ModelRetiredError(
            f"{model or 'This model'} is no longer served ({info.message}).", replacement=info.replacement
        )
    ended = f"was retired on {known.retired}" if known.retired else "is no longer served"
    if known.replacement is None:
        return ModelRetiredError(f"{known.id} {ended} ({info.message}).", replacement=info.replacement)
    voice = TTS_MODELS[known.replacement].default_voice
    return ModelRetiredError(
        f"{known.id} {ended} ({info.message}). Use model={known.replacement!r} with a voice of its own, "
        f"such as voice={voice!r}.",
        replacement=known.replacement,
    )


def error_from_http(status: int, body: bytes, *, url: str, retry_after: str | None = None) -> SmallestError:
    """Turn a refused handshake into the error a caller should see.

    Args:
        status: The HTTP status.
        body: The response body.
        url: The URL without its query, for the message.
        retry_after: The Retry-After header, or None.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        info = normalize_error(json.loads(text))
    except (ValueError, RecursionError):
        info = ErrorInfo(text[:300] or "no details were given")
    if status in (401, 403):
        return AuthError(
            f"The service refused the API key (HTTP {status}: {info.message}). Check SMALLEST_API_KEY: "
            "one key, no quotes, beginning with 'sk_'."
        )
    if status == 410 or (status < 500 and info.code == "MODEL_DEPRECATED"):
        return model_retired_error(next((m for m in TTS_MODELS if f"/{m}/" in url), None), info)
    if status == 429:
        wait = retry_after_seconds(retry_after)
        told = f" Try again in {wait:g} s." if wait is not None else ""
        return RateLimitError(f"Too many requests or sessions at once: {info.message}.{told}", retry_after=wait)
    return ServiceError(f"{url} answered: {info.message}", code=info.code, status=status)
