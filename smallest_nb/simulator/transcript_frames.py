"""Writes results as the service's transcription frames (protocol notes, 3.3)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from smallest_nb.simulator.hearing.recogniser import Result
from smallest_nb.simulator.hearing.stt_options import STTOptions
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.redaction import Redactor

__all__ = ["TranscriptFrames", "list_utterances", "list_words"]


class TranscriptFrames:
    """The frames of one session.

    Args:
        options: The session's query.
        session_id: Goes with each frame.
    """

    def __init__(self, options: STTOptions, session_id: str) -> None:
        self._options = options
        self._session_id = session_id
        self._redactor = (
            Redactor(pii=options.redact_pii, pci=options.redact_pci, language=options.language)
            if options.redact_pii or options.redact_pci
            else None
        )
        self._said: list[str] = []

    def make_frame(self, result: Result, *, is_last: bool = False, from_finalize: bool = False) -> dict[str, Any]:
        """Return the frame of a result."""
        written, entities = self._write(result)
        text = " ".join(w.text for w in written)
        frame: dict[str, Any] = {
            "type": "transcription",
            "status": "success",
            "session_id": self._session_id,
            "transcript": text,
            "transcription": text,
            "is_final": result.final,
            "is_last": is_last,
        }
        if result.final:
            if text:
                self._said.append(text)
            frame |= {"language": self._options.language, "languages": [self._options.language]}
            if from_finalize:
                frame["from_finalize"] = True
            if self._options.word_timestamps or self._options.diarize:
                frame["words"] = list_words(written)
            if self._options.sentence_timestamps:
                frame["utterances"] = list_utterances(self._options, written)
            if self._redactor is not None:
                frame["redacted_entities"] = entities
        if self._options.full_transcript:
            frame["full_transcript"] = " ".join([*self._said, *([] if result.final else [text])])
        return frame

    def _write(self, result: Result) -> tuple[list[RecognisedWord], list[str]]:
        if result.final:
            written = self._options.wording.write_final(result.words)
            return (written, []) if self._redactor is None else self._redactor.redact(written)
        written = [RecognisedWord(w, 0.0, 0.0, 0.0) for w in self._options.wording.write_interim(result.text).split()]
        # What an interim finds is not counted: the final will find it again.
        return (written, []) if self._redactor is None else copy.deepcopy(self._redactor).redact(written)


def list_words(words: Sequence[RecognisedWord], *, labels: bool = False) -> list[dict[str, Any]]:
    """Return words as the service lists them; `labels` writes speakers as recordings do, `speaker_0`."""
    shown = []
    for word in words:
        entry = {"word": word.text, "start": word.start, "end": word.end, "confidence": word.confidence}
        if word.speaker is not None:
            entry["speaker"] = f"speaker_{word.speaker}" if labels else word.speaker
            if not labels:
                entry["speaker_confidence"] = word.speaker_confidence
        shown.append(entry)
    return shown


def list_utterances(
    options: STTOptions, words: Sequence[RecognisedWord], *, labels: bool = False
) -> list[dict[str, Any]]:
    """Return sentences, cut at a change of speaker too."""
    shown: list[dict[str, Any]] = []
    for sentence in options.wording.split_utterances(words):
        turns: list[list[RecognisedWord]] = []
        for word in sentence:
            if not turns or word.speaker != turns[-1][-1].speaker:
                turns.append([])
            turns[-1].append(word)
        for turn in turns:
            entry: dict[str, Any] = {
                "text": " ".join(w.text for w in turn),
                "start": turn[0].start,
                "end": turn[-1].end,
            }
            if turn[0].speaker is not None:
                entry["speaker"] = f"speaker_{turn[0].speaker}" if labels else turn[0].speaker
            shown.append(entry)
    return shown
