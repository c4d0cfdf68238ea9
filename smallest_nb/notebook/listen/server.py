"""Serves a listening test to listeners who have a link: one page, its sounds, and a place for answers.

Of a listener only the name that was typed is kept: no address, no browser, no cookie. The page's path is the test's id,
so that who does not have the link finds nothing. Each answer is on the disk before the page goes on.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
import logging
import socket
import socketserver
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

from smallest_nb.common.numbers import is_integer
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets import assets
from smallest_nb.results.listening import Study
from smallest_nb.results.listening.session import Session, as_listener

__all__ = ["ListenServer"]

_log = logging.getLogger(__name__)
_MAX_BODY = 16_384
_MAX_REQUESTS = 64
"""At once; further ones wait in the system's queue."""
_REQUEST_SECS = 20.0
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Listening test</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="listen-page.css"></head>
<body><main id="test"></main><script type="module" src="listen-page.js"></script></body></html>"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_NOTHING = "There is nothing here."
_KINDS = {"listen-page.js": "text/javascript", "listen-page.css": "text/css"}


class ListenServer:
    """Serves a saved test until it is closed.

    Args:
        study: The test.
        port: 0 for a free one.
        host: Address to listen on; "0.0.0.0" lets other machines of the network in.

    Attributes:
        study: As given.
        port: The port it has.

    Raises:
        ConfigError: The test was not saved, or the address cannot be listened on.
    """

    def __init__(self, study: Study, *, port: int = 0, host: str = "127.0.0.1") -> None:
        if study.path is None:
            raise ConfigError("Save the test first: answers are kept beside its file.")
        if not is_integer(port) or not 0 <= port <= 65535:
            raise ConfigError(f"port={port!r} cannot be used; expected 0 (a free one) to 65535.")
        if not assets.read("listen-page.js"):
            raise ConfigError(assets.MISSING)
        self.study = study
        self.host = host
        try:
            self._server = _Server((host, port), study)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"{host}:{port} cannot be listened on ({reason}); choose another --port or --host."
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="listening test", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The link for listeners on this machine, or on the address that was given."""
        shown = "127.0.0.1" if self.host in ("0.0.0.0", "") else self.host  # noqa: S104 - compared, not listened on
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}/{self.study.uid}/"

    def close(self) -> None:
        """Serve no more; what was answered is on the disk."""
        self._server.shutdown()
        with self._server.lock:  # an answer that is being written is written to its end
            self._server.hang_up()
        self._server.server_close()
        self._thread.join(_REQUEST_SECS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], study: Study) -> None:
        self.study = study
        self.host = address[0]
        self.lock = threading.Lock()  # of all answers: each is written whole, one after the other
        self.address_family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._connections: set[socket.socket] = set()
        self._places = threading.BoundedSemaphore(_MAX_REQUESTS)
        super().__init__(address, _Handler)

    def hang_up(self) -> None:
        """End the connections that browsers keep open for their next request."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._places.acquire()
        self._connections.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.discard(request)
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a listener who went away."""


class _RefusalError(Exception):
    """What is answered in place of a page or a state."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _REQUEST_SECS
    server_version = "smallest-nb"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Log nothing: a line would hold a listener's address."""

    def _answer(self, act: Callable[[], tuple[str, bytes]]) -> None:
        json_kind = "application/json"
        try:
            kind, body = act()
            self._send(HTTPStatus.OK, kind, body)
        except _RefusalError as refusal:
            self.close_connection = True  # a body may be left unread
            self._send(refusal.status, json_kind, _json({"error": str(refusal)}))
        except ConfigError as error:
            self._send(HTTPStatus.CONFLICT, json_kind, _json({"error": str(error)}))
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            _log.exception("a listener's request failed")
            self.close_connection = True
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, json_kind, _json({"error": "It failed here."}))

    def _get(self) -> tuple[str, bytes]:
        name = self._name()
        if name == "":
            return "text/html; charset=utf-8", _PAGE.encode()
        if name in _KINDS:
            return f"{_KINDS[name]}; charset=utf-8", assets.read(name)
        raise _RefusalError(HTTPStatus.NOT_FOUND, _NOTHING)

    def _post(self) -> tuple[str, bytes]:
        action = self._name()
        if action not in _ACTS:
            raise _RefusalError(HTTPStatus.NOT_FOUND, _NOTHING)
        if self.headers.get_content_type() != "application/json":  # which no page of another origin may send
            raise _RefusalError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Expected JSON.")
        data = self._body()
        name = as_listener(data.get("listener"))
        study = self.server.study
        with self.server.lock:
            session = study.session(name)
            if data.get("new") is True and session.done:
                raise ConfigError(f"{name} has answered already; type another name.")
            body = _ACTS[action](study, session, data)
        return "application/octet-stream" if action == "sound" else "application/json", body

    def _name(self) -> str:
        """Return what is asked for below the test's path."""
        if not _is_ours(self.headers.get("Host", ""), self.server.host):
            raise _RefusalError(HTTPStatus.FORBIDDEN, "This page is reached by another name.")
        parts = self.path.partition("?")[0].split("/")
        if len(parts) != 3 or parts[1] != self.server.study.uid:
            raise _RefusalError(HTTPStatus.NOT_FOUND, _NOTHING)
        return parts[2]

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or len(length) > 9 or int(length) > _MAX_BODY:
            raise _RefusalError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Expected at most {_MAX_BODY} bytes.")
        try:
            data = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise _RefusalError(HTTPStatus.BAD_REQUEST, "Expected JSON.") from None
        if not isinstance(data, dict):
            raise _RefusalError(HTTPStatus.BAD_REQUEST, "Expected a JSON object.")
        return data

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        headers = {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _is_ours(asked: str, host: str) -> bool:
    """Say whether a request names this machine: a name that somebody else's DNS points here is refused."""
    name = asked.rsplit(":", 1)[0] if not asked.endswith("]") else asked
    name = name.strip("[]").lower()
    if name in ("localhost", host.lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _state(_study: Study, session: Session, _data: dict[str, Any]) -> bytes:
    return _json({"state": session.state()})


def _begin(study: Study, session: Session, data: dict[str, Any]) -> bytes:
    session.begin()
    return _state(study, session, data)


def _answer(study: Study, session: Session, data: dict[str, Any]) -> bytes:
    session.answer(data, dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
    return _state(study, session, data)


def _sound(study: Study, session: Session, data: dict[str, Any]) -> bytes:
    """Return a sound of the present trial: its rate as four bytes, then PCM16."""
    trial, place = session.current, data.get("place")
    asked = trial is not None and trial.number == data.get("trial") and is_integer(place)
    if trial is None or not asked or not isinstance(place, int) or not 0 <= place < len(trial.places):
        raise ConfigError("This trial is over; load the page again.")
    clip = study.sounds(trial)[place]
    return clip.sample_rate.to_bytes(4, "little") + clip.pcm


def _json(data: Any) -> bytes:
    return json.dumps(data).encode()


_ACTS: dict[str, Callable[[Study, Session, dict[str, Any]], bytes]] = {
    "state": _state, "begin": _begin, "answer": _answer, "sound": _sound,
}  # fmt: skip
