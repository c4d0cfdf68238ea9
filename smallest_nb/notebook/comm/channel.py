"""Numbered delivery between a widget and its pages.

One outbox, two ways out of it. Push: `post` sends at once, from whatever thread. Pull: the handler of an incoming
message sends what was not sent inside a handler yet, so that hosts which drop messages from threads still deliver; the
page finds out by a probe (`probe`), says so (`poll`), and asks while it expects something (js/src/pull.ts). A page
that misses what the bounded outbox dropped sends `bye` and `hello` as a new one, which has nothing to catch up with.

The parts of a widget (player, microphone, takes) share the channel: its pages, its numbers, its clock. Each part has
its own messages, and one page that owns it, see `part_channel`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from smallest_nb.errors import FrontEndError, ProtocolError
from smallest_nb.notebook.comm import polling, reachability
from smallest_nb.notebook.comm.delivery_log import Entry, Outbox
from smallest_nb.notebook.comm.messages import PROBE, Bye, FromPage, Hello, Ping, Poll, ToPage, envelope, parse
from smallest_nb.notebook.comm.page import Page
from smallest_nb.notebook.comm.part_channel import ANSWER_SECS, PartChannel, Send

__all__ = ["MOUNT_SECS", "Channel"]

_log = logging.getLogger(__name__)
PROBE_SECS = 1.0
"""From `hello` to the probe: the pings that follow a hello are over, whose handlers would deliver it everywhere."""

MOUNT_SECS = 3.0
"""From the output of a cell to the page that shows it, when all cells are run."""

_LATE_SECS = 0.4
_POLL_SECS = 0.05
MAX_PIECE = 48_000
"""Bytes in one message: VS Code turns each of them into a number of its own on the way."""

_MOST_PAGES = 16


class Channel:
    """The widget's side of the conversation.

    Args:
        send: Sends a content and its buffers over the comm; callable from any thread.
        build: Build hash of the front end that this kernel would serve, to find stale pages.
        later: Calls a function after some seconds, on a thread of its own; None sends no probe.
        module: Returns the widget's module and style sheet, as JSON, for a page that does not have them.

    Attributes:
        pages: The pages that show the widget, by id.
        problem: What was wrong with the last bad message, or None.
    """

    def __init__(
        self,
        send: Send,
        *,
        build: str | None = None,
        later: Callable[[float, Callable[[], None]], None] | None = None,
        module: Callable[[], str] = str,
    ) -> None:
        self._routes = [send]
        self._build = build
        self._later = later
        self._module = module
        self._parts: dict[str, PartChannel] = {}
        self._on_left: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        self._outbox = Outbox()
        self._flushed = 0
        self.pages: dict[str, Page] = {}
        self.problem: str | None = None
        self._between_cells = False
        """The host delivered the last message on the thread that runs cells: and perhaps none during one."""
        reachability.watch_cells()

    def part(self, name: str = "") -> PartChannel:
        """Return the channel of one part of the widget; the empty name is the widget itself."""
        if name not in self._parts:
            self._parts[name] = PartChannel(self, name, self._lock)
        return self._parts[name]

    def on_left(self, handler: Callable[[], None]) -> None:
        """Call `handler()` when no page is left."""
        self._on_left.append(handler)

    def add_route(self, send: Send) -> None:
        """Send everything over another way too, to a page that the comm does not reach."""
        self._routes = [*self._routes, send]

    def remove_route(self, send: Send) -> None:
        """Take such a way away again."""
        self._routes = [route for route in self._routes if route != send]

    async def has_page(self, part: str) -> bool:
        """Say whether a page shows a part; waits MOUNT_SECS at most for one that is only being loaded."""
        for _ in range(int(MOUNT_SECS / _POLL_SECS)):
            if self.part(part).pages:
                return True
            await asyncio.sleep(_POLL_SECS)
        return bool(self.part(part).pages)

    async def cannot_receive_while_blocking(self) -> bool:
        """Say whether no message of a page comes while the caller waits, in a cell or elsewhere; takes ANSWER_SECS."""
        if reachability.proven_during_cells() or not self._between_cells:
            return False
        began = monotonic()
        for name in list(self.pages):
            self.ask(name)
        for _ in range(int(ANSWER_SECS / _POLL_SECS)):  # turns of the loop, not seconds: it may be held up meanwhile
            await asyncio.sleep(_POLL_SECS)
            if not self._between_cells or any(page.last_seen >= began for page in self.pages.values()):
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

    def ask(self, page: str) -> None:
        """Send a page a message that it answers at once; one question stands for those of all parts."""
        with self._lock:
            asked, now = self.pages.get(page), monotonic()
            if asked is not None:
                if asked.last_seen < asked.asked_at > now - ANSWER_SECS:
                    return
                asked.asked_at = now
        self._send_unnumbered({"type": "soon"}, to=page)

    def call_later(self, seconds: float, function: Callable[[], None]) -> bool:
        """Call a function after some seconds; return False where there is no clock to do so."""
        if self._later is None:
            return False
        self._later(seconds, function)
        return True

    def number(self, part: str, message: ToPage, buffer: bytes | None = None, *, to: str | None = None) -> list[Entry]:
        """Give a message of a part its numbers, in pieces if it is large; `push` sends it.

        Args:
            part: Whose message it is.
            message: What to send.
            buffer: PCM16 or a file, or None.
            to: One page, or None for all.
        """
        data = buffer or b""
        sure = polling.delivered_at_once()
        whose = {"part": part} if part else {}
        with self._lock:
            entries = [
                self._outbox.add({**envelope({"type": "piece"}), "to": to}, [data[at : at + MAX_PIECE]], sure=sure)
                for at in range(0, len(data) - MAX_PIECE, MAX_PIECE)
            ]
            last = [data[len(entries) * MAX_PIECE :]] if buffer is not None else []
            entries.append(self._outbox.add({**envelope(message), **whose, "to": to}, last, sure=sure))
            self._trim()
        return entries

    def push(self, entries: list[Entry]) -> None:
        """Send what was numbered."""
        for entry in entries:
            self._send({**entry.content, "via": "call" if entry.sure else "thread"}, entry.buffers)

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
            if message["type"] == "module":
                self._send_module()  # to what is no page yet
            elif message["page"] not in self.pages and message["type"] not in ("hello", "bye"):
                # Forgotten, or from before a restart: it comes again as another page, with what was not answered.
                self._send_unnumbered({"type": "unknown", "page": message["page"]}, to=message["page"])
            elif message["type"] == "ping":
                self._pong(message)
            else:
                self._take(message, data)
            page = self.pages.get(message["page"])
            if page is not None and page.pull:
                polling.flush_all()
            if page is not None and message["type"] == "poll":
                self._polled(page, message)

    def _take(self, message: FromPage, data: bytes) -> None:
        with self._lock:
            page = self.pages.get(message["page"])
            if page is not None:
                page.last_seen = monotonic()
                page.ack = max(page.ack, message["ack"])
                self._trim()
        if message["type"] == "bye":
            self._forget(message, data)
        elif message["type"] == "hello":
            self._welcome(message, data)
            if page is None:  # else said again by a page that waited for a busy kernel; nothing else is new
                for part in self._drawn(self.pages[message["page"]]):
                    part.receive(message, data)
        elif page is None:
            return  # it left meanwhile
        elif message["type"] == "poll":
            self._set_pull(page.name, pull=message["pull"])
        elif (part_of := self._parts.get(message.get("part", ""))) is not None:
            part_of.receive(message, data)

    def _drawn(self, page: Page) -> list[PartChannel]:
        return [part for name, part in list(self._parts.items()) if name in page.parts]

    def _pong(self, message: Ping) -> None:
        """Answer at once, out of order: the page aligns its clock with ours by it."""
        page = self.pages.get(message["page"])
        if page is not None:
            page.trip_ms = message["trip"]
            pong: ToPage = {"type": "pong", "page": page.name, "t": message["t"], "k": monotonic() * 1000}
            self._send_unnumbered(pong, to=page.name)

    def _send_module(self) -> None:
        """Send the widget's module, before there is a page that speaks for it."""
        text = self._module()
        pieces = [text[at : at + MAX_PIECE // 2] for at in range(0, len(text), MAX_PIECE // 2)]
        for n, piece in enumerate(pieces):
            self._send_unnumbered({"type": "module", "n": n, "of": len(pieces), "text": piece}, to=None)

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
            page.hello, page.parts = hello, frozenset(hello["parts"])
            self._drop_oldest_page(name)
            drawn = self._drawn(page)
            for part in drawn:
                part.adopt_if_alone(name, newest + 1)
            owners = {part.name: part.owner for part in drawn}
            welcome: ToPage = {
                "type": "welcome", "page": name, "start": page.start, "owners": owners, "problem": problem,
            }  # fmt: skip
        self._send_unnumbered(welcome, to=name)
        self._set_pull(name, pull=hello["pull"])
        if former is not None:
            return
        self.call_later(PROBE_SECS, lambda: self._probe(name))
        for part in drawn:
            part.page_came(name)

    def _drop_oldest_page(self, name: str) -> None:
        """Forget the page that was heard longest ago if there are too many; never an owner, which may be recording."""
        if len(self.pages) > _MOST_PAGES:
            kept = {name, *(part.owner for part in self._parts.values())}
            others = [page for page in self.pages.values() if page.name not in kept]
            del self.pages[min(others, key=lambda page: page.last_seen).name]

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
        """Drop a page."""
        with self._lock:
            page = self.pages.pop(bye["page"], None)
            self._register()
            self._trim()
            last = not self.pages
        for part in self._drawn(page) if page is not None else ():
            part.page_left(bye, data)
        for left in self._on_left if last else ():
            left()

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
