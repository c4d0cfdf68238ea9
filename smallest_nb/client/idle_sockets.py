"""Idle connections of this process, which give up their sockets when another one meets the plan's limit of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol
from weakref import WeakSet

__all__ = ["Holder", "free_sockets", "offer_sockets"]

_log = logging.getLogger(__name__)
_FREE_SECS = 5.0


class Holder(Protocol):
    """A connection whose sockets may be given up.

    Attributes:
        base_url: The address it connects to.
        loop: The event loop it lives on.
        give_up: Closes the sockets if they are idle, and says whether it did; they are opened again when needed.
    """

    base_url: str
    loop: asyncio.AbstractEventLoop | None
    give_up: Callable[[], Coroutine[Any, Any, bool]] | None

    def release(self) -> bool:
        """End for good without an event loop; return whether a socket was open."""


_holders: WeakSet[Holder] = WeakSet()


def offer_sockets(holder: Holder) -> None:
    """Add a connection to those whose sockets may be freed; it is forgotten with its last reference."""
    _holders.add(holder)


async def free_sockets(asking: Holder) -> bool:
    """Have the idle connections to the same place close their sockets; return whether any did."""
    others = [h for h in list(_holders) if h is not asking and h.base_url == asking.base_url and h.give_up and h.loop]
    freed = await asyncio.gather(*map(_free, others))
    if any(freed):
        _log.info("%d idle connections gave up their sockets for another one", sum(freed))
    return any(freed)


async def _free(holder: Holder) -> bool:
    loop, give_up = holder.loop, holder.give_up
    if loop is None or give_up is None:
        return False
    if loop.is_closed():  # the program that ran that loop has left it; its sockets may still be open
        return holder.release()
    try:
        async with asyncio.timeout(_FREE_SECS):
            if loop is asyncio.get_running_loop():
                return await give_up()
            if not loop.is_running():
                return False
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(give_up(), loop))
    except Exception as error:  # of the other connection: this one must not fail for it
        _log.info("an idle connection did not give up its sockets: %s", error)
        return False
