"""The environment for processes that this one starts: without API keys, which they have no use for."""

from __future__ import annotations

import os

__all__ = ["child_environment"]

_NAMES = ("SMALLEST_API_KEY", "SMALLEST_SIMULATOR_KEY")
_MIN_HIDDEN = 8
"""Characters of a key below which other variables may hold it by chance."""


def child_environment() -> dict[str, str]:
    """Return this process's environment without API keys, and without variables of other names that repeat one."""
    keys = [value for name in _NAMES if len(value := os.environ.get(name, "")) >= _MIN_HIDDEN]
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _NAMES and not any(key in value for key in keys)
    }
