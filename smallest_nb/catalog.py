"""Models and endpoints: which exist, how each is spelled, where each is served. Imports errors and language.

Sources: section 1 and 6 of the protocol notes, that is the vendor's AsyncAPI documents and changelog.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from smallest_nb.errors import ConfigError

__all__ = [
    "DEFAULT_BASE_URL",
    "STT_ENCODINGS",
    "STT_SAMPLE_RATES",
    "TTS_MODELS",
    "TTS_SAMPLE_RATES",
    "US_BASE_URL",
    "SmallestSTTModel",
    "SmallestTTSModel",
    "TTSModelInfo",
    "canonical_model",
    "tts_model",
]

DEFAULT_BASE_URL = "wss://api.smallest.ai"
US_BASE_URL = "wss://api.us.smallest.ai"

TTS_SAMPLE_RATES = (8000, 16000, 24000, 44100)
"""Hz, `tts-ws.yaml:346`."""

STT_SAMPLE_RATES = (8000, 16000, 22050, 24000, 44100, 48000)
"""Hz, `stt-live-ws.yaml:54`. The service does not resample: the rate must match the audio."""

STT_ENCODINGS = ("linear16", "linear32", "alaw", "mulaw", "opus", "ogg_opus")
"""`stt-live-ws.yaml:59`."""


class SmallestTTSModel(StrEnum):
    """TTS models, spelled as in the documents (hyphens)."""

    LIGHTNING_V2 = "lightning-v2"
    LIGHTNING_V3_1 = "lightning-v3.1"
    LIGHTNING_V3_1_PRO = "lightning-v3.1-pro"


class SmallestSTTModel(StrEnum):
    """STT models."""

    PULSE = "pulse"


@dataclass(frozen=True, slots=True)
class TTSModelInfo:
    """What is known of a TTS model.

    Attributes:
        id: Spelling in URLs and documents (hyphens).
        wire_id: Spelling in the `model` field of a request (underscore).
        default_voice: A voice of its pool.
        languages: Codes that its card lists.
        unified: Served at `/waves/v1/tts/live`; otherwise only at its own URL.
        retired: The day it was withdrawn (ISO), or None.
        replacement: What to use instead once it is retired.
    """

    id: str
    wire_id: str
    default_voice: str
    languages: frozenset[str]
    unified: bool = True
    retired: str | None = None
    replacement: str | None = None


_V31_LANGUAGES = frozenset("en es fr de it nl sv pt pl ru hi mr gu pa bn or ta te kn ml auto".split())

TTS_MODELS: dict[str, TTSModelInfo] = {
    info.id: info
    for info in (
        TTSModelInfo(
            "lightning-v2",
            "lightning_v2",
            "emily",
            frozenset("en hi mr kn ta bn gu de fr es it pl nl ru ar he".split()),
            unified=False,
            retired="2026-05-19",
            replacement="lightning-v3.1",
        ),
        TTSModelInfo("lightning-v3.1", "lightning_v3.1", "sophia", _V31_LANGUAGES),
        TTSModelInfo(
            "lightning-v3.1-pro",
            "lightning_v3.1_pro",
            "meher",
            _V31_LANGUAGES | frozenset("el fi no zh ja ko id ms vi tr ar".split()),
        ),
    )
}


def canonical_model(model: str) -> str:
    """Return a model id spelled with hyphens; `lightning_v3.1_pro` becomes `lightning-v3.1-pro`."""
    return str(model).strip().lower().replace("_", "-")


def tts_model(model: str) -> TTSModelInfo:
    """Look a TTS model up by either spelling.

    Raises:
        ConfigError: No such model.
    """
    try:
        return TTS_MODELS[canonical_model(model)]
    except KeyError:
        raise ConfigError(f"Unknown TTS model {model!r}; choose one of {', '.join(TTS_MODELS)}.") from None
