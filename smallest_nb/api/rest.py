"""The REST calls worth having: voices and recordings, as URLs and as what their answers say. Pure.

Source: section 1.4 of the protocol notes; `get-voices-openapi.yaml` and `stt-openapi.yaml` of the vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from smallest_nb.api.catalog import DEFAULT_BASE_URL, STT_MODELS, US_BASE_URL, tts_model
from smallest_nb.api.language import LANGUAGE_NAMES, needs_us_host, service_code
from smallest_nb.api.settings import SmallestSTTSettings
from smallest_nb.api.voices import Voice
from smallest_nb.common.text import whole_characters
from smallest_nb.errors import ProtocolError

__all__ = ["MAX_RECORDING_BYTES", "http_base", "parse_voices", "recording_url", "voices_url"]

MAX_RECORDING_BYTES = 250 * 10**6
"""The service answers larger ones with HTTP 413."""

_CODES = {name.lower(): code for code, name in LANGUAGE_NAMES.items()}
_CODES |= {"mandarin": "zh", "oriya": "or"}


def voices_url(base_url: str, model: str) -> str:
    """Return where a model's voices are listed."""
    return f"{http_base(base_url)}/waves/v1/{tts_model(model).id}/get_voices"


def parse_voices(body: Any, model: str) -> tuple[Voice, ...]:
    """Read a list of voices.

    Raises:
        ProtocolError: Something else came.
    """
    rows = body.get("voices") if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        raise ProtocolError("The list of voices has another form than documented.")
    return tuple(_voice(row, tts_model(model).id) for row in rows if isinstance(row, Mapping) and row.get("voiceId"))


def _voice(row: Mapping[str, Any], model: str) -> Voice:
    tags = row.get("tags")
    tags = tags if isinstance(tags, Mapping) else {}
    languages = tags.get("language") or ()
    names = [languages] if isinstance(languages, str) else languages
    return Voice(
        str(row["voiceId"]),
        model,
        str(tags.get("gender") or ""),
        str(tags.get("accent") or "").capitalize(),
        tuple(_CODES.get(str(name).lower(), str(name).lower()) for name in names),
    )


def recording_url(base_url: str, settings: SmallestSTTSettings) -> str:
    """Return where a whole recording is transcribed; the trailing slash matters."""
    language = service_code(str(settings.language))
    base = base_url.rstrip("/")
    if needs_us_host(language) and base == DEFAULT_BASE_URL:
        base = US_BASE_URL
    query: dict[str, str] = {"model": str(settings.model), "language": language}
    model = STT_MODELS.get(str(settings.model))
    for name in ("word_timestamps", "diarize", "redact_pii", "redact_pci"):
        if model is not None and name in model.ignored:
            continue
        query[name] = "true" if getattr(settings, name) else "false"
    query |= {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in settings.extra.items()}
    return f"{http_base(base)}/waves/v1/stt/?{urlencode(whole_characters(query))}"


def http_base(base_url: str) -> str:
    """Turn ws:// into http:// and wss:// into https://."""
    return "http" + base_url.rstrip("/").removeprefix("ws")
