"""The TranscriptView: shows a transcript as it grows, by deltas."""

from __future__ import annotations

from typing import Any

import traitlets

from smallest_nb import runtime
from smallest_nb.transcript import Segment, Transcript
from smallest_nb.widgets import assets
from smallest_nb.widgets._base import SpeechWidget

__all__ = ["TranscriptView"]

_BATCH = 200


class TranscriptView(SpeechWidget):
    """Shows a transcript: finals frozen, the interim line visibly provisional.

    Args:
        transcript: What to show; changes go through :meth:`apply`.
    """

    _esm = assets.esm("transcript-view")
    _css = assets.css("transcript-view")

    placeholder = traitlets.Unicode("Nothing heard yet.").tag(sync=True)
    live = traitlets.Bool(False).tag(sync=True)

    def __init__(self, transcript: Transcript | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.transcript = transcript if transcript is not None else Transcript()
        self._channel.on("hello", lambda m, _b: runtime.post(self._show_all, m["page"]))

    def apply(self, segment: Segment) -> None:
        """Fold a result into the transcript and show the line that changed."""
        index, shown = self.transcript.apply(segment)
        self._channel.post("lines", reset=False, lines=[_line(index, shown)])

    def clear(self) -> None:
        """Drop everything."""
        self.transcript.clear()
        self._channel.post("lines", reset=True, lines=[])

    def _show_all(self, to: str) -> None:
        lines = [_line(i, s) for i, s in enumerate(self.transcript.segments)]
        if self.transcript.interim is not None:
            lines.append(_line(len(lines), self.transcript.interim))
        for at in range(0, max(1, len(lines)), _BATCH):
            self._channel.post("lines", to=to, reset=at == 0, lines=lines[at : at + _BATCH])

    def describe(self) -> str:
        """Return one line."""
        return f"TranscriptView({self.transcript!r})"

    def _face(self) -> str:
        return self.transcript._repr_html_()


def _line(index: int, segment: Segment) -> dict[str, Any]:
    return {
        "i": index,
        "text": segment.text,
        "final": segment.is_final,
        "start": segment.start,
        "end": segment.end,
        "speaker": segment.speaker,
    }
