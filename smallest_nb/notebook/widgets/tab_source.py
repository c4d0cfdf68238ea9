"""A tab of its own on localhost, where a notebook host allows its outputs no microphone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from smallest_nb.client import background_loop
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.comm.tab_server import Tab
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets.microphone_source import MicrophoneSource, SourceReport

__all__ = ["TabSource"]

_log = logging.getLogger(__name__)
_NOT_OPEN = "The tab with the microphone is not open: open it with the widget's button."

_PAGE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Microphone for your notebook</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/microphone.css"><link rel="stylesheet" href="/tab.css"></head>
<body><main><h1>Microphone for your notebook</h1>
<p id="status">Keep this tab open while you speak. The text appears in the notebook.</p><div id="widget"></div></main>
<script type="module" src="/tab.js" data-session="SESSION"></script></body></html>"""


class TabSource:
    """Serves the tab. Its page is one more page of the channel, so what it records comes through the pages' source.

    Args:
        channel: The microphone's.
        pages: The source of all pages.
        state: Returns the widget's state for the tab, as JSON values.
        change: Takes a state that the tab has set.
        show: Called with what the notebook's page draws: `url` (good for one load, or empty) and `connected`.
    """

    on_pcm: Callable[[bytes], None]
    on_state: Callable[[SourceReport], None]

    def __init__(
        self,
        channel: PartChannel,
        pages: MicrophoneSource,
        *,
        state: Callable[[], dict[str, Any]],
        change: Callable[[dict[str, Any]], None],
        show: Callable[[str, bool], None],
    ) -> None:
        self._channel = channel
        self._pages = pages
        self._state = state
        self._change = change
        self._show = show
        self._tab: Tab | None = None
        self._opening = asyncio.Lock()
        self._wanted = False

    @property
    def page(self) -> str | None:
        """The page in the tab, while it is there."""
        return self._tab.page_name if self._tab is not None else None

    def start(self) -> None:
        """Have the tab record."""
        if self.page is None:
            self.on_state(SourceReport("idle", _NOT_OPEN))
            return
        self._channel.claim(self.page)
        self._channel.post({"type": "mic-start"})

    def stop(self) -> None:
        """Ask the tab to stop; from any thread."""
        self._pages.stop()

    def push(self, name: str, value: Any) -> None:
        """Pass a change of the widget's state on to the tab."""
        if self._tab is not None and name in self._state():
            self._tab.set({name: value})

    def open(self) -> None:
        """Serve the page and show a link to it; does nothing once `close` was called meanwhile."""
        self._wanted = True
        background_loop.submit(self._open())

    def close(self) -> None:
        """Close the tab's page and its server."""
        self._wanted = False
        if self._tab is not None:
            background_loop.submit_if_running(self._close())

    async def _open(self) -> None:
        async with self._opening:
            if self._tab is None:
                self._tab = self._make()
                self._channel.channel.add_route(self._tab.send)
            tab = self._tab
            try:
                url = await tab.open()
            except OSError as error:
                _log.warning("the tab's page could not be served: %s", error)
                self.on_state(SourceReport("idle", f"The tab's page could not be served ({error})."))
                return
            if tab is not self._tab:  # closed while it was opened
                await tab.close()
            elif self._wanted:
                self._show(url, False)
            else:
                await self._close()

    def _make(self) -> Tab:
        files = {name: assets.read(name) for name in ("tab.js", "tab.css", "microphone.js", "microphone.css")}
        tab = Tab(
            {**files, "index.html": _PAGE},
            receive=self._channel.channel.receive,
            state=self._state,
            change=self._change,
            connected=lambda on: self._connected(tab, on),
        )
        return tab

    def _connected(self, tab: Tab, on: bool) -> None:
        """Take the link away, which is used up; the page offers another one once the tab is gone."""
        if tab is self._tab:
            self._show("", on)

    async def _close(self) -> None:
        tab, self._tab = self._tab, None
        if tab is not None:
            self._channel.channel.remove_route(tab.send)
            self._show("", False)
            await tab.close()
