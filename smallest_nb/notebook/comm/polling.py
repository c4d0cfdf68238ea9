"""Where messages are delivered by every host: inside the handler of a page's message. Standard library only.

Some hosts (Colab) show nothing that a thread sends after its cell ended, but all that is sent while a cell runs or a
page's message is handled, by whichever widget. So whoever is asked first hands over what all have: a microphone's
chunks carry the transcript along, a player's reports the next sound, and nobody else needs to ask.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Protocol

__all__ = ["anybody_waits", "inside", "is_heard", "on_turn", "take_turn", "waits", "within"]


class Waits(Protocol):
    """Whoever keeps messages until somebody asks."""

    def hand_over(self) -> None:
        """Send what was not sent inside a handler yet."""


_here = threading.local()
_waiting: weakref.WeakSet[Waits] = weakref.WeakSet()
_hooks: list[Callable[[], None]] = []


@contextlib.contextmanager
def within() -> Iterator[None]:
    """Mark that this thread handles a page's message."""
    former = inside()
    _here.inside = True
    try:
        yield
    finally:
        _here.inside = former


def inside() -> bool:
    """Say whether this thread handles a page's message."""
    return bool(getattr(_here, "inside", False))


def is_heard() -> bool:
    """Say whether what this thread sends now belongs to a cell or to a page's message, as far as can be known."""
    return inside() or threading.current_thread() is threading.main_thread()


def waits(one: Waits, on: bool) -> None:
    """Count somebody among those that must be asked, or no more."""
    (_waiting.add if on else _waiting.discard)(one)


def anybody_waits() -> bool:
    """Say whether some page must ask for its messages."""
    return bool(_waiting)


def on_turn(hook: Callable[[], None]) -> None:
    """Call `hook()` too, whenever a page that must ask was heard."""
    _hooks.append(hook)


def take_turn() -> None:
    """Hand over what everybody has. Call it while a page's message is handled."""
    for one in list(_waiting):
        one.hand_over()
    for hook in _hooks:
        hook()
