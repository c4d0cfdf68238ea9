"""The judge of frames itself: it takes what the protocol notes show and refuses everything else."""

from __future__ import annotations

import pytest
import wire
from tap import Connection, Message

pytestmark = [pytest.mark.oracle, pytest.mark.oracle_quick]
IDS = {"session_id": "ws_1", "request_id": "task_1"}
RESULT = {"type": "transcription", "status": "success", "session_id": "s", "transcript": "hi", "transcription": "hi",
          "is_final": True, "is_last": False}  # fmt: skip
WORD = {"word": "hi", "start": 0.1, "end": 0.2, "confidence": 0.9}
STT = "/waves/v1/stt/live"
TTS = "/waves/v1/tts/live"


def _judge(frame, path=TTS, sent=(), **query):
    messages = [Message(0, True, s) for s in sent] + [Message(1, False, frame)]
    return wire.check(Connection(path, query, messages=messages))


@pytest.mark.parametrize(
    ("frame", "path", "query"),
    [
        ({"status": "chunk", "data": {"audio": "AAAA"}, **IDS}, TTS, {}),
        ({"status": "complete", **IDS}, TTS, {}),
        ({"status": "complete", "message": "All chunks sent", "done": True, **IDS}, TTS, {}),
        ({"status": "error", "error": {"message": "no", "code": "custom"}}, TTS, {}),
        (RESULT, STT, {}),
        (RESULT | {"words": [WORD], "language": "en", "from_finalize": True}, STT, {"word_timestamps": "true"}),
        ({"type": "speech_started", "session_id": "s", "timestamp": 1.5}, STT, {"vad_events": "true"}),
        ({"type": "error", "status": "error", "message": "no"}, STT, {}),
    ],
)
def test_takes_what_is_documented(frame, path, query):
    assert _judge(frame, path, **query) == 1


@pytest.mark.parametrize(
    ("frame", "path", "query"),
    [
        ({"status": "chunk", "data": {"audio": "AAAA"}, "context_id": "c", **IDS}, TTS, {}),
        ({"status": "chunk", "data": {"audio": "A*"}, **IDS}, TTS, {}),
        ({"status": "chunk", "data": {"audio": "AAAA", "rate": 1}, **IDS}, TTS, {}),
        ({"status": "chunk", "data": {"audio": "AAAA"}, "session_id": "s"}, TTS, {}),
        ({"status": "complete", "external_request_id": "x", **IDS}, TTS, {}),
        ({"status": "complete", "done": "true", **IDS}, TTS, {}),
        ({"status": "word_timestamp", "data": {"id": 0, "word": "a", "start": 0, "end": 1}, **IDS}, TTS, {}),
        ({"status": "error", **IDS}, TTS, {}),
        ({"status": "done", **IDS}, TTS, {}),
        (b"RIFF", TTS, {}),
        (RESULT | {"is_final": 1}, STT, {}),
        (RESULT | {"words": [WORD]}, STT, {}),
        (RESULT, STT, {"word_timestamps": "true"}),
        (RESULT | {"is_final": False, "language": "en"}, STT, {}),
        (RESULT | {"words": [WORD | {"speaker": 0}]}, STT, {"word_timestamps": "true"}),
        (RESULT | {"words": [WORD | {"end": 0.0}]}, STT, {"word_timestamps": "true"}),
        (RESULT | {"transcription": "ho"}, STT, {}),
        ({"type": "speech_ended", "session_id": "s", "timestamp": 1.5}, STT, {}),
        ({"type": "pong"}, STT, {}),
    ],
)
def test_refuses_everything_else(frame, path, query):
    with pytest.raises(wire.Undocumented):
        _judge(frame, path, **query)


def test_word_times_need_a_request_and_a_voice_that_has_them():
    frame = {"status": "word_timestamp", "data": {"id": 0, "word": "a", "start": 0, "end": 1.5}, **IDS}
    asked = {"text": "a", "word_timestamps": True}
    assert _judge(frame, sent=[asked | {"voice_id": "liam"}]) == 1
    with pytest.raises(wire.Undocumented):
        _judge(frame, sent=[asked | {"voice_id": "sophia"}])
