"""The messages of one part of a widget, such as its player or its microphone.

Several pages may show one widget. One of them owns a part: the one where it was pressed last; it alone sounds, and it
alone records. Parts have owners of their own, so that a word which is heard again in one page does not end what another
page records. When an owner leaves, the page that was heard last becomes the owner, as `successor`: until it is used,
the next page that comes takes over, which is most often the former owner after a reload.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic
from typing import Any, NamedTuple, Protocol, TypeVar

from smallest_nb.notebook.comm.delivery_log import Entry
from smallest_nb.notebook.comm.messages import Bye, FromPage, ToPage, kinds_of
from smallest_nb.notebook.comm.page import Page

__all__ = ["ANSWER_SECS", "PartChannel", "Send"]

ANSWER_SECS = 4.0
"""A page answers a question within this, also in a tab in the background."""
_MOST_PENDING = 32
_M = TypeVar("_M")
Send = Callable[[dict[str, Any], list[bytes]], None]


class _Command(NamedTuple):
    """What waits for a page, until a time of the monotonic clock."""

    message: ToPage
    buffer: bytes | None
    until: float


class Delivery(Protocol):
    """What a part needs of the channel that it shares with others; see `Channel`."""

    pages: dict[str, Page]

    def part(self, name: str = "") -> PartChannel: ...
    def number(
        self, part: str, message: ToPage, buffer: bytes | None = None, *, to: str | None = None
    ) -> list[Entry]: ...
    def push(self, entries: list[Entry]) -> None: ...
    def announce(self) -> None: ...
    def ask(self, page: str) -> None: ...
    def call_later(self, seconds: float, function: Callable[[], None]) -> bool: ...
    def on_left(self, handler: Callable[[], None]) -> None: ...
    def add_route(self, send: Send) -> None: ...
    def remove_route(self, send: Send) -> None: ...
    def receive(self, content: Any, buffers: Any = ()) -> None: ...
    async def has_page(self, part: str) -> bool: ...
    async def check_reachable(self, instead: str) -> None: ...


class PartChannel:
    """One part's side of the conversation; made by `Channel.part`.

    Args:
        channel: What delivers.
        name: The part's name; messages carry it.
        lock: The channel's.

    Attributes:
        owner: The page that owns the part, or None.
        owned_from: Number of the message that made it the owner, or None while there is no owner.
    """

    def __init__(self, channel: Delivery, name: str, lock: AbstractContextManager[Any]) -> None:
        self.channel = channel
        self.name = name
        self._lock = lock
        self._handlers: dict[str, Callable[[Any, bytes], None]] = {}
        self._on_owner: list[Callable[[], None]] = []
        self.owner: str | None = None
        self.owned_from: int | None = None
        self._successor: str | None = None
        self._pending: list[_Command] = []

    def on(self, message: type[_M], handler: Callable[[_M, bytes], None]) -> None:
        """Register what handles a message; it runs on the thread that delivers, and must only hand over.

        `Bye` is handled for the owner, whose sound and microphone end with it, and for the last page.
        """
        self._handlers |= dict.fromkeys(kinds_of(message), handler)

    def on_owner(self, handler: Callable[[], None]) -> None:
        """Call `handler()` when another page has become the owner."""
        self._on_owner.append(handler)

    @property
    def pages(self) -> dict[str, Page]:
        """The pages that show the part, by id."""
        return {name: page for name, page in self.channel.pages.items() if self.name in page.parts}

    @property
    def owner_page(self) -> Page | None:
        """The page that owns the part, or None."""
        return self.channel.pages.get(self.owner or "")

    async def has_page(self) -> bool:
        """Say whether a page shows the part; waits for one that is only being loaded."""
        return await self.channel.has_page(self.name)

    async def check_reachable(self, instead: str) -> None:
        """Refuse to wait for a page if none of its messages would come meanwhile; as `Channel.check_reachable`."""
        await self.channel.check_reachable(instead)

    def announce(self) -> None:
        """Say, in a cell or handler, that something will come by itself; as `Channel.announce`."""
        self.channel.announce()

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

    def post(self, message: ToPage, buffer: bytes | None = None, *, to: str | None = None) -> int:
        """Send a message to the pages; return its number.

        Args:
            message: What to send.
            buffer: PCM16 or a file, or None; a large one goes in pieces.
            to: One page, or None for all.
        """
        entries = self.channel.number(self.name, message, buffer, to=to)
        self.channel.push(entries)
        return entries[-1].seq

    def claim(self, page: str) -> None:
        """Make a page the owner of the part; the others stay silent."""
        self._own(page)

    def receive(self, message: FromPage, data: bytes) -> None:
        """Take a message of a page that is for this part."""
        name = message["page"]
        in_use = message["type"] == "press" or message.get("state", "idle") != "idle"
        if name == self._successor and in_use:
            self._successor = None
        # To halt ends what another page does, which stays the owner until its last words are here; so does the choice
        # of another source (`by-...`).
        pressed = message["type"] == "press" and not message["action"].startswith(("halt", "by-"))
        if pressed or (message["type"] == "mic-state" and message["state"] == "starting"):
            self.claim(name)
        handler = self._handlers.get(message["type"])
        if handler is not None:
            handler(message, data)
        if message["type"] == "hello":  # last: a command may be about what the handler has sent
            self._send_pending()

    def adopt_if_alone(self, page: str, seq: int) -> None:
        """Make a page that comes the owner if there is none."""
        if self.owner not in self.channel.pages:
            self.owner, self.owned_from, self._successor = page, seq, None

    def page_came(self, page: str) -> None:
        """See who owns the part, now that another page shows it."""
        if self._successor is not None:
            self.claim(page)  # a page that was loaded again: the one that stayed has done nothing since
        if self.owner not in (page, None):
            self._replace_silent_owner(page)

    def page_left(self, bye: Bye, data: bytes) -> None:
        """Make the page that was heard last the owner if the one that left was it."""
        with self._lock:
            owned = self.owner == bye["page"]
            if owned:
                self.owner = self.owned_from = self._successor = None
            pages = self.pages
        handler = self._handlers.get("bye")
        if handler is not None and (owned or not pages):
            handler(bye, data)
        successor = max(self.pages.values(), key=lambda page: page.last_seen, default=None)
        if owned and successor is not None:
            self._own(successor.name, successor=True)

    def _send_pending(self) -> None:
        with self._lock:
            pending, self._pending = self._pending, []
        for command in pending:
            if monotonic() < command.until:
                self.post(command.message, command.buffer)

    def _own(self, page: str, *, successor: bool = False) -> None:
        with self._lock:
            if self.owner == page or page not in self.channel.pages or (successor and self.owner is not None):
                return  # it has it, or has left meanwhile, or another one was pressed
            entries = self.channel.number(self.name, {"type": "owner", "page": page})
            self.owner, self.owned_from, self._successor = page, entries[-1].seq, page if successor else None
        self.channel.push(entries)
        for handler in self._on_owner:
            handler()

    def _replace_silent_owner(self, successor: str) -> None:
        """Make a new page the owner if the present one does not answer: a host that crashed sends no `bye`."""
        owner, asked = self.owner_page, monotonic()
        if owner is None:
            return

        def check() -> None:
            if self.owner == owner.name and owner.last_seen < asked and successor in self.channel.pages:
                self.claim(successor)

        self.channel.ask(owner.name)
        self.channel.call_later(ANSWER_SECS, check)
