"""A separate page on localhost, for a widget whose host forbids it what it needs.

The page is one more page of the widget's channel: the same messages, over a WebSocket in place of the notebook's comm.
Only this machine reaches it (127.0.0.1), only with a token that is good for one load of the page, only from the page
that was served. One server per widget, started when a person asks for it, closed by the widget.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

__all__ = ["Tab"]

_log = logging.getLogger(__name__)
_MAX_MESSAGE_BYTES = 1 << 20
_MAX_WAITING_BYTES = 8 << 20
"""A page that reads nothing any more is dropped when so much waits for it."""
_POLICY = (
    "default-src 'none'; script-src 'self' blob:; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src data:; worker-src blob:; frame-ancestors 'none'; base-uri 'none'"
)
_NO_MORE = "This link was used already. Ask for another one in the notebook: press the same button again."

Receive = Callable[[Any, list[bytes]], None]


class Tab:
    """Serves the page and carries its messages.

    Args:
        files: What the page loads, by name: `index.html`, scripts and style sheets.
        receive: Takes a message of the page and its buffers, on the event loop.
        state: Returns the widget's synced state, as JSON values.
        change: Takes a state that the page has set.
        connected: Called with True when the page comes and with False when it goes.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        *,
        receive: Receive,
        state: Callable[[], dict[str, Any]],
        change: Callable[[dict[str, Any]], None],
        connected: Callable[[bool], None],
    ) -> None:
        self._files = files
        self._receive = receive
        self._state = state
        self._change = change
        self._connected = connected
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._page: ServerConnection | None = None
        self._page_name: str | None = None
        self._link = ""
        self._session = ""
        self.port = 0

    @property
    def page_name(self) -> str | None:
        """The id that the page gave itself, while it is there."""
        return self._page_name

    async def open(self) -> str:
        """Start the server if it does not run, and return a link that is good for one load."""
        if self._server is None:
            self._loop = asyncio.get_running_loop()
            self._server = await serve(
                self._talk, "127.0.0.1", 0, process_request=self._answer, compression=None,
                max_size=_MAX_MESSAGE_BYTES, close_timeout=1.0, logger=logging.getLogger(f"{__name__}.server"),
            )  # fmt: skip
            self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._link = secrets.token_urlsafe(24)
        return f"http://127.0.0.1:{self.port}/?token={self._link}"

    async def close(self) -> None:
        """End the server and its page. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    def send(self, content: Mapping[str, Any], buffers: list[bytes]) -> None:
        """Send a message to the page, if there is one; from any thread."""
        self._post({"content": dict(content), "buffers": len(buffers)}, buffers)

    def set(self, changes: Mapping[str, Any]) -> None:
        """Send changed state to the page; from any thread."""
        self._post({"set": dict(changes)}, [])

    def _post(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        loop = self._loop
        if self._page is not None and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._write, json.dumps(message), buffers)

    def _write(self, text: str, buffers: list[bytes]) -> None:
        """Write without waiting: what goes down to a microphone's page is small."""
        page = self._page
        if page is None or page.state is not State.OPEN:
            return
        if page.transport.get_write_buffer_size() > _MAX_WAITING_BYTES:
            _log.warning("the tab reads nothing any more; it is dropped")
            page.transport.abort()
            return
        page.protocol.send_text(text.encode())
        for buffer in buffers:
            page.protocol.send_binary(buffer)
        page.send_data()

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Serve the page's files; let its WebSocket through."""
        here = f"127.0.0.1:{self.port}"
        if request.headers.get_all("Host") != [here]:  # a name that was made to point here
            return connection.respond(HTTPStatus.FORBIDDEN, "Another host's name.\n")
        try:
            path, token, session = _parse(request.path)
        except ValueError:
            return connection.respond(HTTPStatus.BAD_REQUEST, "This is no link of ours.\n")
        if path == "/socket":
            known = secrets.compare_digest(session, self._session or secrets.token_hex(8))
            ours = request.headers.get_all("Origin") == [f"http://{here}"]
            return (
                None if known and ours else connection.respond(HTTPStatus.FORBIDDEN, "Not the page that was served.\n")
            )
        if path == "/":
            if not self._link or not secrets.compare_digest(token, self._link):
                return _response(HTTPStatus.FORBIDDEN, "text/plain", _NO_MORE.encode())
            self._link, self._session = "", secrets.token_urlsafe(24)
            page = self._files["index.html"].replace(b"SESSION", self._session.encode())
            return _response(HTTPStatus.OK, "text/html", page)
        name = path.removeprefix("/")
        if name == "index.html" or name not in self._files:
            return _response(HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here.")
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return _response(HTTPStatus.OK, kind, self._files[name])

    async def _talk(self, connection: ServerConnection) -> None:
        before, self._page = self._page, connection
        if before is not None:
            await before.close(1000, "another tab")
        self._session = ""  # a second socket needs a page of its own
        self._write(json.dumps({"set": self._state()}), [])
        self._connected(True)
        try:
            while True:
                await self._take(connection)
        except ConnectionClosed:
            pass
        finally:
            if self._page is connection:
                self._leave()

    async def _take(self, connection: ServerConnection) -> None:
        text = await connection.recv()
        try:
            message = json.loads(text) if isinstance(text, str) else {}
            buffers = [await _binary(connection) for _ in range(min(int(message.get("buffers", 0)), 1))]
        except (ValueError, TypeError, AttributeError) as error:
            _log.warning("the tab sent something that is no message: %s", error)
            return
        if isinstance(message.get("set"), dict):
            self._change(message["set"])
        elif isinstance(message.get("content"), dict):
            self._page_name = message["content"].get("page") or self._page_name
            self._receive(message["content"], buffers)

    def _leave(self) -> None:
        """Send the `bye` of a page that was closed; it may have been recording."""
        name, self._page, self._page_name = self._page_name, None, None
        if name is not None:
            self._receive({"v": 1, "type": "bye", "page": name, "ack": 0}, [])
        self._connected(False)


async def _binary(connection: ServerConnection) -> bytes:
    frame = await connection.recv()
    if isinstance(frame, str):
        raise TypeError("text where a buffer was announced")
    return frame


def _parse(target: str) -> tuple[str, str, str]:
    """Return the path, the token and the session of a request.

    Raises:
        ValueError: It is no URL, or not in ASCII as all that is handed out here.
    """
    parts = urlsplit(target)
    given = parse_qs(parts.query)
    found = parts.path, given.get("token", [""])[0], given.get("session", [""])[0]
    if not all(text.isascii() for text in found):
        raise ValueError("not in ASCII")
    return found


def _response(status: HTTPStatus, kind: str, body: bytes) -> Response:
    headers = Headers({
        "Content-Type": f"{kind}; charset=utf-8",
        "Content-Length": str(len(body)),
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Connection": "close",
    })  # fmt: skip
    return Response(status.value, status.phrase, headers, body)
