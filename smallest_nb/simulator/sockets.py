"""The WebSocket sessions: refused at the handshake, or served to their end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from smallest_nb.errors import ConfigError
from smallest_nb.simulator import auth
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.connection import send_answer
from smallest_nb.simulator.faults import Behaviour, read_faults
from smallest_nb.simulator.hearing.stt_options import BadQuery, STTOptions, read_whole_number
from smallest_nb.simulator.http import Answer, HTTPRequest, json_answer
from smallest_nb.simulator.latency import latency
from smallest_nb.simulator.limits import SOCKETS_PER_UNIT
from smallest_nb.simulator.recorder import NoRecorder, SessionLog
from smallest_nb.simulator.report import Report
from smallest_nb.simulator.stt import STTSession
from smallest_nb.simulator.tts import TTSSession
from smallest_nb.simulator.websocket import Socket

__all__ = ["Sockets"]

_log = logging.getLogger("smallest_nb.simulator")
_MAX_IDLE_SECS = 10**6
_STT = (auth.STT_LIVE, auth.STT_LEGACY)
_TTS = (auth.TTS_LIVE, *auth.TTS_BY_MODEL)


class Sockets:
    """Serves WebSocket sessions.

    Args:
        backend: The engines.
        behaviour: Limits and faults, read for each session.

    Attributes:
        count: Sessions so far.
    """

    def __init__(self, backend: Backend, behaviour: Behaviour) -> None:
        self._backend = backend
        self._behaviour = behaviour
        self._open: set[Socket] = set()
        self.count = 0

    @property
    def open_count(self) -> int:
        """Sessions that are open."""
        return len(self._open)

    async def close_all(self, seconds: float) -> None:
        """Close every session with code 1001, within so many seconds."""
        closing = [asyncio.create_task(socket.close(1001, "going away")) for socket in self._open]
        if closing:
            _, late = await asyncio.wait(closing, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def handle(self, request: web.BaseRequest, head: HTTPRequest) -> web.StreamResponse:
        """Answer a handshake, and serve the session that follows it."""
        try:
            behaviour = self._behaviour.with_faults(read_faults(head))
        except ConfigError as error:
            return await send_answer(request, json_answer(400, {"message": str(error)}), close=True)
        await latency(behaviour.latency).connect.wait()
        kind = "stt" if head.path in _STT else "tts" if head.path in _TTS else "ws"
        report = Report(kind, head.path)
        refused = self._refuse(head, behaviour)
        if refused is not None:
            report.done(refused=refused.status)
            return await send_answer(request, refused, close=True)
        socket = Socket(request)
        try:
            response = await socket.accept()
        except web.HTTPException as error:  # no WebSocket key, or another version
            return await send_answer(request, json_answer(error.status, {"message": error.text}), close=True)
        await self._serve(socket, head, behaviour, report)
        return response

    def _refuse(self, head: HTTPRequest, behaviour: Behaviour) -> Answer | None:
        """Return what a handshake is answered instead, or None."""
        path, query = head.path, head.parameters
        if path not in (*_STT, *_TTS):
            return json_answer(404, {"message": f"No such path: {path}"})
        key = auth.read_key(head)
        refused = auth.refuse_retired(auth.TTS_BY_MODEL.get(path), behaviour) or auth.refuse_key(
            key, behaviour, self._backend.key
        )
        if refused is not None:
            return refused
        try:
            if path in _TTS:
                _read_idle_secs(query)
            else:
                STTOptions.read(query, legacy=path == auth.STT_LEGACY)
        except BadQuery as error:
            return json_answer(400, {"status": "error", "message": str(error)})
        if path in _TTS:
            full = self._backend.accounts.of(key).speech_sockets >= behaviour.concurrency * SOCKETS_PER_UNIT
            message = "too many connections for this account"
        else:
            full = self._backend.is_full(behaviour)
            message = "too many transcriptions at once"
        return json_answer(429, {"error": message}, {"Retry-After": "1"}) if full else None

    async def _serve(self, socket: Socket, head: HTTPRequest, behaviour: Behaviour, report: Report) -> None:
        key = auth.read_key(head)
        sockets, transcriptions = (1, 0) if head.path in _TTS else (0, 1)
        self.count += 1
        self._open.add(socket)
        self._backend.accounts.change(key, speech_sockets=sockets, transcriptions=transcriptions)
        try:
            if behaviour.close_at_connect is not None:
                await socket.close(behaviour.close_at_connect, "closed by a simulated fault")
            elif self._backend.accounts.of(key).transcriptions > behaviour.stt_sessions:
                report.note(error="too many sessions")
                await socket.close(1008, "too many sessions")  # `stt-live-ws.yaml:497`
            else:
                make = self._tts if head.path in _TTS else self._stt
                await make(socket, head, behaviour, report).run()
                await socket.close()
        except Exception:
            report.note(error="a fault of the simulator")
            _log.exception("a session failed")
            await socket.close(1011)
        finally:
            self._open.discard(socket)
            self._backend.accounts.change(key, speech_sockets=-sockets, transcriptions=-transcriptions)
            report.done(closed=socket.close_code)

    def _stt(self, socket: Socket, head: HTTPRequest, behaviour: Behaviour, report: Report) -> STTSession:
        options = STTOptions.read(head.parameters, legacy=head.path == auth.STT_LEGACY)
        report.note(language=options.language)
        return STTSession(socket, self._backend, behaviour, options, log=self._open_log(head, "stt"), report=report)

    def _tts(self, socket: Socket, head: HTTPRequest, behaviour: Behaviour, report: Report) -> TTSSession:
        idle = _read_idle_secs(head.parameters)
        return TTSSession(
            socket,
            self._backend,
            behaviour,
            key=auth.read_key(head),
            model=auth.TTS_BY_MODEL.get(head.path),
            idle_secs=behaviour.idle_secs if idle is None else idle,
            log=self._open_log(head, "tts"),
            report=report,
        )

    def _open_log(self, head: HTTPRequest, kind: str) -> SessionLog | NoRecorder:
        shown = urlencode({name: value for name, value in head.parameters.items() if name != "token"})
        log = self._backend.recorder.session(kind)
        log.log("open", f"{head.path}?{shown}" if shown else head.path)
        return log


def _read_idle_secs(query: Mapping[str, str]) -> float | None:
    """Return the seconds of `?timeout=` (any positive whole number, `tts-ws.yaml:84-110`), or None without it."""
    return float(read_whole_number(query, "timeout", 0, 1, _MAX_IDLE_SECS)) if "timeout" in query else None
