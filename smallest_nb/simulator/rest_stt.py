"""Transcripts of whole recordings (protocol notes, 1.4)."""

from __future__ import annotations

import asyncio
import uuid
from time import monotonic
from typing import Any

from smallest_nb.audio.clip import Clip, silence
from smallest_nb.errors import ConfigError
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.hearing.recogniser import Result
from smallest_nb.simulator.hearing.stt_options import BadQuery, STTOptions
from smallest_nb.simulator.http import Answer, HTTPRequest, json_answer
from smallest_nb.simulator.report import Report
from smallest_nb.simulator.speech.encodings import read_file
from smallest_nb.simulator.stt import check_language
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.redaction import Redactor
from smallest_nb.simulator.transcript_frames import list_utterances, list_words
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["transcribe"]

_RATE = 16000
_PIECE_SECS = 1.0
_TAIL_SECS = 0.3
_PAUSE_MS = 700.0


async def transcribe(
    call: HTTPRequest, backend: Backend, behaviour: Behaviour, *, legacy: bool, report: Report
) -> Answer:
    """Answer with the transcript of the body."""
    query = call.parameters
    started = monotonic()
    try:
        options = STTOptions.read(query, legacy=legacy, streamed=False)
        wrong = check_language(options.language, behaviour)
        if wrong is not None:
            report.note(error=wrong["message"])
            return json_answer(400, {k: v for k, v in wrong.items() if k != "type"})
        clip = await asyncio.to_thread(_read_clip, call, options)
        if backend.is_full(behaviour):
            return json_answer(429, {"error": "too many transcriptions at once"}, {"Retry-After": "1"})
        words = await _recognise(clip, options, backend, behaviour)
    except BadQuery as error:
        return json_answer(400, {"status": "error", "message": str(error), "errors": str(error)})
    except ConfigError as error:
        report.note(error=str(error))
        return json_answer(400, {"status": "error", "error_code": "AudioDecodeError", "message": str(error)})
    except EngineError as error:
        report.note(error=str(error))
        return json_answer(503, {"error": {"message": str(error), "code": "engine"}}, {"Retry-After": "1"})
    report.add(audio_secs=clip.duration, words=len(words))
    return json_answer(200, _make_body(words, clip, options, query, size=len(call.body), took=monotonic() - started))


def _read_clip(call: HTTPRequest, options: STTOptions) -> Clip:
    if call.headers.get("content-type", "").startswith("application/json"):
        raise ConfigError("The simulator fetches no URL; send the audio itself")
    if not call.body:
        raise ConfigError("The body holds no audio")
    clip = read_file(call.body, options.encoding, options.sample_rate)
    if not len(clip):
        raise ConfigError("The audio has no samples")
    return clip.resample(_RATE)


async def _recognise(clip: Clip, options: STTOptions, backend: Backend, behaviour: Behaviour) -> list[RecognisedWord]:
    """Recognise it as a stream whose segments end at pauses: the recogniser keeps a minute at most."""
    streamed = STTOptions(
        language=options.language,
        wording=options.wording,
        sample_rate=_RATE,
        silence_ms=_PAUSE_MS,
        max_words=None,
        diarize=options.diarize,
        keywords=options.keywords,
        interims=False,
        places=options.word_timestamps or options.diarize,
    )
    recogniser = backend.make_recogniser(streamed, behaviour)
    words: list[RecognisedWord] = []
    redactor = Redactor(pii=options.redact_pii, pci=options.redact_pci, language=options.language)
    try:
        await recogniser.start()
        piece = round(_PIECE_SECS * _RATE) * 2
        sound = clip.pcm + silence(_TAIL_SECS, _RATE)
        for at in range(0, len(sound), piece):
            for result in await recogniser.push(sound[at : at + piece]):
                if isinstance(result, Result) and result.final:
                    words += redactor.redact(options.wording.write_final(result.words))[0]
        words += redactor.redact(options.wording.write_final((await recogniser.finalize()).words))[0]
    finally:
        await recogniser.close()
    return words


def _make_body(
    words: list[RecognisedWord], clip: Clip, options: STTOptions, query: dict[str, str], *, size: int, took: float
) -> dict[str, Any]:
    text = " ".join(w.text for w in words)
    timed = options.word_timestamps or options.diarize
    # Recordings have no speaker_confidence and write speakers as labels (`diarization.mdx`).
    shown = list_words(words, labels=True) if timed else []
    if query.get("model") == "pulse-pro":
        metadata: dict[str, Any] = {
            "duration": clip.duration,
            "processing_time_ms": round(took * 1000),
            "rtfx": round(clip.duration / max(took, 1e-3), 1),
            "num_chunks": 1,
        }
        return {
            "status": "success",
            "transcription": text,
            "words": [{k: v for k, v in w.items() if k != "speaker"} for w in shown],
            "language": options.language,
            "metadata": metadata,
            "totalBytes": size,
            "request_id": uuid.uuid4().hex,
        }
    return {
        "status": "success",
        "transcription": text,
        "words": shown,
        "utterances": list_utterances(options, words, labels=True) if timed else [],
        "metadata": {"duration": clip.duration, "fileSize": size},
    }
