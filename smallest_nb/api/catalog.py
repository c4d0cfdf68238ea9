"""Models and endpoints: which exist, how each is spelled, where each is served, when each is withdrawn.

Sources: the vendor's AsyncAPI documents and changelog.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from smallest_nb.api.language import needs_us_host
from smallest_nb.errors import ConfigError

__all__ = [
    "DEFAULT_BASE_URL",
    "STT_ENCODINGS",
    "STT_MODELS",
    "STT_SAMPLE_RATES",
    "TTS_MODELS",
    "TTS_SAMPLE_RATES",
    "US_BASE_URL",
    "STTModelInfo",
    "SmallestSTTModel",
    "SmallestTTSModel",
    "TTSModelInfo",
    "Withdrawal",
    "canonical_model",
    "check_live_model",
    "stt_host",
    "stt_model",
    "tts_model",
    "unknown_model_warning",
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
    """TTS models, spelled as in the documents (hyphens); those that are served stand first."""

    LIGHTNING_V3_1 = "lightning-v3.1"
    LIGHTNING_V3_1_PRO = "lightning-v3.1-pro"
    LIGHTNING_V2 = "lightning-v2"


class SmallestSTTModel(StrEnum):
    """STT models; `STT_MODELS` says which call takes which."""

    PULSE = "pulse"
    PULSE_PRO = "pulse-pro"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The end of a model.

    Attributes:
        date: The day from which it is not served (ISO 8601).
        source: Who says so.
        confirmed: The vendor itself says so and the service answers HTTP 410; otherwise the date is a third party's.
    """

    date: str
    source: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class TTSModelInfo:
    """What is known of a TTS model.

    Attributes:
        id: Spelling in URLs and documents (hyphens).
        wire_id: Spelling in the `model` field of a request (underscore).
        default_voice: A voice of its pool; empty for a model that the catalogue does not know.
        languages: Codes that its card lists; empty for a model that the catalogue does not know.
        unified: Served at `/waves/v1/tts/live`; otherwise only at its own URL.
        withdrawal: When it ends or ended, or None.
        replacement: The model to use instead once it is withdrawn, or None.
        known: It is in the catalogue.
    """

    id: str
    wire_id: str
    default_voice: str
    languages: frozenset[str]
    unified: bool = True
    withdrawal: Withdrawal | None = None
    replacement: str | None = None
    known: bool = True

    @property
    def retired(self) -> str | None:
        """The day on which it was withdrawn, as the vendor says; None while it is served."""
        return self.withdrawal.date if self.withdrawal is not None and self.withdrawal.confirmed else None


@dataclass(frozen=True, slots=True)
class STTModelInfo:
    """What is known of an STT model.

    Attributes:
        id: Its only spelling.
        live: It transcribes streams (`stt-live-ws.yaml:31`: the live endpoint answers HTTP 400 for any other).
        recordings: It transcribes whole recordings (`stt-openapi.yaml`).
        ignored: Settings of a recording that it ignores.
    """

    id: str
    live: bool
    recordings: bool
    ignored: frozenset[str] = frozenset()


_V31_LANGUAGES = frozenset("en es fr de it nl sv pt pl ru hi mr gu pa bn or ta te kn ml auto".split())

TTS_MODELS: dict[str, TTSModelInfo] = {
    info.id: info
    for info in (
        TTSModelInfo(
            "lightning-v3.1",
            "lightning_v3.1",
            "sophia",
            _V31_LANGUAGES,
            withdrawal=Withdrawal(
                "2026-11-30", "docs.jambonz.org/guides/features/tts-vendor-settings/smallest-ai", confirmed=False
            ),
            replacement="lightning-v3.1-pro",
        ),
        TTSModelInfo(
            "lightning-v3.1-pro",
            "lightning_v3.1_pro",
            "meher",
            _V31_LANGUAGES | frozenset("el fi no zh ja ko id ms vi tr ar".split()),
        ),
        TTSModelInfo(
            "lightning-v2",
            "lightning_v2",
            "emily",
            frozenset("en hi mr kn ta bn gu de fr es it pl nl ru ar he".split()),
            unified=False,
            withdrawal=Withdrawal("2026-05-19", "the vendor's changelog of 2026-05-19", confirmed=True),
            replacement="lightning-v3.1-pro",
        ),
    )
}
"""Every TTS model that is known, those that are served first."""

