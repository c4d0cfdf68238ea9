"""Numbered delivery between a widget and its pages. Imports messages, outbox, pull and errors.

One outbox, two drains. Push: `post` sends at once, from whatever thread. Pull: the handler of an incoming message
hands over what was not sent inside a handler yet, so that hosts which drop messages from threads still deliver; the
page finds out by a probe (`probe`), says so (`poll`), and asks while it expects something (js/src/pull.ts). A page
that misses what the bounded outbox dropped says goodbye and hello as a new one and gets a fresh start.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple

from smallest_nb.errors import ProtocolError
from smallest_nb.notebook.comm import polling, reachability
from smallest_nb.notebook.comm.delivery_log import Entry, Outbox
from smallest_nb.notebook.comm.messages import PROBE, envelope, parse

__all__ = ["Channel", "Page"]

_log = logging.getLogger(__name__)
PROBE_SECS = 1.0
"""From `hello` to the probe: the pings that follow a hello are over, whose handlers would deliver it everywhere."""

_LATE_SECS = 0.4
_SIGN_SECS = 4.0
"""A page that is asked for a sign of life gives one within this; a host's frame that is gone cannot say goodbye."""

MAX_PIECE = 48_000
"""Bytes in one message: VS Code turns each of them into a number of its own on the way."""

_MOST_PENDING = 32

Handler = Callable[[dict[str, Any], bytes], None]


class _Command(NamedTuple):
    """What waits for a page, until a time of the monotonic clock."""

    kind: str
    buffer: bytes | None
    fields: dict[str, Any]
    until: float


@dataclass
class Page:
    """One front-end instance of the widget.

    Attributes:
        name: Its id.
        hello: What it said of itself.
        start: The first message that is for it.
        ack: The last message it has, in order.
        trip_ms: Its fastest round trip, or None while it is not known.
        pull: It must ask for its messages.
        probed_at: When the probe was sent, seconds of the monotonic clock, or None.
        heard_at: When it said something, seconds of the monotonic clock.
    """

    name: str
    hello: dict[str, Any] = field(default_factory=dict)
    start: int = 1
    ack: int = 0
    trip_ms: float | None = None
    pull: bool = False
    probed_at: float | None = None
    heard_at: float = field(default_factory=monotonic)


