"""What each client is known to send (protocol notes 2.1, 3.1 and 3.2), as exact frames and queries."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from typing import Any

from bench.environments import ROOT

KEEPALIVE = " "
_VERSIONS = {"pipecat13": "pipecat-ai", "pipecat": "pipecat-ai", "livekit": "livekit-plugins-smallestai",
             "smallestai": "smallestai"}  # fmt: skip


def version(client: str) -> str:
    """Return the version of a library as its requirements pin it."""
    pins = (ROOT / "bench" / "requirements" / f"{client}.txt").read_text().split()
    for pin in pins:
        name, _, number = pin.partition("==")
        if name == _VERSIONS[client]:
            return number
    raise PackageNotFoundError(_VERSIONS[client])


def headers(client: str, key: str) -> dict[str, str]:
    """Return the headers of a handshake by which the vendor knows the client; `X-Fern-*` besides."""
    known = {"authorization": f"Bearer {key}"}
    if client.startswith("pipecat"):
        return known | {"x-source": "pipecat", "x-pipecat-version": version(client)}
    if client == "livekit":
        return known | {"x-source": "livekit", "x-livekit-version": version(client)}
    return known | ({"x-source": "smallest-python-sdk"} if client == "smallestai" else {})


def frames(client: str, text: str, *, context: str = "", **settings: Any) -> list[dict[str, Any]]:
    """Return every frame by which a client has a text spoken; `settings` are wire fields that differ from defaults."""
    base = {"voice_id": "magnus", "language": "en"} | settings
    model = {"model": settings.get("model", "lightning_v3.1")}
    if client == "pipecat13":
        base.pop("model", None)  # the path says it
        return [{"text": text, "sample_rate": 24000, **base}]
    if client == "pipecat":
        base |= model | {"sample_rate": 24000, "context_id": context, "word_timestamps": True, "output_format": "pcm"}
        return [{"text": text, "continue": True, **base}, {"text": "", "continue": False, **base}]
    if client == "livekit":
        base = {"speed": 1.0} | base | model
        base |= {"sample_rate": 24000, "context_id": context, "max_buffer_delay_ms": 3000}
        tokens = [{"text": f"{word} ", "continue": True, **base} for word in text.split(" ")]
        return [*tokens, {"text": "", "continue": False, **base}]
    if client == "classic":
        base = {"speed": 1.0} | base | model
        return [
            {"text": text, "sample_rate": 24000, "max_buffer_flush_ms": 0, "continue": False, "flush": False, **base}
        ]
    return [{"text": text, **base}]


_PIPECAT13_STT = {
    "language": "en", "encoding": "linear16", "sample_rate": "16000", "word_timestamps": "false",
    "full_transcript": "false", "sentence_timestamps": "false", "redact_pii": "false", "redact_pci": "false",
    "numerals": "auto", "diarize": "false",
}  # fmt: skip
STT_QUERIES: dict[str, dict[str, str]] = {
    "pipecat13": _PIPECAT13_STT,
    "pipecat": _PIPECAT13_STT | {
        "model": "pulse", "endpointing": "true", "format": "true", "emotion_detection": "true",
        "gender_detection": "true", "itn_normalize": "false", "no_format_delay": "false",
    },
    "livekit": {
        "model": "pulse", "language": "en", "encoding": "linear16", "sample_rate": "16000", "word_timestamps": "true",
        "diarize": "false", "format": "true", "itn_normalize": "false", "sentence_timestamps": "false",
        "redact_pii": "false", "redact_pci": "false", "endpointing": "true", "vad_events": "true",
        "endpointing_timeout": "300",
    },
    "smallestai": {"model": "pulse", "language": "en", "sample_rate": "16000", "encoding": "linear16"},
}  # fmt: skip
STT_PATHS = {name: "/waves/v1/pulse/get_text" if name == "pipecat13" else "/waves/v1/stt/live" for name in STT_QUERIES}
"""The query and the path of a transcription with every setting at its default."""


def tts_path(client: str, model: str = "lightning-v3.1") -> str:
    """Return the path of a synthesis."""
    return f"/waves/v1/{model}/get_speech/stream" if client == "pipecat13" else "/waves/v1/tts/live"
