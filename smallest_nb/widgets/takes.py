"""Takes: what was auditioned, with its settings and figures."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets

from smallest_nb.audio import Clip
from smallest_nb.services.metrics import TTSMetrics
from smallest_nb.settings import SmallestTTSSettings

__all__ = ["Take", "TakeTray"]

SHOWN = 6
KEPT = 50


@dataclass(frozen=True, eq=False)
class Take:
    """One audition.

    Attributes:
        number: Counts from 1.
        text: What was said.
        settings: The complete settings it was made with.
        clip: The sound.
        metrics: What it cost in time.
    """

    number: int
    text: str
    settings: SmallestTTSSettings
    clip: Clip
    metrics: TTSMetrics

    def summary(self) -> str:
        """Return what tells it apart, in one line."""
        changed = self.settings.changed_from_default()
        named = [
            str(self.settings.voice),
            *(f"{n} {v}" for n, v in changed.items() if n not in ("voice", "extra")),
        ]
        return f"{', '.join(named)} · {self.clip.duration:.1f} s"

    def __repr__(self) -> str:
        return f"Take {self.number}: {self.summary()}"


class TakeTray(ipywidgets.VBox):
    """The latest takes with a button each to hear them again.

    Args:
        play: Called with a take.
    """

    def __init__(self, play: Callable[[Take], None], **kwargs: Any) -> None:
        self._play = play
        super().__init__([ipywidgets.HTML("<small>No takes yet.</small>")], **kwargs)

    def show(self, takes: list[Take]) -> None:
        """Show the latest takes, newest first."""
        self.children = [self._row(t) for t in reversed(takes[-SHOWN:])]

    def _row(self, take: Take) -> ipywidgets.HBox:
        button = ipywidgets.Button(
            description=f"Take {take.number}", icon="play", tooltip=f"Hear take {take.number} again",
            layout=ipywidgets.Layout(width="92px"),
        )  # fmt: skip
        button.on_click(lambda _b: self._play(take))
        first = f" · first audio {take.metrics.ttfb_s * 1000:.0f} ms" if take.metrics.ttfb_s is not None else ""
        text = take.text if len(take.text) <= 60 else take.text[:59] + "…"
        told = f"{html.escape(take.summary())}{first} <span style='opacity:.65'>{html.escape(text)}</span>"
        return ipywidgets.HBox([button, ipywidgets.HTML(told)], layout=ipywidgets.Layout(align_items="center"))
