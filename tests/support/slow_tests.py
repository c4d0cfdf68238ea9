"""Which tests are slow: those that `tests/slow.toml` lists, each with its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

__all__ = ["SLOW", "SLOW_AND_ALL", "reason_of"]

SLOW: Mapping[str, Mapping[str, str]] = tomllib.loads(
    (Path(__file__).resolve().parents[1] / "slow.toml").read_text(encoding="utf-8")
)
"""Reasons by file, and by the beginning of a test's name."""
SLOW_AND_ALL = pytest.StashKey[tuple[int, int]]()
"""How many of the collected tests are slow, and how many there are."""


def reason_of(nodeid: str) -> str | None:
    """Return why a test is slow, or None."""
    path, _, name = nodeid.partition("::")
    return next((reason for start, reason in SLOW.get(path, {}).items() if name.startswith(start)), None)
