"""Takes: what was auditioned, with its settings and figures."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets

from smallest_nb.audio import Clip
from smallest_nb.protocol.tts import ignored_settings
from smallest_nb.services.metrics import TTSMetrics
from smallest_nb.settings import SmallestTTSSettings
from smallest_nb.widgets.controls import close_all
from smallest_nb.widgets.latency import StreamLatency, waterfall

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
        stream: What the page told of its first playing, or None where it was not played.
    """

    number: int
    text: str
    settings: SmallestTTSSettings
    clip: Clip
    metrics: TTSMetrics
    stream: StreamLatency | None = None

    @property
    def waterfall(self) -> dict[str, float]:
        """Each step from the press to the ear, ms, in order; steps that are not known (yet) are left out."""
        return waterfall(self.stream, self.metrics.connect_s, self.metrics.ttfb_s)

    def summary(self) -> str:
        """Return what tells it apart, in one line."""
        ignored = ignored_settings(self.settings)
        changed = {n: v for n, v in self.settings.changed_from_default().items() if n not in ignored}
        named = [
            str(self.settings.voice),
            *(f"{n} {v}" for n, v in changed.items() if n not in ("voice", "extra")),
        ]
        return f"{', '.join(named)} · {self.clip.duration:.1f} s"

    def __repr__(self) -> str:
        return f"Take {self.number}: {self.summary()}"


class TakeTray(ipywidgets.VBox):
    """The latest takes with a button each to hear them again; the rows are made once and filled anew.

    Args:
        play: Called with a take.
    """

    def __init__(self, play: Callable[[Take], None], **kwargs: Any) -> None:
        self._play = play
        self._shown: list[Take] = []
        self._empty = ipywidgets.HTML("<small>No takes yet.</small>")
        self._rows = [self._row(index) for index in range(SHOWN)]
        super().__init__([self._empty], **kwargs)

    def show(self, takes: list[Take]) -> None:
        """Show the latest takes, newest first."""
        self._shown = takes[: -SHOWN - 1 : -1]
        for row, take in zip(self._rows, self._shown, strict=False):
            button, told = row.children
            button.description = f"Take {take.number}"
            button.tooltip = f"Hear take {take.number} again"
            told.value = _told(take)
        self.children = self._rows[: len(self._shown)] or [self._empty]

    def _row(self, index: int) -> ipywidgets.HBox:
        button = ipywidgets.Button(icon="play", layout=ipywidgets.Layout(width="96px", flex="0 0 auto"))
        button.on_click(lambda _b: self._play(self._shown[index]))
        return ipywidgets.HBox([button, ipywidgets.HTML()], layout=ipywidgets.Layout(align_items="center"))

    def close(self) -> None:
        """Close the rows too, shown or not."""
        for row in (*getattr(self, "_rows", ()), self._empty):
            close_all(row)
        super().close()


def _told(take: Take) -> str:
    first = f" · first audio {take.metrics.ttfb_s * 1000:.0f} ms" if take.metrics.ttfb_s is not None else ""
    text = take.text if len(take.text) <= 60 else take.text[:59] + "…"
    return f"{html.escape(take.summary())}{first} <span style='opacity:.65'>{html.escape(text)}</span>"
