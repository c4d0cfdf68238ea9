"""One simulated text-to-speech session. Imports protocol notions from settings, catalog, and the speech engine.

Requests are served in order; `complete` comes `complete_backoff_ms` after the last chunk and is shared by requests
that follow one another faster than that (protocol notes, 2.3).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import uuid
from collections.abc import Iterator
from time import monotonic
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from smallest_nb.audio import BYTES_PER_SAMPLE
from smallest_nb.catalog import TTS_SAMPLE_RATES
from smallest_nb.errors import ConfigError
from smallest_nb.fields import Spec
from smallest_nb.settings import SmallestTTSSettings
from smallest_nb.simulator.continuation import Contexts, check_context
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.recorder import NoRecorder, SessionLog
from smallest_nb.simulator.speech import Speech
from smallest_nb.simulator.timbre import prosody
from smallest_nb.simulator.worker import EngineError
from smallest_nb.voices import WORD_TIMESTAMP_VOICES

__all__ = ["TTSSession"]

_MAX_QUEUED = 32
_MAX_TEXT = 20_000
_DEFAULT_BACKOFF_MS = 4000
# The service's chunks vary around 7 kB and split samples now and then; the first is small so that sound starts early.
_CHUNK_BYTES = (2400, 7001, 6399, 7680, 6811, 7169)


class _Refused(Exception):  # noqa: N818 - an answer, not a failure
    """A request that gets an error frame."""


class _Cutter:
    """Cuts a stream into the service's irregular chunks."""

    def __init__(self) -> None:
        self._sizes = itertools.chain(_CHUNK_BYTES, itertools.cycle(_CHUNK_BYTES[1:]))
        self._size = next(self._sizes)
        self.held = b""
        self.sent = 0

    def push(self, pcm: bytes) -> Iterator[bytes]:
        self.held += pcm
        while len(self.held) >= self._size:
            chunk, self.held = self.held[: self._size], self.held[self._size :]
            self._size = next(self._sizes)
            yield chunk


