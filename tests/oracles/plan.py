"""What is to be said, by which settings, and the scenarios that clients are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SENTENCES = (
    "The weather will be cold and cloudy this morning.",
    "The children played in the park all afternoon.",
)
"""The recogniser hears them well in the voice magnus."""
WEATHER = SENTENCES[0]


@dataclass(frozen=True)
class Scenario:
    """What a client does: `kind` is "tts" or "stt", `steps` are the harness's operations."""

    client: str
    kind: str
    steps: tuple[tuple[Any, ...], ...]
    settings: dict[str, Any] = field(default_factory=dict)
    key: str = "sk_oracle"
    limit: float = 60.0


SPEAKERS: dict[str, tuple[str, dict[str, Any]]] = {
    "pipecat13": ("pipecat13", {"voice": "magnus"}),
    "pipecat": ("pipecat", {"voice": "magnus", "model": "lightning_v3.1"}),
    "livekit": ("livekit", {"voice_id": "magnus", "model": "lightning_v3.1"}),
    # Its user writes each request; without the backoff every text would take four seconds more.
    "smallestai": (
        "smallestai",
        {"voice_id": "magnus", "model": "lightning_v3.1", "language": "en", "sample_rate": 24000,
         "complete_backoff_ms": 100},
    ),
    "classic": ("smallestai", {"classic": True, "voice_id": "magnus"}),
}  # fmt: skip
"""Every way to speak: its library and its settings. `classic` is the SDK's WavesStreamingTTS."""


def speaking(name: str, *steps: tuple[Any, ...], **more: Any) -> Scenario:
    """Return a scenario of speech."""
    client, settings = SPEAKERS[name]
    return Scenario(client, "tts", steps, settings, **more)
