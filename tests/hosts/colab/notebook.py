"""A notebook of Colab's or VS Code's kind in a real Chromium: cells, output frames, and what went over the comms."""

from __future__ import annotations

import base64
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import numpy as np
from colab.server import NotebookServer
from playwright.sync_api import Browser, Frame, Page

from tests.support.browser_evidence import watch_pages
from tests.support.chromiums import CHROMIUM_FLAGS, CHROMIUMS, MEDIA_FLAGS
from tests.support.lab import TAP

__all__ = ["COLAB", "INSECURE", "VSCODE", "Browsers", "Notebook", "rendered"]

COLAB = {"late": "drop", "colab": "1", "allow": "autoplay; camera; microphone; xr-spatial-tracking"}
"""Its output frames' permissions; nothing of a thread's after its cell."""
VSCODE = {
    "late": "push",
    "vscode": "1",
    "afm": "0.11",
    "allow": "cross-origin-isolated; autoplay; local-network-access; clipboard-read; clipboard-write",
    "sandbox": "allow-scripts allow-same-origin allow-forms allow-pointer-lock allow-downloads",
}
"""Its webviews' permissions and sandbox: no microphone."""
INSECURE = "notebook.test"
"""A name by which the page is reached that browsers do not trust without https."""


class Notebook:
    """An open notebook."""

    def __init__(self, page: Page, server: NotebookServer) -> None:
        self.page = page
        self.kernel = server
        self.console: list[str] = []
        page.on("console", lambda m: self.console.append(f"{m.type}: {m.text}"))

    def run(self, code: str, *, wait: bool = True, seconds: float = 60) -> str:
        """Run a cell and return its name."""
        cell = self.page.evaluate("(code) => window.host.run(code)", code)
        if wait:
            done = "(cell) => window.host.cells[cell].done"
            self.page.wait_for_function(done, arg=cell, timeout=seconds * 1000)
            errors = self.errors()
            assert errors == [], errors
        return cell

    def frame(self, number: int = -1) -> Frame:
        """Return an output frame, in the order in which they were shown, once its widget is drawn."""
        deadline = time.monotonic() + 30
        while True:
            frames = [f for f in self.page.frames if "/frame.html" in f.url]
            with contextlib.suppress(Exception):
                if frames and frames[number].query_selector("[data-model]"):
                    return frames[number]
            assert time.monotonic() < deadline, f"no output was drawn: {self.errors()} {self.console}"
            self.page.wait_for_timeout(50)

    def errors(self) -> list[str]:
        """What went wrong in cells and frames."""
        return self.page.evaluate("() => window.host.errors")

    def quiet(self, seconds: float = 1.5) -> int:
        """Return how many polls leave while nothing happens."""
        before = self.sent("poll")
        self.page.wait_for_timeout(seconds * 1000)
        return self.sent("poll") - before

    def sent(self, kind: str) -> int:
        """Return how many messages of a type the frames sent."""
        return self.page.evaluate("(kind) => window.host.sent[kind] ?? 0", kind)

    def host(self, name: str) -> Any:
        """Return one of the host's own figures."""
        return self.page.evaluate("(name) => window.host[name]", name)

    def complaints(self) -> list[str]:
        """Return the lines that our own code wrote to the console."""
        return [line for line in self.console if "[smallest_nb]" in line]


def rendered(frame: Frame) -> tuple[np.ndarray, int]:
    """Return what a frame has really rendered up to now, and its rate."""
    frame.evaluate("() => window.__tap.settle()")
    data = base64.b64decode(frame.evaluate("() => window.__tap.read()"))
    return np.frombuffer(data, "<f4").astype(float), frame.evaluate("() => window.__tap.rate")


class Browsers:
    """One Chromium for all notebooks without a microphone of their own."""

    def __init__(self) -> None:
        self._shared = self._launch()

    def close(self) -> None:
        """End it."""
        self._shared.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _launch(self, *flags: str) -> Browser:
        args = [*CHROMIUM_FLAGS, *MEDIA_FLAGS["fake"], f"--host-resolver-rules=MAP {INSECURE} 127.0.0.1", *flags]
        return CHROMIUMS.launch(*args)

    @contextlib.contextmanager
    def browse(
        self, server: NotebookServer, rules: dict[str, str], *, microphone: Path | None = None, **changes: str
    ) -> Iterator[Notebook]:
        """Open a notebook with a host's rules.

        Args:
            server: Its kernel.
            rules: COLAB or VSCODE.
            microphone: A WAV that the browser's microphone hears.
            changes: Other rules, and `origin`, the name by which the page is reached.
        """
        origin = changes.pop("origin", "127.0.0.1")
        own = f"--use-file-for-fake-audio-capture={microphone}%noloop"
        browser = self._launch(own) if microphone is not None else self._shared
        # High enough for two outputs: a frame of another origin that is out of sight is not painted.
        context = browser.new_context(viewport={"width": 1000, "height": 3000}, permissions=["microphone"])
        context.add_init_script(path=TAP)
        context.set_default_timeout(30_000)
        page = context.new_page()
        shown = Notebook(page, server)
        try:
            with watch_pages(context, test=os.environ.get("PYTEST_CURRENT_TEST")):
                page.goto(f"http://{origin}:{server.port}/top.html?{urlencode({**rules, **changes})}")
                page.wait_for_function("() => window.host?.ready")
                yield shown
        finally:
            context.close()
            if browser is not self._shared:
                browser.close()
