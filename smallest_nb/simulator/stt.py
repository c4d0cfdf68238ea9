"""One simulated speech-to-text session: audio in, interim and final transcripts out. Imports the hearing engine.

Finals come by `finalize`, by silence, and by `close_stream` (protocol notes, 3.4).
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from smallest_nb.catalog import STT_ENCODINGS, STT_SAMPLE_RATES, SmallestSTTModel
from smallest_nb.language import STT_US_HOST_LANGUAGES
from smallest_nb.simulator.hearing import Heard, HearingSession
from smallest_nb.simulator.recorder import NoRecorder, SessionLog
from smallest_nb.simulator.worker import EngineError, WorkerPool

__all__ = ["BadQuery", "STTOptions", "STTSession"]

_CLOSING = ({"type": "close_stream"}, {"type": "end"}, {"flag": "END"})


class BadQuery(Exception):  # noqa: N818 - an HTTP 400, not a failure
    """A query that the service refuses before the upgrade."""


@dataclass(frozen=True, slots=True)
class STTOptions:
    """A session's query, read and checked."""

    language: str
    sample_rate: int
    word_timestamps: bool
    sentence_timestamps: bool
    full_transcript: bool
    formatted: bool
    silence_ms: float | None

    @classmethod
    def read(cls, query: dict[str, str], *, legacy: bool) -> STTOptions:
        """Read a query.

        Raises:
            BadQuery: What the service answers with HTTP 400.
        """
        if not legacy and query.get("model") not in tuple(SmallestSTTModel):
            raise BadQuery(f"model must be 'pulse', got {query.get('model')!r}")
        rate = query.get("sample_rate", "16000")
        if not rate.isdigit() or int(rate) not in STT_SAMPLE_RATES:
            raise BadQuery(f"sample_rate must be one of {STT_SAMPLE_RATES}, got {rate!r}")
        encoding = query.get("encoding", "linear16")
        if encoding not in STT_ENCODINGS:
            raise BadQuery(f"encoding must be one of {STT_ENCODINGS}, got {encoding!r}")
        if encoding != "linear16":
            raise BadQuery(f"the simulator decodes linear16 only, got {encoding!r}")
        eou = query.get("eou_timeout_ms", "800")
        if not eou.isdigit() or not 100 <= int(eou) <= 10000:
            raise BadQuery(f"eou_timeout_ms must be from 100 to 10000, got {eou!r}")
        flag = {name: value == "true" for name, value in query.items()}
        return cls(
            language=query.get("language", "en"),
            sample_rate=int(rate),
            word_timestamps=flag.get("word_timestamps", False),
            sentence_timestamps=flag.get("sentence_timestamps", False),
            full_transcript=flag.get("full_transcript", False),
            formatted=flag.get("format", True),
            silence_ms=float(eou) if flag.get("endpointing", True) else None,
        )


class STTSession:
    """Serves one socket.

    Args:
        ws: The socket.
        pool: The hearing workers.
        options: Its query.
        log: Where frames and audio are kept.
    """

    def __init__(
        self, ws: ServerConnection, pool: WorkerPool, options: STTOptions, *, log: SessionLog | NoRecorder
    ) -> None:
        self._ws = ws
        self._options = options
        self._log = log
        self._hearing = HearingSession(pool, options.sample_rate, options.silence_ms)
        self._session_id = f"stt_{uuid.uuid4().hex[:16]}"
        self._said: list[str] = []
        self._odd = b""

    async def run(self) -> None:
        """Serve until the socket ends."""
        if self._options.language in STT_US_HOST_LANGUAGES:
            told = f"Language '{self._options.language}' is served in the US region only"
            await self._send({"type": "error", "error_code": "LANGUAGE_NOT_ENABLED_IN_REGION", "message": told})
            await self._ws.close(1000)
            return
        if self._options.language != "en":
            told = f"The simulator hears English only, not '{self._options.language}'; choose en or the real service"
            await self._send({"type": "error", "status": "error", "message": told})
            await self._ws.close(1000)
            return
        try:
            await self._hearing.start()
            async for message in self._ws:
                if isinstance(message, bytes):
                    await self._hear(message)
                elif await self._control(message):
                    break
        except EngineError as error:
            told = f"The simulator cannot hear: {error}"
            await self._send({"type": "error", "status": "error", "message": told})
        except ConnectionClosed:
            pass
        finally:
            await self._hearing.close()
            self._log.save(self._options.sample_rate)
        await self._ws.close(1000)

    async def _hear(self, data: bytes) -> None:
        data = self._odd + data
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        self._log.audio(data[:whole])
        for heard in await self._hearing.push(data[:whole]):
            await self._result(heard)

    async def _control(self, message: str) -> bool:
        self._log.log("in", message)
        try:
            frame = json.loads(message)
        except ValueError:
            frame = None
        if frame in _CLOSING:
            await self._result(await self._hearing.finalize(), is_last=True)
            return True
        kind = frame.get("type") if isinstance(frame, dict) else None
        if kind == "finalize":
            await self._result(await self._hearing.finalize(), from_finalize=True)
        elif kind == "keepalive":
            await self._send({"type": "pong"})
        else:
            await self._send({"type": "error", "status": "error", "message": f"Unknown control frame: {message[:80]}"})
        return False

    async def _result(self, heard: Heard, *, is_last: bool = False, from_finalize: bool = False) -> None:
        words = [w for w, *_ in heard.words]
        text = _sentence(heard.text, final=heard.final) if self._options.formatted else heard.text
        frame: dict[str, Any] = {
            "type": "transcription",
            "status": "success",
            "session_id": self._session_id,
            "transcript": text,
            "transcription": text,
            "is_final": heard.final,
            "is_last": is_last,
        }
        if heard.final:
            if text:
                self._said.append(text)
            frame["language"] = self._options.language
            if from_finalize:
                frame["from_finalize"] = True
            if self._options.word_timestamps:
                shown = [_pronoun(w) if self._options.formatted else w for w in words]
                frame["words"] = [
                    {"word": w, "start": s, "end": e, "confidence": c}
                    for w, (_, s, e, c) in zip(shown, heard.words, strict=True)
                ]
            if self._options.sentence_timestamps and words:
                frame["utterances"] = [{"text": text, "start": heard.words[0][1], "end": heard.words[-1][2]}]
        if self._options.full_transcript:
            frame["full_transcript"] = " ".join([*self._said, *([] if heard.final else [text])])
        await self._send(frame)

    async def _send(self, frame: dict[str, Any]) -> None:
        text = json.dumps({"session_id": self._session_id, **frame})
        self._log.log("out", text)
        await self._ws.send(text)


def _pronoun(word: str) -> str:
    return "I" + word[1:] if word == "i" or word.startswith("i'") else word


def _sentence(text: str, *, final: bool) -> str:
    """Write a hypothesis as a sentence: capitals for its start and for "I", a full stop once it is final."""
    words = [_pronoun(w) for w in text.split()]
    if not words:
        return ""
    words[0] = words[0][0].upper() + words[0][1:]
    return " ".join(words) + ("." if final else "")
