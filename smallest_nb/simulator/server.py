"""The simulator's server: paths, keys, limits, and its life in a thread. Imports the sessions.

It binds 127.0.0.1 unless told otherwise and never talks to anybody else.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import http
import json
import logging
import threading
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from smallest_nb.catalog import TTS_MODELS
from smallest_nb.errors import ConfigError
from smallest_nb.language import LANGUAGE_NAMES
from smallest_nb.secret import RedactingFilter
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.recorder import Recorder
from smallest_nb.simulator.speech import Speech
from smallest_nb.simulator.stt import BadQuery, STTOptions, STTSession
from smallest_nb.simulator.tts import TTSSession
from smallest_nb.simulator.worker import WorkerPool
from smallest_nb.voices import Voice, voices_of

__all__ = ["Simulator"]

_wire_log = logging.getLogger("smallest_nb.simulator.websockets")
_wire_log.addFilter(RedactingFilter())
_MAX_MESSAGE = 4 * 2**20
_MAX_PORT = 65535
_TTS_LIVE = "/waves/v1/tts/live"
_TTS_BY_MODEL = {f"/waves/v1/{m}/get_speech/stream": m for m in TTS_MODELS}
_VOICES_BY_MODEL = {f"/waves/v1/{m.id}/get_voices": m.id for m in TTS_MODELS.values() if m.unified}
_STT_LIVE, _STT_LEGACY = "/waves/v1/stt/live", "/waves/v1/pulse/get_text"


class Simulator:
    """A local stand-in for the service, as a context manager in a thread.

    Args:
        port: Port to listen on; 0 takes a free one.
        host: Address to listen on.
        behaviour: Limits and faults; may be changed while it runs.
        record: Folder for wire logs and audio, or None.

    Attributes:
        port: The port it listens on.
        base_url: What goes into a service's `base_url`.

    Raises:
        ConfigError: The port is out of range or in use.

    Example:
        >>> with Simulator() as simulator:
        ...     service = SmallestTTSService(api_key="sk_test", base_url=simulator.base_url)
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        behaviour: Behaviour | None = None,
        record: str | Path | None = None,
    ) -> None:
        if not 0 <= port <= _MAX_PORT:
            raise ConfigError(f"port={port} cannot be used; expected 0 (a free one) to {_MAX_PORT}.")
        self.port = port
        self.host = host
        self.behaviour = behaviour or Behaviour()
        self._recorder = Recorder(Path(record) if record else None)
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.sessions = 0

    @property
    def base_url(self) -> str:
        """`ws://host:port`."""
        return f"ws://{self.host}:{self.port}"

    async def start_async(self) -> None:
        """Listen, on the caller's event loop."""
        self._speech = Speech()
        self._hearing = WorkerPool("hearing_worker.py", self.behaviour.hearing_sessions)
        try:
            self._server = await serve(
                self._handle,
                self.host,
                self.port,
                process_request=self._route,
                compression=None,
                max_size=_MAX_MESSAGE,
                ping_interval=20,
                close_timeout=1,
                server_header=None,
                logger=_wire_log,
            )
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(
                    f"Port {self.port} on {self.host} is in use; choose another with --port, or 0 for a free one."
                ) from None
            raise ConfigError(f"The simulator cannot listen on {self.host}:{self.port}: {error}") from None
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._warming = asyncio.create_task(self._speech.warm())

    async def stop_async(self) -> None:
        """Close every session and end the engines."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
            # Not cancelled: a process half-started would be nobody's.
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._speech.close()
        await self._hearing.close()

    def start(self) -> Self:
        """Listen, in a thread of its own."""
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="smallest_nb simulator", daemon=True)
        self._thread.start()
        started.result(30)
        return self

    def _run(self, started: concurrent.futures.Future[None]) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._stopping = asyncio.Event()
            try:
                await self.start_async()
            except BaseException as error:
                started.set_exception(error)
                return
            started.set_result(None)
            try:
                await self._stopping.wait()
            finally:
                await self.stop_async()

        asyncio.run(main())

    def stop(self) -> None:
        """End the thread and everything it holds. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Simulator({self.base_url})"

    def _route(self, connection: ServerConnection, request: Request) -> Response | None:  # noqa: ARG002
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        path = parts.path
        told = self.behaviour
        if path not in (_TTS_LIVE, _STT_LIVE, _STT_LEGACY, *_TTS_BY_MODEL, *_VOICES_BY_MODEL):
            return _answer(404, {"message": f"No such path: {path}"})
        model = _TTS_BY_MODEL.get(path)
        if model in told.retired:
            body = {"status": "error", "error_code": "MODEL_DEPRECATED",
                    "message": f"The model {model} is no longer available",
                    "recommended_endpoint": _TTS_LIVE}  # fmt: skip
            return _answer(410, body)
        key = request.headers.get("Authorization", "").removeprefix("Bearer ") or query.get("token", "")
        if not key:
            return _answer(401, {"message": "Unauthorized: No tokens provided"})
        if not key.startswith("sk_"):
            return _answer(401, {"error": "unauthorized"})
        if told.reject is not None:
            extra = {"Retry-After": str(told.retry_after)} if told.retry_after is not None else {}
            return _answer(told.reject, {"error": {"message": "refused as told", "code": "SIMULATED"}}, extra)
        if path in _VOICES_BY_MODEL:
            return _answer(200, {"voices": [_voice(v) for v in voices_of(_VOICES_BY_MODEL[path])]})
        if path in (_STT_LIVE, _STT_LEGACY):
            try:
                STTOptions.read(query, legacy=path == _STT_LEGACY)
            except BadQuery as error:
                return _answer(400, {"status": "error", "message": str(error)})
            if self._hearing.full:
                return _answer(429, {"error": "too many transcriptions at once"}, {"Retry-After": "1"})
        return None

    async def _handle(self, ws: ServerConnection) -> None:
        if ws.request is None:
            return
        parts = urlsplit(ws.request.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.sessions += 1
        if parts.path in (_STT_LIVE, _STT_LEGACY):
            options = STTOptions.read(query, legacy=parts.path == _STT_LEGACY)
            log = self._recorder.session("stt")
            log.log("open", parts.path)
            await STTSession(ws, self._hearing, options, log=log).run()
            return
        timeout = query.get("timeout", "")
        idle = float(timeout) if timeout.isdigit() and int(timeout) else self.behaviour.idle_secs
        log = self._recorder.session("tts")
        log.log("open", parts.path)
        session = TTSSession(
            ws, self._speech, self.behaviour, model=_TTS_BY_MODEL.get(parts.path), idle_secs=idle, log=log
        )
        await session.run()


def _voice(voice: Voice) -> dict[str, Any]:
    """Write a voice as the service lists it, languages by their English names."""
    languages = [LANGUAGE_NAMES[code].lower() for code in voice.languages]
    tags = {"language": languages, "accent": voice.accent.lower(), "gender": voice.gender, "emotions": []}
    return {"voiceId": voice.id, "displayName": voice.id.capitalize(), "tags": tags}


def _answer(status: int, body: dict[str, Any], extra: dict[str, str] | None = None) -> Response:
    data = json.dumps(body).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(data)), "Connection": "close"})
    for name, value in (extra or {}).items():
        headers[name] = value
    return Response(status, http.HTTPStatus(status).phrase, headers, data)