class TTSSession:
    """Serves one socket.

    Args:
        ws: The socket.
        speech: The engine.
        behaviour: Limits and faults.
        model: The path's model, or None at the unified endpoint.
        idle_secs: Seconds of silence from the client before it is closed.
        log: Where frames and audio are kept.
    """

    def __init__(
        self,
        ws: ServerConnection,
        speech: Speech,
        behaviour: Behaviour,
        *,
        model: str | None,
        idle_secs: float,
        log: SessionLog | NoRecorder,
    ) -> None:
        self._ws = ws
        self._speech = speech
        self._behaviour = behaviour
        self._model = model
        self._idle_secs = idle_secs
        self._log = log
        self._session_id = f"ws_{uuid.uuid4().hex[:16]}"
        self._requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MAX_QUEUED)
        self._contexts = Contexts(self._requests.put_nowait)

    async def run(self) -> None:
        """Serve until the socket ends."""
        speaker = asyncio.create_task(self._serve())
        try:
            await self._receive()
        except ConnectionClosed:
            pass
        finally:
            self._contexts.close()
            speaker.cancel()
            await asyncio.gather(speaker, return_exceptions=True)

    async def _receive(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._idle_secs):
                    message = await self._ws.recv()
            except TimeoutError:
                told = f"Connection timed out after {self._idle_secs:g} seconds of inactivity"
                await self._send({"status": "error", "message": told})
                await self._ws.close(1000, "idle timeout")
                return
            self._log.log("in", message if isinstance(message, str) else f"<{len(message)} bytes>")
            try:
                request = self._read(message)
            except _Refused as error:
                await self._send({"status": "error", "error": {"message": str(error), "code": "invalid_request"}})
                continue
            if self._requests.full():
                await self._send({"status": "error", "message": "Too many requests are waiting on this connection"})
            elif "context_id" not in request:
                self._requests.put_nowait(request)
            elif (wrong := self._contexts.push(request)) is not None:
                await self._send({"status": "error", "message": wrong})

    def _read(self, message: str | bytes) -> dict[str, Any]:
        try:
            request = json.loads(message) if isinstance(message, str) else None
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise _Refused("Expected a JSON object as a text frame")
        if "context_id" in request:
            self._check_context(request)
        elif not isinstance(request.get("text"), str) or not isinstance(request.get("voice_id"), str):
            raise _Refused("text and voice_id are required")
        if len(request.get("text") or "") > _MAX_TEXT:
            raise _Refused(f"text is longer than {_MAX_TEXT} characters")
        if request.get("sample_rate", 44100) not in TTS_SAMPLE_RATES:
            raise _Refused(f"sample_rate must be one of {TTS_SAMPLE_RATES}")
        specs: dict[str, Spec] = SmallestTTSSettings.specs()
        for name in ("speed", "consistency", "similarity", "enhancement", "complete_backoff_ms"):
            if request.get(name) is not None:
                try:
                    specs[name].check(name, request[name])
                except ConfigError as error:
                    raise _Refused(str(error)) from error
        return request

    def _check_context(self, request: dict[str, Any]) -> None:
        if self._model is not None:
            raise _Refused("context_id is not supported on this endpoint")
        wrong = check_context(request)
        if wrong:
            raise _Refused(wrong)
        ends = request.get("context_close") or request.get("cancel_request")
        if not ends and not isinstance(request.get("voice_id"), str):
            raise _Refused("voice_id is required")
        if not ends and request.get("continue") and not isinstance(request.get("text"), str):
            raise _Refused("text is required")

    async def _serve(self) -> None:
        while True:
            request = await self._requests.get()
            if self._behaviour.silent:
                continue
            ids = self._ids(request)
            try:
                if request["text"].strip():
                    await self._speak(request, ids)
            except EngineError as error:
                await self._send({"status": "error", "message": f"The simulator cannot speak: {error}", **ids})
                continue
            except ConnectionClosed:
                return
            backoff = request.get("complete_backoff_ms", _DEFAULT_BACKOFF_MS) / 1000
            until = monotonic() + (backoff if request["text"].strip() else 0)
            while self._requests.empty() and monotonic() < until:
                await asyncio.sleep(min(0.005, max(0.0, until - monotonic())))
            if not self._requests.empty() and "context_id" not in request:
                continue  # requests that follow one another share a `complete`; released segments have their own
            await self._send({"status": "complete", "message": "All chunks sent", "done": True, **ids})
            if self._behaviour.close_after_complete and "context_id" not in request:
                await self._ws.close(1000)

    def _ids(self, request: dict[str, Any]) -> dict[str, str]:
        ids = {"session_id": self._session_id, "request_id": f"task_{uuid.uuid4().hex[:16]}"}
        for name in ("session_id", "request_id"):
            if request.get(name):
                ids[f"external_{name}"] = str(request[name])
        return ids

    async def _speak(self, request: dict[str, Any], ids: dict[str, str]) -> None:
        rate = request.get("sample_rate", 44100)
        timed = bool(request.get("word_timestamps")) and request["voice_id"] in WORD_TIMESTAMP_VOICES
        cutter = _Cutter()
        started = monotonic()
        if self._behaviour.first_audio_secs:
            await asyncio.sleep(self._behaviour.first_audio_secs)
        async with contextlib.aclosing(self._speech.speak(request["text"], rate, self._prosody(request))) as pieces:
            async for piece in pieces:
                if isinstance(piece, bytes):
                    for chunk in cutter.push(piece):
                        await self._pace(started, cutter.sent / BYTES_PER_SAMPLE / rate)
                        await self._chunk(chunk, ids)
                        cutter.sent += len(chunk)
                        self._maybe_truncate(cutter.sent)
                elif timed and self._model is None:
                    word = {"id": piece.index, "word": piece.word, "start": piece.start, "end": piece.end}
                    await self._send({"status": "word_timestamp", "data": word, **ids})
        if cutter.held:
            await self._chunk(cutter.held, ids)
        self._log.save(rate)

    def _prosody(self, request: dict[str, Any]) -> dict[str, Any]:
        v2 = self._model == "lightning-v2"
        given = {
            n: request[n] for n in ("consistency", "similarity", "enhancement") if v2 and request.get(n) is not None
        }
        speed = request.get("speed")
        return prosody(
            request["voice_id"],
            str(request.get("language") or "en"),
            speed=1.0 if speed is None else speed,
            **given,
        )

    async def _pace(self, started: float, sent_secs: float) -> None:
        if self._behaviour.pace is not None:
            await asyncio.sleep(max(0.0, started + sent_secs / self._behaviour.pace - monotonic()))

    def _maybe_truncate(self, sent: int) -> None:
        limit = self._behaviour.truncate_after
        if limit is not None and sent >= limit:
            self._behaviour.truncate_after = None
            self._ws.transport.abort()
            raise EngineError("the connection was cut as told")

    async def _chunk(self, pcm: bytes, ids: dict[str, str]) -> None:
        self._log.audio(pcm)
        audio = base64.b64encode(pcm).decode()
        await self._ws.send(json.dumps({"status": "chunk", "data": {"audio": audio}, **ids}))

    async def _send(self, frame: dict[str, Any]) -> None:
        text = json.dumps({"session_id": self._session_id, **frame})
        self._log.log("out", text)
        await self._ws.send(text)
