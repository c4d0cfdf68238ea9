"""This package, with `start="early"`."""

from __future__ import annotations

from typing import Any

from bench.conversation import ours


async def converse(**order: Any) -> dict[str, Any]:
    """Hold the conversation."""
    return await ours.converse(**order, start="early")
