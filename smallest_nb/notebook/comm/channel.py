"""Numbered delivery between a widget and its pages.

One outbox, two ways out of it. Push: `post` sends at once, from whatever thread. Pull: the handler of an incoming
message sends what was not sent inside a handler yet, so that hosts which drop messages from threads still deliver; the
page finds out by a probe (`probe`), says so (`poll`), and asks while it expects something (js/src/pull.ts). A page
that misses what the bounded outbox dropped sends `bye` and `hello` as a new one, which has nothing to catch up with.

Several pages may show one widget. One of them owns speaker and microphone: the one that was pressed last. When it
leaves, the page that was heard last becomes the owner, as `successor`: until it is used, the next page that comes takes
over, which is most often the former owner after a reload.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from smallest_nb.errors import FrontEndError, ProtocolError
from smallest_nb.notebook.comm import polling, reachability
from smallest_nb.notebook.comm.delivery_log import Entry, Outbox
from smallest_nb.notebook.comm.messages import (
    PROBE,
    Bye,
    FromPage,
    Hello,
    Ping,
    Poll,
    ToPage,
    envelope,
    kinds_of,
    parse,
)  # fmt: skip

__all__ = ["ANSWER_SECS", "MOUNT_SECS", "Channel", "Page"]

_log = logging.getLogger(__name__)
PROBE_SECS = 1.0
"""From `hello` to the probe: the pings that follow a hello are over, whose handlers would deliver it everywhere."""

ANSWER_SECS = 4.0
"""A page answers a question within this, also in a tab in the background."""
MOUNT_SECS = 3.0
"""From the output of a cell to the page that shows it, when all cells are run."""

_LATE_SECS = 0.4
_POLL_SECS = 0.05
MAX_PIECE = 48_000
"""Bytes in one message: VS Code turns each of them into a number of its own on the way."""

_MOST_PENDING = 32
_MOST_PAGES = 16

Send = Callable[[dict[str, Any], list[bytes]], None]
_M = TypeVar("_M")


class _Command(NamedTuple):
    """What waits for a page, until a time of the monotonic clock."""

    message: ToPage
    buffer: bytes | None
    until: float


@dataclass
class Page:
    """One front-end instance of the widget.

    Attributes:
        name: Its id.
        start: The first message that is for it.
        hello: What it said of itself, or None before that.
        ack: The last message it has, in order.
        trip_ms: Its fastest round trip, or None while it is not known.
        pull: It must ask for its messages.
        probed_at: When the probe was sent, seconds of the monotonic clock, or None.
        heard_at: When its last message came, seconds of the monotonic clock.
    """

    name: str
    start: int = 1
    hello: Hello | None = None
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

    Attributes:
        pages: The pages that show the widget, by id.
        owner: The page that owns speaker and microphone, or None.
        owned_from: Number of the message that made it the owner, or None while there is no owner.
        problem: What was wrong with the last bad message, or None.
    """

    def __init__(
        self,
        send: Send,
        *,
        build: str | None = None,
        later: Callable[[float, Callable[[], None]], None] | None = None,
    ) -> None:
        self._routes = [send]
        self._build = build
        self._later = later
        self._handlers: dict[str, Callable[[Any, bytes], None]] = {}
        self._on_owner: list[Callable[[], None]] = []
        self._on_left: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        self._outbox = Outbox()
        self._flushed = 0
        self.pages: dict[str, Page] = {}
        self.owner: str | None = None
        self.owned_from: int | None = None
        self._successor: str | None = None
        self.problem: str | None = None
        self._between_cells = False
        """The host delivered the last message on the thread that runs cells: and perhaps none during one."""
        self._pending: list[_Command] = []
        reachability.watch_cells()

    def on(self, message: type[_M], handler: Callable[[_M, bytes], None]) -> None:
        """Register what handles a message; it runs on the thread that delivers, and must only hand over.

        `Bye` is handled for the owner, whose sound and microphone end with it, and for the last page.
        """
        self._handlers |= dict.fromkeys(kinds_of(message), handler)

    def on_owner(self, handler: Callable[[], None]) -> None:
        """Call `handler()` when another page has become the owner."""
        self._on_owner.append(handler)

    def on_left(self, handler: Callable[[], None]) -> None:
        """Call `handler()` when no page is left."""
        self._on_left.append(handler)

    def add_route(self, send: Send) -> None:
        """Send everything over another way too, to a page that the comm does not reach."""
        self._routes = [*self._routes, send]

    def remove_route(self, send: Send) -> None:
        """Take such a way away again."""
        self._routes = [route for route in self._routes if route != send]

    @property
    def owner_page(self) -> Page | None:
        """The page that owns speaker and microphone, or None."""
        return self.pages.get(self.owner or "")

    async def has_page(self) -> bool:
        """Say whether a page shows the widget; waits MOUNT_SECS at most for one that is only being loaded."""
        for _ in range(int(MOUNT_SECS / _POLL_SECS)):
            if self.pages:
                return True
            await asyncio.sleep(_POLL_SECS)
        return bool(self.pages)

    async def cannot_receive_while_blocking(self) -> bool:
        """Say whether no message of a page comes while the caller waits, in a cell or elsewhere; takes ANSWER_SECS."""
        if reachability.proven_during_cells() or not self._between_cells:
            return False
        began = monotonic()
        for name in list(self.pages):
            self._send_unnumbered({"type": "soon"}, to=name)
        for _ in range(int(ANSWER_SECS / _POLL_SECS)):  # turns of the loop, not seconds: it may be held up meanwhile
            await asyncio.sleep(_POLL_SECS)
            if not self._between_cells or any(page.heard_at >= began for page in self.pages.values()):
                return False
        return True

    async def check_reachable(self, instead: str) -> None:
        """Refuse to wait for a page if none of its messages would come meanwhile.

        Args:
            instead: What to do, a sentence.

        Raises:
            FrontEndError: None would.
        """
        if await self.cannot_receive_while_blocking():
            raise FrontEndError(
                f"No page answered while this cell waited for {ANSWER_SECS:g} s: this kernel receives messages from "
                f"pages only between cells, or the page is gone. {instead}"
            )

    def command(self, message: ToPage, buffer: bytes | None = None, *, keep_secs: float = math.inf) -> None:
        """Send a command to the pages; if there is none yet, to the first that comes.

        Args:
            message: What to do.
            buffer: As for :meth:`post`.
            keep_secs: Seconds for which it may wait for a page.
        """
        with self._lock:
            waits = not self.pages
            if waits:
                self._pending.append(_Command(message, buffer, monotonic() + keep_secs))
                del self._pending[:-_MOST_PENDING]
        if not waits:
            self.post(message, buffer)

    def forget_commands(self, *kinds: str) -> None:
        """Drop commands that wait for a page."""
        with self._lock:
            self._pending = [c for c in self._pending if c.message["type"] not in kinds]

    def _send_pending(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, []
        for command in pending:
            if monotonic() < command.until:
                self.post(command.message, command.buffer)

    def post(self, message: ToPage, buffer: bytes | None = None, *, to: str | None = None) -> int:
        """Send a message to the pages; return its number.

        Args:
            message: What to send.
            buffer: PCM16, or None; a large one goes in pieces.
            to: One page, or None for all.
        """
        parts = self._number(message, buffer, to=to)
        self._push(parts)
        return parts[-1].seq

    def _number(self, message: ToPage, buffer: bytes | None = None, *, to: str | None = None) -> list[Entry]:
        data = buffer or b""
        sure = polling.delivered_at_once()
        with self._lock:
            parts = [
                self._outbox.add({**envelope({"type": "piece"}), "to": to}, [data[at : at + MAX_PIECE]], sure=sure)
                for at in range(0, len(data) - MAX_PIECE, MAX_PIECE)
            ]
            last = [data[len(parts) * MAX_PIECE :]] if buffer is not None else []
            parts.append(self._outbox.add({**envelope(message), "to": to}, last, sure=sure))
            self._trim()
        return parts

    def _push(self, parts: list[Entry]) -> None:
        for part in parts:
            self._send({**part.content, "via": "call" if part.sure else "thread"}, part.buffers)

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        for route in self._routes:
            route(content, buffers)

    def _send_unnumbered(self, message: ToPage, *, to: str | None, **extra: Any) -> None:
        """Send what belongs to the delivery itself: it is neither kept nor sent again."""
        self._send({**envelope(message), "seq": None, "to": to, **extra}, [])

    def announce(self) -> None:
        """Say, in a cell or handler, that something will come by itself: pages that must ask begin to."""
        if self.pages and polling.delivered_at_once():
            self._send_unnumbered({"type": "soon"}, to=None)

    def flush(self) -> None:
        """Send, inside the handler of any page's message, what was not sent inside one yet."""
        with self._lock:
            missing = self._outbox.after(max(self._flushed, self._acked()), unsure=True)
            self._flushed = max([self._flushed, *(e.seq for e in missing)])
        self._send_again(missing)

    def receive(self, content: Any, buffers: Any = ()) -> None:
        """Take a message from a page: copy, check, hand over. Never raises; problems are logged."""
        data = bytes(buffers[0]) if buffers else b""
        try:
            message = parse(content)
        except ProtocolError as error:
            self.problem = str(error)
            _log.warning("%s", error)
            return
        self._between_cells = reachability.note_message()
        with polling.handling_message():
            if message["type"] == "ping":
                self._pong(message)
            else:
                self._take(message, data)
            page = self.pages.get(message["page"])
            if page is not None and page.pull:
                polling.flush_all()
            if page is not None and message["type"] == "poll":
                self._polled(page, message)

    def _take(self, message: FromPage, data: bytes) -> None:
        kind, name = message["type"], message["page"]
        with self._lock:
            page = self.pages.get(name)
            if page is not None:
                page.heard_at = monotonic()
                page.ack = max(page.ack, message["ack"])
                self._trim()
            if name == self._successor and (kind == "press" or message.get("state", "idle") != "idle"):
                self._successor = None  # it is in use
        if message["type"] == "bye":
            self._forget(message, data)
            return
        if message["type"] == "hello":
            self._welcome(message, data)
            if page is not None:
                return  # said again by a page that waited for a busy kernel; nothing else is new
        elif page is None:
            return  # from before a restart; its next hello sorts it out
        if message["type"] == "poll":
            self._set_pull(name, pull=message["pull"])
        # To halt ends what another page does, which stays the owner until its last words are here; so does the choice
        # of another source (`by-...`).
        pressed = message["type"] == "press" and not message["action"].startswith(("halt", "by-"))
        if pressed or (message["type"] == "mic-state" and message["state"] == "starting"):
            self.claim(name)
        self._handle(message, data)

    def _handle(self, message: FromPage, data: bytes) -> None:
        handler = self._handlers.get(message["type"])
        if handler is not None:
            handler(message, data)
        if message["type"] == "hello":  # last: a command may be about what the handler has sent
            self._send_pending()

    def _pong(self, message: Ping) -> None:
        """Answer at once, out of order: the page aligns its clock with ours by it."""
        page = self.pages.get(message["page"])
        if page is not None:
            page.trip_ms = message["trip"]
            pong: ToPage = {"type": "pong", "page": page.name, "t": message["t"], "k": monotonic() * 1000}
            self._send_unnumbered(pong, to=page.name)

    def claim(self, page: str) -> None:
        """Make a page the owner of speaker and microphone; the others stay silent."""
        self._own(page)

    def _own(self, page: str, *, successor: bool = False) -> None:
        with self._lock:
            if self.owner == page or (successor and self.owner is not None):
                return
            parts = self._number({"type": "owner", "page": page})
            self.owner, self.owned_from, self._successor = page, parts[-1].seq, page if successor else None
        self._push(parts)
        for handler in self._on_owner:
            handler()

    def _welcome(self, hello: Hello, data: bytes) -> None:
        name, problem = hello["page"], None
        if data != PROBE:
            problem = "This notebook host does not pass binary data to the kernel unchanged, so there is no sound."
        elif self._build and hello["build"] != self._build:
            problem = "This page holds an older front end than the kernel: reload the page."
        with self._lock:
            newest = self._outbox.newest
            former = self.pages.get(name)
            page = self.pages.setdefault(name, Page(name, start=newest + 1, ack=newest))
            page.hello = hello
            if len(self.pages) > _MOST_PAGES:
                # never the owner: it may be recording, and its sound would be dropped
                others = [p for p in self.pages.values() if p.name not in (name, self.owner)]
                del self.pages[min(others, key=lambda p: p.heard_at).name]
            if self.owner not in self.pages:
                self.owner, self.owned_from, self._successor = name, newest + 1, None
            welcome: ToPage = {
                "type": "welcome", "page": name, "start": page.start, "owner": self.owner, "problem": problem,
            }  # fmt: skip
        self._send_unnumbered(welcome, to=name)
        self._set_pull(name, pull=hello["pull"])
        if former is not None:
            return
        if self._successor is not None:
            self.claim(name)  # a page that was loaded again: the one that stayed has done nothing since
        if self._later is not None:
            self._later(PROBE_SECS, lambda: self._probe(name))
            if self.owner not in (name, None):
                self._replace_silent_owner(name)

    def _replace_silent_owner(self, successor: str) -> None:
        """Make a new page the owner if the present one does not answer: a host that crashed sends no `bye`."""
        owner, asked, later = self.owner_page, monotonic(), self._later
        if owner is None or later is None:
            return
        self._send_unnumbered({"type": "soon"}, to=owner.name)

        def check() -> None:
            if self.owner == owner.name and owner.heard_at < asked and successor in self.pages:
                self.claim(successor)

        later(ANSWER_SECS, check)

    def _probe(self, name: str) -> None:
        """Send what a host may lose: from a thread, while no handler runs."""
        page = self.pages.get(name)
        if page is not None:
            self._send_unnumbered({"type": "probe", "page": name}, to=name, via="thread")
            page.probed_at = monotonic()

    def _set_pull(self, name: str, *, pull: bool) -> None:
        with self._lock:
            if name in self.pages:
                self.pages[name].pull = pull
            self._register()

    def _register(self) -> None:
        polling.register(self, any(page.pull for page in self.pages.values()))

    def _forget(self, bye: Bye, data: bytes) -> None:
        """Drop a page; of the pages that stay the one that was heard last becomes the owner if this one was it."""
        name = bye["page"]
        with self._lock:
            self.pages.pop(name, None)
            owned = self.owner == name
            if owned:
                self.owner = self.owned_from = self._successor = None
            self._register()
            last = not self.pages
            self._trim()
        if owned or last:
            self._handle(bye, data)
        for left in self._on_left if last else ():
            left()
        with self._lock:
            successor = max(self.pages.values(), key=lambda page: page.heard_at, default=None)
        if owned and successor is not None:
            self._own(successor.name, successor=True)

    def _polled(self, page: Page, poll: Poll) -> None:
        """Answer a poll: what is missing, then the numbers by which the page finds a gap."""
        with self._lock:
            # A page that pushes reach has a gap, or is not sure; one that must ask was sent all, and lost some of it.
            missing = self._outbox.after(page.ack) if poll["again"] or not page.pull else []
            newest, oldest = self._outbox.newest, self._outbox.oldest
        self._send_again(missing)
        probed = page.probed_at is not None and monotonic() - page.probed_at > _LATE_SECS
        polled: ToPage = {"type": "polled", "page": page.name, "newest": newest, "oldest": oldest, "probed": probed}
        self._send_unnumbered(polled, to=page.name)

    def _send_again(self, missing: list[Entry]) -> None:
        for entry in missing:
            age = round((monotonic() - entry.at) * 1000)
            self._send({**entry.content, "via": "pull", "age": age}, entry.buffers)

    def _acked(self) -> int:
        return min((p.ack for p in self.pages.values()), default=0)

    def _trim(self) -> None:
        self._outbox.forget(self._acked())
