"""The environment for processes that this one starts: without API keys, which they do not need."""

from __future__ import annotations

import os

from smallest_nb.common.key_spellings import MIN_HIDDEN

__all__ = ["child_environment"]

_NAMES = ("SMALLEST_API_KEY", "SMALLEST_SIMULATOR_KEY")


def child_environment() -> dict[str, str]:
    """Return this process's environment without API keys, and without variables of other names that repeat one."""
    keys = [value for name in _NAMES if len(value := os.environ.get(name, "")) >= MIN_HIDDEN]
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _NAMES and not any(key in value for key in keys)
    }
