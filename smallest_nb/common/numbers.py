"""Which values count as numbers: Python counts True and False among the integers, no setting or message does."""

from __future__ import annotations

import math
from typing import TypeGuard

__all__ = ["finite_float", "is_integer", "is_number"]


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is an int or a float, NaN and infinity included, and not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> TypeGuard[int]:
    """Whether a value is an int and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def finite_float(value: object) -> float | None:
    """Return a number, or the number that a text spells, as a float; None for anything else, NaN and infinity."""
    if not is_number(value) and not isinstance(value, str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
