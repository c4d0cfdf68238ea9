"""The one background event loop of a process, and how other threads hand work to it.

What runs on which thread:

- The services of widgets and of blocking calls run on the background loop, in the thread "smallest_nb", so that they go
  on while a cell is busy. A service that a program creates and awaits itself runs on that program's own loop.
- Cells and scripts run on the main thread; widget callbacks run there too, or on a thread of a subshell or of the host.
  They hand work over (`submit`, `post`), or wait for it (`call`; `wait` in a coroutine), and touch no socket.
- Calls that block (host names, files, HTTP) run in daemon threads of their own, see `daemon_thread`.
- The look-up of a key in a slow store, the kernel's microphone and the simulator have threads of their own.

Locks: a `threading.Lock` guards the state of one object that cells and the background loop both change (the channel to
the page, the player, takes, recordings, cassettes, the progress bar) and is never held across an `await`. The session's
lock is held while a simulator starts, and `_lock` here while the loop is started. An `asyncio.Lock` in a service or a
connection only orders the coroutines of one loop.

`submit`, `post` and `call` start the loop unless it runs. `submit_if_running`, `post_if_running` and `call_if_running`
never do and take no lock, which makes them fit for `close` and for finalizers: those also run while the interpreter
shuts down, when `Thread.start` would never return. From the end of `atexit` on nothing is started any more. In a forked
child the loop and the lock are created again, because their thread and their holder stayed with the parent.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import contextvars
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from time import monotonic
from typing import Any, TypeVar

from smallest_nb.client.daemon_thread import DaemonThreadExecutor

__all__ = [
    "call",
    "call_if_running",
    "explain_refused_threads",
    "is_ending",
    "on_loop_thread",
    "post",
    "post_if_running",
    "running_loop",
    "submit",
    "submit_if_running",
    "wait",
]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_POLL_SECS = 0.05
_CANCEL_SECS = 0.2
"""What tasks may take to clean up at the end of the process; sockets and threads end with it anyway."""
_CANCELS = 3
"""A task that is cancelled may wait in its clean-up, for the last words of a service for instance: once more then."""
_JOIN_SECS = 0.3
_ENDING = "The process is ending; nothing can be started any more."
_MAIN_THREAD_ENDED = (
    "The main thread has ended, and Python starts no more threads for the others: let the script wait for them "
    "with `thread.join()` before its end."
)


class _BackgroundLoop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_default_executor(DaemonThreadExecutor())
        self.thread = threading.Thread(target=self._run, name="smallest_nb", daemon=True)
        self._runs = threading.Lock()

    def start(self) -> None:
        """Start the thread unless it runs; may be called again after an interrupt in the middle of it."""
        if self.thread.ident is None:
            self.thread.start()

    def _run(self) -> None:
        if self._runs.acquire(blocking=False):  # an interrupted `start` may be followed by another one
            asyncio.set_event_loop(self.loop)
            while not self._run_until_stopped():
                pass

    def _run_until_stopped(self) -> bool:
        """Run the loop; return False if a handler has thrown it out by `sys.exit()`."""
        try:
            self.loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:  # asyncio raises them through the loop
            _log.warning("A handler raised %r on the background loop, which goes on for all other widgets.", error)
            return False
        return True

    def stop(self) -> None:
        """Cancel what runs, wait for it for a moment, and end the thread."""
        if not self.thread.is_alive():
            return
        # What a loop reports that is cut short would only be noise on the user's stderr.
        self.loop.set_exception_handler(lambda _loop, _context: None)
        cancelling = asyncio.run_coroutine_threadsafe(_cancel_all(self.loop), self.loop)
        with contextlib.suppress(TimeoutError, concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            cancelling.result(_CANCEL_SECS * _CANCELS + _JOIN_SECS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(_JOIN_SECS)
        if self.thread.is_alive():  # something blocks the loop; the thread ends with the process
            return
        for task in asyncio.all_tasks(self.loop):
            with contextlib.suppress(Exception, asyncio.CancelledError):
                task.get_coro().close()  # now, and not by the collector at some later time
        self.loop.close()


async def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for _ in range(_CANCELS):
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        if not tasks:
            break
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_CANCEL_SECS)
    await loop.shutdown_asyncgens()


_lock = threading.Lock()
_background: _BackgroundLoop | None = None
_ended = False


def _start_background() -> _BackgroundLoop:
    """Return the background loop, started if necessary.

    Raises:
        RuntimeError: The process is ending, or Python starts no thread once the main one has ended.
    """
    global _background  # noqa: PLW0603 - one per process by design
    if is_ending():  # before the lock, whose holder may have ended with its thread
        raise RuntimeError(_ENDING)
    with _lock:
        if _background is None:
            _background = _BackgroundLoop()
        with explain_refused_threads():
            _background.start()
        return _background


def _forget() -> None:
    """Start afresh in a forked process: the loop's thread and a lock's holder stayed with the parent."""
    global _lock, _background  # noqa: PLW0603
    _lock = threading.Lock()
    _background = None


def _end() -> None:
    """End the loop with the process, before the interpreter goes down."""
    global _ended  # noqa: PLW0603
    _ended = True
    if _background is not None:
        with contextlib.suppress(KeyboardInterrupt):  # a second Ctrl+C: then without waiting
            _background.stop()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def is_ending() -> bool:
    """Return whether the process is ending, so that nothing can be started any more."""
    return _ended or sys.is_finalizing()


@contextlib.contextmanager
def explain_refused_threads() -> Iterator[None]:
    """Explain why Python starts no thread once the main one has ended; which threads it refuses depends on its version.

    Raises:
        RuntimeError: It was refused.
    """
    try:
        yield
    except RuntimeError as error:
        if threading.main_thread().is_alive():
            raise
        raise RuntimeError(_MAIN_THREAD_ENDED) from error


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop, or None if it was not started."""
    return None if _background is None else _background.loop


