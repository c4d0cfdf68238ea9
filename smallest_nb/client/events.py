"""Named events with sync or async handlers."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, SupportsIndex, TypeVar

from smallest_nb.client.cleanup import start_task
from smallest_nb.errors import ConfigError

__all__ = ["EventEmitter"]

_log = logging.getLogger(__name__)
_TASK_SECS = 2.0
"""How long a cancelled handler may take to end."""
_F = TypeVar("_F", bound=Callable[..., Any])


class EventEmitter:
    """Lets callers register handlers: `@service.event_handler("on_connected")`.

    Handlers get the service first. A handler that raises is logged, and the others are called all the same.
    """

    EVENTS: ClassVar[tuple[str, ...]] = ("on_connected", "on_disconnected", "on_connection_error")

    def __init__(self) -> None:
        self._handlers: dict[str, list[Callable[..., Any]]] = {name: [] for name in self.EVENTS}
        self._running: set[asyncio.Task[None]] = set()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"A {type(self).__name__} holds a connection and cannot be pickled or copied. Make one where it is needed, "
            "with the same settings: its `settings` can be pickled, and so can clips, transcripts and metrics."
        )

    def event_handler(self, name: str) -> Callable[[_F], _F]:
        """Return a decorator that registers a handler.

        Raises:
            ConfigError: No such event.
        """
        if name not in self._handlers:
            raise ConfigError(f"There is no event {name!r}; known: {', '.join(self.EVENTS)}.")

        def register(handler: _F) -> _F:
            self._handlers[name].append(handler)
            return handler

        return register

    def remove_event_handler(self, name: str, handler: Callable[..., Any]) -> None:
        """Call a handler no more; one that is not registered is none."""
        self._handlers[name] = [each for each in self._handlers.get(name, ()) if each != handler]

    def _fire(self, name: str, *args: Any) -> None:
        for handler in self._handlers[name]:
            try:
                outcome = handler(self, *args)
            except Exception:
                _log.exception("a handler of %s failed", name)
                continue
            if inspect.isawaitable(outcome):
                self._spawn(_guarded(name, outcome))

    def _spawn(self, coroutine: Any) -> None:
        task = start_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _finish_tasks(self) -> None:
        tasks = [t for t in self._running if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks and (left := (await asyncio.wait(tasks, timeout=_TASK_SECS))[1]):
            _log.warning("%d handlers did not end within %g s of being cancelled", len(left), _TASK_SECS)


async def _guarded(name: str, outcome: Any) -> None:
    try:
        await outcome
    except Exception:
        _log.exception("a handler of %s failed", name)
