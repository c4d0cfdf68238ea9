"""JSON: our own, the service's, and that of the Whisper programs, Transformers, OpenAI and Deepgram.

Layouts: openai-whisper's `whisper.utils.WriteJSON`; faster-whisper's `Segment` and `Word`, as dicts or as the lists
that older versions' named tuples become; whisper.cpp's `-oj` and `-ojf`; WhisperX's `segments` with speakers;
Transformers' `chunks`; OpenAI's `json` and `verbose_json`, with times of segments, of words or both; the service's and
Deepgram's answers to a recording, by utterances, paragraphs or words.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from smallest_nb.api.word_shares import share_words
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import json_storage
from smallest_nb.results.transcript.lines import UNSPACED
from smallest_nb.results.transcript.loading.rows import Loaded, Row, attach_words, group_words, make_segments

__all__ = ["read_json"]

_SPECIAL = re.compile(r"\[_[A-Z]+_\d*\]|\[_[A-Z_]+\]|<\|[^|]*\|>")
"""Tokens of Whisper that are no text: [_BEG_], [_TT_150], <|endoftext|>."""
_PLAIN_KEYS = frozenset({"text", "language", "duration", "task", "usage", "logprobs"})
"""What OpenAI's answers without times consist of."""


def read_json(text: str) -> Loaded:
    """Read a transcript.

    Raises:
        ConfigError: Not JSON, or none of these layouts.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"it is not JSON: {error}.") from error
    if isinstance(data, list):
        data = {"segments": data}
    if not isinstance(data, dict):
        raise ConfigError("it holds neither an object nor a list.")
    segments = data.get("segments")
    if "version" in data and isinstance(segments, list):
        return json_storage.loads(text)
    if isinstance(segments, list) and any(isinstance(s, dict) and "is_final" in s for s in segments):
        return json_storage.loads(text)
    try:
        return make_segments(_read_rows(data))
    except ConfigError:
        raise
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigError(f"it is not as its program writes it ({type(error).__name__}: {error}).") from error


def _read_rows(data: dict[str, Any]) -> list[Row]:
    results = data.get("results")
    if isinstance(results, dict) and ("channels" in results or "utterances" in results):
        return _read_deepgram(results)
    if isinstance(data.get("transcription"), str):
        return _read_recording(data)
    if isinstance(transcription := data.get("transcription"), list):
        result = data.get("result")
        language = result.get("language") if isinstance(result, dict) else None
        return _read_whisper_cpp(transcription, _language_code(language))
    if isinstance(chunks := data.get("chunks"), list):
        return [_read_chunk(c) for c in chunks]
    if isinstance(segments := data.get("segments"), list):
        return _read_whisper(data, segments)
    words = data.get("words")
    if isinstance(words, list) and words and "word" in words[0]:  # others count milliseconds, and say "text"
        return _read_whisper(data, [])
    if isinstance(text := data.get("text"), str) and data.keys() <= _PLAIN_KEYS:
        return [Row(text.strip(), language=_language_code(data.get("language")))]
    raise ConfigError(
        "it is not a transcript of a known program; expected segments or words (Whisper), transcription (whisper.cpp "
        "and the service), chunks (Transformers) or results with channels (Deepgram)."
    )


def _read_recording(data: dict[str, Any]) -> list[Row]:
    """Read the service's answer to a recording."""
    language = _language_code(data.get("language"))
    spoken, words = data.get("utterances") or [], data.get("words") or []
    if not spoken:
        rows = group_words([w for w in map(_read_word, words) if w["start"] is not None and w["end"] is not None])
        rows = rows or [Row(data["transcription"].strip())]
    else:
        shares = share_words(words, spoken)
        rows = [
            Row(
                str(u.get("text") or ""),
                _read_time(u.get("start")),
                _read_time(u.get("end")),
                _speaker_label(u.get("speaker")),
                [_read_word(w) for w in share],
            )
            for u, share in zip(spoken, shares, strict=True)
        ]
    for row in rows:
        row.language = language
    return rows


def _read_whisper(data: dict[str, Any], segments: list[Any]) -> list[Row]:
    language = _language_code(data.get("language"))
    rows = [_read_whisper_segment(s, language) for s in segments]
    beside = data.get("words")
    if isinstance(beside, list) and not any(r.words for r in rows):  # OpenAI's verbose_json
        words = [_read_word(w) for w in beside]
        if rows:
            attach_words(rows, words)
        else:
            words = _add_punctuation(words, str(data.get("text") or ""))
            rows = group_words([w for w in words if w["start"] is not None and w["end"] is not None])
    return [r for r in rows if r.text.strip() or r.words]


def _read_whisper_segment(data: Any, language: str | None) -> Row:
    if isinstance(data, list | tuple):  # a named tuple of faster-whisper before 1.1
        _, _, start, end, text, *_, words = data
        data = {"start": start, "end": end, "text": text, "words": words if isinstance(words, list) else None}
    words = [_read_word(w) for w in data.get("words") or ()]
    text = str(data.get("text") or "").strip() or " ".join(w["word"].strip() for w in words)
    return Row(
        text,
        _read_time(data.get("start")),
        _read_time(data.get("end")),
        _speaker_label(data.get("speaker")),
        words,
        language,
    )


