"""The Chromiums of this process: one for each kind of page, started when first asked for and kept from test to test.

A page in a browser that has shown JupyterLab before is ready in two thirds of the time. A test gets pages of its own;
what else it could leave behind (cookies, permissions) is taken back after it, and a test that fails takes its browser
with it.

Playwright's event loop runs in the thread of the tests as long as a browser is kept. Tests that run a loop of their own
cannot work beside it: `tests/conftest.py` ends the browsers before the first test that drives no page.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Playwright, sync_playwright

__all__ = ["CHROMIUMS", "CHROMIUM_FLAGS", "MEDIA_FLAGS", "Chromiums", "find_chromium"]

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
MEDIA_FLAGS = {
    "fake": ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"],
    "no device": ["--use-fake-ui-for-media-stream"],
    "denied": ["--use-fake-device-for-media-stream", "--deny-permission-prompts"],
}


def find_chromium() -> str:
    """Return the browser that `make test` found."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "No Chromium: run the tests with `make test`, which finds or installs one."
    return found


class Chromiums:
    """Keeps Playwright and one browser context, with a profile and a process of its own, for each kind of page."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._folder: Path | None = None
        self._kept: dict[tuple[object, ...], BrowserContext] = {}

    @property
    def playwright(self) -> Playwright:
        """The only Playwright of this process: two cannot run at once."""
        if self._playwright is None:
            self._playwright = sync_playwright().start()
            atexit.register(self.close)
        return self._playwright

    def launch(self, *flags: str) -> Browser:
        """Start a browser that the caller ends."""
        return self.playwright.chromium.launch(executable_path=find_chromium(), headless=True, args=list(flags))

    @contextlib.contextmanager
    def borrow(
        self, *, viewport: tuple[int, int], scripts: tuple[Path | str, ...] = (), media: str = "fake",
        microphone: Path | None = None, number: int = 0,
    ) -> Iterator[BrowserContext]:  # fmt: skip
        """Lend a kept browser context, and close the pages that were opened in it.

        Args:
            viewport: Width and height of its pages.
            scripts: Files or JavaScript that each page runs first.
            media: A key of :data:`MEDIA_FLAGS`.
            microphone: A WAV that the browser's microphone hears once, from each opening of it on.
            number: Tells apart browsers of one kind that are used at the same time.
        """
        kind = (viewport, scripts, media, microphone is not None, number)
        context = self._kept.get(kind)
        if context is None:
            context = self._kept[kind] = self._open(kind)
        if microphone is not None:
            # Chromium reads the file when the microphone is opened.
            shutil.copyfile(microphone, self._microphone(number))
        others = list(context.pages)  # an empty one, which keeps the browser, and those of a fixture that has it too
        try:
            yield context
            for page in context.pages:
                if page not in others:
                    page.close()
            if len(others) == 1:
                context.clear_cookies()  # those of a server are sent to all ports
                self._permit(context, media)
        except BaseException:
            if len(others) == 1:
                self._kept.pop(kind, None)
                with contextlib.suppress(Error):
                    context.close()
            raise

    def close(self) -> None:
        """End them all, and Playwright."""
        if self._playwright is None:
            return
        atexit.unregister(self.close)
        for context in self._kept.values():
            with contextlib.suppress(Error):  # it crashed
                context.close()
        self._kept.clear()
        self._playwright.stop()
        self._playwright = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _microphone(self, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"microphone-{number}.wav"

    def _open(self, kind: tuple[Any, ...]) -> BrowserContext:
        (width, height), scripts, media, with_file, number = kind
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="chromiums-"))
        flags = CHROMIUM_FLAGS + MEDIA_FLAGS[media]
        if with_file:
            flags.append(f"--use-file-for-fake-audio-capture={self._microphone(number)}%noloop")
        profile = tempfile.mkdtemp(prefix="profile-", dir=self._folder)
        context = self.playwright.chromium.launch_persistent_context(
            profile, executable_path=find_chromium(), headless=True, args=flags,
            viewport={"width": width, "height": height},
        )  # fmt: skip
        context.set_default_timeout(30_000)
        self._permit(context, media)
        for script in scripts:
            if isinstance(script, Path):
                context.add_init_script(path=script)
            else:
                context.add_init_script(script)
        return context

    @staticmethod
    def _permit(context: BrowserContext, media: str) -> None:
        context.clear_permissions()
        context.grant_permissions(["microphone"] if media == "fake" else [])  # all others are refused


CHROMIUMS = Chromiums()
