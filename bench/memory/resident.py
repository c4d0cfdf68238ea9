"""How much memory this process holds, and the most that it held since a moment. Linux only."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

__all__ = ["Growth", "report"]

_STATUS = Path("/proc/self/status")
_PEAK_OF_NOW = "5"
"""What is written to `clear_refs` to have the peak start again from what is held now."""


class Growth:
    """What a process has grown by since this was made."""

    def __init__(self) -> None:
        gc.collect()
        Path("/proc/self/clear_refs").write_text(_PEAK_OF_NOW)
        self._before = _bytes("VmRSS")

    @property
    def peak(self) -> int:
        """Bytes that were held at most beyond those at the start."""
        return _bytes("VmHWM") - self._before

    @property
    def kept(self) -> int:
        """Bytes that are held beyond those at the start, garbage not counted."""
        gc.collect()
        return _bytes("VmRSS") - self._before


def report(**figures: Any) -> None:
    """Print figures as the answer of this process."""
    print(json.dumps(figures), flush=True)


def _bytes(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024
