"""Speech-to-text on the wire: settings to URL, control frames, results to events. Pure.

Every row of section 6 of the protocol notes that concerns STT is decided here, once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from smallest_nb.api.catalog import DEFAULT_BASE_URL, US_BASE_URL, check_live_model
from smallest_nb.api.error_shapes import ErrorInfo, normalize_error
from smallest_nb.api.language import needs_us_host, service_code
from smallest_nb.api.segment import Segment, Word
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
    "parse_segment",
    "parse_stt_frame",
    "stt_url",
    "timed_items",
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
_TEXT_KEYS = ("transcript", "transcription")
_WORD_KEYS = ("word", "text", "transcript", "transcription")
_SPEAKER_NAME = re.compile(r"[^\d-]{0,20}(\d{1,6})")
_MOST_SPEAKERS = 10**6
_LONGEST_SESSION_SECS = 10.0**6
"""Eleven days: a time beyond it is none."""
_ROUNDING_SECS = 0.1
"""Recognisers place the first word up to this much before the start; it then begins at 0."""


@dataclass(frozen=True, slots=True)
class TranscriptFrame:
    """A result; `segment.text` is empty where the service had nothing to say."""

    segment: Segment
    is_last: bool = False
    full_transcript: str = ""
    from_finalize: bool = False
    ends_exactly: bool = True
    """Whether `segment.end`, if there is one, is where its last word ends."""


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
    return f"{base}{path}?{urlencode(whole_characters(query))}"


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
        frame = parse_json(data)
    except ValueError as error:
        return STTUnknown(f"not JSON ({error})")
    if not isinstance(frame, dict):
        return STTUnknown(f"JSON {type(frame).__name__} instead of an object")
    kind = frame.get("type")
    line = timeline or SessionTimeline()
    try:
        if kind == "pong":
            return None
        if kind in ("speech_started", "speech_ended"):
            at = _number(frame.get("timestamp"), _LONGEST_SESSION_SECS)
            return SpeechMark(kind, None if at is None else line.to_stream(at))
        if kind == "error" or frame.get("status") == "error" or ("error" in frame and "transcript" not in frame):
            return STTErrorFrame(normalize_error(frame))
        if kind == "transcription" or "transcript" in frame or "transcription" in frame:
            return _transcript(frame, line)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return STTUnknown(f"a broken {kind!r:.40} frame ({type(error).__name__}: {error})")
    return STTUnknown(f"type {kind!r:.80}")


def _transcript(frame: dict[str, Any], line: SessionTimeline) -> TranscriptFrame:
    full_transcript = frame.get("full_transcript")
    return TranscriptFrame(
        parse_segment(frame, line),
        _is_true(frame.get("is_last")),
        full_transcript if isinstance(full_transcript, str) else "",
        _is_true(frame.get("from_finalize")),
        _ends_exactly(frame),
    )


def parse_segment(data: Mapping[str, Any], timeline: SessionTimeline | None = None) -> Segment:
    """Read a segment from a result, of a stream or of a recording.

    What cannot be read of a word costs that word's times: it stays in the text and is left out of `words`, all of which
    have times. Nothing raises.
    """
    line = timeline or SessionTimeline()
    text = _text_of(data, *_TEXT_KEYS)
    if not any(isinstance(data.get(key), str) for key in _TEXT_KEYS):  # an empty text is one; null is none
        text = text or _joined(data.get("words")) or _joined(data.get("utterances"))
    if _PUNCTUATION_ONLY.match(text):
        text = ""
    most = len(text)  # no text has more words than characters
    words = _timed_words(data.get("words"), most, line)
    sentences = _timed_words(data.get("utterances"), most, line)
    timed = words or sentences
    return Segment(
        text,
        is_final=_is_true(data.get("is_final")),
        start=min(w.start for w in timed) if timed else None,
        end=max(w.end for w in timed) if timed else None,
        words=words,
        sentences=sentences,
        speaker=_most_common_speaker(data, most),
        language=_language(data),
    )


def timed_items(value: Any, most: int | None = None) -> list[Mapping[str, Any]]:
    """Return those of the first `most` words or utterances of a result that have a text and times that can be."""
    items = _items(value[:most] if isinstance(value, list) else None)
    return [item for item in items if _text_of(item, *_WORD_KEYS) and _times(item) is not None]


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _joined(value: Any) -> str:
    parts = [item if isinstance(item, str) else _text_of(item, *_WORD_KEYS)
             for item in (value if isinstance(value, list) else ()) if isinstance(item, str | Mapping)]  # fmt: skip
    return " ".join(part.strip() for part in parts if part.strip())


def _text_of(data: Mapping[str, Any], *keys: str) -> str:
    """Return the first text that is there; a number is one, anything else is none."""
    for key in keys:
        value = data.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _times(item: Mapping[str, Any]) -> tuple[float, float] | None:
    start = _number(item.get("start"), _LONGEST_SESSION_SECS, least=-_ROUNDING_SECS)
    end = _number(item.get("end"), _LONGEST_SESSION_SECS)
    start = None if start is None else max(start, 0.0)
    return None if start is None or end is None or end < start else (start, end)


def _number(value: Any, most: float, *, least: float = 0.0) -> float | None:
    """Return a number from `least` to `most`; a text that is one counts, NaN and everything else does not."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if least <= number <= most else None


def _timed_words(value: Any, most: int, line: SessionTimeline) -> tuple[Word, ...]:
    """Return the words or utterances that :func:`timed_items` returns, each of them looked at once."""
    if not value:
        return ()
    words: list[Word] = []
    for item in _items(value[:most] if isinstance(value, list) else None):
        text, times = _text_of(item, *_WORD_KEYS), _times(item)
        if text and times is not None:
            confidence, speaker = _number(item.get("confidence"), 1.0), _speaker(item.get("speaker"))
            words.append(Word(text, line.to_stream(times[0]), line.to_stream(times[1]), confidence, speaker))
    return tuple(words)


def _ends_exactly(data: Mapping[str, Any]) -> bool:
    """Say whether the last word, or else the last sentence, has times: where it ends, the result ends."""
    value = data.get("words") or data.get("utterances")
    return bool(isinstance(value, list) and value and timed_items(value[-1:]))


def _most_common_speaker(data: Mapping[str, Any], most: int) -> int | None:
    """Return the speaker of most words; those without times have one too."""
    for name in ("words", "utterances"):
        value = data.get(name)
        if not value:
            continue
        found = [_speaker(item.get("speaker")) for item in _items(value[:most] if isinstance(value, list) else None)]
        speakers = [speaker for speaker in found if speaker is not None]
        if speakers:
            return Counter(speakers).most_common(1)[0][0]
    return None


def _language(data: Mapping[str, Any]) -> str | None:
    languages = data.get("languages")
    candidates = [data.get("language"), *(languages[:1] if isinstance(languages, list) else ())]
    return next((name for name in candidates if isinstance(name, str) and name), None)


def _is_true(value: Any) -> bool:
    return value.strip().lower() == "true" if isinstance(value, str) else value is True or value == 1


def _speaker(value: Any) -> int | None:
    """Return the speaker as a number from 0; older servers wrote `speaker_0`."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        found = _SPEAKER_NAME.fullmatch(value.strip())
        return int(found[1]) if found else None
    return int(value) if 0 <= value < _MOST_SPEAKERS and value == int(value) else None
