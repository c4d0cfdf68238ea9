"""Speech-to-text on the wire: settings to URL, control frames, received frames to events.

What the vendor's documents leave open or contradict is decided here and in `segment_parser`, once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict, cast
from urllib.parse import urlencode

from smallest_nb.api.catalog import check_live_model, stt_host
from smallest_nb.api.error_shapes import ErrorInfo, normalize_error
from smallest_nb.api.language import service_code
from smallest_nb.api.segment import Segment
from smallest_nb.api.segment_parser import ends_exactly, is_true, number_within, parse_segment
from smallest_nb.api.settings import NUMERALS, SmallestSTTSettings
from smallest_nb.common.text import parse_json, whole_characters
from smallest_nb.errors import ConfigError

__all__ = [
    "CLOSE_STREAM",
    "FINALIZE",
    "KEEPALIVE",
    "KEYWORD_CAP",
    "STTErrorFrame",
    "STTUnknown",
    "SessionTimeline",
    "SpeechMark",
    "TranscriptFrame",
    "parse_stt_frame",
    "stt_url",
]

FINALIZE = '{"type":"finalize"}'
CLOSE_STREAM = '{"type":"close_stream"}'
KEEPALIVE = '{"type":"keepalive"}'
KEYWORD_CAP = 100
"""Keywords that count (documentation repository, commit 04e2e661)."""

_SENT_IF_GIVEN = (
    "eou_timeout_ms",
    "format",
    "punctuate",
    "capitalize",
    "itn_normalize",
    "finalize_on_words",
    "max_words",
    "vad_events",
)


class STTFrame(TypedDict, total=False):
    """A frame as it is received: the fields that are read. Nothing is known of a value until it has been checked."""

    type: object
    status: object
    error: object
    timestamp: object
    transcript: object
    transcription: object
    full_transcript: object
    is_final: object
    is_last: object
    from_finalize: object
    words: object
    utterances: object
    language: object
    languages: object


@dataclass(frozen=True, slots=True)
class TranscriptFrame:
    """A result; `segment.text` is empty if nothing was recognised."""

    segment: Segment
    is_last: bool = False
    full_transcript: str = ""
    from_finalize: bool = False
    ends_exactly: bool = True
    """Whether `segment.end`, if there is one, is where its last word ends."""


@dataclass(frozen=True, slots=True)
class SpeechMark:
    """Voice activity that the service detected: `kind` is "speech_started" or "speech_ended", `at` in seconds."""

    kind: str
    at: float | None


@dataclass(frozen=True, slots=True)
class STTErrorFrame:
    """An error that the service reports."""

    info: ErrorInfo


@dataclass(frozen=True, slots=True)
class STTUnknown:
    """A frame that is new or broken; it is counted, never fatal."""

    why: str


@dataclass(slots=True)
class SessionTimeline:
    """Maps the service's seconds to seconds of the caller's audio.

    The service counts every byte it hears, the silence sent to keep the socket open included, and starts at zero
    with each connection.
    """

    origin: float = 0.0
    inserted: list[tuple[float, float]] = field(default_factory=list)

    def insert(self, at: float, seconds: float) -> None:
        """Note that `seconds` of silence were sent when the service's clock stood at `at`."""
        self.inserted.append((at, seconds))

    def to_stream(self, seconds: float) -> float:
        """Return the place in the caller's audio."""
        if not self.inserted:
            return round(self.origin + seconds, 3)
        shift = sum(min(length, max(0.0, seconds - at)) for at, length in self.inserted)
        return round(self.origin + seconds - shift, 3)


def stt_url(
    base_url: str,
    settings: SmallestSTTSettings,
    *,
    sample_rate: int,
    encoding: str = "linear16",
    endpoint: str | None = None,
) -> str:
    """Return the WebSocket URL with its query.

    Args:
        base_url: Scheme and host; the default host becomes the US one for East Asian languages.
        settings: A complete snapshot.
        sample_rate: Hz of the audio that will be sent.
        encoding: Its encoding.
        endpoint: None or "unified" for `/stt/live`, "legacy" for `/pulse/get_text`.

    Raises:
        ConfigError: Another endpoint, or a model that does not transcribe streams.
    """
    if endpoint not in (None, "legacy", "unified"):
        raise ConfigError(f"endpoint={endpoint!r} cannot be used; expected None, 'legacy' or 'unified'.")
    check_live_model(str(settings.model))
    language = service_code(str(settings.language))
    query: dict[str, Any] = {} if endpoint == "legacy" else {"model": settings.model}
    query |= {"language": language, "encoding": encoding, "sample_rate": sample_rate}
    for name in ("word_timestamps", "full_transcript", "sentence_timestamps", "redact_pii", "redact_pci"):
        query[name] = _flag(getattr(settings, name))
    query["numerals"] = NUMERALS[str(settings.numerals)]
    query["diarize"] = _flag(settings.diarize)
    query["endpointing"] = _flag(settings.endpointing)
    for name in _SENT_IF_GIVEN:
        value = getattr(settings, name)
        if value is not None:
            query[name] = _flag(value) if isinstance(value, bool) else value
    if settings.keywords:  # an empty parameter would register an empty keyword
        query["keywords"] = ",".join(f"{word}:{boost:g}" for word, boost in (settings.keywords or {}).items())
    query |= {k: _flag(v) if isinstance(v, bool) else v for k, v in settings.extra.items()}
    path = "/waves/v1/pulse/get_text" if endpoint == "legacy" else "/waves/v1/stt/live"
    return f"{stt_host(base_url, language)}{path}?{urlencode(whole_characters(query))}"


def _flag(value: Any) -> str:
    return "true" if value else "false"


def parse_stt_frame(
    data: str | bytes, timeline: SessionTimeline | None = None
) -> TranscriptFrame | SpeechMark | STTErrorFrame | STTUnknown | None:
    """Read one frame.

    Args:
        data: The frame.
        timeline: Maps its times to the caller's audio; None leaves them.

    Returns:
        An event, or None for a pong.
    """
    if isinstance(data, bytes):
        return STTUnknown(f"a binary frame of {len(data)} bytes")
    try:
        parsed = parse_json(data)
    except ValueError as error:
        return STTUnknown(f"not JSON ({error})")
    if not isinstance(parsed, dict):
        return STTUnknown(f"JSON {type(parsed).__name__} instead of an object")
    frame = cast("STTFrame", parsed)
    kind = frame.get("type")
    line = timeline or SessionTimeline()
    try:
        if kind == "pong":
            return None
        if kind in ("speech_started", "speech_ended"):
            at = number_within(frame.get("timestamp"))
            return SpeechMark(str(kind), None if at is None else line.to_stream(at))
        if kind == "error" or frame.get("status") == "error" or ("error" in frame and "transcript" not in frame):
            return STTErrorFrame(normalize_error(frame))
        if kind == "transcription" or "transcript" in frame or "transcription" in frame:
            return _parse_result(frame, line)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return STTUnknown(f"a broken {kind!r:.40} frame ({type(error).__name__}: {error})")
    return STTUnknown(f"type {kind!r:.80}")


def _parse_result(frame: STTFrame, line: SessionTimeline) -> TranscriptFrame:
    full_transcript = frame.get("full_transcript")
    return TranscriptFrame(
        parse_segment(frame, line.to_stream),
        is_true(frame.get("is_last")),
        full_transcript if isinstance(full_transcript, str) else "",
        is_true(frame.get("from_finalize")),
        ends_exactly(frame),
    )
