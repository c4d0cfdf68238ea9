"""Jupyter widgets and services for Smallest AI's speech API.

The public names, nothing else. Widgets are imported when first used, so that plain scripts pay nothing for Jupyter.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from smallest_nb.notebook.session import ask_key, use_service, use_simulator

if TYPE_CHECKING:
    from smallest_nb.api.catalog import SmallestSTTModel, SmallestTTSModel
    from smallest_nb.api.fields import NOT_GIVEN
    from smallest_nb.api.language import Language
    from smallest_nb.api.segment import Redaction, Segment, Word
    from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
    from smallest_nb.api.voices import Voice
    from smallest_nb.audio.clip import Clip
    from smallest_nb.audio.files import read_sound
    from smallest_nb.audio.vad import VADParams
    from smallest_nb.client.batch.many import speak_many, transcribe_many
    from smallest_nb.client.batch.results import BatchResult, BatchResults
    from smallest_nb.client.batch.sweep import sweep
    from smallest_nb.client.blocking import list_voices, speak, transcribe, transcribe_recording
    from smallest_nb.client.conversation.clock import ConversationClock
    from smallest_nb.client.conversation.converse import converse
    from smallest_nb.client.conversation.sinks import ArraySink
    from smallest_nb.client.conversation.sources import ClipSource
    from smallest_nb.client.stt import SmallestSTTService
    from smallest_nb.client.tts import AudioChunk, SmallestTTSService, WordTiming
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
    from smallest_nb.notebook.widgets.doctor import doctor
    from smallest_nb.notebook.widgets.listening_test import ListeningTest
    from smallest_nb.notebook.widgets.live_transcriber import LiveTranscriber
    from smallest_nb.notebook.widgets.microphone import Microphone
    from smallest_nb.notebook.widgets.player import Player
    from smallest_nb.notebook.widgets.settings_panel import SettingsPanel
    from smallest_nb.notebook.widgets.transcript_view import TranscriptView
    from smallest_nb.notebook.widgets.voice_tuner import VoiceTuner
    from smallest_nb.results.conversation import ConversationRecord, ConversationTurn
    from smallest_nb.results.takes import Grid, Take, Takes
    from smallest_nb.results.transcript import Comparison, Match, Recording, Transcript
    from smallest_nb.testing.cassette import record, replay

_HOMES = {
    "api.catalog": ("SmallestSTTModel", "SmallestTTSModel"),
    "api.fields": ("NOT_GIVEN",),
    "api.language": ("Language",),
    "api.segment": ("Redaction", "Segment", "Word"),
    "api.settings": ("SmallestSTTSettings", "SmallestTTSSettings"),
    "api.voices": ("Voice",),
    "audio.clip": ("Clip",),
    "audio.files": ("read_sound",),
    "audio.vad": ("VADParams",),
    "client.batch.many": ("speak_many", "transcribe_many"),
    "client.batch.results": ("BatchResult", "BatchResults"),
    "client.batch.sweep": ("sweep",),
    "client.blocking": ("list_voices", "speak", "transcribe", "transcribe_recording"),
    "client.conversation.clock": ("ConversationClock",),
    "client.conversation.converse": ("converse",),
    "client.conversation.sinks": ("ArraySink",),
    "client.conversation.sources": ("ClipSource",),
    "client.stt": ("SmallestSTTService",),
    "client.tts": ("AudioChunk", "SmallestTTSService", "WordTiming"),
    "errors": (
        "AuthError", "CassetteError", "ConfigError", "ConnectionLost", "FrontEndError", "IncompleteError",
        "ModelRetiredError", "ProtocolError", "RateLimitError", "ServiceError", "SmallestError",
    ),
    "notebook.widgets.doctor": ("doctor",),
    "notebook.widgets.listening_test": ("ListeningTest",),
    "notebook.widgets.live_transcriber": ("LiveTranscriber",),
    "notebook.widgets.microphone": ("Microphone",),
    "notebook.widgets.player": ("Player",),
    "notebook.widgets.settings_panel": ("SettingsPanel",),
    "notebook.widgets.transcript_view": ("TranscriptView",),
    "notebook.widgets.conversation": ("Conversation",),
    "notebook.widgets.voice_tuner": ("VoiceTuner",),
    "results.conversation": ("ConversationRecord", "ConversationTurn"),
    "results.takes": ("Grid", "Take", "Takes"),
    "results.transcript": ("Comparison", "Match", "Recording", "Transcript"),
    "testing.cassette": ("record", "replay"),
}  # fmt: skip
_WHERE = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = {"colab": "notebook.colab"}
"""Modules that are documented under a shorter name: `from smallest_nb import colab`."""

__version__ = version("smallest-nb")
__all__ = [
    "NOT_GIVEN",
    "ArraySink",
    "AudioChunk",
    "AuthError",
    "BatchResult",
    "BatchResults",
    "CassetteError",
    "Clip",
    "ClipSource",
    "Comparison",
    "ConfigError",
    "ConnectionLost",
    "Conversation",
    "ConversationClock",
    "ConversationRecord",
    "ConversationTurn",
    "FrontEndError",
    "Grid",
    "IncompleteError",
    "Language",
    "ListeningTest",
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
    "converse",
    "doctor",
    "list_voices",
    "read_sound",
    "record",
    "replay",
    "speak",
    "speak_many",
    "sweep",
    "transcribe",
    "transcribe_many",
    "transcribe_recording",
    "use_service",
    "use_simulator",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value: Any = import_module(f"smallest_nb.{_MODULES[name]}")
    elif name in _WHERE:
        value = getattr(import_module(f"smallest_nb.{_WHERE[name]}"), name)
    else:
        raise AttributeError(f"module 'smallest_nb' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
