"""Speech-to-text on the wire: settings to URL, control frames, results to events. Pure.

Every row of section 6 of the protocol notes that concerns STT is decided here, once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from smallest_nb.catalog import DEFAULT_BASE_URL, US_BASE_URL, check_live_model
from smallest_nb.errors import ConfigError
from smallest_nb.language import needs_us_host, service_code
from smallest_nb.protocol.errors import ErrorInfo, normalize_error
from smallest_nb.settings import NUMERALS, SmallestSTTSettings
from smallest_nb.transcript import Segment, Word

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
    "parse_segment",
    "parse_stt_frame",
    "stt_url",
]

FINALIZE = '{"type":"finalize"}'
CLOSE_STREAM = '{"type":"close_stream"}'
KEEPALIVE = '{"type":"keepalive"}'
KEYWORD_CAP = 100
"""Keywords that count (documentation repository, commit 04e2e661)."""

_SAID_WHEN_SET = (
    "eou_timeout_ms",
    "format",
    "punctuate",
    "capitalize",
    "itn_normalize",
    "finalize_on_words",
    "max_words",
    "vad_events",
)

_PUNCTUATION_ONLY = re.compile(r"^[\W_]+$", re.UNICODE)


@dataclass(frozen=True, slots=True)
class TranscriptFrame:
    """A result; `segment.text` is empty where the service had nothing to say."""

    segment: Segment
    is_last: bool = False
    full_transcript: str = ""
    from_finalize: bool = False


@dataclass(frozen=True, slots=True)
class SpeechMark:
    """Voice activity told by the service: `kind` is "speech_started" or "speech_ended", `at` in seconds."""

    kind: str
    at: float | None


@dataclass(frozen=True, slots=True)
class STTErrorFrame:
    """The service says no."""

    info: ErrorInfo


@dataclass(frozen=True, slots=True)
class STTUnknown:
    """Something new or broken; counted, never fatal."""

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
        ConfigError: Another endpoint, or a model that transcribes no streams.
    """
    if endpoint not in (None, "legacy", "unified"):
        raise ConfigError(f"endpoint={endpoint!r} cannot be used; expected None, 'legacy' or 'unified'.")
    check_live_model(str(settings.model))
    language = service_code(str(settings.language))
    base = base_url.rstrip("/")
    if needs_us_host(language) and base == DEFAULT_BASE_URL:
        base = US_BASE_URL
    query: dict[str, Any] = {} if endpoint == "legacy" else {"model": settings.model}
    query |= {"language": language, "encoding": encoding, "sample_rate": sample_rate}
    for name in ("word_timestamps", "full_transcript", "sentence_timestamps", "redact_pii", "redact_pci"):
        query[name] = _flag(getattr(settings, name))
    query["numerals"] = NUMERALS[str(settings.numerals)]
    query["diarize"] = _flag(settings.diarize)
    query["endpointing"] = _flag(settings.endpointing)
    for name in _SAID_WHEN_SET:
        value = getattr(settings, name)
        if value is not None:
            query[name] = _flag(value) if isinstance(value, bool) else value
    if settings.keywords:  # an empty parameter would register an empty keyword
        query["keywords"] = ",".join(f"{word}:{boost:g}" for word, boost in (settings.keywords or {}).items())
    query |= {k: _flag(v) if isinstance(v, bool) else v for k, v in settings.extra.items()}
    path = "/waves/v1/pulse/get_text" if endpoint == "legacy" else "/waves/v1/stt/live"
    return f"{base}{path}?{urlencode(query)}"


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
        frame = json.loads(data)
    except (ValueError, RecursionError) as error:
        return STTUnknown(f"not JSON ({error})")
    if not isinstance(frame, dict):
        return STTUnknown(f"JSON {type(frame).__name__} instead of an object")
    kind = frame.get("type")
    line = timeline or SessionTimeline()
    try:
        if kind == "pong":
            return None
        if kind in ("speech_started", "speech_ended"):
            at = frame.get("timestamp")
            return SpeechMark(kind, line.to_stream(float(at)) if at is not None else None)
        if kind == "error" or frame.get("status") == "error" or ("error" in frame and "transcript" not in frame):
            return STTErrorFrame(normalize_error(frame))
        if kind == "transcription" or "transcript" in frame or "transcription" in frame:
            return _transcript(frame, line)
    except (KeyError, TypeError, ValueError) as error:
        return STTUnknown(f"a broken {kind} frame ({type(error).__name__}: {error})")
    return STTUnknown(f"type {kind!r}")


def _transcript(frame: dict[str, Any], line: SessionTimeline) -> TranscriptFrame:
    told = str(frame.get("full_transcript") or "")
    return TranscriptFrame(
        parse_segment(frame, line), bool(frame.get("is_last")), told, bool(frame.get("from_finalize"))
    )


def parse_segment(data: dict[str, Any], timeline: SessionTimeline | None = None) -> Segment:
    """Read a segment from a result, of a stream or of a recording.

    Raises:
        KeyError, TypeError, ValueError: It is broken.
    """
    line = timeline or SessionTimeline()
    text = str(data.get("transcript") or data.get("transcription") or "").strip()
    if _PUNCTUATION_ONLY.match(text):
        text = ""
    words = tuple(_word(w, line) for w in data.get("words") or ())
    sentences = tuple(_word(u, line) for u in data.get("utterances") or ())
    timed = words or sentences
    speakers = [w.speaker for w in timed if w.speaker is not None]
    languages = data.get("languages") or [None]
    return Segment(
        text,
        is_final=bool(data.get("is_final")),
        start=timed[0].start if timed else None,
        end=timed[-1].end if timed else None,
        words=words,
        sentences=sentences,
        speaker=Counter(speakers).most_common(1)[0][0] if speakers else None,
        language=data.get("language") or languages[0],
    )


def _word(data: dict[str, Any], line: SessionTimeline) -> Word:
    text = data.get("word") or data.get("text") or data.get("transcript") or data.get("transcription") or ""
    confidence = data.get("confidence")
    return Word(
        str(text),
        line.to_stream(float(data["start"])),
        line.to_stream(float(data["end"])),
        None if confidence is None else float(confidence),
        _speaker(data.get("speaker")),
    )


def _speaker(value: Any) -> int | None:
    """Return the speaker as a number; older servers wrote `speaker_0`."""
    if value is None:
        return None
    digits = re.search(r"\d+", str(value))
    return int(digits.group()) if digits else None
