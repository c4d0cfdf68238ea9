"""One simulated text-to-speech session: requests in, chunks and words out.

Requests are served in order; `complete` comes `complete_backoff_ms` after the last chunk and is shared by requests
that follow one another faster than that (protocol notes, 2.3).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import uuid
from time import monotonic
from typing import Any

from smallest_nb.api.voices import WORD_TIMESTAMP_VOICES
from smallest_nb.audio.clip import BYTES_PER_SAMPLE
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.continuation import Contexts
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.latency import latency
from smallest_nb.simulator.recorder import NoRecorder, SessionLog
from smallest_nb.simulator.report import Report
from smallest_nb.simulator.speech.chunks import Chunks
from smallest_nb.simulator.speech_request import Refused, error_frame, read_request
from smallest_nb.simulator.websocket import Socket, SocketClosed
from smallest_nb.simulator.workers.worker import EngineError

__all__ = ["TTSSession"]

_MAX_QUEUED = 32
_DEFAULT_BACKOFF_MS = 4000
_SEND_SECS = 30.0


class TTSSession:
    """Serves one socket.

    Args:
        socket: The socket.
        backend: The engines.
        behaviour: Limits and faults.
        key: Whose account pays.
        model: The path's model, or None at the unified endpoint.
        idle_secs: Seconds of silence from the client before it is closed.
        log: Where frames and audio are kept.
        report: Collects what happened.
    """

    def __init__(
        self,
        socket: Socket,
        backend: Backend,
        behaviour: Behaviour,
        *,
        key: str,
        model: str | None,
        idle_secs: float,
        log: SessionLog | NoRecorder,
        report: Report,
    ) -> None:
        self._socket = socket
        self._backend = backend
        self._behaviour = behaviour
        self._key = key
        self._model = model
        self._idle_secs = idle_secs
        self._log = log
        self._report = report
        self._session_id = f"ws_{uuid.uuid4().hex[:16]}"
        # Bounded in `_take`, which fills it: contexts release what they hold, a few thousand characters, all at once.
        self._requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._contexts = Contexts(self._requests.put_nowait)

    async def run(self) -> None:
        """Serve until the socket ends."""
        speaker = asyncio.create_task(self._serve())
        try:
            await self._receive()
        except SocketClosed:
            pass
        finally:
            self._contexts.close()
            speaker.cancel()
            await asyncio.gather(speaker, return_exceptions=True)

    async def _receive(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._idle_secs):
                    message = await self._socket.recv()
            except TimeoutError:
                message = f"Connection timed out after {self._idle_secs:g} seconds of inactivity"
                await self._send({"status": "error", "message": message})
                await self._socket.close(1000, "idle timeout")
                return
            await asyncio.sleep(0)  # a flood lies in the queue already and would never let others have their turn
            self._log.log("in", message if isinstance(message, str) else f"<{len(message)} bytes>")
            try:
                self._take(message)
            except Refused as error:
                await self._refuse(error)

    def _take(self, message: str | bytes) -> None:
        request = read_request(message, self._model, self._behaviour)
        if self._requests.qsize() >= _MAX_QUEUED:
            raise Refused("Too many requests are waiting on this connection", code="too_many_requests")
        if not self._contexts.accepts(request):
            self._requests.put_nowait(request)
        elif (wrong := self._contexts.push(request)) is not None:
            raise Refused(wrong)

    async def _serve(self) -> None:
        request: dict[str, Any] | None = None
        try:
            while True:
                request = await self._answer(request or await self._requests.get())
        except SocketClosed:
            return

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Speak, wait for a follower, say that it is complete; return the follower."""
        if self._behaviour.silent:
            return None
        ids = self._ids(request)
        blank = not (request.get("text") or "").strip()
        if not blank:
            self._report.note(voice=request["voice_id"])
            self._report.add(requests=1, characters=len(request["text"]))
            if not await self._spoken(request, ids):
                return None
        follower = await self._follower(0 if blank else request.get("complete_backoff_ms", _DEFAULT_BACKOFF_MS) / 1000)
        if follower is not None and "context_id" not in request:
            return follower  # requests that follow one another share a `complete`; released segments have their own
        # The legacy endpoints' last frame says more (changelog of 2026-08-03: today's has neither field).
        older = {"message": "All chunks sent", "done": True} if self._model else {}
        await self._send({"status": "complete", **older, **ids})
        if self._behaviour.unknown_frames:
            await self._send({"status": "telemetry", "data": {"queue": self._requests.qsize()}})
        if self._behaviour.close_after_complete and "context_id" not in request:
            await self._socket.close(1000)
        return follower

    async def _follower(self, within: float) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(within):
                return await self._requests.get()
        except TimeoutError:
            return None

    async def _spoken(self, request: dict[str, Any], ids: dict[str, str]) -> bool:
        accounts = self._backend.accounts
        if accounts.of(self._key).speaking >= self._behaviour.concurrency:
            message = f"Too many requests at once: this account has {self._behaviour.concurrency} concurrency units"
            await self._refuse(Refused(message, code="concurrency_limit"), ids)
            return False
        accounts.change(self._key, speaking=1)
        try:
            if not self._behaviour.complete_without_audio:
                await self._speak(request, ids)
        except Refused as error:
            await self._refuse(error, ids)
            return False
        except EngineError as error:
            await self._refuse(Refused(f"The simulator cannot speak: {error}", code="engine"), ids)
            return False
        finally:
            accounts.change(self._key, speaking=-1)
        return True

    def _ids(self, request: dict[str, Any]) -> dict[str, str]:
        ids = {"session_id": self._session_id, "request_id": f"task_{uuid.uuid4().hex[:16]}"}
        for name in ("session_id", "request_id"):
            if request.get(name):
                ids[f"external_{name}"] = str(request[name])
        return ids

    async def _speak(self, request: dict[str, Any], ids: dict[str, str]) -> None:
        behaviour = self._behaviour
        rate = request.get("sample_rate", 44100)
        timed = bool(request.get("word_timestamps")) and request["voice_id"] in WORD_TIMESTAMP_VOICES
        chunks = Chunks(behaviour.drip)
        received = monotonic()
        await latency(behaviour.latency).speech.wait()
        if behaviour.first_audio_secs:
            await asyncio.sleep(behaviour.first_audio_secs)
        if behaviour.unknown_frames:
            await self._send({"status": "preparing", "data": {"voice": request["voice_id"]}, **ids})
        started = monotonic()
        pieces = self._backend.speak(request, rate, key=self._key, model=self._model, behaviour=behaviour)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, bytes):
                    for chunk in chunks.push(piece):
                        await self._pace(started, (chunks.sent - len(chunk)) / BYTES_PER_SAMPLE / rate)
                        await self._chunk(chunk, ids)
                        self._report.note(first_chunk_ms=round((monotonic() - received) * 1000))
                        self._maybe_truncate(chunks.sent)
                elif timed and self._model is None:
                    word = {"id": piece.index, "word": piece.word, "start": piece.start, "end": piece.end}
                    await self._send({"status": "word_timestamp", "data": word, **ids})
        if chunks.held:
            await self._chunk(chunks.held, ids)
        self._report.add(audio_secs=(chunks.sent + len(chunks.held)) / BYTES_PER_SAMPLE / rate)
        self._log.save(rate)

    async def _pace(self, started: float, sent_secs: float) -> None:
        if self._behaviour.pace is not None:
            await asyncio.sleep(max(0.0, started + sent_secs / self._behaviour.pace - monotonic()))

    def _maybe_truncate(self, sent: int) -> None:
        limit = self._behaviour.truncate_after
        if limit is not None and sent >= limit:
            self._behaviour.truncate_after = None
            self._socket.abort()
            raise EngineError("the connection was cut by the fault 'truncate_after'")

    async def _chunk(self, pcm: bytes, ids: dict[str, str]) -> None:
        self._log.audio(pcm)
        audio = base64.b64encode(pcm).decode()
        await self._put(json.dumps({"status": "chunk", "data": {"audio": audio}, **ids}))

    async def _refuse(self, error: Refused, ids: dict[str, str] | None = None) -> None:
        self._report.note(error=str(error))
        await self._send({**error_frame(self._behaviour.error_shape, str(error), error.code), **(ids or {})})

    async def _send(self, frame: dict[str, Any]) -> None:
        text = json.dumps({"session_id": self._session_id, **frame})
        self._log.log("out", text)
        await self._put(text)

    async def _put(self, text: str) -> None:
        try:
            async with asyncio.timeout(_SEND_SECS):
                await self._socket.send(text)
        except TimeoutError:
            self._report.note(error="the client does not read")
            self._socket.abort()
            raise EngineError("the client does not read") from None