def on_loop_thread() -> bool:
    """Return whether the caller runs on the background loop's thread, where blocking would deadlock."""
    return _background is not None and threading.current_thread() is _background.thread


def submit(coroutine: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
    """Start a coroutine on the background loop, in the caller's contextvars, and return its future.

    Raises:
        RuntimeError: The process is ending.
    """
    try:
        loop = _start_background().loop
    except BaseException:
        coroutine.close()
        raise
    try:
        return asyncio.run_coroutine_threadsafe(coroutine, loop)
    except BaseException:
        # An interrupt may come after the coroutine was handed over: its clean-up needs the loop that it runs on.
        try:
            loop.call_soon_threadsafe(_cancel_coroutine, coroutine)
        except RuntimeError:  # the loop was closed
            coroutine.close()
        raise


def _cancel_coroutine(coroutine: Coroutine[Any, Any, Any]) -> None:
    for task in asyncio.all_tasks():
        if task.get_coro() is coroutine:
            task.cancel()
            return
    coroutine.close()


def submit_if_running(coroutine: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T] | None:
    """As `submit` if the loop runs, else drop the coroutine and return None. Never blocks."""
    if _background is not None and not is_ending():
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            return asyncio.run_coroutine_threadsafe(coroutine, _background.loop)
    coroutine.close()
    return None


def post(function: Callable[..., Any], *args: Any) -> None:
    """Call a function soon on the background loop. Never blocks, from any thread; dropped while the process ends."""
    if not is_ending():
        _start_background().loop.call_soon_threadsafe(function, *args, context=contextvars.copy_context())


def post_if_running(function: Callable[..., Any], *args: Any) -> None:
    """As `post` if the loop runs; else nothing is on it that the call could concern."""
    if _background is not None and not is_ending():
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            _background.loop.call_soon_threadsafe(function, *args, context=contextvars.copy_context())


def call(coroutine: Coroutine[Any, Any, _T], timeout: float | None = None) -> _T:
    """Run a coroutine on the background loop and block until it is done; an interrupt cancels it.

    Args:
        coroutine: What to run.
        timeout: Seconds, or None for no limit of its own.

    Raises:
        TimeoutError: It took longer.
        RuntimeError: Called on the background loop itself, or while the process ends.
    """
    if on_loop_thread():
        coroutine.close()
        raise RuntimeError("This blocking call was made from a callback; use its awaitable form there.")
    return _block(submit(coroutine), timeout)


def call_if_running(coroutine: Coroutine[Any, Any, Any], timeout: float) -> None:
    """As `call` if the loop runs, else drop the coroutine.

    Raises:
        TimeoutError: It took longer.
    """
    future = submit_if_running(coroutine)
    if future is not None and not on_loop_thread():
        _block(future, timeout)


def _block(future: concurrent.futures.Future[_T], timeout: float | None) -> _T:
    deadline = None if timeout is None else monotonic() + timeout
    try:
        while True:
            try:
                return future.result(_POLL_SECS)
            except concurrent.futures.TimeoutError:
                if future.done():
                    return future.result()
                if deadline is not None and monotonic() >= deadline:
                    raise TimeoutError(f"Not done within {timeout:g} s.") from None
            except concurrent.futures.CancelledError:
                if is_ending():  # a daemon thread, which the process does not wait for: it ends without a traceback
                    raise SystemExit from None
                raise
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
