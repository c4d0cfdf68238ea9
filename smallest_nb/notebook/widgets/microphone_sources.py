"""The ways to a microphone, one after the other: this page, a tab of its own, the kernel's computer, a file.

A notebook host may forbid its outputs the microphone. The page says so, offers what is left with one press each, and
remembers (in the browser) what was chosen. Imports runtime, bridge, kernel_capture, assets.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from smallest_nb.client import background_loop
from smallest_nb.errors import FrontEndError
from smallest_nb.notebook.comm.tab_server import Tab
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets.kernel_capture import KernelCapture, why_no_capture

if TYPE_CHECKING:
    from smallest_nb.notebook.widgets.microphone import Microphone

__all__ = ["WAYS", "Ladder"]

_log = logging.getLogger(__name__)
WAYS = ("page", "tab", "kernel", "file")
_FAR = ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "JUPYTERHUB_API_URL", "BINDER_SERVICE_HOST")
"""Set where the kernel runs on another computer than the browser, whose localhost it is not."""
_MAX_WAITING = 400
"""Chunks of the kernel's device that may wait, half a minute; then the newest are lost, and counted."""
_LAST_WORDS_SECS = 5.0
"""A page that is asked to stop has handed over its last words by then, or never will."""
_NOT_SHARED = ("comm", "layout", "ladder")

