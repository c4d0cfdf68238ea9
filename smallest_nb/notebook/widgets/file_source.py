"""The FileSource: a sound file that plays the microphone's part."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import ipywidgets

from smallest_nb.audio.clip import Clip
from smallest_nb.audio.files import read_sound
from smallest_nb.client import background_loop
from smallest_nb.common.markup import text_html
from smallest_nb.notebook.widgets.task_log import log_failure
from smallest_nb.notebook.widgets.unpicklable import Unpicklable

__all__ = ["FileSource"]

_log = logging.getLogger(__name__)
_PACES = (("as it is spoken", 1.0), ("4 times as fast", 4.0), ("8 times as fast", 8.0))


class FileSource(Unpicklable, ipywidgets.VBox):
    """Choose a file; it is transcribed at once.

    Args:
        play: Awaited with the file's name, the clip and the pace, a multiple of real time.
        begin: Called in the handler of the page's message, before a file is played.
    """

    def __init__(self, play: Callable[[str, Clip, float], Awaitable[None]], begin: Callable[[], None]) -> None:
        self._play = play
        self._begin = begin
        self._upload = ipywidgets.FileUpload(accept="audio/*,.wav,.flac,.ogg,.mp3", multiple=False)
        self._upload.description = "Choose a file"
        self._pace = ipywidgets.Dropdown(options=_PACES, value=4.0, layout=ipywidgets.Layout(width="160px"))
        pace = ipywidgets.HBox([ipywidgets.Label("Pace"), self._pace])
        pace.add_class("snb-control")
        self.status = ipywidgets.HTML()
        super().__init__([ipywidgets.HBox([self._upload, pace], layout=ipywidgets.Layout(flex_flow="row wrap")),
                          self.status])  # fmt: skip
        self._upload.observe(lambda c: self._chosen(c["new"]), names="value")

    def _chosen(self, value: Any) -> None:
        files = list(value.values()) if isinstance(value, dict) else list(value)  # ipywidgets 7, and 8
        if not files:
            return
        name = str(files[0].get("name") or files[0].get("metadata", {}).get("name", "the file"))
        content = bytes(files[0]["content"])
        try:
            clip = read_sound(content)
        except Exception as error:
            self._show(f"⚠ {name}: {error}")
            return
        self._show(f"{name}, {clip.duration:.1f} s")
        self._begin()
        background_loop.submit(self._run(name, clip)).add_done_callback(
            log_failure(_log, "a file was not transcribed", expected=Exception)
        )

    async def _run(self, name: str, clip: Clip) -> None:
        try:
            await self._play(name, clip, float(self._pace.value))
        except Exception as error:
            self._show(f"⚠ {name}: {error}")
            raise
        self._show(f"{name}, {clip.duration:.1f} s: transcribed.")

    def _show(self, text: str) -> None:
        self.status.value = text_html(text)