STT_MODELS: dict[str, STTModelInfo] = {
    info.id: info
    for info in (
        STTModelInfo("pulse", live=True, recordings=True),
        # `stt-openapi.yaml`, changelog of 2026-08-06: recordings only, and without speakers.
        STTModelInfo("pulse-pro", live=False, recordings=True, ignored=frozenset({"diarize"})),
    )
}
"""Every STT model that is known, and which call takes it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
"""What can be part of a path and of a request; a whole sentence in the wrong argument cannot."""


def _letters(model: str) -> str:
    return re.sub(r"[^a-z0-9]", "", model.lower())


_BY_LETTERS = {_letters(name): name for name in (*TTS_MODELS, *STT_MODELS)}


def canonical_model(model: str) -> str:
    """Return a model id spelled with hyphens.

    `lightning_v3.1_pro`, `Lightning-V3.1-Pro` and `LIGHTNING_V3_1_PRO` become `lightning-v3.1-pro`; a name that the
    catalogue does not know is lower-cased, with hyphens for underscores and blanks.
    """
    name = re.sub(r"[\s_]+", "-", str(model).strip().lower())
    return _BY_LETTERS.get(_letters(name), name) if _NAME.fullmatch(name) else name


def tts_model(model: str) -> TTSModelInfo:
    """Look a TTS model up by any spelling.

    Returns:
        What is known of it. A model that the catalogue does not know is assumed to be served as today's are:
        at the unified endpoint, with an underscore in its wire id.

    Raises:
        ConfigError: A text that cannot be the name of a model, or the name of an STT model.
    """
    name, choose = canonical_model(model), f"choose one of {', '.join(TTS_MODELS)}."
    if (info := TTS_MODELS.get(name)) is not None:
        return info
    if name in STT_MODELS:
        raise ConfigError(f"{model!r} is a speech-to-text model; {choose}")
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{str(model)[:80]!r} is not the name of a TTS model; {choose}")
    return TTSModelInfo(name, name.replace("-", "_"), "", frozenset(), known=False)


def stt_model(model: str) -> str:
    """Return the id of an STT model; one that the catalogue does not know is passed on.

    Raises:
        ConfigError: A text that cannot be the name of a model, or the name of a TTS model.
    """
    name, choose = canonical_model(model), f"choose one of {', '.join(STT_MODELS)}."
    if name in TTS_MODELS:
        raise ConfigError(f"{model!r} is a text-to-speech model; {choose}")
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{str(model)[:80]!r} is not the name of an STT model; {choose}")
    return name


def check_live_model(model: str) -> None:
    """Raise for an STT model that does not transcribe streams.

    Raises:
        ConfigError: It transcribes whole recordings only.
    """
    info = STT_MODELS.get(canonical_model(model))
    if info is not None and not info.live:
        live = " or ".join(m.id for m in STT_MODELS.values() if m.live)
        raise ConfigError(
            f"{info.id} transcribes whole recordings only: use transcribe_recording(..., model={info.id!r}). "
            f"Live transcription needs {live}."
        )


def stt_host(base_url: str, language: str) -> str:
    """Return the base URL for a language without its trailing slash: some are served in the US only."""
    base = base_url.rstrip("/")
    return US_BASE_URL if base == DEFAULT_BASE_URL and needs_us_host(language) else base


def unknown_model_warning(model: str, known: Iterable[str]) -> str:
    """Return the warning for a model that the catalogue does not know."""
    served = [name for name in known if not getattr(TTS_MODELS.get(name), "retired", None)]
    near = difflib.get_close_matches(model, served, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"The model {model!r} is not known to this version of smallest_nb; it is sent unchanged.{hint}"
