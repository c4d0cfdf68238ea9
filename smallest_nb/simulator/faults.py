"""How the simulator behaves: its limits, and the faults that it can be made to show.

A fault is switched on at start (`--fault NAME[=VALUE]`), for one connection (query `fault=NAME[=VALUE]` or header
`X-Simulator-Fault: NAME[=VALUE], ...`), or by setting the attribute of a running simulator's `behaviour`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smallest_nb.api.catalog import TTS_MODELS, canonical_model
from smallest_nb.errors import ConfigError
from smallest_nb.simulator.hearing.engines import HEARING, choose_hearing
from smallest_nb.simulator.http import HTTPRequest
from smallest_nb.simulator.latency import latency
from smallest_nb.simulator.speech.piper_voice import choose_speech, read_speech

__all__ = ["FAULT_HEADER", "Behaviour", "describe_faults", "parse_faults", "read_faults"]

FAULT_HEADER = "X-Simulator-Fault"
ENGINES = ("speech", "signal")
_OWN = ("limit", "own")
REGIONS = ("in", "us")
_REJECT = (401, 403, 429, 500, 503)
_SHAPES = ("message", "object", "text")
_CLOSE_CODES = (1000, 1001, 1008, 1011, 1013)
_MAX_SECONDS = 86_400.0
_MAX_COUNT = 2**31 - 1


def _knob(default: Any, description: str, kind: str = "flag", choices: tuple[Any, ...] = (), least: float = 1) -> Any:
    """Describe a switch.

    Args:
        default: Its value; None if the switch may be off.
        description: What it does.
        kind: Of its values. Not offered to connections are a "limit", a whole number, and an "own" text.
        choices: The values that it takes, if these can be listed.
        least: The smallest number that it takes.
    """
    return field(
        default=default, metadata={"description": description, "kind": kind, "choices": choices, "least": least}
    )


@dataclass(slots=True)
class Behaviour:
    """Switches; they may be changed between requests.

    Attributes:
        engine: "speech" synthesizes and recognises; "signal" sends and reads tones, cheaply and in any language.
        hearing: Which recogniser hears: "moonshine", "pocketsphinx", "whisper" or "signal". None is the engine's usual
            one: Moonshine, or what SMALLEST_NB_HEARING names. Where it is not installed, the next one is used.
        hearing_model: The recogniser's model, a name or a folder; None for its usual one.
        speech: Whose voice speaks: "espeak-ng", or "piper:PATH.onnx", a Piper voice with its .onnx.json beside it; that
            needs the package piper-tts. None is espeak-ng's, or what SMALLEST_NB_SPEECH names.
        concurrency: Units of an account: requests at once, and a fifth of its TTS sockets.
        stt_sessions: Transcriptions of an account at once; further ones are closed with 1008.
        hearing_sessions: Recognisers that this machine manages; further transcriptions get HTTP 429.
        idle_secs: Seconds after which a silent TTS socket is closed, unless `?timeout=` says otherwise.
        region: "in" or "us": which languages of transcription are served.
        latency: A preset of `latency.LATENCIES`.
        pace: Audio is sent at most this many times real time; None sends it as it is made.
        first_audio_secs: Seconds before the first chunk of speech.
        retired: Models that are withdrawn, such as `{"lightning-v2"}`, in any spelling: HTTP 410 for their own paths
            and for calls that name them, an error frame on a socket.
        reject: HTTP status for every handshake and call, or None.
        retry_after: The Retry-After header that goes with `reject`, seconds.
        close_at_connect: Close code sent right after the handshake, or None.
        silent: Accept TTS requests and answer nothing.
        close_after_complete: Close the TTS socket after each `complete`, as one document says.
        complete_without_audio: Answer with `complete` and no chunk.
        truncate_after: Drop the TTS connection after this many bytes of audio, once, then forget it.
        error_shape: How errors are written: "message", "object" or "text".
        drip: Bytes of audio in a chunk at most, or None for the service's own sizes.
        unknown_frames: Send frames of a type that no client knows, which clients must ignore.
        drop_after_secs: Drop the STT connection after this many seconds of audio, once, then forget it.
        duplicate_finals: Send each final twice.
        punctuation_finals: Send a final of nothing but a full stop after each final.
    """

    engine: str = _knob("speech", "speech: voice and recogniser; signal: cheap tones", "choice", ENGINES)
    hearing: str | None = _knob(None, "which recogniser hears", "choice", HEARING)
    hearing_model: str | None = _knob(None, "the recogniser's model, a name or a folder", "own")
    speech: str | None = _knob(None, "whose voice speaks: espeak-ng or piper:PATH.onnx", "own")
    concurrency: int = _knob(10, "requests of one account at once", "limit")
    stt_sessions: int = _knob(100, "transcriptions of one account at once", "limit")
    hearing_sessions: int = _knob(8, "recognisers that this machine manages", "limit")
    idle_secs: float = _knob(60.0, "close a silent TTS socket after this many seconds", "seconds", least=0.001)
    region: str = _knob("in", "which languages are transcribed: in or us", "choice", REGIONS)
    latency: str = _knob("none", "none, in-region or far-laptop", "latency")
    pace: float | None = _knob(None, "send audio at most this many times real time", "seconds", least=0.001)
    first_audio_secs: float = _knob(0.0, "wait before the first chunk of speech", "seconds", least=0)
    retired: frozenset[str] = _knob(frozenset(), "withdraw this model: HTTP 410, or an error frame", "model")
    reject: int | None = _knob(None, "refuse every handshake and call with this HTTP status", "choice", _REJECT)
    retry_after: int | None = _knob(None, "seconds in the Retry-After header of a refusal", "count", least=0)
    close_at_connect: int | None = _knob(None, "close with this code after the handshake", "choice", _CLOSE_CODES)
    silent: bool = _knob(default=False, description="accept TTS requests and answer nothing")
    close_after_complete: bool = _knob(default=False, description="close the TTS socket after each complete")
    complete_without_audio: bool = _knob(default=False, description="answer with complete and no audio")
    truncate_after: int | None = _knob(None, "drop the TTS connection after this many bytes, once", "count", least=0)
    error_shape: str = _knob("object", "how errors are written: message, object or text", "choice", _SHAPES)
    drip: int | None = _knob(None, "bytes of audio in a chunk at most", "count")
    unknown_frames: bool = _knob(default=False, description="send frames of unknown types in between")
    drop_after_secs: float | None = _knob(
        None, "drop the STT connection after this much audio, once", "seconds", least=0
    )
    duplicate_finals: bool = _knob(default=False, description="send each final twice")
    punctuation_finals: bool = _knob(default=False, description="follow each final by one of a full stop alone")

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a switch, also while the simulator runs.

        Raises:
            ConfigError: A value that it does not take.
        """
        if name == "retired":
            names = {value} if isinstance(value, str) else value
            value = frozenset(canonical_model(model) for model in names)
        elif (knob := self.__dataclass_fields__.get(name)) is not None:
            _check(name, value, knob)
        object.__setattr__(self, name, value)

    @property
    def chosen_hearing(self) -> str:
        """The recogniser that is asked for.

        Raises:
            ConfigError: SMALLEST_NB_HEARING names none.
        """
        return choose_hearing(self.hearing, self.engine)

    @property
    def chosen_speech(self) -> str:
        """What speaks, as `--speech` names it."""
        return choose_speech(self.speech)

    def withdraws(self, model: str | None) -> bool:
        """Say whether a model is withdrawn, in whatever spelling it is named."""
        return model is not None and canonical_model(model) in self.retired

    def with_faults(self, faults: Mapping[str, Any]) -> Behaviour:
        """Return this one, or a copy with some switches thrown, for one connection."""
        return dataclasses.replace(self, **faults) if faults else self


