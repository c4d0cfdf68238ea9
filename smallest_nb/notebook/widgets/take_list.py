"""The TakeList: every take in the page, to be heard, starred, noted, compared, used again, saved and deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import traitlets

from smallest_nb.audio.clip import Clip
from smallest_nb.client import background_loop
from smallest_nb.client.cleanup import start_task
from smallest_nb.common.markup import text_html
from smallest_nb.notebook.comm.messages import TakeAction
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.results.takes import Take

__all__ = ["SoundFile", "TakeList"]

_log = logging.getLogger(__name__)
_PEAKS = 48
_MOST = 200
_MOST_TEXT = 300
_Act = Callable[[str, int, str], "Callable[[], SoundFile] | None"]


class SoundFile(NamedTuple):
    """A file for the page to save: its name, its MIME type and its bytes."""

    name: str
    mime: str
    content: bytes


class TakeList(SpeechWidget):
    """Shows takes, the latest first, at most 200 of them.

    Args:
        act: Called on the background loop with what a person did: an action, the take's number, and a text that goes
            with it; see :class:`~smallest_nb.notebook.widgets.take_actions.TakeActions`. If it returns a function, that
            is called on another thread, and the file that it makes is sent to the page which asked.

    Attributes:
        current: Number of the take that plays, or 0.
        remark: A line under the list.
        undo: What was deleted, in words, while it can be brought back; else empty.
        pair: The numbers of the two takes that are compared, or nothing.
    """

    _esm = assets.esm("takes")
    _css = assets.css("takes")

    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    current = traitlets.Int(0).tag(sync=True)
    remark = traitlets.Unicode("").tag(sync=True)
    undo = traitlets.Unicode("").tag(sync=True)
    pair: traitlets.List[int] = traitlets.List().tag(sync=True)

    def __init__(self, act: _Act, *, within: PartChannel | None = None, **kwargs: Any) -> None:
        super().__init__(within=within, **kwargs)
        self._outlines: dict[str, list[int]] = {}
        self._channel.on(TakeAction, lambda m, _b: background_loop.post(self._start, act, m))

    def show(self, takes: Sequence[Take]) -> None:
        """Show takes."""
        shown = takes[::-1][:_MOST]
        self._outlines = {t.uid: self._outlines.get(t.uid) or _peaks(t.clip) for t in shown}
        self.rows = [
            {
                "number": take.number,
                "title": take.summary().rpartition(" · ")[0].replace(", ", " · "),
                "text": take.text if len(take.text) <= _MOST_TEXT else take.text[: _MOST_TEXT - 1] + "…",
                "figures": _figures(take),
                "details": _details(take),
                "starred": take.starred,
                "note": take.note,
                "peaks": self._outlines[take.uid],
            }
            for take in shown
        ]

    def _start(self, act: _Act, message: TakeAction) -> None:
        """Do what a person did, at once: what they do next comes after it."""
        try:
            make_file = act(message["action"], message["number"], message["text"])
        except Exception as error:
            self._failed(message, error)
        else:
            if make_file is not None:
                start_task(self._send_file(make_file, message))

    async def _send_file(self, make_file: Callable[[], SoundFile], message: TakeAction) -> None:
        try:  # on another thread: to encode a minute of sound takes longer than a chunk of it lasts
            file = await asyncio.get_running_loop().run_in_executor(None, make_file)
        except Exception as error:
            self._failed(message, error)
            return
        self._channel.post({"type": "file", "name": file.name, "mime": file.mime}, file.content, to=message["page"])

    def _failed(self, message: TakeAction, error: Exception) -> None:
        self.remark = str(error)
        _log.info("%s of take %d failed: %s", message["action"], message["number"], error)

    def describe(self) -> str:
        """Return one line."""
        return f"TakeList({len(self.rows)} takes)"

    def static_html(self) -> str:
        """Return the takes as an HTML list."""
        items = "".join(f"<li>{text_html(row['title'])} <small>{text_html(row['figures'])}</small></li>"
                        for row in self.rows)  # fmt: skip
        return f"<ul>{items}</ul>"


def _figures(take: Take) -> str:
    """Return what tells takes from each other at a glance."""
    first = f" · first sound {take.ttfb_ms:.0f} ms" if take.ttfb_ms is not None else ""
    return f"{take.duration:.1f} s{first}"


def _details(take: Take) -> str:
    """Return the rest of the figures."""
    count = take.characters
    parts = [f"{count:,} {'character' if count == 1 else 'characters'}", take.model, f"{take.clip.sample_rate:,} Hz"]
    return " · ".join([*parts, _pace(take.rtf)] if take.rtf else parts)


def _pace(real_time_factor: float) -> str:
    """Say how fast it was made; the factor itself is small where that was fast."""
    if real_time_factor <= 1:
        return f"made {1 / real_time_factor:.3g} times as fast as it plays"
    return f"made {real_time_factor:.3g} times as slowly as it plays"


def _peaks(clip: Clip) -> list[int]:
    import numpy as np  # noqa: PLC0415 - kept out of `import smallest_nb`

    if not len(clip):
        return [0] * _PEAKS
    samples = clip.samples
    edges = np.linspace(0, len(samples), _PEAKS + 1).astype(int)
    # Over the samples as they are: an hour of them in another type, or their magnitudes, would be a copy of it.
    highest, lowest = (ufunc.reduceat(samples, edges[:-1]).astype(float) for ufunc in (np.maximum, np.minimum))
    found = np.where(edges[:-1] < edges[1:], np.maximum(highest, -lowest), 0.0)
    return [int(v) for v in np.round(99 * found / max(1.0, found.max()))]