_PAGE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Microphone for your notebook</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/microphone.css"><link rel="stylesheet" href="/tab.css"></head>
<body><main><h1>Microphone for your notebook</h1>
<p id="told">Keep this tab open while you speak. The text appears in the notebook.</p><div id="widget"></div></main>
<script type="module" src="/tab.js" data-session="SESSION"></script></body></html>"""


class Ladder:
    """Which way a microphone goes, and what it takes to go there.

    Args:
        microphone: Whose ways.
        hear: Takes sound of the kernel's device.
    """

    def __init__(self, microphone: Microphone, hear: Callable[[bytes], None]) -> None:
        self._microphone = microphone
        self._hear = hear
        self._tab: Tab | None = None
        self._opening = asyncio.Lock()
        self._capture: KernelCapture | None = None
        self._attempt = 0
        self._waiting = 0
        self._chooser: tuple[str, str | None] | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._looked = False
        self._on_file: list[Callable[[], None]] = []
        self._told: dict[str, Any] = {"ways": [], "via": "page", "url": "", "connected": False, "active": False}
        microphone.on_state(self._entered)

    @property
    def via(self) -> str:
        """The way that was chosen."""
        return str(self._told["via"])

    @property
    def active(self) -> bool:
        """Whether the kernel's own device records."""
        return self._capture is not None

    def on_file(self, handler: Callable[[], None]) -> None:
        """Call `handler()` when a person wants a file in place of the microphone."""
        self._on_file.append(handler)

    def _entered(self, state: str) -> None:
        """Have the notebook's button say Stop while something elsewhere records; at its end nothing stays open."""
        if self.via != "page":
            self._tell(active=state != "idle")
        if state == "idle":
            self._release()
            self._settle()

    def look(self) -> None:
        """Find out, once, which ways there are; told to the page. On the background loop."""
        if not self._looked:
            self._looked = True
            background_loop.submit(self._look())

    async def _look(self) -> None:
        ways = ["page"]
        if not any(os.environ.get(name) for name in _FAR):
            ways.append("tab")
        if await asyncio.to_thread(why_no_capture) is None:
            ways.append("kernel")
        if self._on_file:
            ways.append("file")
        self._tell(ways=ways)

    def choose(self, way: str, page: str | None = None) -> None:
        """Go another way; raised from nobody, so what goes wrong is drawn. On the background loop.

        Args:
            way: One of `WAYS`. A recording that runs ends, with its last words; a clip goes on.
            page: The page that chose it; the microphone is its own afterwards.
        """
        if way not in WAYS:
            _log.warning("the page asked for a microphone by %r", way)
            return
        microphone = self._microphone
        microphone.error = ""
        if way == self.via and (way != "tab" or self._told["connected"]):
            return
        self._chooser = (page, microphone._channel.owner) if page else None  # noqa: SLF001 - our own part
        fed = microphone._fed  # noqa: SLF001 - our own part
        if microphone.state != "idle" and not fed:
            self._end()
        if way == "file":
            for handler in self._on_file:
                handler()
        else:
            self._tell(via=way, active=way != "page" and microphone.state != "idle")
        if way == "tab":
            background_loop.submit(self._open_tab())
        if microphone.state == "idle" or fed:
            self._settle()

    def _end(self) -> None:
        """End what records: the kernel's device at once, a page when it has handed over what it has."""
        self.stop()
        if self._microphone.state != "idle":
            self._microphone._channel.post("mic-stop")  # noqa: SLF001 - our own part
            over = self._microphone._over  # noqa: SLF001 - our own part
            if self._limit is None:
                self._limit = asyncio.get_running_loop().call_later(_LAST_WORDS_SECS, over)

    def _settle(self) -> None:
        """Nothing records by a former way any more: its tab can go, and the page counts that chose the new one."""
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        chooser, former = self._chooser or (None, None)
        self._chooser = None
        channel = self._microphone._channel  # noqa: SLF001 - our own part
        if chooser in channel.pages and channel.owner in (None, former):  # no other page was pressed meanwhile
            channel.claim(chooser)
        if self._tab is not None and self.via != "tab":
            background_loop.submit(self._close_tab())

    def start(self) -> bool:
        """Record by the chosen way; return whether it is for the kernel to do that, and not for the page."""
        if self.via == "kernel":
            background_loop.submit(self._record())
            return True
        if self.via == "tab" and self._tab is not None and self._tab.page_name is not None:
            channel = self._microphone._channel  # noqa: SLF001 - our own part
            channel.claim(self._tab.page_name)
            channel.post("mic-start")
            return True
        return False

    def stop(self) -> None:
        """End what the kernel's own device records, or is about to."""
        if self.via == "kernel":
            self._microphone._over()  # noqa: SLF001 - our own part

    def _release(self) -> None:
        """Close the device; one that is being opened is closed as soon as it is there."""
        self._attempt += 1
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.close()
            self._microphone.dropped = capture.lost

    async def _record(self) -> None:
        microphone = self._microphone
        if microphone.state != "idle":
            return
        self._attempt += 1
        attempt = self._attempt
        microphone.paused = False
        microphone._enter("starting")  # noqa: SLF001 - our own part
        try:
            capture = await asyncio.to_thread(
                KernelCapture,
                microphone.sample_rate,
                microphone.chunk_ms,
                partial(self._hand_over, attempt),
                lambda: background_loop.post(self._gone, attempt),
            )
        except FrontEndError as error:
            if attempt == self._attempt:
                microphone.error = str(error)
                microphone._over()  # noqa: SLF001 - our own part
            _log.warning("%s", error)
            return
        if attempt != self._attempt:  # stopped meanwhile, and perhaps started again
            capture.close()
            return
        self._capture = capture
        microphone.device_rate = capture.device_rate
        microphone.received = 0
        microphone._enter("recording")  # noqa: SLF001 - our own part

    def _gone(self, attempt: int) -> None:
        """The device has ended, by itself or because it was closed here."""
        if attempt == self._attempt:
            self.stop()

    def _hand_over(self, attempt: int, pcm: bytes) -> bool:
        """Pass a chunk to the background loop, unless that is too far behind."""
        room = self._waiting < _MAX_WAITING
        if room:
            self._waiting += 1
            background_loop.post(self._take, attempt, pcm)
        return room

    def _take(self, attempt: int, pcm: bytes) -> None:
        self._waiting -= 1
        if attempt == self._attempt and self._capture is not None and not self._microphone.paused:
            self._hear(pcm)

    async def _open_tab(self) -> None:
        async with self._opening:
            if self._tab is None:
                self._tab = self._make_tab()
                self._microphone._channel.also(self._tab.send)  # noqa: SLF001 - our own part
                self._microphone.observe(self._pass_on)
            tab = self._tab
            try:
                url = await tab.open()
            except OSError as error:
                self._microphone.error = f"The tab's page could not be served ({error})."
                _log.warning("the tab's page could not be served: %s", error)
                return
            if tab is not self._tab:  # given up while it was opened
                await tab.close()
            elif self.via == "tab":
                self._tell(url=url)
            else:
                await self._close_tab()

    def _make_tab(self) -> Tab:
        files = {name: _read(name) for name in ("tab.js", "tab.css", "microphone.js", "microphone.css")}
        tab = Tab(
            {**files, "index.html": _PAGE},
            receive=self._microphone._channel.receive,  # noqa: SLF001 - our own part
            state=self._shared,
            change=self._changed,
            connected=lambda on: self._connected(tab, on),
        )
        return tab

    def _connected(self, tab: Tab, on: bool) -> None:
        """Take the link away, which is used up; the page offers another one once the tab is gone."""
        if tab is self._tab:
            self._tell(connected=on, url="")

    def _shared(self) -> dict[str, Any]:
        names = (n for n in self._microphone.keys if not n.startswith("_") and n not in _NOT_SHARED)
        return {name: getattr(self._microphone, name) for name in names if _is_plain(getattr(self._microphone, name))}

    def _pass_on(self, change: Mapping[str, Any]) -> None:
        if self._tab is not None and change["name"] in self._shared():
            self._tab.set({change["name"]: change["new"]})

    def _changed(self, state: dict[str, Any]) -> None:
        """Take what the tab has set, of what pages may set."""
        known = ("device", "paused", "echo_cancellation", "noise_suppression", "auto_gain_control")
        for name, value in state.items():
            if name in known and isinstance(value, type(getattr(self._microphone, name))):
                setattr(self._microphone, name, value)

    async def _close_tab(self) -> None:
        tab, self._tab = self._tab, None
        if tab is not None:
            self._microphone.unobserve(self._pass_on)
            self._microphone._channel.no_more(tab.send)  # noqa: SLF001 - our own part
            self._tell(url="", connected=False)
            await tab.close()

    def close(self) -> None:
        """End everything."""
        background_loop.post_if_running(self.stop)
        if self._tab is not None:
            background_loop.submit_if_running(self._close_tab())

    def _tell(self, **changes: Any) -> None:
        self._told |= changes
        self._microphone.ladder = dict(self._told)


def _read(name: str) -> bytes:
    path = assets.STATIC / name
    return path.read_bytes() if path.is_file() else b""


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)
