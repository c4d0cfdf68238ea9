"""The REST calls for voices and recordings: their URLs, and how a list of voices is read.

Sources: `get-voices-openapi.yaml` and `stt-openapi.yaml` of the vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from smallest_nb.api.catalog import STT_MODELS, stt_host, tts_model
from smallest_nb.api.language import LANGUAGE_NAMES, service_code
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
    """Return the URL of the list of a model's voices."""
    return f"{http_base(base_url)}/waves/v1/{tts_model(model).id}/get_voices"


def parse_voices(body: Any, model: str) -> tuple[Voice, ...]:
    """Read a list of voices.

    Raises:
        ProtocolError: The answer has another form.
    """
    rows = body.get("voices") if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        raise ProtocolError("The list of voices does not have the documented form.")
    return tuple(
        _parse_voice(row, tts_model(model).id) for row in rows if isinstance(row, Mapping) and row.get("voiceId")
    )


def _parse_voice(row: Mapping[str, Any], model: str) -> Voice:
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
    """Return the URL that transcribes a whole recording; the trailing slash matters."""
    language = service_code(str(settings.language))
    query: dict[str, str] = {"model": str(settings.model), "language": language}
    model = STT_MODELS.get(str(settings.model))
    for name in ("word_timestamps", "diarize", "redact_pii", "redact_pci"):
        if model is not None and name in model.ignored:
            continue
        query[name] = "true" if getattr(settings, name) else "false"
    query |= {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in settings.extra.items()}
    return f"{http_base(stt_host(base_url, language))}/waves/v1/stt/?{urlencode(whole_characters(query))}"


def http_base(base_url: str) -> str:
    """Turn ws:// into http:// and wss:// into https://."""
    return "http" + base_url.rstrip("/").removeprefix("ws")
