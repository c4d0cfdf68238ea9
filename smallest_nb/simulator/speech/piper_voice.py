"""Which voice the simulator speaks with: espeak-ng's, or a Piper voice that a person has."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from smallest_nb.api.voices import VOICES
from smallest_nb.errors import ConfigError

__all__ = ["ENV_SPEECH", "ESPEAK", "PiperVoice", "choose_speech", "describe_speech", "read_speech"]

ENV_SPEECH = "SMALLEST_NB_SPEECH"
ESPEAK = "espeak-ng"
_PIPER = "piper:"
_FORM = f"expected {ESPEAK!r} or 'piper:PATH.onnx', the file of a Piper voice with its .onnx.json beside it"
_LEAST_BYTES = 200
_MOST_JSON_BYTES = 4_000_000
# espeak-ng's codes of languages whose service code is another one.
_LANGUAGES = {"cmn": "zh", "nb": "no"}
_INDICES = {voice.id: number for number, voice in enumerate(VOICES)}


@dataclass(frozen=True, slots=True)
class PiperVoice:
    """A Piper voice's files, as far as its JSON describes them.

    Attributes:
        path: Its model.
        language: What it speaks, a service code without region.
        speakers: How many it has.
        names: Numbers of speakers that have names.
    """

    path: Path
    language: str
    speakers: int
    names: Mapping[str, int]

    def speaks(self, language: str) -> bool:
        """Say whether a text of this language is for it; `auto` is English."""
        return self.language == ("en" if language == "auto" else language.partition("-")[0].lower())

    def choose_speaker(self, voice_id: str) -> int:
        """Return which of its speakers stands for a voice of the catalog, always the same one."""
        named = self.names.get(voice_id)
        number = named if named is not None else _INDICES.get(voice_id, crc32(voice_id.encode()))
        return number % self.speakers


def choose_speech(speech: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """Return what is asked for: "espeak-ng" or "piper:PATH.onnx".

    Args:
        speech: What was chosen, or None.
        environment: May name the usual one in SMALLEST_NB_SPEECH.
    """
    return speech if speech is not None else environment.get(ENV_SPEECH, "").strip() or ESPEAK


def read_speech(speech: str, name: str = "speech") -> PiperVoice | None:
    """Return the Piper voice that is asked for; None for espeak-ng.

    Args:
        speech: "espeak-ng" or "piper:PATH.onnx".
        name: What the value is called in an error.

    Raises:
        ConfigError: It is neither, or the files are not those of a Piper voice.
    """
    if speech == ESPEAK:
        return None
    if not speech.startswith(_PIPER) or not speech.removeprefix(_PIPER).strip():
        raise ConfigError(f"{name}={speech!r} names no voice; {_FORM}.")
    path = Path(speech.removeprefix(_PIPER).strip()).expanduser().absolute()
    if path.suffix != ".onnx":
        raise ConfigError(f"{name}={speech!r} is no Piper voice: {path.name!r} does not end in .onnx; {_FORM}.")
    if not path.is_file():
        what = "is no file" if path.exists() else "does not exist"
        raise ConfigError(f"The Piper voice {path} {what}; give the path of a voice that you downloaded.")
    beside = path.with_name(path.name + ".json")
    if not beside.is_file():
        raise ConfigError(f"The Piper voice {path} has no {beside.name} beside it; download both files of the voice.")
    try:
        size = path.stat().st_size
        text = beside.read_text(encoding="utf-8") if beside.stat().st_size <= _MOST_JSON_BYTES else ""
        config = json.loads(text)
    except OSError as error:
        raise ConfigError(f"The Piper voice {path} cannot be read: {error.strerror or error}.") from None
    except ValueError:
        raise ConfigError(f"{beside} is no JSON; download the voice's .onnx.json again.") from None
    if size < _LEAST_BYTES:
        raise ConfigError(f"{path} holds {size} bytes, which is no model; download the voice's .onnx again.")
    try:
        return _read_config(path, config)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ConfigError(
            f"{beside} describes no Piper voice: it has no audio.sample_rate, espeak.voice, phoneme_id_map, "
            "num_symbols or num_speakers, or one of another type; give a voice of Piper with its own JSON."
        ) from None


def _read_config(path: Path, config: Any) -> PiperVoice:
    if int(config["audio"]["sample_rate"]) <= 0 or int(config["num_symbols"]) <= 0 or not config["phoneme_id_map"]:
        raise ValueError
    spoken = str((config.get("language") or {}).get("family") or config["espeak"]["voice"]).partition("-")[0].lower()
    names = {str(k): int(v) for k, v in (config.get("speaker_id_map") or {}).items()}
    return PiperVoice(path, _LANGUAGES.get(spoken, spoken), max(1, int(config["num_speakers"])), names)


def describe_speech(voice: PiperVoice | None) -> str:
    """Return in words which voice speaks."""
    if voice is None:
        return "espeak-ng speech"
    return f"speech by the Piper voice {voice.path.stem} ({voice.language}), espeak-ng for other languages"
