"""Calls that block, each in a daemon thread of its own, so that neither a loop nor the process waits for it to end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["DaemonThreadExecutor", "run_in_daemon_thread"]

_T = TypeVar("_T")


class DaemonThreadExecutor(concurrent.futures.ThreadPoolExecutor):
    """Runs each call in a new daemon thread.

    Python waits for the threads of a pool before it ends, and one of them may look up a host name, or wait for a device
    or a peer that sends a byte now and then, for any length of time.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Start `fn(*args, **kwargs)` and return its future."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                outcome = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(outcome)

        threading.Thread(target=run, name="smallest_nb work", daemon=True).start()
        return future


_executor = DaemonThreadExecutor()


async def run_in_daemon_thread(function: Callable[..., _T], *args: Any) -> _T:
    """Call a function in a daemon thread and return what it returns, or raise what it raises.

    If the caller is cancelled, the thread goes on and its result is dropped.
    """
    return await asyncio.get_running_loop().run_in_executor(_executor, functools.partial(function, *args))
