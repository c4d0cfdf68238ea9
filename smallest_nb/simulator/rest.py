"""The REST calls and what answers each of them (protocol notes, 1.4)."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from smallest_nb.api.catalog import TTS_MODELS
from smallest_nb.api.language import LANGUAGE_NAMES
from smallest_nb.api.voices import VOICES, Voice, voices_of
from smallest_nb.errors import ConfigError
from smallest_nb.simulator import auth
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.faults import Behaviour, read_faults
from smallest_nb.simulator.http import Answer, HTTPRequest, json_answer
from smallest_nb.simulator.latency import latency
from smallest_nb.simulator.report import Report
from smallest_nb.simulator.rest_stt import transcribe
from smallest_nb.simulator.rest_tts import speak, speak_events
from smallest_nb.simulator.speech.dictionaries import BadDictionary

__all__ = ["RestCalls", "body_limit"]

_RECORDING_BYTES = 250 * 10**6
_BODY_BYTES = 2**20
_VOICES_BY_MODEL = {f"/waves/v1/{m.id}/get_voices": m.id for m in TTS_MODELS.values() if m.unified}
_ALL_VOICES = "/waves/v1/voice/get-all-models"
_SPEECH = {"/waves/v1/tts": None} | {f"/waves/v1/{m}/get_speech": m for m in TTS_MODELS}
_SPEECH_EVENTS = {auth.TTS_LIVE: None} | {f"/waves/v1/{m}/stream": m for m in TTS_MODELS}
_RECORDINGS = {"/waves/v1/stt/": False, auth.STT_LEGACY: True}
_DICTIONARIES = "/waves/v1/pronunciation-dicts"
_HEALTH = "/waves/v1/health"
_SOCKETS = {auth.STT_LIVE, *auth.TTS_BY_MODEL}


def body_limit(path: str) -> int:
    """Return how many bytes a call's body may have."""
    return _RECORDING_BYTES if path in _RECORDINGS else _BODY_BYTES


class RestCalls:
    """Answers calls.

    Args:
        backend: The engines.
        behaviour: Limits and faults, read for each call.
    """

    def __init__(self, backend: Backend, behaviour: Behaviour) -> None:
        self._backend = backend
        self._behaviour = behaviour

    async def answer(self, call: HTTPRequest) -> Answer:
        """Answer a call and log it."""
        report = Report("rest", f"{call.method} {call.path}")
        answer = await self._answer(call, report)
        if isinstance(answer.body, bytes):
            report.done(status=answer.status)
        else:
            report.note(status=answer.status)  # the stream says when it is done
        return answer

    async def _answer(self, call: HTTPRequest, report: Report) -> Answer:
        if call.path == _HEALTH:
            return json_answer(200, {"status": "ok"})
        try:
            behaviour = self._behaviour.with_faults(read_faults(call))
        except ConfigError as error:
            return json_answer(400, {"message": str(error)})
        await latency(behaviour.latency).connect.wait()
        model = _SPEECH.get(call.path) or _SPEECH_EVENTS.get(call.path) or _VOICES_BY_MODEL.get(call.path)
        key = auth.read_key(call)
        refused = auth.refuse_retired(model, behaviour) or auth.refuse_key(key, behaviour, self._backend.key)
        return refused or await self._served(call, behaviour, key, model, report)

    async def _served(
        self, call: HTTPRequest, behaviour: Behaviour, key: str, model: str | None, report: Report
    ) -> Answer:
        if call.path == _DICTIONARIES:
            return self._dictionary(call, key)
        if call.method == "GET" and (voices := _list_voices(call.path)) is not None:
            return json_answer(200, {"voices": voices})
        if call.method == "POST" and call.path in _SPEECH:
            return await speak(call, self._backend, behaviour, key=key, model=model, report=report)
        if call.method == "POST" and call.path in _SPEECH_EVENTS:
            return await speak_events(call, self._backend, behaviour, key=key, model=model, report=report)
        if call.method == "POST" and call.path in _RECORDINGS:
            return await transcribe(call, self._backend, behaviour, legacy=_RECORDINGS[call.path], report=report)
        if call.path in _SOCKETS and call.method == "GET":
            return json_answer(426, {"message": "This path is a WebSocket"}, {"Upgrade": "websocket"})
        if call.path in {*_SPEECH, *_SPEECH_EVENTS, *_RECORDINGS, *_VOICES_BY_MODEL, _ALL_VOICES}:
            return json_answer(405, {"message": f"{call.method} is not allowed at {call.path}"})
        return json_answer(404, {"message": f"No such path: {call.path}"})

    def _dictionary(self, call: HTTPRequest, key: str) -> Answer:
        kept, body = self._backend.dictionaries, call.parse_body()
        try:
            if call.method == "GET":
                return json_answer(200, kept.listed(key))
            if call.method == "POST":
                return json_answer(201, kept.create(key, body))
            if call.method == "PUT":
                return json_answer(200, kept.update(key, body))
            if call.method == "DELETE":
                return json_answer(200, kept.delete(key, body))
        except BadDictionary as error:
            return json_answer(400, {"error": str(error), "details": error.details})
        except KeyError:
            return json_answer(404, {"error": "Pronunciation dictionary not found"})
        return json_answer(405, {"message": f"{call.method} is not allowed at {call.path}"})


def _list_voices(path: str) -> list[dict[str, Any]] | None:
    if path in _VOICES_BY_MODEL:
        return [_describe_voice(v) for v in voices_of(_VOICES_BY_MODEL[path])]
    if path != _ALL_VOICES:
        return None
    return [
        {"_id": f"{crc32(f'{v.model}/{v.id}'.encode()):024x}", "description": f"{v.accent} {v.gender}",
         "audioPreview": "", **_describe_voice(v)}
        for v in VOICES
    ]  # fmt: skip


def _describe_voice(voice: Voice) -> dict[str, Any]:
    """Write a voice as the service lists it, languages by their English names."""
    languages = [LANGUAGE_NAMES[code].lower() for code in voice.languages]
    tags = {"language": languages, "accent": voice.accent.lower(), "gender": voice.gender, "emotions": []}
    return {"voiceId": voice.id, "displayName": voice.id.capitalize(), "tags": tags}
