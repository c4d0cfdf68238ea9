"""Jupyter widgets and services for Smallest AI's speech API.

The public names, nothing else. Widgets are imported when first used, so that plain scripts pay nothing for Jupyter.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from smallest_nb.session import ask_key, use_service, use_simulator

if TYPE_CHECKING:
    from smallest_nb.audio import Clip
    from smallest_nb.catalog import SmallestSTTModel, SmallestTTSModel
    from smallest_nb.consult import doctor
    from smallest_nb.errors import (
        AuthError,
        CassetteError,
        ConfigError,
        ConnectionLost,
        FrontEndError,
        IncompleteError,
        ModelRetiredError,
        ProtocolError,
        RateLimitError,
        ServiceError,
        SmallestError,
    )
    from smallest_nb.fields import NOT_GIVEN
    from smallest_nb.language import Language
    from smallest_nb.link.cassette import record, replay
    from smallest_nb.oneshot import list_voices, speak, transcribe, transcribe_recording
    from smallest_nb.services.stt import SmallestSTTService
    from smallest_nb.services.tts import AudioChunk, SmallestTTSService, WordTiming
    from smallest_nb.settings import SmallestSTTSettings, SmallestTTSSettings
    from smallest_nb.sound_files import read_sound
    from smallest_nb.takes import Take, Takes
    from smallest_nb.transcript import Comparison, Match, Recording, Redaction, Segment, Transcript, Word
    from smallest_nb.vad import VADParams
    from smallest_nb.voices import Voice
    from smallest_nb.widgets.live_transcriber import LiveTranscriber
    from smallest_nb.widgets.microphone import Microphone
    from smallest_nb.widgets.player import Player
    from smallest_nb.widgets.settings_panel import SettingsPanel
    from smallest_nb.widgets.transcript_view import TranscriptView
    from smallest_nb.widgets.voice_tuner import VoiceTuner

_HOMES = {
    "audio": ("Clip",),
    "catalog": ("SmallestSTTModel", "SmallestTTSModel"),
    "consult": ("doctor",),
    "errors": (
        "AuthError", "CassetteError", "ConfigError", "ConnectionLost", "FrontEndError", "IncompleteError",
        "ModelRetiredError", "ProtocolError", "RateLimitError", "ServiceError", "SmallestError",
    ),
    "fields": ("NOT_GIVEN",),
    "language": ("Language",),
    "link.cassette": ("record", "replay"),
    "oneshot": ("list_voices", "speak", "transcribe", "transcribe_recording"),
    "services.stt": ("SmallestSTTService",),
    "services.tts": ("AudioChunk", "SmallestTTSService", "WordTiming"),
    "settings": ("SmallestSTTSettings", "SmallestTTSSettings"),
    "sound_files": ("read_sound",),
    "takes": ("Take", "Takes"),
    "transcript": ("Comparison", "Match", "Recording", "Redaction", "Segment", "Transcript", "Word"),
    "vad": ("VADParams",),
    "voices": ("Voice",),
    "widgets.live_transcriber": ("LiveTranscriber",),
    "widgets.microphone": ("Microphone",),
    "widgets.player": ("Player",),
    "widgets.settings_panel": ("SettingsPanel",),
    "widgets.transcript_view": ("TranscriptView",),
    "widgets.voice_tuner": ("VoiceTuner",),
}  # fmt: skip
_WHERE = {name: module for module, names in _HOMES.items() for name in names}

__version__ = version("smallest-nb")
__all__ = [
    "NOT_GIVEN",
    "AudioChunk",
    "AuthError",
    "CassetteError",
    "Clip",
    "Comparison",
    "ConfigError",
    "ConnectionLost",
    "FrontEndError",
    "IncompleteError",
    "Language",
    "LiveTranscriber",
    "Match",
    "Microphone",
    "ModelRetiredError",
    "Player",
    "ProtocolError",
    "RateLimitError",
    "Recording",
    "Redaction",
    "Segment",
    "ServiceError",
    "SettingsPanel",
    "SmallestError",
    "SmallestSTTModel",
    "SmallestSTTService",
    "SmallestSTTSettings",
    "SmallestTTSModel",
    "SmallestTTSService",
    "SmallestTTSSettings",
    "Take",
    "Takes",
    "Transcript",
    "TranscriptView",
    "VADParams",
    "Voice",
    "VoiceTuner",
    "Word",
    "WordTiming",
    "ask_key",
    "doctor",
    "list_voices",
    "read_sound",
    "record",
    "replay",
    "speak",
    "transcribe",
    "transcribe_recording",
    "use_service",
    "use_simulator",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'smallest_nb' has no attribute {name!r}")
    value = getattr(import_module(f"smallest_nb.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
