"""The TranscriptView: shows a transcript as it grows, by deltas."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets

from smallest_nb.client import background_loop
from smallest_nb.notebook.comm.messages import Hello, Line, TranscriptAction
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import assets, lifetime
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.results.transcript import Segment, Transcript

__all__ = ["TranscriptView"]

_log = logging.getLogger(__name__)
_BATCH = 200
_MIME = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "json": "application/json",
    "csv": "text/csv",
}


class TranscriptView(SpeechWidget):
    """Shows a transcript: finals frozen, the interim line visibly provisional.

    Args:
        transcript: What to show; changes go through :meth:`apply`.

    Attributes:
        captions: Show the last lines in large type, for a projector.
        audible: A press on a word asks for its sound (:meth:`on_hear`).
    """

    _esm = assets.esm("transcript-view")
    _css = assets.css("transcript-view")

    placeholder = traitlets.Unicode("Nothing heard yet.").tag(sync=True)
    live = traitlets.Bool(False).tag(sync=True)
    captions = traitlets.Bool(False).tag(sync=True)
    audible = traitlets.Bool(False).tag(sync=True)
    names: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)

    def __init__(
        self, transcript: Transcript | None = None, *, within: PartChannel | None = None, **kwargs: Any
    ) -> None:
        super().__init__(within=within, **kwargs)
        self.transcript = transcript if transcript is not None else Transcript()
        self._on_hear: list[Callable[[float], None]] = []
        self._show_names()
        self.transcript.on_rename(lifetime.weakly(self._renamed))
        self._channel.on(Hello, lambda m, _b: background_loop.post(self._show_all, m["page"]))
        self._channel.on(TranscriptAction, lambda m, _b: background_loop.post(self._acted, m))

    def apply(self, segment: Segment) -> None:
        """Fold a result into the transcript and show the line that changed."""
        index, shown = self.transcript.apply(segment)
        if segment.is_final:
            self.error = ""  # what was missing may be there now
        self._channel.post({"type": "lines", "reset": False, "lines": [self._line(index, shown)]})

    def clear(self) -> None:
        """Drop everything."""
        self.transcript.clear()
        self.error = ""
        self._channel.post({"type": "lines", "reset": True, "lines": []})

    def show_again(self) -> None:
        """Show the whole transcript, after a change that did not go through :meth:`apply`."""
        self._show_names()
        background_loop.post(self._show_all, None)

    def on_hear(self, handler: Callable[[float], None]) -> None:
        """Call `handler(seconds)` on the background loop when a person presses a word."""
        self._on_hear.append(handler)

    def mark(self, at: float | None) -> None:
        """Mark what is heard again at a second of the transcript, or nothing."""
        self._channel.post({"type": "now", "at": at})

    def _acted(self, message: TranscriptAction) -> None:
        """Do what a person did. On the background loop."""
        self.error = ""
        try:
            if message["action"] == "rename":
                self.transcript.rename(message["number"], message["text"])
            elif message["action"] == "save":
                self._send_file(message["text"], message["page"])
            elif message["action"] == "hear":
                for handler in self._on_hear:
                    handler(float(message["at"]))
        except Exception as error:
            self.error = str(error)
            _log.info("%s in the transcript failed: %s", message["action"], error)

    def _send_file(self, suffix: str, to: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = self.transcript.save(Path(folder) / f"transcript.{suffix}")
            mime = _MIME.get(suffix, "text/plain")
            self._channel.post({"type": "file", "name": path.name, "mime": mime}, path.read_bytes(), to=to)

    def _renamed(self, _speaker: int, _name: str) -> None:
        self._show_names()

    def _show_names(self) -> None:
        self.names = {str(speaker): name for speaker, name in self.transcript.names.items()}

    def _line(self, index: int, segment: Segment) -> Line:
        """Return a line for the page; the first one of another recording is marked with what that is called."""
        line = _line(index, segment)
        if index and segment.source and segment.source != self.transcript.segments[index - 1].source:
            line["mark"] = segment.source
        return line

    def _show_all(self, to: str | None) -> None:
        lines = [self._line(i, s) for i, s in enumerate(self.transcript.segments)]
        if self.transcript.interim is not None:
            lines.append(self._line(len(lines), self.transcript.interim))
        for at in range(0, max(1, len(lines)), _BATCH):
            self._channel.post({"type": "lines", "reset": at == 0, "lines": lines[at : at + _BATCH]}, to=to)

    def describe(self) -> str:
        """Return one line."""
        return f"TranscriptView({self.transcript!r})"

    def static_html(self) -> str:
        """Return the transcript as HTML."""
        return self.transcript._repr_html_()


def _line(index: int, segment: Segment) -> Line:
    return {
        "i": index,
        "text": segment.text,
        "final": segment.is_final,
        "start": segment.start,
        "end": segment.end,
        "speaker": segment.speaker,
        "language": segment.language,
        "words": [[w.text, w.start, w.end, w.confidence] for w in segment.words] if segment.is_final else [],
    }
