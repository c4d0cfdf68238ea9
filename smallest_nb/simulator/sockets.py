"""The WebSocket sessions: refused at the handshake, or served to their end. Imports the sessions and the gate."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request

from smallest_nb.common.text import whole_characters
from smallest_nb.errors import ConfigError
from smallest_nb.simulator import gate
from smallest_nb.simulator.backend import Backend
from smallest_nb.simulator.faults import FAULT_HEADER, Behaviour, parse_faults
from smallest_nb.simulator.http import Answer, json_answer
from smallest_nb.simulator.latency import latency
from smallest_nb.simulator.limits import SOCKETS_PER_UNIT
from smallest_nb.simulator.recorder import NoRecorder, SessionLog
from smallest_nb.simulator.report import Report
from smallest_nb.simulator.stt import STTSession
from smallest_nb.simulator.stt_options import BadQuery, STTOptions, whole_number
from smallest_nb.simulator.tts import TTSSession

__all__ = ["Sockets"]

_log = logging.getLogger("smallest_nb.simulator")
_MAX_IDLE_SECS = 10**6
_STT = (gate.STT_LIVE, gate.STT_LEGACY)
_TTS = (gate.TTS_LIVE, *gate.TTS_BY_MODEL)


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
        self.count = 0

    async def refusal(self, request: Request) -> Answer | None:
        """Return what a handshake is answered instead, or None."""
        path, query = _place(request)
        try:
            behaviour = self._told(request, query)
        except ConfigError as error:
            return json_answer(400, {"message": str(error)})
        await latency(behaviour.latency).connect.wait()
        refused = self._refused(path, query, _key(request, query), behaviour)
        if refused is not None:
            kind = "stt" if path in _STT else "tts" if path in _TTS else "ws"
            Report(kind, path).done(refused=refused.status)
        return refused

    def _refused(self, path: str, query: Mapping[str, str], key: str, behaviour: Behaviour) -> Answer | None:
        if path not in (*_STT, *_TTS):
            return json_answer(404, {"message": f"No such path: {path}"})
        refused = gate.retired_answer(gate.TTS_BY_MODEL.get(path), behaviour) or gate.refusal(
            key, behaviour, self._backend.key
        )
        if refused is not None:
            return refused
        if path in _TTS:
            if self._backend.accounts.of(key).speech_sockets >= behaviour.concurrency * SOCKETS_PER_UNIT:
                return json_answer(429, {"error": "too many connections for this account"}, {"Retry-After": "1"})
            try:
                _idle_secs(query)
            except BadQuery as error:
                return json_answer(400, {"status": "error", "message": str(error)})
            return None
        try:
            STTOptions.read(query, legacy=path == gate.STT_LEGACY)
        except BadQuery as error:
            return json_answer(400, {"status": "error", "message": str(error)})
        if behaviour.engine == "speech" and self._backend.hearing.full:
            return json_answer(429, {"error": "too many transcriptions at once"}, {"Retry-After": "1"})
        return None

    async def handle(self, ws: ServerConnection) -> None:
        """Serve a session."""
        if ws.request is None:
            return
        self.count += 1
        path, query = _place(ws.request)
        behaviour, key = self._told(ws.request, query), _key(ws.request, query)
        kind = "stt" if path in _STT else "tts"
        report = Report(kind, path)
        sockets, transcriptions = (1, 0) if kind == "tts" else (0, 1)
        self._backend.accounts.change(key, speech_sockets=sockets, transcriptions=transcriptions)
        try:
            if behaviour.close_at_connect is not None:
                await ws.close(behaviour.close_at_connect, "as told")
            elif self._backend.accounts.of(key).transcriptions > behaviour.stt_sessions:
                report.note(error="too many sessions")
                await ws.close(1008, "too many sessions")  # `stt-live-ws.yaml:497`
            else:
                session = self._stt if kind == "stt" else self._tts
                await session(ws, behaviour, report).run()
        except Exception:
            report.note(error="a fault of the simulator")
            _log.exception("a session failed")
            raise
        finally:
            self._backend.accounts.change(key, speech_sockets=-sockets, transcriptions=-transcriptions)
            report.done(closed=ws.close_code)

    def _stt(self, ws: ServerConnection, behaviour: Behaviour, report: Report) -> STTSession:
        path, query = _place(ws.request)
        options = STTOptions.read(query, legacy=path == gate.STT_LEGACY)
        report.note(language=options.language)
        return STTSession(ws, self._backend, behaviour, options, log=self._opened(ws, "stt"), report=report)

    def _tts(self, ws: ServerConnection, behaviour: Behaviour, report: Report) -> TTSSession:
        path, query = _place(ws.request)
        idle = _idle_secs(query)
        return TTSSession(
            ws,
            self._backend,
            behaviour,
            key=_key(ws.request, query),
            model=gate.TTS_BY_MODEL.get(path),
            idle_secs=behaviour.idle_secs if idle is None else idle,
            log=self._opened(ws, "tts"),
            report=report,
        )

    def _opened(self, ws: ServerConnection, kind: str) -> SessionLog | NoRecorder:
        path, query = _place(ws.request)
        shown = urlencode({name: value for name, value in query.items() if name != "token"})
        log = self._backend.recorder.session(kind)
        log.log("open", f"{path}?{shown}" if shown else path)
        return log

    def _told(self, request: Request, query: Mapping[str, str]) -> Behaviour:
        faults = parse_qs(urlsplit(request.path).query).get("fault", []) if "fault" in query else []
        return self._behaviour.with_faults(
            parse_faults([*faults, whole_characters(request.headers.get(FAULT_HEADER, ""))])
        )


def _idle_secs(query: Mapping[str, str]) -> float | None:
    """Return the seconds of `?timeout=` (any positive whole number, `tts-ws.yaml:84-110`), or None without it."""
    return float(whole_number(query, "timeout", 0, 1, _MAX_IDLE_SECS)) if "timeout" in query else None


def _place(request: Request | None) -> tuple[str, dict[str, str]]:
    # Bytes outside ASCII reach us as halves of characters, which no log could be written with.
    parts = urlsplit(whole_characters(request.path) if request is not None else "")
    return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))


def _key(request: Request | None, query: Mapping[str, str]) -> str:
    header = request.headers.get("Authorization", "") if request is not None else ""
    return gate.key_of({"authorization": whole_characters(header)}, query.get("token", ""))
