"""One reader for every shape in which the service reports an error.

The vendor documents several shapes and servers send others; each ends as a message, a code and a class of our own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from smallest_nb.api.catalog import TTS_MODELS, canonical_model
from smallest_nb.common.numbers import is_integer
from smallest_nb.common.text import parse_json
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

_NO_DETAILS = "no details were given"
_MAX_MESSAGE_CHARS, _MAX_CODE_CHARS, _MAX_ISSUES = 1000, 100, 10
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
    """Read an error from parsed JSON of any shape, documented or not. Never raises, and cuts what is too long."""
    if not isinstance(body, Mapping):
        return ErrorInfo(_clipped(body) if body else _NO_DETAILS)
    code = _code(body.get("error_code")) or _code(body.get("code"))
    replacement = body.get("recommended_endpoint")
    replacement = _clipped(replacement, _MAX_CODE_CHARS) if isinstance(replacement, str) else None
    for key in ("error", "message", "errors"):
        value = body.get(key)
        if isinstance(value, Mapping):
            code = code or _code(value.get("code"))
            value = value.get("message") or value.get("error")
        elif isinstance(value, list):
            code = code or next(
                (c for v in value[:_MAX_ISSUES] if isinstance(v, Mapping) and (c := _code(v.get("code")))), None
            )
            value = _issues(value)
        if value and value is not True:
            return ErrorInfo(_clipped(value), code, replacement)
    return ErrorInfo(_clipped(_as_json(body), 300) if body else _NO_DETAILS, code, replacement)


def _issues(values: list[Any]) -> str:
    """Return a list of issues as text; of those beyond the first few, the number."""
    shown = [text for value in values[:_MAX_ISSUES] if (text := _issue(value))]
    more = len(values) - _MAX_ISSUES
    return "; ".join([*shown, f"and {more} more"] if more > 0 else shown)


def _issue(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _clipped(value)
    path = value.get("path")
    steps = path if isinstance(path, list) else () if path is None else (path,)
    where = _clipped(".".join(_clipped(step, _MAX_CODE_CHARS) for step in steps[:_MAX_ISSUES]), _MAX_CODE_CHARS)
    message = value.get("message")
    what = _clipped(message) if message else _clipped(_as_json(value), 300)
    return f"{where}: {what}" if where else what


def _code(value: Any) -> str | None:
    return _clipped(value, _MAX_CODE_CHARS) or None if isinstance(value, str) or is_integer(value) else None


def _clipped(value: Any, limit: int = _MAX_MESSAGE_CHARS) -> str:
    """Return a value as text of bounded length: it goes into errors, logs, widget state and saved notebooks."""
    try:
        text = value if isinstance(value, str) else _as_json(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text):,} characters in all)"


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return f"a {type(value).__name__} that cannot be shown"


def retry_after_seconds(value: str | None) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date; None for anything else."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return None if math.isnan(seconds) else max(0.0, seconds)
    try:
        at = parsedate_to_datetime(value)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)  # an HTTP date is in GMT, whether it says so or not
        return max(0.0, at.timestamp() - time())
    except (TypeError, ValueError, OverflowError):
        return None


def names_withdrawal(info: ErrorInfo) -> bool:
    """Whether an error says that a model is no longer served."""
    return _WITHDRAWN.search(f"{info.code or ''} {info.message}") is not None


def error_from_frame(info: ErrorInfo, request_id: str | None = None, *, model: Any = None) -> ServiceError:
    """Turn an error frame into the error for the caller; the service's own words stay.

    Args:
        info: What the frame says.
        request_id: The request it belongs to.
        model: The requested model.
    """
    if _BUSY.search(f"{info.code or ''} {info.message}"):
        return RateLimitError(info.message, status=None)
    if names_withdrawal(info):
        return model_retired_error(str(model) if model else None, info)
    return ServiceError(info.message, code=info.code, request_id=request_id)


def model_retired_error(model: str | None, info: ErrorInfo) -> ModelRetiredError:
    """Return the error for a model that is no longer served, with what to use instead.

    Args:
        model: The requested model, if known.
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
    """Turn a refused handshake into the error for the caller.

    Args:
        status: The HTTP status.
        body: The response body.
        url: The URL without its query, for the message.
        retry_after: The Retry-After header, or None.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        info = normalize_error(parse_json(text))
    except (ValueError, RecursionError):
        info = ErrorInfo(_clipped(text, 300) or _NO_DETAILS)
    wait = retry_after_seconds(retry_after)
    again = f" Try again in {wait:.3g} s." if wait is not None else ""
    if status in (401, 403):
        return AuthError(
            f"The service refused the API key (HTTP {status}: {info.message}). Check SMALLEST_API_KEY: "
            "one key, no quotes, beginning with 'sk_'."
        )
    if status == 410 or (status < 500 and info.code == "MODEL_DEPRECATED"):
        return model_retired_error(next((m for m in TTS_MODELS if f"/{m}/" in url), None), info)
    if status == 429:
        return RateLimitError(f"Too many requests or sessions at once: {info.message}.{again}", retry_after=wait)
    if status == 503 and again:
        info = replace(info, message=f"{info.message}.{again}")
    message = f"{url} answered: {info.message}"
    return ServiceError(message, code=info.code, status=status, retry_after=wait if status == 503 else None)
