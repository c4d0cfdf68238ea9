"""The REST calls worth having: voices and recordings, as URLs and as what their answers say. Pure.

Source: section 1.4 of the protocol notes; `get-voices-openapi.yaml` and `stt-openapi.yaml` of the vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from smallest_nb.catalog import DEFAULT_BASE_URL, STT_MODELS, US_BASE_URL, tts_model
from smallest_nb.errors import ProtocolError
from smallest_nb.language import LANGUAGE_NAMES, needs_us_host, service_code
from smallest_nb.plain_text import whole_characters
from smallest_nb.protocol.stt import parse_segment, timed_items
from smallest_nb.settings import SmallestSTTSettings
from smallest_nb.transcript import Transcript
from smallest_nb.transcript.word_shares import share_words
from smallest_nb.voices import Voice

__all__ = ["MAX_RECORDING_BYTES", "http_base", "parse_recording", "parse_voices", "recording_url", "voices_url"]

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


def parse_recording(body: Any) -> Transcript:
    """Read the transcript of a recording: its utterances as segments, else all of it as one.

    Words and utterances whose times cannot be read cost those times, never the text.

    Raises:
        ProtocolError: Something else came.
    """
    body = whole_characters(body)
    if not isinstance(body, Mapping) or not any(k in body for k in ("transcription", "transcript")):
        raise ProtocolError("The answer holds no transcript.")
    whole = {"is_final": True, "language": body.get("language"), "languages": body.get("languages")}
    transcript = Transcript()
    spoken = _utterances(body.get("utterances"))
    if not spoken:
        transcript.apply(parse_segment({**body, **whole}))
        return transcript
    for utterance, inside in zip(spoken, share_words(timed_items(body.get("words")), spoken), strict=True):
        segment = parse_segment({**whole, "transcript": _said(utterance), "words": inside, "utterances": [utterance]})
        transcript.apply(segment)
    return transcript


def _utterances(value: Any) -> list[Mapping[str, Any]]:
    """Return the utterances, with or without times; none at all if one has no text, whose words would be missing."""
    items = [{"text": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else []
    return items if all(isinstance(item, Mapping) and _said(item) for item in items) else []


def _said(utterance: Mapping[str, Any]) -> str:
    texts = (utterance.get(key) for key in ("text", "transcript", "transcription"))
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def http_base(base_url: str) -> str:
    """Turn ws:// into http:// and wss:// into https://."""
    return "http" + base_url.rstrip("/").removeprefix("ws")
