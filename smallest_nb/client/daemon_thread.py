"""Blocking calls in a thread that holds nothing up: neither the event loop's end nor the interpreter's."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["run_in_daemon_thread"]

_T = TypeVar("_T")


async def run_in_daemon_thread(function: Callable[..., _T], *args: Any) -> _T:
    """Call a function in a thread of its own and return what it returns, or raise what it raises.

    `asyncio.to_thread` would do, but the threads of its pool are joined when the interpreter ends: one that waits for a
    peer which sends a byte now and then would keep a finished script alive. If the caller is cancelled, the thread goes
    on and its result is dropped.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[_T] = loop.create_future()

    def settle(take: Callable[[Any], None], value: Any) -> None:
        if not outcome.done():
            take(value)

    def run() -> None:
        take: Callable[[Any], None] = outcome.set_result
        value: Any = None
        try:
            value = function(*args)
        except BaseException as error:
            take, value = outcome.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits any more
            loop.call_soon_threadsafe(settle, take, value)

    threading.Thread(target=run, name="smallest_nb-http", daemon=True).start()
    return await outcome
