"""Which process and event loop a service belongs to: its sockets, tasks and locks work there only."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from typing import Any

from smallest_nb.errors import ConfigError

__all__ = ["LoopOwner"]

_CLOSE_SECS = 30.0
"""For a close on a loop that runs elsewhere; what is closed there has shorter limits of its own."""


class LoopOwner:
    """Remembers the process that made a service, and the first event loop that used it.

    Args:
        service: The service's name, for messages.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None

    def claim(self) -> None:
        """Make the running event loop the owner, unless there is one.

        Raises:
            ConfigError: The service was made in another process, or belongs to another event loop.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a forked process is never inside a loop of its parent
            self.check()
            self._loop = loop

    def check(self) -> None:
        """As `claim`, but the running event loop does not become the owner.

        Raises:
            ConfigError: As `claim`.
        """
        if self._process != os.getpid():
            raise ConfigError(
                f"{self._service} cannot be used here: this service was made in another process; make a new one."
            )
        if self.elsewhere:
            raise ConfigError(
                f"{self._service} cannot be used here: this service belongs to another event loop; make a new one."
            )

    @property
    def elsewhere(self) -> bool:
        """Whether the service belongs to another process or to an event loop other than the running one."""
        if self._process != os.getpid():
            return True
        return self._loop is not None and self._loop is not _running_loop()

    async def closed_elsewhere(
        self, close: Callable[[], Coroutine[Any, Any, None]], release: Callable[[], object]
    ) -> bool:
        """Close a service that belongs elsewhere: on its own loop if that runs, else without one.

        Args:
            close: Closes it on its own loop.
            release: Closes its sockets without a loop.

        Returns:
            Whether it belongs elsewhere, and is closed now; else nothing was done.
        """
        if not self.elsewhere:
            return False
        loop = self._loop
        if self._process != os.getpid() or loop is None:
            pass  # the sockets are the other process's, which goes on using them
        elif loop.is_running():
            closing = asyncio.run_coroutine_threadsafe(close(), loop)
            async with asyncio.timeout(_CLOSE_SECS):
                await asyncio.wrap_future(closing)
        else:
            release()
        return True


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