def _add_punctuation(words: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Add to words the punctuation around them in the whole text: OpenAI's words have none."""
    begins: list[int] = []
    at = 0
    for word in words:
        begin = text.find(word["word"].strip(), at)
        if begin < 0:
            return words
        begins.append(begin)
        at = begin + len(word["word"].strip())
    ends = [*begins[1:], len(text)]
    begins[:1] = [0]
    return [{**w, "word": text[a:b].strip()} for w, a, b in zip(words, begins, ends, strict=True)]


def _read_word(data: Any) -> dict[str, Any]:
    if isinstance(data, list | tuple):  # a named tuple of faster-whisper before 1.1
        start, end, word, *rest = data
        return {
            "word": str(word),
            "start": _read_time(start),
            "end": _read_time(end),
            "confidence": _read_time(rest[0]) if rest else None,
        }
    confidence = next((data[k] for k in ("probability", "score", "confidence") if data.get(k) is not None), None)
    return {
        "word": str(data.get("punctuated_word") or data.get("word") or data.get("text") or ""),
        "start": _read_time(data.get("start")),
        "end": _read_time(data.get("end")),
        "confidence": _read_time(confidence),
        "speaker": _speaker_label(data.get("speaker")),
    }


def _read_whisper_cpp(transcription: list[dict[str, Any]], language: str | None) -> list[Row]:
    rows = []
    turn = 0
    turns = any("speaker_turn_next" in s for s in transcription)
    for data in transcription:
        label = _speaker_label(data.get("speaker")) if data.get("speaker") not in (None, "", "?") else None
        if turns:
            label = f"Speaker {turn % 2 + 1}"
            turn += bool(data.get("speaker_turn_next"))
        start, end = _read_offsets(data)
        words = _join_tokens(data.get("tokens") or ())
        text = _SPECIAL.sub("", str(data.get("text") or "")).strip()
        for word in words:
            word["speaker"] = label
        if text:
            rows.append(Row(text, start, end, label, words, language))
    return rows


def _join_tokens(tokens: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join tokens to words: one that begins with a space, or in a script without spaces, begins a word."""
    words: list[dict[str, Any]] = []
    sure: list[list[float]] = []
    for token in tokens:
        text = str(token.get("text") or "")
        if not text or _SPECIAL.fullmatch(text.strip()):
            continue
        start, end = _read_offsets(token)
        joins = not text[0].isspace() and not (
            words and UNSPACED.match(text) and UNSPACED.match(words[-1]["word"][-1:])
        )
        if words and joins:
            words[-1]["word"] += text
            words[-1]["end"] = end if end is not None else words[-1]["end"]
        else:
            words.append({"word": text.strip(), "start": start, "end": end})
            sure.append([])
        if (p := _read_time(token.get("p"))) is not None:
            sure[-1].append(p)
    for word, known in zip(words, sure, strict=True):
        word["confidence"] = round(sum(known) / len(known), 6) if known else None
    return [w for w in words if w["word"].strip()]


def _read_offsets(data: Mapping[str, Any]) -> tuple[float | None, float | None]:
    offsets = data.get("offsets") or {}
    start, end = _read_time(offsets.get("from")), _read_time(offsets.get("to"))
    return None if start is None else start / 1000, None if end is None else end / 1000


def _read_chunk(data: dict[str, Any]) -> Row:
    start, end = data["timestamp"]
    return Row(
        str(data.get("text") or "").strip(), _read_time(start), _read_time(end), _speaker_label(data.get("speaker"))
    )


def _read_deepgram(results: dict[str, Any]) -> list[Row]:
    channels = results.get("channels") or []
    several = len(channels) > 1
    languages = [_language_code(c.get("detected_language")) for c in channels]
    if utterances := results.get("utterances"):
        return [_read_utterance(u, languages, several=several) for u in utterances]
    rows: list[Row] = []
    for number, channel in enumerate(channels):
        best = (channel.get("alternatives") or [{}])[0]
        words = [_read_word(w) for w in best.get("words") or ()]
        if several:
            words = [{**w, "speaker": _channel_label(number, w["speaker"])} for w in words]
        paragraphs = (best.get("paragraphs") or {}).get("paragraphs") or []
        of_channel = [_read_paragraph(p, number if several else None) for p in paragraphs]
        if of_channel:
            attach_words(of_channel, words)
        elif words:
            of_channel = group_words([w for w in words if w["start"] is not None and w["end"] is not None])
        elif best.get("transcript"):
            of_channel = [Row(str(best["transcript"]), label=_channel_label(number, None) if several else None)]
        for row in of_channel:
            row.language = languages[number]
        rows += of_channel
    return rows


def _read_utterance(data: dict[str, Any], languages: list[str | None], *, several: bool) -> Row:
    channel = data.get("channel")
    channel = channel if isinstance(channel, int) and 0 <= channel < len(languages) else 0
    label = _speaker_label(data.get("speaker"))
    label = _channel_label(channel, label) if several else label
    words = [{**w, "speaker": label} for w in map(_read_word, data.get("words") or ())]
    language = _language_code((data.get("languages") or [None])[0]) or (languages[channel] if languages else None)
    return Row(
        str(data.get("transcript") or ""),
        _read_time(data.get("start")),
        _read_time(data.get("end")),
        label,
        words,
        language,
    )


def _read_paragraph(data: dict[str, Any], channel: int | None) -> Row:
    label = _speaker_label(data.get("speaker"))
    text = " ".join(str(s.get("text") or "") for s in data.get("sentences") or ())
    label = label if channel is None else _channel_label(channel, label)
    return Row(text, _read_time(data.get("start")), _read_time(data.get("end")), label)


def _channel_label(number: int, label: str | None) -> str:
    return f"Channel {number + 1}" + (f", {label}" if label not in (None, "Speaker 1") else "")


def _speaker_label(value: Any) -> str | None:
    """Return a speaker's label; numbers count from 0."""
    if value is None or value == "":
        return None
    number = str(value).removeprefix("speaker_")
    return f"Speaker {int(number) + 1}" if number.isascii() and number.isdigit() else str(value)


def _language_code(language: Any) -> str | None:
    return str(language) if language else None


def _read_time(value: Any) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
