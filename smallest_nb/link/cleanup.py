"""Cleaning up that a cancellation cannot stop half-way. Imports nothing of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["to_the_end"]


async def to_the_end(cleanup: Coroutine[Any, Any, object]) -> None:
    """Run a bounded cleanup to its end; a cancellation meanwhile is raised after it."""
    task = asyncio.ensure_future(cleanup)
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
