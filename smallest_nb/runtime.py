"""The one background event loop of a process, and the only file that knows threads. Imports nothing of ours.

Widget callbacks come on the main thread, on a subshell's or on a host's own; they only hand over with `submit`.
A cell that awaits polls (`wait`), because `asyncio.wrap_future` cannot be interrupted in ipykernel.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["call", "post", "submit", "wait"]

_T = TypeVar("_T")
_POLL_SECS = 0.05


class _Runtime:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self.stopped = False
        self._ready = threading.Event()
        self.thread = threading.Thread(target=self._run, name="smallest_nb", daemon=True)
        self.thread.start()
        self._ready.wait(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._ready.set)
        self.loop.run_forever()

    def stop(self) -> None:
        if os.getpid() != self.pid or not self.thread.is_alive():
            return
        self.stopped = True
        with_tasks = asyncio.run_coroutine_threadsafe(_cancel_all(), self.loop)
        with contextlib.suppress(TimeoutError, concurrent.futures.TimeoutError):  # the thread ends with the process
            with_tasks.result(3)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(1)


async def _cancel_all() -> None:
    tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


_lock = threading.Lock()
_runtime: _Runtime | None = None


def _get() -> _Runtime:
    global _runtime  # noqa: PLW0603 - one per process by design
    with _lock:
        if _runtime is None or _runtime.pid != os.getpid():
            _runtime = _Runtime()
            atexit.register(_runtime.stop)
        return _runtime


def on_loop_thread() -> bool:
    """Say whether the caller runs on the background loop's thread, where blocking would deadlock."""
    return _runtime is not None and threading.current_thread() is _runtime.thread


def submit(coroutine: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
    """Start a coroutine on the background loop, in the caller's contextvars, and return its future.

    Raises:
        RuntimeError: The process is ending.
    """
    background = _get()
    if background.stopped:
        coroutine.close()
        raise RuntimeError("The process is ending; nothing can be started any more.")
    return asyncio.run_coroutine_threadsafe(coroutine, background.loop)


def post(function: Callable[..., Any], *args: Any) -> None:
    """Call a function soon on the background loop. Never blocks, from any thread."""
    background = _get()
    if not background.stopped:
        background.loop.call_soon_threadsafe(function, *args, context=contextvars.copy_context())


def call(coroutine: Coroutine[Any, Any, _T], timeout: float | None = None) -> _T:
    """Run a coroutine on the background loop and block until it is done; an interrupt cancels it.

    Args:
        coroutine: What to run.
        timeout: Seconds, or None for no limit of its own.

    Raises:
        TimeoutError: It took longer.
        RuntimeError: Called on the background loop itself.
    """
    if on_loop_thread():
        coroutine.close()
        raise RuntimeError("This blocking call was made from a callback; use its awaitable form there.")
    future = submit(coroutine)
    waited = 0.0
    try:
        while True:
            try:
                return future.result(_POLL_SECS)
            except concurrent.futures.TimeoutError:
                if future.done():
                    return future.result()
                waited += _POLL_SECS
                if timeout is not None and waited >= timeout:
                    raise TimeoutError(f"Not done within {timeout:g} s.") from None
    except BaseException:
        future.cancel()
        raise


async def wait(future: concurrent.futures.Future[_T]) -> _T:
    """Await a future of `submit` from any loop; an interrupt or cancellation cancels it."""
    try:
        while not future.done():
            await asyncio.sleep(_POLL_SECS)
    except BaseException:
        future.cancel()
        raise
    return future.result()
