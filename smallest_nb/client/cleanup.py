"""Tasks that outlive their caller, and cleaning up that a cancellation cannot stop half-way."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar
from weakref import WeakSet

__all__ = ["adopt_task", "start_task", "to_the_end"]

_T = TypeVar("_T")
_tasks: WeakSet[asyncio.Task[Any]] = WeakSet()


def start_task(coroutine: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
    """Start a task that reads, keeps alive, closes or reconnects in the background.

    A service that is forgotten leaves some of them on an event loop that other code ends, and may start them while
    that loop is being shut down (`asyncio.run` closes generators last). asyncio would report each on stderr.
    """
    try:
        task = asyncio.get_running_loop().create_task(coroutine)
    except RuntimeError:
        coroutine.close()  # a generator that is finalized without its loop: nothing can be started for it
        raise
    adopt_task(task)
    return task


def adopt_task(task: asyncio.Task[Any]) -> None:
    """Treat a task that a library started for us as one of `start_task`."""
    with contextlib.suppress(AttributeError):  # as asyncio does itself for what `gather` waits for
        task._log_destroy_pending = False  # type: ignore[attr-defined] # noqa: SLF001
    _tasks.add(task)


def _close_tasks() -> None:
    """End, with the process, the tasks of loops that were left without ending them, such as a kernel's.

    Later the collector would end them, when their clean-up can neither import nor call its loop any more.
    """
    for task in list(_tasks):
        if not task.done() and not task.get_loop().is_running():
            with contextlib.suppress(Exception, asyncio.CancelledError):
                task.get_coro().close()


atexit.register(_close_tasks)


async def to_the_end(cleanup: Coroutine[Any, Any, object]) -> None:
    """Run a bounded cleanup to its end; a cancellation meanwhile is raised after it."""
    task = start_task(cleanup)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
