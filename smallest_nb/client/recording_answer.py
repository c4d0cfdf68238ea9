"""The service's answer to a whole recording, as a transcript. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smallest_nb.api.segment_parser import parse_segment, timed_items
from smallest_nb.api.word_shares import share_words
from smallest_nb.common.text import whole_characters
from smallest_nb.errors import ProtocolError
from smallest_nb.results.transcript import Transcript

__all__ = ["parse_recording"]


def parse_recording(body: Any) -> Transcript:
    """Read the transcript of a recording: its utterances as segments, else all of it as one.

    Words and utterances whose times cannot be read cost those times, never the text.

    Raises:
        ProtocolError: The answer holds no transcript.
    """
    body = whole_characters(body)
    if not isinstance(body, Mapping) or not any(k in body for k in ("transcription", "transcript")):
        raise ProtocolError("The answer holds no transcript.")
    whole = {"is_final": True, "language": body.get("language"), "languages": body.get("languages")}
    transcript = Transcript()
    utterances = _utterances(body.get("utterances"))
    if not utterances:
        transcript.apply(parse_segment({**body, **whole}))
        return transcript
    for utterance, words in zip(utterances, share_words(timed_items(body.get("words")), utterances), strict=True):
        segment = parse_segment({**whole, "transcript": _text_of(utterance), "words": words, "utterances": [utterance]})
        transcript.apply(segment)
    return transcript


def _utterances(value: Any) -> list[Mapping[str, Any]]:
    """Return the utterances, with or without times; none at all if one has no text, whose words would be missing."""
    items = [{"text": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else []
    return items if all(isinstance(item, Mapping) and _text_of(item) for item in items) else []


def _text_of(utterance: Mapping[str, Any]) -> str:
    texts = (utterance.get(key) for key in ("text", "transcript", "transcription"))
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")
