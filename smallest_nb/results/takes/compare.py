"""Two takes, compared in words. Imports errors, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smallest_nb.api.fields import NotGiven
from smallest_nb.api.settings import SmallestTTSSettings, why_not_taken

if TYPE_CHECKING:
    from smallest_nb.results.takes.take import Take

__all__ = ["differences", "setting_value"]

_SECONDS_THAT_COUNT = 0.05
_MS_THAT_COUNT = 5
"""Less is chance."""


def differences(a: Take, b: Take) -> list[str]:
    """Say what tells the second take from the first; empty where nothing does.

    A setting that neither model takes is left out; one that only one of them ignores is marked.

    Args:
        a: The take compared with.
        b: The take that is "shorter", "later" and so on.
    """
    told = ["text differs"] if a.text != b.text else []
    told += _settings(a.settings, b.settings)
    if a.clip.sample_rate != b.clip.sample_rate:
        told.append(f"sample rate {a.clip.sample_rate} → {b.clip.sample_rate} Hz")
    seconds = b.duration - a.duration
    if abs(seconds) >= _SECONDS_THAT_COUNT:
        told.append(f"{abs(seconds):.1f} s {'longer' if seconds > 0 else 'shorter'}")
    if a.ttfb_ms is not None and b.ttfb_ms is not None:
        ms = round(b.ttfb_ms - a.ttfb_ms)
        if abs(ms) >= _MS_THAT_COUNT:
            told.append(f"first audio {abs(ms)} ms {'later' if ms > 0 else 'earlier'}")
    return told


def setting_value(name: str, value: Any) -> str:
    """Return a setting's value for people.

    Args:
        name: Its name, for what None means.
        value: Its value.
    """
    if value is None or isinstance(value, NotGiven):
        spec = SmallestTTSSettings.specs().get(name)
        known = spec is not None and spec.api_default is not None
        return f"API default ({setting_value(name, spec.api_default)})" if spec and known else "API default"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return str(round(value, 4))
    if isinstance(value, tuple | list):
        return ", ".join(str(v) for v in value)
    return str(value)


def _settings(a: SmallestTTSSettings, b: SmallestTTSSettings) -> list[str]:
    told: list[str] = []
    for name in SmallestTTSSettings.specs():
        former, value = getattr(a, name), getattr(b, name)
        if former == value:
            continue
        ignoring = [str(s.model) for s in (a, b) if why_not_taken(s, name)]
        if len(ignoring) == 2:
            continue
        mark = f" (ignored by {ignoring[0]})" if ignoring else ""
        told.append(f"{name} {setting_value(name, former)} → {setting_value(name, value)}{mark}")
    return told + _extra(a.extra, b.extra)


def _extra(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    def value(fields: Mapping[str, Any], name: str) -> str:
        return repr(fields[name]) if name in fields else "not sent"

    names = [*a, *(n for n in b if n not in a)]
    return [f"{n} {value(a, n)} → {value(b, n)}" for n in names if value(a, n) != value(b, n)]
