"""Where every host delivers messages to the page: inside the handler of a message from the page.

Some hosts (Colab) drop what a thread sends after its cell ended, but deliver all that is sent while a cell runs or a
page's message is handled, by whichever widget. So the handler of any page's message flushes what all channels have: a
microphone's chunks carry the transcript along, a player's reports the next sound, and no other page needs to ask.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Protocol

__all__ = ["delivered_at_once", "flush_all", "handling_message", "on_flush", "register"]


class Flushable(Protocol):
    """Keeps messages until a page asks for them."""

    def flush(self) -> None:
        """Send what was not sent inside a handler yet."""


_here = threading.local()
_registered: weakref.WeakSet[Flushable] = weakref.WeakSet()
_hooks: list[Callable[[], None]] = []


@contextlib.contextmanager
def handling_message() -> Iterator[None]:
    """Mark that this thread handles a page's message."""
    former = _in_handler()
    _here.in_handler = True
    try:
        yield
    finally:
        _here.in_handler = former


def _in_handler() -> bool:
    return bool(getattr(_here, "in_handler", False))


def delivered_at_once() -> bool:
    """Say whether what this thread sends now belongs to a cell or to a page's message, as far as can be known."""
    return _in_handler() or threading.current_thread() is threading.main_thread()


def register(channel: Flushable, on: bool) -> None:
    """Count a channel among those whose pages must ask, or no longer."""
    (_registered.add if on else _registered.discard)(channel)


def on_flush(hook: Callable[[], None]) -> None:
    """Call `hook()` too, whenever a message of a page that must ask is handled."""
    _hooks.append(hook)


def flush_all() -> None:
    """Send what every channel has. Call it while a page's message is handled."""
    for channel in list(_registered):
        channel.flush()
    for hook in _hooks:
        hook()
