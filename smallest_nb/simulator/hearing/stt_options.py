"""The query of a transcription, read and checked (protocol notes, 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smallest_nb.api.catalog import STT_ENCODINGS, STT_SAMPLE_RATES
from smallest_nb.simulator.hearing.keywords import Keyword, parse_keywords
from smallest_nb.simulator.text.wording import Wording

__all__ = ["BadQuery", "STTOptions", "read_whole_number"]

_MODELS = ("pulse",)
_DECODED = ("linear16", "linear32", "mulaw", "alaw")
_MAX_SHOWN = 60
_MAX_DIGITS = 100
_WORDS_TO_FINAL = 10
"""The service ends a segment every few words; at most ten were observed (`stt-live-ws.yaml`, finalize_on_words)."""
_NUMERALS = {"true": "true", "always": "true", "false": "false", "none": "false", "auto": "auto"}


class BadQuery(Exception):  # noqa: N818 - an HTTP 400, not a failure
    """A query that the service refuses before the upgrade."""


@dataclass(frozen=True, slots=True)
class STTOptions:
    """A session's query.

    Attributes:
        silence_ms: Silence that ends a segment, or None for never.
        max_words: Words that end a segment, or None for any number.
        vad_events: Send a frame when speech starts and when it ends.
        interims: Whether hypotheses are wanted before a segment ends.
        places: Whether anybody asks where words lie in the sound, which takes a third of the time.
    """

    language: str
    wording: Wording
    sample_rate: int = 16000
    encoding: str = "linear16"
    word_timestamps: bool = False
    sentence_timestamps: bool = False
    full_transcript: bool = False
    silence_ms: float | None = 800.0
    max_words: int | None = _WORDS_TO_FINAL
    diarize: bool = False
    redact_pii: bool = False
    redact_pci: bool = False
    vad_events: bool = False
    keywords: tuple[Keyword, ...] = ()
    interims: bool = True
    places: bool = True

    @classmethod
    def read(cls, query: Mapping[str, str], *, legacy: bool, streamed: bool = True) -> STTOptions:
        """Read a query.

        Args:
            query: Parameters by name; unknown ones are ignored, as the service does.
            legacy: At `/pulse/get_text`, which needs no model and sends word times unless the query says otherwise.
            streamed: Over a socket, whose segments end by themselves.

        Raises:
            BadQuery: What the service answers with HTTP 400.
        """
        models = _MODELS if streamed else (*_MODELS, "pulse-pro")
        if not legacy and query.get("model") not in models:
            raise BadQuery(f"model must be {' or '.join(models)}, got {query.get('model')!r}")
        rate = read_whole_number(query, "sample_rate", 16000, 1, 10**6)
        if rate not in STT_SAMPLE_RATES:
            raise BadQuery(f"sample_rate must be one of {STT_SAMPLE_RATES}, got {rate}")
        encoding = query.get("encoding", "linear16")
        if encoding not in STT_ENCODINGS:
            raise BadQuery(f"encoding must be one of {STT_ENCODINGS}, got {encoding!r}")
        if streamed and encoding not in _DECODED:
            raise BadQuery(f"the simulator decodes a stream of {', '.join(_DECODED)}, not {encoding!r}")
        numerals = query.get("numerals", "auto")
        if numerals not in _NUMERALS:
            raise BadQuery(f"numerals must be one of {tuple(_NUMERALS)}, got {numerals!r}")
        endpointing = read_whole_number(query, "endpointing_timeout", 800, 0, 60000)
        silence = read_whole_number(query, "eou_timeout_ms", endpointing, 100, 10000)
        most_words = _WORDS_TO_FINAL if _flag(query, "finalize_on_words", default=True) else 0
        words = read_whole_number(query, "max_words", most_words, 0, 10000)
        formatted = _flag(query, "format", default=True)
        language = query.get("language", "en")
        return cls(
            language=language,
            wording=Wording(
                language=language,
                punctuate=formatted and _flag(query, "punctuate", default=True),
                capitalize=formatted and _flag(query, "capitalize", default=True),
                numerals=_NUMERALS[numerals],
                itn=formatted and _flag(query, "itn_normalize"),
            ),
            sample_rate=rate,
            encoding=encoding,
            word_timestamps=_flag(query, "word_timestamps", default=legacy and streamed),
            sentence_timestamps=_flag(query, "sentence_timestamps"),
            full_transcript=_flag(query, "full_transcript"),
            silence_ms=float(silence) if streamed and _flag(query, "endpointing", default=True) else None,
            max_words=(words or None) if streamed else None,
            diarize=_flag(query, "diarize"),
            redact_pii=_flag(query, "redact_pii"),
            redact_pci=_flag(query, "redact_pci"),
            vad_events=_flag(query, "vad_events", default=_flag(query, "vad")),
            keywords=parse_keywords(query.get("keywords", "")),
        )


def _flag(query: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = query.get(name)
    if value is None:
        return default
    if value.lower() not in ("true", "false"):
        raise BadQuery(f"{name} must be 'true' or 'false', got {value!r}")
    return value.lower() == "true"


def read_whole_number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """Read a parameter.

    Raises:
        BadQuery: Anything but the digits 0 to 9, or a number out of range.
    """
    value = query.get(name)
    if value is None:
        return default
    # Not isdigit() alone: "²" is a digit that int() does not take, and neither does it take 5,000 of them.
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS and low <= int(value) <= high):
        shown = value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "..."
        raise BadQuery(f"{name} must be a whole number from {low} to {high}, got {shown!r}")
    return int(value)
