"""The ways to a microphone, one after the other: this page, a tab of its own, the kernel's computer, a file.

A notebook host may forbid its outputs the microphone. The page says so, offers what is left with one press each, and
remembers (in the browser) what was chosen. Imports runtime, bridge, kernel_capture, assets.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from smallest_nb import runtime
from smallest_nb.bridge.tab import Tab
from smallest_nb.errors import FrontEndError
from smallest_nb.widgets import assets
from smallest_nb.widgets.kernel_capture import KernelCapture, why_no_capture

if TYPE_CHECKING:
    from smallest_nb.widgets.microphone import Microphone

__all__ = ["WAYS", "Ladder"]

_log = logging.getLogger(__name__)
WAYS = ("page", "tab", "kernel", "file")
_FAR = ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "JUPYTERHUB_API_URL", "BINDER_SERVICE_HOST")
"""Set where the kernel runs on another computer than the browser, whose localhost it is not."""
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
        self._capture: KernelCapture | None = None
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
        """Have the notebook's button say Stop while something elsewhere records."""
        if self.via != "page":
            self._tell(active=state != "idle")

    def look(self) -> None:
        """Find out which ways there are; told to the page. On the background loop."""
        ways = ["page"]
        if not any(os.environ.get(name) for name in _FAR):
            ways.append("tab")
        if why_no_capture() is None:
            ways.append("kernel")
        if self._on_file:
            ways.append("file")
        self._tell(ways=ways)

    def choose(self, way: str) -> None:
        """Go another way; raised from nobody, so what goes wrong is drawn. On the background loop."""
        if way not in WAYS:
            _log.warning("the page asked for a microphone by %r", way)
            return
        self._microphone.error = ""
        if way == "file":
            for handler in self._on_file:
                handler()
            return
        self.stop()
        self._tell(via=way, active=False)
        if way == "tab":
            runtime.submit(self._open_tab())
        elif self._tab is not None:
            runtime.submit(self._close_tab())

    def start(self) -> bool:
        """Record by the chosen way; return whether it is for the kernel to do that, and not for the page."""
        if self.via == "kernel":
            self._record()
            return True
        if self.via == "tab" and self._tab is not None and self._tab.page_name is not None:
            channel = self._microphone._channel  # noqa: SLF001 - our own part
            channel.claim(self._tab.page_name)
            channel.post("mic-start")
            return True
        return False

    def stop(self) -> None:
        """End what the kernel's own device records."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.close()
            self._microphone._enter("idle")  # noqa: SLF001 - our own part

    def _record(self) -> None:
        if self._capture is not None or self._microphone.state != "idle":
            return
        microphone = self._microphone
        try:
            self._capture = KernelCapture(
                microphone.sample_rate,
                microphone.chunk_ms,
                lambda pcm: runtime.post(self._take, pcm),
                lambda: runtime.post(self.stop),
            )
        except FrontEndError as error:
            microphone.error = str(error)
            _log.warning("%s", error)
            return
        microphone.device_rate = self._capture.device_rate
        microphone.received = 0
        microphone._enter("recording")  # noqa: SLF001 - our own part

    def _take(self, pcm: bytes) -> None:
        if self._capture is not None and not self._microphone.paused:
            self._hear(pcm)

    async def _open_tab(self) -> None:
        try:
            if self._tab is None:
                self._tab = self._make_tab()
                self._microphone._channel.also(self._tab.send)  # noqa: SLF001 - our own part
                self._microphone.observe(self._pass_on)
            self._tell(url=await self._tab.open())
        except OSError as error:
            self._microphone.error = f"The tab's page could not be served ({error})."
            _log.warning("the tab's page could not be served: %s", error)

    def _make_tab(self) -> Tab:
        files = {name: _read(name) for name in ("tab.js", "tab.css", "microphone.js", "microphone.css")}
        return Tab(
            {**files, "index.html": _PAGE},
            receive=self._microphone._channel.receive,  # noqa: SLF001 - our own part
            state=self._shared,
            change=self._changed,
            connected=lambda on: self._tell(connected=on, url="" if on else self._told["url"]),
        )

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
            await tab.close()
            self._tell(url="", connected=False)

    def close(self) -> None:
        """End everything."""
        runtime.post(self.stop)
        if self._tab is not None:
            runtime.submit(self._close_tab())

    def _tell(self, **changes: Any) -> None:
        self._told |= changes
        self._microphone.ladder = dict(self._told)


def _read(name: str) -> bytes:
    path = assets.STATIC / name
    return path.read_bytes() if path.is_file() else b""


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)
