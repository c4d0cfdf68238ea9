"""What is asked for beside what was recorded: equal or not, and if not, how they differ in words. Imports frames.

Ids that clients make anew each time do not count; everything else does.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from smallest_nb.common.secret import hide_keys

__all__ = [
    "FRESH_IDS",
    "differences",
    "first_other_sample",
    "is_cancel",
    "likeness",
    "same",
    "without_ids",
    "without_secrets",
]

FRESH_IDS = ("request_id", "context_id")
"""Made anew by the client for each request."""
ECHOED_IDS = (*FRESH_IDS, "external_request_id")
"""Where answers repeat them."""
_SECRETS = ("key", "token", "authorization", "secret", "password")
_MAX_COMPARED = 1000
"""Characters of two requests together that are compared in order."""
TOLERANCE = 4
"""Steps of 32768 that two resamplers may differ by, which nobody hears."""


def without_secrets(value: Any) -> Any:
    """Return a query or request as it is recorded: without what is called like a secret, and without any API key."""
    if isinstance(value, str):
        return hide_keys(value)
    if isinstance(value, dict):
        return {k: "***" if _is_secret(k) and isinstance(v, str) else without_secrets(v) for k, v in value.items()}
    return [without_secrets(v) for v in value] if isinstance(value, list) else value


def _is_secret(name: str) -> bool:
    return name != "keywords" and any(word in name.lower() for word in _SECRETS)


def without_ids(frame: Any) -> Any:
    """Return a request without the ids that are made anew each time."""
    return {k: v for k, v in frame.items() if k not in FRESH_IDS} if isinstance(frame, dict) else frame


def same(recorded: Any, asked: Any) -> bool:
    """Say whether two requests ask for the same."""
    return bool(without_ids(recorded) == without_ids(asked))


def is_cancel(frame: Any) -> bool:
    """Say whether a frame only takes back what was asked: whether it is sent is a matter of moments."""
    return isinstance(frame, dict) and bool(frame.get("cancel_request"))


def likeness(recorded: Any, asked: Any) -> float:
    """Return how alike two requests are, 0 to 1."""
    one, other = (json.dumps(without_ids(v), sort_keys=True, ensure_ascii=False) for v in (recorded, asked))
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    # The exact figure takes time that grows with the third power of the length; long texts are compared by letters.
    return matcher.ratio() if len(one) + len(other) <= _MAX_COMPARED else matcher.quick_ratio()


def differences(recorded: Any, asked: Any) -> list[str]:
    """Say field by field how what is asked for differs from what was recorded."""
    one, other = without_ids(recorded), without_ids(asked)
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return [] if one == other else [f"recorded {_short(one)}, asked for {_short(other)}"]
    told = []
    for name in [*one, *(k for k in other if k not in one)]:
        if name not in other:
            told.append(f"{name}: recorded {_short(one[name])}, not asked for now")
        elif name not in one:
            told.append(f"{name}: not recorded, {_short(other[name])} asked for now")
        elif one[name] != other[name]:
            told.append(f"{name}: recorded {_short(one[name])}, asked for {_short(other[name])}")
    return told


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."


def first_other_sample(recorded: bytes, asked: bytes) -> int | None:
    """Return the index of the first PCM16 sample that differs audibly, or None.

    Args:
        recorded: PCM16; what goes beyond the other's length is not compared.
        asked: PCM16.
    """
    count = min(len(recorded), len(asked)) // 2
    one = np.frombuffer(recorded, "<i2", count).astype(np.int32)
    other = np.frombuffer(asked, "<i2", count).astype(np.int32)
    wrong = np.flatnonzero(np.abs(one - other) > TOLERANCE)
    return int(wrong[0]) if len(wrong) else None