class Channel:
    """The widget's side of the conversation.

    Args:
        send: Sends a content and its buffers over the comm; callable from any thread.
        build: Build hash of the front end that this kernel would serve, to find stale pages.
        later: Calls a function after some seconds, on a thread of its own; None sends no probe.
    """

    def __init__(
        self,
        send: Callable[[dict[str, Any], list[bytes]], None],
        *,
        build: str | None = None,
        later: Callable[[float, Callable[[], None]], None] | None = None,
    ) -> None:
        self._sends = [send]
        self._build = build
        self._later = later
        self._handlers: dict[str, Handler] = {}
        self._lock = threading.RLock()
        self._outbox = Outbox()
        self._handed = 0
        self.pages: dict[str, Page] = {}
        self.owner: str | None = None
        self.owned_from: int | None = None
        """Number of the message from which on the owner knows that it is it; None while there is no owner."""
        self._heir: str | None = None
        self.bad_messages = 0
        self.problem: str | None = None
        self.between_cells = False
        """Whether the host delivered the last message on the thread that runs cells: and perhaps none during one."""
        self.on_left: list[Callable[[], None]] = []
        """Called when no page is left."""
        self._pending: list[_Command] = []
        reachability.watch_cells()

    async def has_page(self) -> bool:
        """Say whether a page shows the widget; one that is only being loaded is waited for, MOUNT_SECS at most."""
        return await reachability.has_page(self)

    async def is_heard(self) -> bool:
        """Say whether messages from a page come while the caller waits for them, in a cell or elsewhere."""
        return await reachability.is_heard(self)

    def ask_for_sign(self) -> None:
        """Have each page say something at once."""
        for name in list(self.pages):
            self._send({**envelope("soon"), "seq": None, "to": name}, [])

    def command(self, kind: str, buffer: bytes | None = None, *, keep_secs: float = math.inf, **fields: Any) -> None:
        """Send a command to the pages; where none is there yet, to the first that comes.

        Args:
            kind: Its type.
            buffer: As for :meth:`post`.
            keep_secs: Seconds for which it may wait for a page.
            fields: Its fields.
        """
        with self._lock:
            waits = not self.pages
            if waits:
                self._pending.append(_Command(kind, buffer, fields, monotonic() + keep_secs))
                del self._pending[:-_MOST_PENDING]
        if not waits:
            self.post(kind, buffer, **fields)

    def forget_commands(self, *kinds: str) -> None:
        """Drop commands that wait for a page."""
        with self._lock:
            self._pending = [c for c in self._pending if c.kind not in kinds]

    def _send_pending(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, []
        for command in pending:
            if monotonic() < command.until:
                self.post(command.kind, command.buffer, **command.fields)

    def on(self, kind: str, handler: Handler) -> None:
        """Register what handles a type; it runs on the caller's thread and must only hand over."""
        self._handlers[kind] = handler

    def also(self, send: Callable[[dict[str, Any], list[bytes]], None]) -> None:
        """Send everything over another way too, to a page that the comm does not reach."""
        self._sends = [*self._sends, send]

    def no_more(self, send: Callable[[dict[str, Any], list[bytes]], None]) -> None:
        """Take such a way away again."""
        self._sends = [s for s in self._sends if s != send]

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        for send in self._sends:
            send(content, buffers)

    def post(self, kind: str, buffer: bytes | None = None, *, to: str | None = None, **fields: Any) -> int:
        """Send a message to the pages; return its number.

        Args:
            kind: Its type.
            buffer: PCM16, or None; a large one goes in pieces.
            to: One page, or None for all.
            fields: Its fields.
        """
        parts = self._number({**envelope(kind, **fields), "to": to}, buffer)
        self._push(parts)
        return parts[-1].seq

    def _number(self, content: dict[str, Any], buffer: bytes | None = None) -> list[Entry]:
        data = buffer or b""
        sure = polling.is_heard()
        with self._lock:
            parts = [
                self._outbox.add({**envelope("piece"), "to": content["to"]}, [data[at : at + MAX_PIECE]], sure=sure)
                for at in range(0, len(data) - MAX_PIECE, MAX_PIECE)
            ]
            last = [data[len(parts) * MAX_PIECE :]] if buffer is not None else []
            parts.append(self._outbox.add(content, last, sure=sure))
            self._trim()
        return parts

    def _push(self, parts: list[Entry]) -> None:
        for part in parts:
            self._send({**part.content, "via": "call" if part.sure else "thread"}, part.buffers)

    def soon(self) -> None:
        """Say, in a cell or handler, that something will come by itself: pages that must ask begin to."""
        if self.pages and polling.is_heard():
            self._send({**envelope("soon"), "seq": None, "to": None}, [])

    def hand_over(self) -> None:
        """Send, inside the handler of any page's message, what was not sent inside one yet."""
        with self._lock:
            missing = self._outbox.after(max(self._handed, self._acked()), unsure=True)
            self._handed = max([self._handed, *(e.seq for e in missing)])
        self._send_again(missing)

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
        self.between_cells = reachability.note_message()
        with polling.within():
            if message["type"] == "ping":
                self._pong(message["page"], message)
            else:
                self._take(message["type"], message["page"], message, data)
            page = self.pages.get(message["page"])
            if page is not None and page.pull:
                polling.take_turn()
            if page is not None and message["type"] == "poll":
                self._polled(page, message)

    def _take(self, kind: str, name: str, message: dict[str, Any], data: bytes) -> None:
        with self._lock:
            page = self.pages.get(name)
            if page is not None:
                page.heard_at = monotonic()
                page.ack = max(page.ack, message["ack"])
                self._trim()
            if name == self._heir and (kind == "press" or message.get("state", "idle") != "idle"):
                self._heir = None  # it is in use
        if kind == "bye":
            self._forget(name, message, data)
            return
        if kind == "hello":
            self._welcome(name, message, data)
            if page is not None:
                return  # said again by a page that waited for a busy kernel; nothing else is new
        elif page is None:
            return  # from before a restart; its next hello sorts it out
        if kind == "poll":
            self._ask(name, pulls=message["pull"])
        # To halt ends what another page does; so does another way (`by-...`), once the last words are here.
        pressed = kind == "press" and not message["action"].startswith(("halt", "by-"))
        if pressed or (kind == "mic-state" and message["state"] == "starting"):
            self.claim(name)
        self._handle(kind, message, data)

    def _handle(self, kind: str, message: dict[str, Any], data: bytes) -> None:
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(message, data)
        if kind == "hello":  # last: a command may be about what the handler has sent
            self._send_pending()

    def _pong(self, name: str, message: dict[str, Any]) -> None:
        """Answer at once, out of the row: the page aligns its clock with ours by it."""
        page = self.pages.get(name)
        if page is not None:
            page.trip_ms = message["trip"]
            content = envelope("pong", page=name, t=message["t"], k=monotonic() * 1000)
            self._send({**content, "seq": None, "to": name}, [])

    def claim(self, page: str) -> None:
        """Make a page the owner of speaker and microphone; the others stay silent. A handler of "owner" is told."""
        self._own(page)

    def _own(self, page: str, *, heir: bool = False) -> None:
        with self._lock:
            if self.owner == page or (heir and self.owner is not None):
                return
            parts = self._number({**envelope("owner", page=page), "to": None})
            self.owner, self.owned_from, self._heir = page, parts[-1].seq, page if heir else None
        self._push(parts)
        handler = self._handlers.get("owner")
        if handler is not None:
            handler({"page": page}, b"")

    def _welcome(self, name: str, message: dict[str, Any], data: bytes) -> None:
        problem = None
        if data != PROBE:
            problem = "This notebook host does not pass binary data to the kernel unchanged, so there is no sound."
        elif self._build and message["build"] != self._build:
            problem = "This page holds an older front end than the kernel: reload the page."
        with self._lock:
            newest = self._outbox.newest
            former = self.pages.get(name)
            page = self.pages.setdefault(name, Page(name, start=newest + 1, ack=newest))
            page.hello = message
            if len(self.pages) > 16:
                del self.pages[next(iter(self.pages))]
            if self.owner not in self.pages:
                self.owner, self.owned_from, self._heir = name, newest + 1, None
            content = envelope("welcome", page=name, start=page.start, owner=self.owner, problem=problem)
        self._send({**content, "seq": None, "to": name}, [])
        self._ask(name, pulls=message["pull"])
        if former is None and self._heir is not None:
            self.claim(name)  # a page that was loaded anew: the one that stayed has done nothing since
        if self._later is not None and former is None:
            self._later(PROBE_SECS, lambda: self._probe(name))
            if self.owner not in (name, None):
                self._ask_owner(name)

    def _ask_owner(self, heir: str) -> None:
        """Let a new page own sound and microphone where the owner gives no sign of life any more."""
        owner, asked, later = self.pages.get(self.owner or ""), monotonic(), self._later
        if owner is None or later is None:
            return
        self._send({**envelope("soon"), "seq": None, "to": owner.name}, [])

        def check() -> None:
            if self.owner == owner.name and owner.heard_at < asked and heir in self.pages:
                self.claim(heir)

        later(_SIGN_SECS, check)

    def _probe(self, name: str) -> None:
        """Send what a host may lose: from a thread, when nobody asks."""
        page = self.pages.get(name)
        if page is not None:
            self._send({**envelope("probe", page=name), "seq": None, "to": name, "via": "thread"}, [])
            page.probed_at = monotonic()

    def _ask(self, name: str, *, pulls: bool) -> None:
        with self._lock:
            if name in self.pages:
                self.pages[name].pull = pulls
            polling.waits(self, any(p.pull for p in self.pages.values()))

    def _forget(self, name: str, message: dict[str, Any], data: bytes) -> None:
        """Drop a page; `bye` is handled for the owner, whose sound and microphone end with it, and the last.

        Of the pages that stay the one that was heard last owns them then.
        """
        with self._lock:
            self.pages.pop(name, None)
            owned = self.owner == name
            if owned:
                self.owner = self.owned_from = self._heir = None
            polling.waits(self, any(p.pull for p in self.pages.values()))
            last = not self.pages
            self._trim()
        handler = self._handlers.get("bye")
        if (owned or last) and handler is not None:
            handler(message, data)
        for left in self.on_left if last else ():
            left()
        with self._lock:
            heir = max(self.pages.values(), key=lambda page: page.heard_at, default=None)
        if owned and heir is not None:
            self._own(heir.name, heir=True)

    def _polled(self, page: Page, message: dict[str, Any]) -> None:
        """Answer a poll: what is missing, then the numbers by which the page finds a gap."""
        with self._lock:
            # A page that pushes reach has a gap, or is not sure; one that must ask was handed all, and lost some of it.
            missing = self._outbox.after(page.ack) if message["again"] or not page.pull else []
            newest, oldest = self._outbox.newest, self._outbox.oldest
        self._send_again(missing)
        probed = page.probed_at is not None and monotonic() - page.probed_at > _LATE_SECS
        content = envelope("polled", page=page.name, newest=newest, oldest=oldest, probed=probed)
        self._send({**content, "seq": None, "to": page.name}, [])

    def _send_again(self, missing: list[Entry]) -> None:
        for entry in missing:
            age = round((monotonic() - entry.at) * 1000)
            self._send({**entry.content, "via": "pull", "age": age}, entry.buffers)

    def _acked(self) -> int:
        return min((p.ack for p in self.pages.values()), default=0)

    def _trim(self) -> None:
        self._outbox.forget(self._acked())