def _check(name: str, value: Any, knob: dataclasses.Field[Any]) -> None:
    kind, choices = knob.metadata["kind"], knob.metadata["choices"]
    if choices and value is not None and value not in choices:
        raise ConfigError(f"{name}={value!r} cannot be shown; choose one of {choices}.")
    if kind == "latency":
        latency(value)
    if kind == "own" and value is not None and (not isinstance(value, str) or not value.strip()):
        raise ConfigError(f"{name}={value!r} cannot be used; expected a text, or None for the usual one.")
    if name == "speech" and value is not None:
        read_speech(value)
    if kind not in ("seconds", "count", "limit") or (value is None and knob.default is None):
        return
    most, form = (_MAX_SECONDS, "a number") if kind == "seconds" else (_MAX_COUNT, "a whole number")
    types = int | float if kind == "seconds" else int
    if isinstance(value, bool) or not isinstance(value, types) or not knob.metadata["least"] <= value <= most:
        off = ", or None for off" if knob.default is None else ""
        raise ConfigError(
            f"{name}={value!r} cannot be used; expected {form} from {knob.metadata['least']:g} to {most:g}{off}."
        )


def describe_faults() -> dict[str, str]:
    """Return every fault that a connection can ask for, with what it does."""
    return {k.name: k.metadata["description"] for k in dataclasses.fields(Behaviour) if k.metadata["kind"] not in _OWN}


def parse_faults(faults: Iterable[str]) -> dict[str, Any]:
    """Read `NAME` or `NAME=VALUE`, several of them separated by commas.

    Raises:
        ConfigError: No such fault, or a value that it does not take.
    """
    fields = {k.name: k.metadata for k in dataclasses.fields(Behaviour) if k.metadata["kind"] not in _OWN}
    found: dict[str, Any] = {}
    for fault in (part.strip() for text in faults for part in text.split(",")):
        name, _, value = fault.partition("=")
        name = name.strip().replace("-", "_")
        if not name:
            continue
        if name not in fields:
            raise ConfigError(f"fault {name!r} is unknown; choose one of {', '.join(fields)}.")
        read = _parse_value(name, value.strip(), fields[name])
        found[name] = found[name] | read if name in found and name == "retired" else read
    Behaviour(**found)
    return found


def read_faults(request: HTTPRequest) -> dict[str, Any]:
    """Return the faults that a request asks for, in its query or its header.

    Raises:
        ConfigError: No such fault, or a value that it does not take.
    """
    return parse_faults([*request.query.get("fault", ()), request.headers.get(FAULT_HEADER.lower(), "")])


def _parse_value(name: str, value: str, metadata: Mapping[str, Any]) -> Any:
    kind, choices = metadata["kind"], metadata["choices"]
    if kind == "flag" and value.lower() in ("", "true", "1", "on"):
        return True
    if kind == "flag" and value.lower() in ("false", "0", "off"):
        return False
    if kind == "latency" and value:
        return value
    try:
        if kind == "model":
            return frozenset({TTS_MODELS[canonical_model(value)].id})
        if kind == "seconds":
            return float(value)
        if kind == "count" or (kind == "choice" and isinstance(choices[0], int)):
            return int(value)
        if kind == "choice" and value:
            return value
    except (KeyError, ValueError):
        pass
    raise ConfigError(f"fault {name}={value!r} cannot be used; {metadata['description']}.")
