"""Numbered delivery between a widget and its pages. Imports messages and errors.

One outbox, two drains. Push: `post` sends at once, from whatever thread. Pull: the handler of an incoming message
sends again what the page says it has not got, so that hosts which drop messages from threads still deliver.
The outbox keeps at most MAX_MESSAGES or MAX_BYTES unacknowledged, oldest dropped first; a page that misses those says
goodbye and hello as a new one and gets a fresh start.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from smallest_nb.bridge.messages import PROBE, envelope, parse
from smallest_nb.errors import ProtocolError

__all__ = ["Channel", "Page"]

_log = logging.getLogger(__name__)
MAX_MESSAGES = 400
MAX_BYTES = 8 * 2**20
_RESEND = 50

Handler = Callable[[dict[str, Any], bytes], None]


@dataclass
class Page:
    """One front-end instance of the widget.

    Attributes:
        name: Its id.
        hello: What it said of itself.
        ack: The last message it has, in order.
        trip_ms: Its fastest round trip, or None while it is not known.
    """

    name: str
    hello: dict[str, Any] = field(default_factory=dict)
    ack: int = 0
    trip_ms: float | None = None


class Channel:
    """The widget's side of the conversation.

    Args:
        send: Sends a content and its buffers over the comm; callable from any thread.
        build: Build hash of the front end that this kernel would serve, to find stale pages.
    """

    def __init__(self, send: Callable[[dict[str, Any], list[bytes]], None], *, build: str | None = None) -> None:
        self._send = send
        self._build = build
        self._handlers: dict[str, Handler] = {}
        self._lock = threading.RLock()
        self._seq = 0
        self._outbox: deque[tuple[int, dict[str, Any], list[bytes]]] = deque()
        self._bytes = 0
        self.pages: dict[str, Page] = {}
        self.owner: str | None = None
        self.bad_messages = 0
        self.problem: str | None = None
        self.between_cells = False
        """Whether the host delivered the last message on the thread that runs cells: then none comes during a cell."""

    @property
    def deaf(self) -> bool:
        """Whether nothing from a page can come while the caller waits: it would wait for ever."""
        return self.between_cells and threading.current_thread() is threading.main_thread()

    def on(self, kind: str, handler: Handler) -> None:
        """Register what handles a type; it runs on the caller's thread and must only hand over."""
        self._handlers[kind] = handler

    def post(self, kind: str, buffer: bytes | None = None, *, to: str | None = None, **fields: Any) -> None:
        """Send a message to the pages.

        Args:
            kind: Its type.
            buffer: PCM16, or None.
            to: One page, or None for all.
            fields: Its fields.
        """
        content = envelope(kind, **fields)
        buffers = [buffer] if buffer is not None else []
        with self._lock:
            self._seq += 1
            content |= {"seq": self._seq, "to": to}
            self._outbox.append((self._seq, content, buffers))
            self._bytes += len(buffer or b"")
            self._trim()
        self._send(content, buffers)

    def receive(self, content: Any, buffers: Any = ()) -> None:
        """Take a message from a page: copy, check, hand over. Never raises; problems are counted and logged."""
        data = bytes(buffers[0]) if buffers else b""
        try:
            message = parse(content)
        except ProtocolError as error:
            self.bad_messages += 1
            self.problem = str(error)
            _log.warning("%s", error)
            return
        self.between_cells = threading.current_thread() is threading.main_thread()
        if message["type"] == "ping":
            self._pong(message["page"], message)
        else:
            self._take(message["type"], message["page"], message, data)

    def _take(self, kind: str, name: str, message: dict[str, Any], data: bytes) -> None:
        with self._lock:
            page = self.pages.get(name)
            if page is not None:
                page.ack = max(page.ack, int(message.get("ack") or 0))
                self._trim()
        if kind == "bye":
            self._forget(name, message, data)
            return
        if kind == "hello":
            self._welcome(name, message, data)
            if page is not None:
                return  # said again by a page that waited for a busy kernel; nothing else is new
        elif page is None:
            return  # from before a restart; its next hello sorts it out
        if kind == "press" or (kind == "mic-state" and message["state"] == "starting"):
            self.claim(name)
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(message, data)
        if kind == "poll" or (page is not None and page.hello.get("pull")):
            self._resend(name)

    def _pong(self, name: str, message: dict[str, Any]) -> None:
        """Answer at once, out of the row: the page aligns its clock with ours by it."""
        page = self.pages.get(name)
        if page is not None:
            page.trip_ms = message["trip"]
            content = envelope("pong", page=name, t=message["t"], k=monotonic() * 1000)
            self._send({**content, "seq": None, "to": name}, [])

    def claim(self, page: str) -> None:
        """Make a page the owner of speaker and microphone; the others stay silent."""
        if self.owner != page:
            self.owner = page
            self.post("owner", page=page)

    def _welcome(self, name: str, message: dict[str, Any], data: bytes) -> None:
        problem = None
        if data != PROBE:
            problem = "This notebook host does not pass binary data to the kernel unchanged, so there is no sound."
        elif self._build and message["build"] != self._build:
            problem = "This page holds an older front end than the kernel: reload the page."
        with self._lock:
            self.pages[name] = Page(name, message, self._seq)
            if len(self.pages) > 16:
                del self.pages[next(iter(self.pages))]
            if self.owner not in self.pages:
                self.owner = name
            content = envelope("welcome", page=name, start=self._seq + 1, owner=self.owner, problem=problem)
        self._send({**content, "seq": None, "to": name}, [])

    def _forget(self, name: str, message: dict[str, Any], data: bytes) -> None:
        """Drop a page; `bye` is handled for the owner, whose sound and microphone end with it, and the last."""
        with self._lock:
            self.pages.pop(name, None)
            owned = self.owner == name
            if owned:
                self.owner = None
            last = not self.pages
            self._trim()
        handler = self._handlers.get("bye")
        if (owned or last) and handler is not None:
            handler(message, data)

    def _resend(self, name: str) -> None:
        with self._lock:
            after = self.pages[name].ack if name in self.pages else self._seq
            missing = [(content, buffers) for seq, content, buffers in self._outbox if seq > after][:_RESEND]
        for content, buffers in missing:
            self._send(content, buffers)

    def _trim(self) -> None:
        acked = min((p.ack for p in self.pages.values()), default=0)
        while self._outbox and (
            self._outbox[0][0] <= acked or len(self._outbox) > MAX_MESSAGES or self._bytes > MAX_BYTES
        ):
            _, _, buffers = self._outbox.popleft()
            self._bytes -= sum(len(b) for b in buffers)
