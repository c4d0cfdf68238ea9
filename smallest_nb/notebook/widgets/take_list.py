"""The TakeList: every take in the page, to be heard, starred, noted, compared and deleted."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from typing import Any

import traitlets

from smallest_nb.audio.clip import Clip
from smallest_nb.client import background_loop
from smallest_nb.common.markup import text_html
from smallest_nb.notebook.comm.messages import TakeAction
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.results.takes import Take

__all__ = ["TakeList"]

_log = logging.getLogger(__name__)
_PEAKS = 48
_MOST = 200
_MOST_TEXT = 300


class TakeList(SpeechWidget):
    """Shows takes, the latest first, at most 200 of them.

    Args:
        act: Called on the background loop with what a person did: an action ("play", "star", "note", "compare",
            "delete"), the take's number, and a text that goes with it.

    Attributes:
        current: Number of the take that plays, or 0.
        remark: A line under the list.
    """

    _esm = assets.esm("takes")
    _css = assets.css("takes")

    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    current = traitlets.Int(0).tag(sync=True)
    remark = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self, act: Callable[[str, int, str], None], *, within: PartChannel | None = None, **kwargs: Any
    ) -> None:
        super().__init__(within=within, **kwargs)
        self._outlines: dict[int, list[int]] = {}
        self._channel.on(
            TakeAction, lambda m, _b: background_loop.post(self._done, act, m["action"], m["number"], m["text"])
        )

    def show(self, takes: Sequence[Take]) -> None:
        """Show takes."""
        shown = takes[::-1][:_MOST]
        self._outlines = {t.number: self._outlines.get(t.number) or _peaks(t.clip) for t in shown}
        self.rows = [
            {
                "number": take.number,
                "title": take.summary().rpartition(" · ")[0],
                "text": take.text if len(take.text) <= _MOST_TEXT else take.text[: _MOST_TEXT - 1] + "…",
                "figures": _figures(take),
                "starred": take.starred,
                "note": take.note,
                "peaks": self._outlines[take.number],
            }
            for take in shown
        ]

    def _done(self, act: Callable[[str, int, str], None], action: str, number: int, text: str) -> None:
        try:
            act(action, number, text)
        except Exception as error:
            self.remark = str(error)
            _log.info("%s of take %d failed: %s", action, number, error)

    def describe(self) -> str:
        """Return one line."""
        return f"TakeList({len(self.rows)} takes)"

    def static_html(self) -> str:
        """Return the takes as an HTML list."""
        items = "".join(f"<li>{text_html(row['title'])} <small>{text_html(row['figures'])}</small></li>"
                        for row in self.rows)  # fmt: skip
        return f"<ul>{items}</ul>"


def _figures(take: Take) -> str:
    parts = [f"{take.characters} characters", f"{take.duration:.2f} s"]
    if take.ttfb_ms is not None:
        parts.append(f"first audio {take.ttfb_ms:.0f} ms")
    if take.rtf:
        parts.append(_pace(take.rtf))
    return " · ".join(parts)


def _pace(real_time_factor: float) -> str:
    """Say how fast it was made; the factor itself is small where that was fast."""
    if real_time_factor <= 1:
        return f"made {1 / real_time_factor:.3g} times as fast as it plays"
    return f"made {real_time_factor:.3g} times as slowly as it plays"


def _peaks(clip: Clip) -> list[int]:
    import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

    if not len(clip):
        return [0] * _PEAKS
    size = np.abs(clip.samples.astype(np.int32))
    edges = np.linspace(0, len(size), _PEAKS + 1).astype(int)
    found = np.array([size[a:b].max(initial=0) for a, b in itertools.pairwise(edges)], float)
    return [int(v) for v in np.round(99 * found / max(1.0, found.max()))]
