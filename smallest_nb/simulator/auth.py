"""The paths, the keys that open them, and the answers to requests that are refused."""

from __future__ import annotations

import hmac
from typing import Any

from smallest_nb.api.catalog import TTS_MODELS
from smallest_nb.common.secret import Secret
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.http import Answer, HTTPRequest, json_answer

__all__ = [
    "STT_LEGACY", "STT_LIVE", "TTS_BY_MODEL", "TTS_LIVE", "read_key", "refuse_key", "refuse_retired", "retired_body",
]  # fmt: skip

TTS_LIVE = "/waves/v1/tts/live"
TTS_BY_MODEL = {f"/waves/v1/{m}/get_speech/stream": m for m in TTS_MODELS}
STT_LIVE, STT_LEGACY = "/waves/v1/stt/live", "/waves/v1/pulse/get_text"
_BEARER = "Bearer "


def read_key(request: HTTPRequest) -> str:
    """Return the key that came as a bearer token or as `?token=`."""
    value = request.headers.get("authorization", "")
    return value.removeprefix(_BEARER).strip() if value.startswith(_BEARER) else request.parameters.get("token", "")


def refuse_key(key: str, behaviour: Behaviour, only: Secret | None = None) -> Answer | None:
    """Return why a handshake or call is refused, or None (`pulse-stt-openapi.yaml`, answers to a bad key).

    Args:
        key: What came.
        behaviour: Limits and faults.
        only: The key that is accepted, or None for any that begins with `sk_`.
    """
    if not key:
        return json_answer(401, {"message": "Unauthorized: No tokens provided"})
    accepted = key.startswith("sk_") if only is None else _is_same(key, only)
    if not accepted:
        return json_answer(401, {"error": "unauthorized"})
    if behaviour.reject is None:
        return None
    extra = {"Retry-After": str(behaviour.retry_after)} if behaviour.retry_after is not None else {}
    return json_answer(
        behaviour.reject, {"error": {"message": "refused by a simulated fault", "code": "SIMULATED"}}, extra
    )


def _is_same(key: str, only: Secret) -> bool:
    return hmac.compare_digest(key.encode(errors="surrogatepass"), only.unwrap().encode())


def refuse_retired(model: str | None, behaviour: Behaviour) -> Answer | None:
    """Return what a retired model's path answers (changelog of 2026-05-19), or None."""
    if not behaviour.withdraws(model):
        return None
    return json_answer(410, retired_body(f"The model {model} is no longer available"))


def retired_body(message: str) -> dict[str, Any]:
    """Return the body that goes with HTTP 410."""
    return {
        "status": "error",
        "error_code": "MODEL_DEPRECATED",
        "message": message,
        "recommended_endpoint": TTS_LIVE,
    }
