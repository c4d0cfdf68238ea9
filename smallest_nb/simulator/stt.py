"""One simulated speech-to-text session: audio in, interim and final transcripts out.

Finals come by `finalize`, by silence, by the number of words, and by `close_stream` (protocol notes, 3.4).
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from smallest_nb.api.language import STT_US_HOST_LANGUAGES
from smallest_nb.common.text import parse_json
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.delayed_sender import DelayedSender
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.hearing.engines import is_heard
from smallest_nb.simulator.hearing.recogniser import Activity, Result
from smallest_nb.simulator.hearing.stt_options import STTOptions
from smallest_nb.simulator.latency import Delay, latency
from smallest_nb.simulator.recorder import NoRecorder, SessionLog
from smallest_nb.simulator.report import Report
from smallest_nb.simulator.speech.encodings import BYTES_OF, decode_samples
from smallest_nb.simulator.transcript_frames import TranscriptFrames
from smallest_nb.simulator.websocket import Socket, SocketClosed
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["STTSession", "check_language"]

_CLOSING = ({"type": "close_stream"}, {"type": "end"}, {"flag": "END"})
_INDIA_ONLY = frozenset({"ta", "te", "kn", "ml", "multi-south-indic", "hi-dev"})
_AT_ONCE = Delay(0, 0)


def check_language(language: str, behaviour: Behaviour) -> dict[str, Any] | None:
    """Return the error frame of a language that is not recognised here, or None."""
    other = {"in": ("US", STT_US_HOST_LANGUAGES), "us": ("India", _INDIA_ONLY)}[behaviour.region]
    if language in other[1]:
        message = f"Language '{language}' is served in the {other[0]} region only"
        return {
            "type": "error",
            "status": "error",
            "error_code": "LANGUAGE_NOT_ENABLED_IN_REGION",
            "message": message,
            "language": language,
            "region": behaviour.region,
        }
    if not is_heard(behaviour.chosen_hearing, behaviour.hearing_model, language):
        model = behaviour.hearing_model
        heard = "The simulator hears English only" + (f" and what its model {model!r} is for" if model else "")
        message = (
            f"{heard}, not '{language}'; choose en, the real service, a model of Whisper "
            "(--hearing whisper --hearing-model small), or the engine 'signal', whose tones carry any language"
        )
        return {"type": "error", "status": "error", "message": message}
    return None


class STTSession:
    """Serves one socket.

    Args:
        socket: The socket.
        backend: The engines.
        behaviour: Limits and faults.
        options: Its query.
        log: Where frames and audio are kept.
        report: Collects what happened.
    """

    def __init__(
        self,
        socket: Socket,
        backend: Backend,
        behaviour: Behaviour,
        options: STTOptions,
        *,
        log: SessionLog | NoRecorder,
        report: Report,
    ) -> None:
        self._socket = socket
        self._behaviour = behaviour
        self._options = options
        self._log = log
        self._report = report
        self._latency = latency(behaviour.latency)
        self._recogniser = backend.make_recogniser(options, behaviour)
        self._session_id = f"stt_{uuid.uuid4().hex[:16]}"
        self._frames = TranscriptFrames(options, self._session_id)
        self._odd = b""
        self._audio_secs = 0.0

    async def run(self) -> None:
        """Serve until the socket ends."""
        out = self._out = DelayedSender(self._socket, self._log)
        try:
            wrong = check_language(self._options.language, self._behaviour)
            if wrong is None:
                await self._transcribe()
            else:
                self._report.note(error=wrong["message"])
                await self._send(wrong)
            await out.flush()
            await self._recogniser.close()  # first: who sees the close may open the next session at once
            await self._socket.close(1000)
        except EngineError as error:
            await self._fail(f"The simulator cannot hear: {error}")
        except SocketClosed:
            pass
        finally:
            await out.close()
            await self._recogniser.close()
            self._log.save(self._options.sample_rate)

    async def _transcribe(self) -> None:
        await self._recogniser.start()
        if self._behaviour.unknown_frames:
            await self._send({"type": "metadata", "model": "pulse"})
        while True:
            message = await self._socket.recv()
            await asyncio.sleep(0)  # a flood lies in the queue already and would never let others have their turn
            if isinstance(message, bytes):
                await self._add_audio(message)
            elif await self._handle_control(message):
                return

    async def _fail(self, message: str) -> None:
        self._report.note(error=message)
        await self._send({"type": "error", "status": "error", "message": message})
        await self._out.flush()
        await self._socket.close(1011, "engine")

    async def _add_audio(self, data: bytes) -> None:
        data = self._odd + data
        width = BYTES_OF[self._options.encoding]
        whole = len(data) // width * width
        self._odd = data[whole:]
        pcm = decode_samples(data[:whole], self._options.encoding)
        self._log.audio(pcm)
        seconds = len(pcm) / 2 / self._options.sample_rate
        self._audio_secs += seconds
        self._report.add(audio_secs=seconds)
        for result in await self._recogniser.push(pcm):
            if isinstance(result, Result):
                await self._send_result(result)
            elif self._options.vad_events:
                await self._send_activity(result)
        limit = self._behaviour.drop_after_secs
        if limit is not None and self._audio_secs >= limit:
            self._behaviour.drop_after_secs = None
            self._socket.abort()

    async def _handle_control(self, message: str) -> bool:
        self._log.log("in", message)
        try:
            frame = parse_json(message)
        except ValueError:
            frame = None
        if frame in _CLOSING:
            await self._send_result(await self._recogniser.finalize(), is_last=True)
            return True
        kind = frame.get("type") if isinstance(frame, dict) else None
        if kind == "finalize":
            await self._send_result(await self._recogniser.finalize(), from_finalize=True)
        elif kind == "keepalive":
            await self._send({"type": "pong"})
        else:
            await self._send({"type": "error", "status": "error", "message": f"Unknown control frame: {message[:80]}"})
        return False

    async def _send_activity(self, mark: Activity) -> None:
        kind = "speech_started" if mark.started else "speech_ended"
        await self._send({"type": kind, "session_id": self._session_id, "timestamp": mark.at})

    async def _send_result(self, result: Result, *, is_last: bool = False, from_finalize: bool = False) -> None:
        frame = self._frames.make_frame(result, is_last=is_last, from_finalize=from_finalize)
        if not result.final:
            self._report.add(interims=1)
            await self._out.put(frame, self._latency.interim)
            return
        self._report.add(finals=1, words=len(result.words))
        await self._out.put(frame, self._latency.final)
        if self._behaviour.duplicate_finals and not is_last:
            await self._out.put(frame, _AT_ONCE)
        if self._behaviour.punctuation_finals and not is_last:
            alone = self._frames.make_frame(Result("", final=True))
            await self._out.put({**alone, "transcript": ".", "transcription": "."}, _AT_ONCE)

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._out.put(frame, _AT_ONCE)
