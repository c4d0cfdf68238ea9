"""Two takes, compared in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smallest_nb.api.settings import SmallestTTSSettings, why_not_taken
from smallest_nb.results.takes.take import Take

__all__ = ["differences"]

_LEAST_SECONDS, _LEAST_MS = 0.05, 5
"""Smaller differences vary from one request to the next."""


def differences(a: Take, b: Take) -> list[str]:
    """Return how the second take differs from the first, one text per difference; empty if it does not.

    A setting that neither model takes is left out; one that only one of them ignores is marked.

    Args:
        a: The take compared with.
        b: The take that is "shorter", "later" and so on.
    """
    found = ["text differs"] if a.text != b.text else []
    found += _setting_changes(a.settings, b.settings)
    if a.clip.sample_rate != b.clip.sample_rate:
        found.append(f"sample rate {a.clip.sample_rate} → {b.clip.sample_rate} Hz")
    seconds = b.duration - a.duration
    if abs(seconds) >= _LEAST_SECONDS:
        found.append(f"{abs(seconds):.1f} s {'longer' if seconds > 0 else 'shorter'}")
    if a.ttfb_ms is not None and b.ttfb_ms is not None:
        ms = round(b.ttfb_ms - a.ttfb_ms)
        if abs(ms) >= _LEAST_MS:
            found.append(f"first sound {abs(ms)} ms {'later' if ms > 0 else 'earlier'}")
    return found


def _setting_changes(a: SmallestTTSSettings, b: SmallestTTSSettings) -> list[str]:
    found: list[str] = []
    for name, spec in SmallestTTSSettings.specs().items():
        former, value = getattr(a, name), getattr(b, name)
        if former == value:
            continue
        ignoring = [str(s.model) for s in (a, b) if why_not_taken(s, name)]
        if len(ignoring) == 2:
            continue
        mark = f" (ignored by {ignoring[0]})" if ignoring else ""
        found.append(f"{name} {spec.describe(former)} → {spec.describe(value)}{mark}")
    return found + _extra_fields(a.extra, b.extra)


def _extra_fields(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    def value(fields: Mapping[str, Any], name: str) -> str:
        return repr(fields[name]) if name in fields else "not sent"

    names = [*a, *(n for n in b if n not in a)]
    return [f"{n} {value(a, n)} → {value(b, n)}" for n in names if value(a, n) != value(b, n)]
